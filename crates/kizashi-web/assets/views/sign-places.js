// At which sensors and groups of a fleet a sign is seen, each with what came there and what is usual there.
import { html } from "../html.js";
import { words } from "../language.js";
import { address } from "../router.js";
import { count, plain } from "../format.js";
import { safe } from "../parts.js";

/** @typedef {import("../api.js").Sign} Sign */
/** @typedef {import("../api.js").SeenPlace} SeenPlace */

/** @param {{ place: SeenPlace, href?: string }} props */
function Place({ place, href }) {
  const name = safe(place.name);
  return html`<li>${href ? html`<a href=${href}>${name}</a>` : html`<b>${name}</b>`} <span class="many">${count(place.sources)}</span> <span class="quiet">${words().signs.usualThere(plain(place.expected))}</span></li>`;
}

/** @param {{ sign: Sign }} props */
export function Places({ sign }) {
  const seen = sign.seen_at;
  if (!seen) return null;
  const said = words().signs;
  const { sensors, groups } = seen;
  const rest = sensors.count - sensors.named.length;
  return html`<section class="panel" aria-labelledby="places-title">
    <div class="head"><h2 id="places-title">${said.where}</h2><p>${sensors.count > 0 ? said.seenBy(count(sensors.count), count(sensors.of)) : said.seenTogether}</p></div>
    ${sensors.named.length > 0 && html`<ul class="places">${sensors.named.map((place) => html`<${Place} key=${place.name} place=${place} href=${address("sensor", { name: place.name })} />`)}${rest > 0 && html`<li class="quiet">${said.andMore(count(rest))}</li>`}</ul>`}
    ${groups.named.length > 0 && html`<h3>${said.groups}</h3><ul class="places">${groups.named.map((place) => html`<${Place} key=${place.name} place=${place} />`)}</ul>`}
  </section>`;
}

// What happens now, newest first. It can be stopped for reading.
import { html } from "../html.js";
import { words } from "../language.js";
import { connection, feed, missed, paused, skipped } from "../state.js";
import { second } from "../format.js";
import { Empty, Hostile, Loading, safe } from "../parts.js";

/** Lines shown. */
const LINES = 40;

function toggle() {
  paused.value = !paused.value;
  if (!paused.value) {
    skipped.value += missed.value;
    missed.value = 0;
  }
}

/** @param {{ item: import("../api.js").FeedItem }} props */
function Line({ item }) {
  return html`<li>
    <time datetime=${item.time} title=${item.time}>${second(item.time)}</time>
    <span class="source" title=${safe(item.scanner ?? item.source)}><bdi>${safe(item.source)}</bdi>${item.scanner && ` ${safe(item.scanner)}`}</span>
    <a href=${`#/port/${item.port}`} title=${safe(item.port)}>${item.service === "unknown" ? safe(item.port) : safe(item.service)}</a>
    <span class="what"><span class="action">${safe(item.action)}</span> ${item.text !== "" && html`<${Hostile} text=${item.text} />`}</span>
  </li>`;
}

export function Feed() {
  const lines = feed.value;
  const said = words().feed;
  return html`<section class="feed" aria-labelledby="feed-title">
    <div class="head">
      <h2 id="feed-title">${said.title}</h2>
      <button type="button" class="button end" aria-pressed=${paused.value} onClick=${toggle}>
        ${paused.value ? said.goOn(missed.value) : said.pause}
      </button>
    </div>
    ${lines === null && html`<${Loading} lines=${8} />`}
    ${lines?.length === 0 && html`<${Empty}>${connection.value === "live" ? said.listening : said.waiting}<//>`}
    ${lines && lines.length > 0 && html`<ol tabindex="0" aria-label=${said.label}>
      ${lines.slice(0, LINES).map(({ number, item }) => html`<${Line} key=${number} item=${item} />`)}
    </ol>`}
    ${skipped.value > 0 && html`<p class="note">${said.skipped(skipped.value)}</p>`}
  </section>`;
}

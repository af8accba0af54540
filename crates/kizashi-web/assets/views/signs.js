// The signs as cards: what, since when, how sure, how much.
import { html } from "../html.js";
import { getSign } from "../api.js";
import { language, portInWords, words } from "../language.js";
import { isMuted, signs, signsError, now, useAnswer } from "../state.js";
import { chance, count, moment, plain, ratio, span } from "../format.js";
import { Empty, Failure, Loading, PageHead, SeverityMark, safe } from "../parts.js";

/** @typedef {import("../api.js").Sign} Sign */

/** @type {Record<string, number>} */
const RANKS = { critical: 3, high: 2, medium: 1, low: 0 };

/** The more, the more it asks of a person. @param {Sign} sign */
export const strength = (sign) => (RANKS[sign.severity] ?? 0) * 1e9 + sign.ratio_low * Math.min(sign.days, 10_000);

/** @param {Sign} sign */
export const address = (sign) => `#/sign/${encodeURIComponent(sign.id)}`;

/** Whether it tells that something stopped. @param {Sign} sign */
export const isSilence = (sign) => sign.kind === "port-silent" || sign.kind === "sensor-silent";

/** Whether it is of the whole sensor, and its key says nothing. @param {Sign} sign */
export const isWhole = (sign) => sign.kind === "sensor-wide" || sign.kind === "sensor-silent" || isOfTheHouse(sign);

/** Whether the house itself tells it: no visitor came more or less. @param {Sign} sign */
export const isOfTheHouse = (sign) => sign.kind === "sensor-away" || sign.kind === "misbehaviour";

/** @param {Sign} sign */
export function title(sign) {
  if (sign.kind === "sensor-wide") return words().signs.many;
  if (sign.kind === "sensor-silent") return words().signs.nothing;
  if (sign.kind === "sensor-away") return words().signs.away(safe(sign.label.replace(/^sensor /, "")));
  if (sign.kind === "misbehaviour") return words().signs.misbehaved;
  if (sign.kind === "port-silent") return words().signs.silent(safe(portInWords(sign.key, sign.label).label));
  return safe(nameOf(sign) ?? portInWords(sign.key, sign.label).label);
}

/** Where in a fleet it is seen: which sensor or group raised it, and how many sensors see it. @param {{ sign: Sign }} props */
export function SeenAt({ sign }) {
  const said = words().signs;
  const { sensor, group } = sign.scope ?? {};
  const seen = sign.seen_at?.sensors;
  const raised = sensor !== undefined ? said.atSensor(sensor) : group !== undefined ? said.inGroup(group) : null;
  const parts = [raised !== null && safe(raised), seen && seen.count > 0 && said.atSensors(count(seen.count), count(seen.of))].filter(Boolean);
  return parts.length > 0 && html`<span class="quiet">${parts.join(" · ")}</span>`;
}

/** What it is recognised as, in the page's language. @param {Sign} sign */
const nameOf = (sign) => (language.value === "ja" && sign.name_ja) || sign.name;

/** How long a silence has lasted. @param {Sign} sign */
export const silentFor = (sign) => span((sign.open ? now().getTime() : Date.parse(sign.until)) - Date.parse(sign.since));

/** Sources that came against those expected, as two bars on one scale. @param {{ sign: Sign }} props */
export function Against({ sign }) {
  const most = Math.max(sign.sources, sign.expected_sources, 1);
  const wide = (/** @type {number} */ n) => ({ width: `${Math.max(1, (n / most) * 100).toFixed(1)}%` });
  return html`<dl class="against">
    <div><dt>${words().signs.came}</dt><dd><span class="bar came" style=${wide(sign.sources)}></span><b>${count(sign.sources)}</b></dd></div>
    <div><dt>${words().signs.expected}</dt><dd><span class="bar" style=${wide(sign.expected_sources)}></span><b>${plain(sign.expected_sources)}</b></dd></div>
  </dl>`;
}

/** How much, and of what. @param {{ sign: Sign }} props */
function Measure({ sign }) {
  const said = words().signs;
  if (isSilence(sign)) {
    return html`<p class="ratio">0<small>${said.within(silentFor(sign))}</small></p>
      <p class="aside">${sign.kind === "sensor-silent" ? said.checkMachine : said.checkPort}</p>`;
  }
  if (sign.kind === "sensor-wide") {
    return html`<p class="ratio">${count(sign.ports?.length ?? 0)}<small>${said.ports}</small></p>
      <p class="aside">${said.machineLikely}</p>`;
  }
  return html`<p class="ratio">${ratio(sign.ratio)}<small>${said.range(plain(sign.ratio_low), plain(sign.ratio_high))}</small></p>
    <${Against} sign=${sign} />`;
}

/** What to do, from the sign's own page. @param {{ sign: Sign }} props */
function Todo({ sign }) {
  const { data } = useAnswer((signal) => getSign(sign.id, language.value, signal), `todo ${sign.id} ${language.value}`);
  return html`<dd class="todo">${data ? safe(data.advisory.what_to_do) : ""}</dd>`;
}

/** @param {{ sign: Sign }} props */
function Card({ sign }) {
  const said = words().signs;
  const delay = Date.parse(sign.detected) - Date.parse(sign.since);
  return html`<li class="card ${sign.severity}">
    <a href=${address(sign)}>
      <header>
        <${SeverityMark} severity=${sign.severity} />
        <h3>${title(sign)}</h3>
        ${!isWhole(sign) && html`<code>${safe(sign.key)}</code>`}
      </header>
      ${(sign.scope || (sign.seen_at?.sensors.count ?? 0) > 0) && html`<p class="seen"><${SeenAt} sign=${sign} /></p>`}
      <div class="measure"><${Measure} sign=${sign} /></div>
      <dl class="about">
        <dt>${said.about.since}</dt><dd>${moment(sign.since, now())}<span class="quiet"> ${said.about.found(span(delay))}</span></dd>
        <dt>${said.about.sure}</dt><dd>${said.about.byChance(chance(sign.days))}</dd>
        <dt>${said.about.todo}</dt><${Todo} sign=${sign} />
      </dl>
    </a>
  </li>`;
}

/** A sign that is over, on one line. @param {{ sign: Sign }} props */
function Past({ sign }) {
  const much = sign.kind === "sensor-wide" ? words().signs.portCount(sign.ports?.length ?? 0) : isSilence(sign) ? silentFor(sign) : isOfTheHouse(sign) ? "" : ratio(sign.ratio);
  return html`<li><a href=${address(sign)}>
    <${SeverityMark} severity=${sign.severity} />
    <span class="name"><b>${title(sign)}</b> ${!isWhole(sign) && html`<code>${safe(sign.key)}</code>`} <${SeenAt} sign=${sign} /></span>
    <span class="much">${much}</span>
    <time datetime=${sign.since} title=${sign.since}>${moment(sign.since, now())}</time>
  </a></li>`;
}

/** The signs that are open, the strongest first. */
export function OpenSigns() {
  const known = signs.value;
  const said = words().signs;
  const all = (known ?? []).filter((sign) => sign.open).sort((a, b) => strength(b) - strength(a));
  const [open, silenced] = [all.filter((sign) => !isMuted(sign)), all.filter(isMuted)];
  if (signsError.value) return html`<${Failure} error=${new Error(signsError.value)} />`;
  return html`${open.length > 0 && html`<section class="signs" aria-labelledby="open-title">
    <div class="head"><h2 id="open-title">${said.open(open.length)}</h2><p>${said.lead}</p></div>
    <ol class="cards">${open.map((sign) => html`<${Card} key=${sign.id} sign=${sign} />`)}</ol>
  </section>`}
  ${silenced.length > 0 && html`<details class="silenced"><summary>${said.silenced(silenced.length)}</summary>
    <ol class="past">${silenced.map((sign) => html`<${Past} key=${sign.id} sign=${sign} />`)}</ol></details>`}`;
}

/** The signs that are over, the latest first; nothing where there are none. @param {{ most?: number }} props */
export function PastSigns({ most = Infinity }) {
  const said = words().signs;
  const over = (signs.value ?? []).filter((sign) => !sign.open).sort((a, b) => b.detected.localeCompare(a.detected));
  if (over.length === 0) return null;
  return html`<section class="signs" aria-labelledby="past-title">
    <div class="head"><h2 id="past-title">${said.over}</h2></div>
    <ol class="past">${over.slice(0, most).map((sign) => html`<${Past} key=${sign.id} sign=${sign} />`)}</ol>
    ${over.length > most && html`<a class="more" href="#/signs">${said.all(signs.value?.length ?? 0)}</a>`}
  </section>`;
}

/** The page of all signs. */
export function SignsPage() {
  const said = words().signs;
  return html`<div class="page">
    <${PageHead} title=${said.title} lead=${said.pageLead} />
    ${signs.value === null && !signsError.value && html`<${Loading} lines=${5} />`}
    ${signs.value?.length === 0 && html`<${Empty}>${said.none}<//>`}
    <${OpenSigns} /><${PastSigns} />
  </div>`;
}

// The signs as cards: what, since when, how sure, how much.
import { html } from "../html.js";
import { portInWords, words } from "../language.js";
import { signs, signsError, now } from "../state.js";
import { chance, count, moment, plain, ratio, span } from "../format.js";
import { Failure, Loading, SeverityMark, safe, severityName } from "../parts.js";

/** @typedef {import("../api.js").Sign} Sign */

/** Signs that are over, shown before one asks for more. */
const FIRST = 5;

/** @type {Record<string, number>} */
const RANKS = { critical: 3, high: 2, medium: 1, low: 0 };

/** The more, the more it asks of a person. @param {Sign} sign */
export const strength = (sign) => (RANKS[sign.severity] ?? 0) * 1e9 + sign.ratio_low * Math.min(sign.days, 10_000);

/** @param {Sign} sign */
export const address = (sign) => `#/sign/${encodeURIComponent(sign.id)}`;

/** Whether it tells that something stopped. @param {Sign} sign */
export const isSilence = (sign) => sign.kind === "port-silent" || sign.kind === "sensor-silent";

/** Whether it is of the whole sensor, and its key says nothing. @param {Sign} sign */
export const isWhole = (sign) => sign.kind === "sensor-wide" || sign.kind === "sensor-silent";

/** @param {Sign} sign */
export function title(sign) {
  if (sign.kind === "sensor-wide") return words().signs.many;
  if (sign.kind === "sensor-silent") return words().signs.nothing;
  if (sign.kind === "port-silent") return words().signs.silent(safe(portInWords(sign.key, sign.label).label));
  return safe(sign.name ?? portInWords(sign.key, sign.label).label);
}

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

/** @param {{ sign: Sign }} props */
function Card({ sign }) {
  const delay = Date.parse(sign.detected) - Date.parse(sign.since);
  return html`<li class="card">
    <a href=${address(sign)}>
      <header>
        <${SeverityMark} severity=${sign.severity} />
        <h3>${title(sign)}</h3>
        ${!isWhole(sign) && html`<code>${safe(sign.key)}</code>`}
      </header>
      <div class="measure"><${Measure} sign=${sign} /></div>
      <p class="when">${words().signs.when(html`<b>${moment(sign.since, now())}</b>`, span(delay), severityName(sign.severity), chance(sign.days))}</p>
    </a>
  </li>`;
}

/** A sign that is over, on one line. @param {{ sign: Sign }} props */
function Past({ sign }) {
  const much = sign.kind === "sensor-wide" ? words().signs.portCount(sign.ports?.length ?? 0) : isSilence(sign) ? silentFor(sign) : ratio(sign.ratio);
  return html`<li><a href=${address(sign)}>
    <${SeverityMark} severity=${sign.severity} />
    <span class="name"><b>${title(sign)}</b> ${!isWhole(sign) && html`<code>${safe(sign.key)}</code>`}</span>
    <span class="much">${much}</span>
    <time datetime=${sign.since} title=${sign.since}>${moment(sign.since, now())}</time>
  </a></li>`;
}

/** @param {{ all?: boolean }} props */
export function Signs({ all = false }) {
  const known = signs.value;
  const said = words().signs;
  const open = (known ?? []).filter((sign) => sign.open).sort((a, b) => strength(b) - strength(a));
  const over = (known ?? []).filter((sign) => !sign.open).sort((a, b) => b.detected.localeCompare(a.detected));
  const shown = all ? over : over.slice(0, FIRST);
  return html`<section class="signs" aria-labelledby="signs-title">
    <div class="head">
      <h2 id="signs-title">${open.length > 0 ? said.open(open.length) : said.title}</h2>
      <p>${said.lead}</p>
    </div>
    ${signsError.value && html`<${Failure} error=${new Error(signsError.value)} />`}
    ${known === null && !signsError.value && html`<${Loading} lines=${4} />`}
    ${known?.length === 0 && html`<p class="note">${said.none}</p>`}
    <ol class="cards">${open.map((sign) => html`<${Card} key=${sign.id} sign=${sign} />`)}</ol>
    ${shown.length > 0 && html`<h3 class="past">${said.over}</h3><ol class="past">${shown.map((sign) => html`<${Past} key=${sign.id} sign=${sign} />`)}</ol>`}
    ${shown.length < over.length && html`<a class="more" href="#/signs">${said.all(over.length + open.length)}</a>`}
  </section>`;
}

// The signs as cards: what, since when, how sure, how much.
import { html } from "../html.js";
import { signs, signsError, now } from "../state.js";
import { chance, count, counted, moment, plain, ratio, span } from "../format.js";
import { Failure, Loading, SEVERITY, SeverityMark, safe } from "../parts.js";

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
  if (sign.kind === "sensor-wide") return "Many ports rose at once";
  if (sign.kind === "sensor-silent") return "Nothing comes any more";
  if (sign.kind === "port-silent") return html`${safe(sign.label)} fell silent`;
  return safe(sign.name ?? sign.label);
}

/** How long a silence has lasted. @param {Sign} sign */
export const silentFor = (sign) => span((sign.open ? now().getTime() : Date.parse(sign.until)) - Date.parse(sign.since));

/** Sources that came against those expected, as two bars on one scale. @param {{ sign: Sign }} props */
export function Against({ sign }) {
  const most = Math.max(sign.sources, sign.expected_sources, 1);
  const wide = (/** @type {number} */ n) => ({ width: `${Math.max(1, (n / most) * 100).toFixed(1)}%` });
  return html`<dl class="against">
    <div><dt>came</dt><dd><span class="bar came" style=${wide(sign.sources)}></span><b>${count(sign.sources)}</b></dd></div>
    <div><dt>expected</dt><dd><span class="bar" style=${wide(sign.expected_sources)}></span><b>${plain(sign.expected_sources)}</b></dd></div>
  </dl>`;
}

/** How much, and of what. @param {{ sign: Sign }} props */
function Measure({ sign }) {
  if (isSilence(sign)) {
    return html`<p class="ratio">0<small>in ${silentFor(sign)}</small></p>
      <p class="aside">${sign.kind === "sensor-silent" ? "Check that this machine can be reached: until something comes no attack is seen." : "Check that it can still be reached; other ports are."}</p>`;
  }
  if (sign.kind === "sensor-wide") {
    return html`<p class="ratio">${count(sign.ports?.length ?? 0)}<small>ports</small></p>
      <p class="aside">More likely this machine (back from an outage, a new address) than attackers.</p>`;
  }
  return html`<p class="ratio">${ratio(sign.ratio)}<small>${plain(sign.ratio_low)} to ${plain(sign.ratio_high)}</small></p>
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
      <p class="when">Since <b>${moment(sign.since, now())}</b>, found ${span(delay)} later. ${SEVERITY[sign.severity] ?? ""}: by chance ${chance(sign.days)}.</p>
    </a>
  </li>`;
}

/** A sign that is over, on one line. @param {{ sign: Sign }} props */
function Past({ sign }) {
  const much = sign.kind === "sensor-wide" ? counted(sign.ports?.length ?? 0, "port") : isSilence(sign) ? silentFor(sign) : ratio(sign.ratio);
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
  const open = (known ?? []).filter((sign) => sign.open).sort((a, b) => strength(b) - strength(a));
  const over = (known ?? []).filter((sign) => !sign.open).sort((a, b) => b.detected.localeCompare(a.detected));
  const shown = all ? over : over.slice(0, FIRST);
  return html`<section class="signs" aria-labelledby="signs-title">
    <div class="head">
      <h2 id="signs-title">${open.length > 0 ? `${count(open.length)} open ${open.length === 1 ? "sign" : "signs"}` : "Signs"}</h2>
      <p>More sources than a port's past explains, or none any more</p>
    </div>
    ${signsError.value && html`<${Failure} error=${new Error(signsError.value)} />`}
    ${known === null && !signsError.value && html`<${Loading} lines=${4} />`}
    ${known?.length === 0 && html`<p class="note">None so far. Kizashi learns what is usual on each port from the first hour on, and tells here when that changes.</p>`}
    <ol class="cards">${open.map((sign) => html`<${Card} key=${sign.id} sign=${sign} />`)}</ol>
    ${shown.length > 0 && html`<h3 class="past">Over</h3><ol class="past">${shown.map((sign) => html`<${Past} key=${sign.id} sign=${sign} />`)}</ol>`}
    ${shown.length < over.length && html`<a class="more" href="#/signs">All ${counted(over.length + open.length, "sign")}</a>`}
  </section>`;
}

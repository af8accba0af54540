// Small parts that several views use.
import { html } from "./html.js";
import { escapeAgain, escapeForPeople } from "./escape.js";
import { count, moment } from "./format.js";
import { words } from "./language.js";
import { askAgain, now } from "./state.js";

/** @typedef {import("./api.js").Severity} Severity */

/** Text that an attacker chose. `bdi` keeps right-to-left letters from reordering what stands beside them. `written`: the
 * server has written out its bytes already.
 * @param {{ text: string, written?: boolean }} props */
export function Hostile({ text, written = false }) {
  if (text === "") return html`<span class="none">${words().none}</span>`;
  const shown = written ? escapeAgain(text) : escapeForPeople(text);
  return html`<bdi class="hostile" title=${shown.slice(0, 600)}>${shown}</bdi>`;
}

/** Text that the server has escaped already. @param {string} text */
export const safe = (text) => escapeAgain(text);

/** A moment for people, with the exact one on hovering. @param {{ at: string }} props */
export function Moment({ at }) {
  return html`<time datetime=${at} title=${at}>${moment(at, now())}</time>`;
}

/** How severe, in a word. @param {Severity} severity */
export const severityName = (severity) => words().severity[severity] ?? words().severity.unknown;

/** Told apart by shape and filling, not by hue. @param {{ severity: Severity }} props */
export function SeverityMark({ severity }) {
  return html`<svg class="severity ${severity}" viewBox="0 0 16 16" width="16" height="16" role="img"
    aria-label=${words().severity.of(severityName(severity))}>
    ${severity === "low" ? html`<circle cx="8" cy="8" r="5" />` : html`<path d="M8 2 L14.5 13.5 H1.5 Z" />`}
  </svg>`;
}

/** The course of counts, oldest first: an area with a line on it and a dot at its end.
 * @param {{ values: number[], label: string }} props */
export function Sparkline({ values, label }) {
  const [width, height] = [132, 30];
  if (values.length < 2) return html`<span class="none">${words().tooNew}</span>`;
  const most = Math.max(1, ...values);
  const x = (/** @type {number} */ at) => ((at / (values.length - 1)) * (width - 4) + 1).toFixed(1);
  const y = (/** @type {number} */ value) => (height - 2 - (value / most) * (height - 5)).toFixed(1);
  const line = values.map((value, at) => `${at === 0 ? "M" : "L"}${x(at)} ${y(value)}`).join("");
  const last = values.length - 1;
  return html`<svg class="spark" viewBox=${`0 0 ${width} ${height}`} width=${width} height=${height} role="img" aria-label=${label}>
    <path class="area" d=${`${line}L${x(last)} ${height}L${x(0)} ${height}Z`} />
    <path class="line" d=${line} />
    <circle cx=${x(last)} cy=${y(values[last] ?? 0)} r="2" />
  </svg>`;
}

/** Texts with their counts as bars, most first. Texts are attackers' own.
 * @param {{ rows: [string, number][], lines?: boolean, written?: boolean }} props */
export function Bars({ rows, lines = false, written = false }) {
  const most = Math.max(1, ...rows.map(([, events]) => events));
  return html`<ol class=${lines ? "bars lines" : "bars"}>
    ${rows.map(
      ([text, events]) => html`<li key=${text}>
        <span class="bar" style=${{ width: `${Math.max(0.5, (events / most) * 100).toFixed(1)}%` }}></span>
        <span class="text"><${Hostile} text=${text} written=${written} /></span>
        <span class="number">${count(events)}</span>
      </li>`,
    )}
  </ol>`;
}

/** What could not be read and why, with a way to ask again. @param {{ error: Error, again?: () => void }} props */
export function Failure({ error, again = askAgain }) {
  return html`<div class="note failure" role="alert"><p>${sentence(error.message)}</p>
    <button type="button" class="button" onClick=${again}>${words().trouble.again}</button></div>`;
}

/** That there is nothing, and why, or what will be here. @param {{ children?: unknown }} props */
export function Empty({ children }) {
  return html`<div class="empty"><p>${children}</p></div>`;
}

/** What a page is about. @param {{ title: unknown, lead?: unknown }} props */
export function PageHead({ title, lead }) {
  return html`<header class="page-head"><h1>${title}</h1>${lead && html`<p>${lead}</p>`}</header>`;
}

/** A choice of one among few. @template {string} T
 * @param {{ label: string, choices: [T, string][], chosen: T, choose: (value: T) => void }} props */
export function Choice({ label, choices, chosen, choose }) {
  return html`<div class="choice" role="group" aria-label=${label}>
    ${choices.map(([value, name]) => html`<button type="button" key=${value} aria-pressed=${value === chosen} onClick=${() => choose(value)}>${name}</button>`)}
  </div>`;
}

/** @param {string} text */
function sentence(text) {
  const shown = escapeAgain(text);
  return shown.charAt(0).toUpperCase() + shown.slice(1) + (/[.!?。！？]$/.test(shown) ? "" : ".");
}

/** Grey lines in place of what is being read. @param {{ lines?: number }} props */
export function Loading({ lines = 3 }) {
  return html`<div class="loading" role="status" aria-label=${words().loading}>
    ${Array.from({ length: lines }, (_, at) => html`<span key=${at}></span>`)}
  </div>`;
}

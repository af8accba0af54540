// One port: what it is, and its series with the score over it, in bins of one's choice.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { from, getSeries, getTop } from "../api.js";
import { end, signs, useAnswer } from "../state.js";
import { count, counted, moment, ratio, score, ranked } from "../format.js";
import { Chart, Figures } from "../chart.js";
import { Failure, Loading, Moment, SeverityMark, safe } from "../parts.js";
import { address } from "./signs.js";

/** @typedef {import("../api.js").Bin} Bin */
/** @typedef {import("../chart.js").Measure} Measure */

/** @type {[Bin, string][]} */
const BINS = [["10m", "10 min"], ["1h", "1 h"], ["12h", "12 h"], ["1d", "1 d"]];
const DAY = 86_400_000;

/** Days shown of a series in each bin, and days read before them, on which the scores settle. A day shown in too fine bins
 * is a thicket. @type {Record<Bin, { shown: number, before: number, said: string }>} */
const SPANS = {
  "10m": { shown: 4, before: 6, said: "last 4 days" },
  "1h": { shown: 15, before: 30, said: "last 15 days" },
  "12h": { shown: 90, before: 90, said: "last 90 days" },
  "1d": { shown: 730, before: 180, said: "last two years" },
};

/** @param {string} name @param {Bin} bin @param {AbortSignal} signal */
async function load(name, bin, signal) {
  const { shown, before } = SPANS[bin];
  const start = (await end()) - shown * DAY;
  const since = new Date(start - before * DAY).toISOString();
  return from(await getSeries(name, bin, { since }, signal), start);
}

/** @type {[Measure, string][]} */
const MEASURES = [["events", "Events"], ["sources", "Sources"]];

/** A choice of one among few. @template {string} T
 * @param {{ label: string, choices: [T, string][], chosen: T, choose: (value: T) => void }} props */
function Choice({ label, choices, chosen, choose }) {
  return html`<div class="choice" role="group" aria-label=${label}>
    ${choices.map(([value, name]) => html`<button type="button" key=${value} aria-pressed=${value === chosen} onClick=${() => choose(value)}>${name}</button>`)}
  </div>`;
}

/** The signs that were raised on this series. @param {{ series: import("../api.js").Series }} props */
function Raised({ series }) {
  if (series.signs.length === 0) return html`<p class="note">No sign has been raised here.</p>`;
  const known = new Map((signs.value ?? []).map((sign) => [sign.id, sign]));
  return html`<ul class="raised">
    ${[...series.signs].reverse().map((mark) => {
      const sign = known.get(mark.id);
      return html`<li key=${mark.id}><a href=${address(/** @type {any} */ (mark))}>
        <${SeverityMark} severity=${mark.severity} /> <span>${moment(mark.detected)}</span>
        ${sign && html`<b>${ratio(sign.ratio)}</b> <span class="quiet">${sign.open ? "open" : "over"}</span>`}
      </a></li>`;
    })}
  </ul>`;
}

/** @param {{ name: string }} props */
export function Port({ name }) {
  const [bin, setBin] = useState(/** @type {Bin} */ ("12h"));
  const [measure, setMeasure] = useState(/** @type {Measure} */ ("events"));
  const series = useAnswer((signal) => load(name, bin, signal), `${name} ${bin}`);
  const ports = useAnswer((signal) => getTop("ports", 300, signal), "ports");
  const row = ports.data?.find((some) => some.key === name);
  const label = row?.label ?? series.data?.label ?? name;
  const { data } = series;
  return html`<article class="page">
    <a class="back" href="#/">All ports</a>
    <header class="title"><h1>${safe(label)}</h1> ${label !== name && html`<code>${safe(name)}</code>`}</header>
    ${row?.habit && html`<p class="lead">${safe(row.habit)}</p>`}
    ${row && html`<dl class="facts">
      <div><dt>Events</dt><dd>${count(row.events)}</dd></div>
      <div><dt>Sources</dt><dd>${count(row.sources)}</dd></div>
      <div><dt>Sessions</dt><dd>${count(row.sessions)}</dd></div>
      <div><dt>Change score</dt><dd title=${ranked(row.rank)}>${score(row.half_daily)}</dd></div>
      <div><dt>First</dt><dd class="time"><${Moment} at=${row.first} /></dd></div>
      <div><dt>Last</dt><dd class="time"><${Moment} at=${row.last} /></dd></div>
    </dl>`}
    <section class="panel">
      <div class="tools">
        <p class="key"><span class="count">${measure === "events" ? "Events" : "Sources"}</span><span class="change">Change score</span><span class="sign">Sign</span><i>${SPANS[bin].said}</i></p>
        <${Choice} label="What is counted" choices=${MEASURES} chosen=${measure} choose=${setMeasure} />
        <${Choice} label="Length of a bin" choices=${BINS} chosen=${bin} choose=${setBin} />
      </div>
      ${series.error && html`<${Failure} error=${series.error} />`}
      ${!data && !series.error && html`<${Loading} lines=${6} />`}
      ${data?.points.length === 0 && html`<p class="note">Nothing came here in the ${SPANS[bin].said}.</p>`}
      ${data && data.points.length > 0 && html`<${Chart} series=${data} height=${340} measure=${measure} />`}
    </section>
    ${data && data.points.length > 0 && html`<section>
        <div class="head"><h2>${data.signs.length > 0 ? counted(data.signs.length, "sign") : "Signs"} of this port</h2></div>
        <${Raised} series=${data} />
      </section>
      <${Figures} series=${data} />`}
  </article>`;
}

// One port: what it is, and its series with the score over it, in bins of one's choice.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { from, getSeries, getTop } from "../api.js";
import { portInWords, words } from "../language.js";
import { end, signs, useAnswer } from "../state.js";
import { count, moment, ratio, score, ranked } from "../format.js";
import { Chart, Figures } from "../chart.js";
import { Choice, Failure, Loading, Moment, SeverityMark, safe } from "../parts.js";
import { address } from "./signs.js";

/** @typedef {import("../api.js").Bin} Bin */
/** @typedef {import("../chart.js").Measure} Measure */

/** @type {Bin[]} */
const BINS = ["10m", "1h", "12h", "1d"];
const DAY = 86_400_000;

/** Days shown of a series in each bin, and days read before them, on which the scores settle. A day shown in too fine bins
 * is a thicket. @type {Record<Bin, { shown: number, before: number }>} */
const SPANS = {
  "10m": { shown: 4, before: 6 },
  "1h": { shown: 15, before: 30 },
  "12h": { shown: 90, before: 90 },
  "1d": { shown: 730, before: 180 },
};

/** @param {string} name @param {Bin} bin @param {AbortSignal} signal */
async function load(name, bin, signal) {
  const { shown, before } = SPANS[bin];
  const start = (await end()) - shown * DAY;
  const since = new Date(start - before * DAY).toISOString();
  return from(await getSeries(name, bin, { since }, signal), start);
}

/** @type {Measure[]} */
const MEASURES = ["events", "sources"];

/** The signs that were raised on this series. @param {{ series: import("../api.js").Series }} props */
function Raised({ series }) {
  if (series.signs.length === 0) return html`<p class="note">${words().port.neverRaised}</p>`;
  const known = new Map((signs.value ?? []).map((sign) => [sign.id, sign]));
  return html`<ul class="raised">
    ${[...series.signs].reverse().map((mark) => {
      const sign = known.get(mark.id);
      return html`<li key=${mark.id}><a href=${address(/** @type {any} */ (mark))}>
        <${SeverityMark} severity=${mark.severity} /> <span>${moment(mark.detected)}</span>
        ${sign && html`<b>${ratio(sign.ratio)}</b> <span class="quiet">${words().signs.state[sign.open ? "open" : "over"]}</span>`}
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
  const { label, habit } = portInWords(name, row?.label ?? series.data?.label ?? name, row?.habit);
  const { data } = series;
  const [said, facts] = [words().port, words().facts];
  return html`<article class="page">
    <a class="back" href="#/ports">${words().ports.back}</a>
    <header class="title"><h1>${safe(label)}</h1> ${label !== name && html`<code>${safe(name)}</code>`}</header>
    ${habit && html`<p class="lead">${safe(habit)}</p>`}
    ${row && html`<dl class="facts">
      <div><dt>${facts.events}</dt><dd>${count(row.events)}</dd></div>
      <div><dt>${facts.sources}</dt><dd>${count(row.sources)}</dd></div>
      <div><dt>${facts.sessions}</dt><dd>${count(row.sessions)}</dd></div>
      <div><dt>${facts.score}</dt><dd title=${ranked(row.rank)}>${score(row.half_daily)}</dd></div>
      <div><dt>${facts.first}</dt><dd class="time"><${Moment} at=${row.first} /></dd></div>
      <div><dt>${facts.last}</dt><dd class="time"><${Moment} at=${row.last} /></dd></div>
    </dl>`}
    <section class="panel">
      <div class="tools">
        <p class="key"><span class="count">${facts[measure]}</span><span class="change">${facts.score}</span><span class="sign">${words().sign.mark}</span><i>${said.spans[bin]}</i></p>
        <${Choice} label=${said.counted} choices=${MEASURES.map((each) => [each, facts[each]])} chosen=${measure} choose=${setMeasure} />
        <${Choice} label=${said.length} choices=${BINS.map((each) => [each, said.bins[each]])} chosen=${bin} choose=${setBin} />
      </div>
      ${series.error && html`<${Failure} error=${series.error} />`}
      ${!data && !series.error && html`<${Loading} lines=${6} />`}
      ${data?.points.length === 0 && html`<p class="note">${said.nothing(said.spans[bin])}</p>`}
      ${data && data.points.length > 0 && html`<${Chart} series=${data} height=${340} measure=${measure} />`}
    </section>
    ${data && data.points.length > 0 && html`<section>
        <div class="head"><h2>${said.raised(data.signs.length)}</h2></div>
        <${Raised} series=${data} />
      </section>
      <${Figures} series=${data} />`}
  </article>`;
}

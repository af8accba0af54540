// Sensors side by side: which one is heard, when last, how much, what it lost, its version, its own week.
import { html } from "../html.js";
import { more } from "../more.js";
import { address } from "../router.js";
import { now, useAnswer } from "../state.js";
import { ago, count, span } from "../format.js";
import { Empty, Failure, Hostile, Loading, PageHead, Sparkline, safe } from "../parts.js";
import { getSensors } from "../things.js";

/** @typedef {import("../things.js").SensorRow} SensorRow */

/** A search for what this sensor told. @param {string} name */
export const asSearch = (name) => `sensor:${/^[^\s"\\]+$/.test(name) ? name : `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`}`;

/** @param {{ row: SensorRow }} props */
function Sensor({ row }) {
  const said = more().sensors;
  return html`<li class="panel sensor ${row.alive ? "is-alive" : "is-silent"}">
    <div class="head"><h2><${Hostile} text=${row.name} /></h2><p><span class="state">${row.alive ? said.alive : said.silent}</span>${row.own && html` ${said.own}`}</p></div>
    <${Sparkline} values=${row.hours} label=${said.week} />
    <dl class="facts">
      <div><dt>${said.last}</dt><dd class="time"><time datetime=${row.last} title=${row.last}>${ago(row.last, now())}</time></dd></div>
      <div><dt>${said.day}</dt><dd>${count(row.day)}</dd></div>
      <div><dt>${said.rate}</dt><dd>${count(Math.round(row.day / 24))}</dd></div>
      <div><dt>${said.events}</dt><dd>${count(row.events)}</dd></div>
      <div><dt>${said.lost}</dt><dd>${row.lost === null ? "–" : count(row.lost)}</dd></div>
      <div><dt>${said.version}</dt><dd>${row.version === null ? "–" : safe(row.version)}</dd></div>
      ${row.lag_seconds !== null && html`<div><dt>${said.lag}</dt><dd>${span(row.lag_seconds * 1000)}</dd></div>`}
    </dl>
    <p class="tools"><a class="button" href=${address("search", { q: asSearch(row.name) })}>${said.search}</a><a class="button" href=${address("ports", { sensor: row.name })}>${said.ports}</a></p>
  </li>`;
}

export function Sensors() {
  const said = more().sensors;
  const { data, error } = useAnswer((signal) => getSensors(signal), "sensors");
  return html`<div class="page"><a class="back" href="#/settings">${said.back}</a><${PageHead} title=${said.title} lead=${said.lead} />
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${6} />`}
    ${data?.length === 0 && html`<${Empty}>${said.none}<//>`}
    ${data && data.length > 0 && html`<ul class="sensors">${data.map((row) => html`<${Sensor} key=${row.name} row=${row} />`)}</ul>`}</div>`;
}

// One sensor: how it fares, its hours, where its visitors went, when it was not heard, what it told last.
import { html } from "../html.js";
import { useMemo } from "../vendor/preact-hooks.js";
import { more } from "../more.js";
import { portInWords } from "../language.js";
import { address, choose, chosen, place } from "../router.js";
import { signs, useAnswer } from "../state.js";
import { count } from "../format.js";
import { Chart } from "../chart.js";
import { Choice, Empty, Failure, Hostile, Loading, safe } from "../parts.js";
import { getSensorHours, getSensorPorts, getSensors, itemAddress, search } from "../things.js";
import { Events, SignList } from "./item.js";
import { Facts, State, asSearch, troublesOf, useFreshness } from "./sensors.js";

/** @typedef {import("../things.js").SensorHours} SensorHours */

/** @type {["7", "31", "90"]} */
const DAYS = ["7", "31", "90"];
/** Ports and events shown here; the rest have pages of their own. */
const [PORTS, EVENTS] = [12, 30];

/** Hours as a series that is drawn like any other. @param {SensorHours} hours @returns {import("../api.js").Series} */
const asSeries = ({ start, hours }) => ({
  key: "total", label: "", bin_seconds: 3_600, signs: [], complete: false,
  points: hours.map((events, at) => ({
    start: new Date(Date.parse(start) + at * 3_600_000).toISOString(), events, sources: 0, outlier: null, changefinder: null, rank: null, days: null,
  })),
});

/** @param {{ name: string }} props */
function Course({ name }) {
  const said = more().sensors;
  const days = chosen("days", DAYS);
  const { data, error } = useAnswer((signal) => getSensorHours(name, Number(days), signal), `hours ${days} ${name}`);
  const series = useMemo(() => data && asSeries(data), [data]);
  return html`<section class="panel" aria-labelledby="course-title"><div class="head"><h2 id="course-title">${said.course}</h2>
      <span class="end"><${Choice} label=${said.span} chosen=${days} choose=${(/** @type {string} */ each) => choose({ days: each })} choices=${DAYS.map((each) => [each, said.lastDays(Number(each))])} /></span></div>
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${5} />`}
    ${series && html`<${Chart} series=${series} quiet height=${220} />`}</section>`;
}

/** @param {{ name: string }} props */
function Ports({ name }) {
  const said = more().sensors;
  const { data } = useAnswer((signal) => getSensorPorts(name, signal), `ports ${name}`);
  const rows = data?.rows.slice(0, PORTS) ?? [];
  if (rows.length === 0) return null;
  const most = Math.max(1, ...rows.map((row) => row.events));
  return html`<section class="ranking" aria-labelledby="ports-title"><div class="head"><h2 id="ports-title">${said.topPorts}</h2></div>
    <ol class="bars">${rows.map((row) => html`<li key=${row.key}>
      <span class="bar" style=${{ width: `${Math.max(0.5, (row.events / most) * 100).toFixed(1)}%` }}></span>
      <a class="text" href=${itemAddress("port", row.key)}><code>${safe(row.key)}</code> ${safe(portInWords(row.key, row.label).label)}</a>
      <span class="number">${count(row.events)}</span></li>`)}</ol>
    <a class="more" href=${address("ports", { sensor: name })}>${said.allPorts}</a></section>`;
}

/** @param {{ name: string }} props */
function Told({ name }) {
  const said = more().sensors;
  const { data, error } = useAnswer((signal) => search(asSearch(name), undefined, signal), `told ${name}`);
  return html`<section aria-labelledby="told-title"><div class="head"><h2 id="told-title">${said.told}</h2></div>
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${4} />`}
    ${data?.events.length === 0 && html`<p class="note">${said.nothingTold}</p>`}
    ${data && data.events.length > 0 && html`<${Events} rows=${data.events.slice(0, EVENTS)} /><a class="more" href=${address("search", { q: asSearch(name) })}>${said.search}</a>`}</section>`;
}

/** What went wrong with a fleet's sensor. @param {{ fleet: import("../things.js").SensorInFleet }} props */
function Wrong({ fleet }) {
  const said = more().sensors;
  const troubles = troublesOf(fleet);
  return html`<section class="panel" aria-labelledby="wrong-title"><h2 id="wrong-title">${said.wrong}</h2>
    ${troubles.length === 0 ? html`<p class="note">${said.well}</p>` : html`<ul class="troubles">${troubles.map((text) => html`<li key=${text}>${text}</li>`)}</ul>`}
    ${fleet.refusal !== null && html`<p class="fine">${said.refusal(safe(fleet.refusal))}</p>`}
    ${fleet.again_records > 0 && html`<p class="fine">${said.again(count(fleet.again_records))}</p>`}</section>`;
}

export function SensorView() {
  const said = more().sensors;
  const name = place.value.query.get("name") ?? "";
  useFreshness();
  const { data, error } = useAnswer((signal) => getSensors(signal), "sensors");
  const row = data?.find((each) => each.name === name);
  const back = html`<a class="back" href="#/sensors">${said.title}</a>`;
  if (!row) {
    return html`<article class="page">${back}<h1><${Hostile} text=${name} /></h1>
      ${error ? html`<${Failure} error=${error} />` : data ? html`<${Empty}>${said.noSuch}<//>` : html`<${Loading} lines=${8} />`}</article>`;
  }
  const away = (signs.value ?? []).filter((sign) => sign.kind === "sensor-away" && sign.label === `sensor ${name}`);
  return html`<article class="page item one-sensor ${row.alive ? "is-alive" : "is-silent"}">${back}
    <header class="title"><h1><${Hostile} text=${name} /></h1> <p><${State} row=${row} /></p></header>
    <${Facts} row=${row} />
    ${row.fleet && html`<${Wrong} fleet=${row.fleet} />`}
    <${Course} name=${name} />
    <${Ports} name=${name} />
    ${away.length > 0 && html`<section aria-labelledby="away-title"><div class="head"><h2 id="away-title">${said.away}</h2></div><${SignList} rows=${away} /></section>`}
    <${Told} name=${name} />
  </article>`;
}

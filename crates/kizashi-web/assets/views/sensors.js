// Sensors side by side: which one is heard, when last, how much, what it lost, its version, its own week; of a fleet's also how far behind it is, what waits
// there, how wrong its clock is.
import { html } from "../html.js";
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { more } from "../more.js";
import { address, choose, place } from "../router.js";
import { askAgain, now, useAnswer } from "../state.js";
import { ago, bytes, count, moment, span } from "../format.js";
import { Empty, Failure, Hostile, Loading, PageHead, Sparkline, safe } from "../parts.js";
import { getSensors } from "../things.js";

/** @typedef {import("../things.js").SensorRow} SensorRow */
/** @typedef {import("../things.js").SensorInFleet} SensorInFleet */

/** Sensors shown before one asks for more. */
const FIRST = 60;
/** Sensors from which on one is looked for by its name. */
const MANY = 12;
/** Seconds by which a clock may differ: what a connection's delay makes. */
const RIGHT = 5;
/** Milliseconds after which is asked again: a sensor that falls silent brings no event that would make the page ask. */
const EVERY = 15_000;

/** A search for what this sensor told. @param {string} name */
export const asSearch = (name) => `sensor:${/^[^\s"\\]+$/.test(name) ? name : `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`}`;

/** Asks again from time to time, as long as somebody looks. */
export function useFreshness() {
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && askAgain(), EVERY);
    return () => clearInterval(timer);
  }, []);
}

/** How a sensor's clock goes. @param {number} seconds behind */
function clock(seconds) {
  const said = more().sensors;
  if (Math.abs(seconds) < RIGHT) return said.clockRight;
  const by = span(Math.abs(seconds) * 1000);
  return seconds > 0 ? said.clockBehind(by) : said.clockAhead(by);
}

/** How it is. @param {{ row: SensorRow }} props */
export function State({ row }) {
  const said = more().sensors;
  const since = row.fleet?.silent_since;
  const word = row.alive ? said.alive : since ? said.silentSince(moment(since, now())) : said.silent;
  return html`<span class="state">${word}</span>${row.own && html` ${said.own}`}${row.fleet?.group && html` <span class="group" title=${said.group}>${safe(row.fleet.group)}</span>`}`;
}

/** A name and a value; of a count of what went wrong whether it is any. @param {{ name: string, value: unknown, bad?: boolean }} props */
const Fact = ({ name, value, bad = false }) => html`<div class=${bad ? "is-bad" : ""}><dt>${name}</dt><dd>${value}</dd></div>`;

/** When something was. @param {string | null} time */
const when = (time) => (time === null ? "–" : html`<time datetime=${time} title=${time}>${ago(time, now())}</time>`);

/** What is known of it in figures. @param {{ row: SensorRow, all?: boolean }} props `all`: where there is room for one more */
export function Facts({ row, all = true }) {
  const said = more().sensors;
  const { fleet } = row;
  return html`<dl class="facts">
    ${fleet && html`<${Fact} name=${said.heard} value=${when(fleet.heard)} />`}
    <${Fact} name=${said.last} value=${when(row.last)} />
    ${fleet && html`<${Fact} name=${said.minute} value=${count(fleet.per_minute)} />`}
    <${Fact} name=${said.day} value=${count(row.day)} />
    ${!fleet && html`<${Fact} name=${said.rate} value=${count(Math.round(row.day / 24))} />`}
    ${(all || !fleet) && html`<${Fact} name=${said.events} value=${count(row.events)} />`}
    ${fleet && html`<${Fact} name=${said.waiting} value=${bytes(fleet.waiting_bytes)} bad=${fleet.waiting_bytes > 1e6} />
      <${Fact} name=${said.clock} value=${clock(fleet.clock_seconds)} bad=${Math.abs(fleet.clock_seconds) >= RIGHT} />`}
    ${row.lag_seconds !== null && html`<${Fact} name=${said.lag} value=${row.lag_seconds < 1 ? `${Math.max(0, Math.round(row.lag_seconds * 1000))} ms` : span(row.lag_seconds * 1000)} bad=${row.lag_seconds > 60} />`}
    <${Fact} name=${said.lost} value=${row.lost === null ? "–" : count(row.lost)} bad=${(row.lost ?? 0) > 0} />
    <${Fact} name=${said.version} value=${row.version === null ? "–" : safe(row.version)} />
  </dl>`;
}

/** @type {["dropped_events", "lost_events", "missed_records", "without_content", "refused_records", "misbehaved"]} */
const TROUBLES = ["dropped_events", "lost_events", "missed_records", "without_content", "refused_records", "misbehaved"];

/** What went wrong with a fleet's sensor, in sentences. @param {SensorInFleet} fleet @returns {string[]} */
export const troublesOf = (fleet) => TROUBLES.filter((name) => fleet[name] > 0).map((name) => more().sensors.troubles[name](count(fleet[name])));

/** @param {{ row: SensorRow }} props */
function Sensor({ row }) {
  const said = more().sensors;
  const troubles = row.fleet ? troublesOf(row.fleet) : [];
  return html`<li class="panel sensor ${row.alive ? "is-alive" : "is-silent"}">
    <div class="head"><h2><a href=${address("sensor", { name: row.name })}><${Hostile} text=${row.name} /></a></h2><p><${State} row=${row} /></p></div>
    <${Sparkline} values=${row.hours} label=${said.week} />
    <${Facts} row=${row} all=${false} />
    ${troubles.length > 0 && html`<ul class="troubles">${troubles.map((text) => html`<li key=${text}>${text}</li>`)}</ul>`}
    <p class="tools"><a class="button" href=${address("search", { q: asSearch(row.name) })}>${said.search}</a><a class="button" href=${address("ports", { sensor: row.name })}>${said.ports}</a></p>
  </li>`;
}

/** What is looked for among many: a group, a name; and how many that are. @param {{ rows: SensorRow[], find: string, group: string, told: string }} props */
function Tools({ rows, find, group, told }) {
  const said = more().sensors;
  const groups = [...new Set(rows.map((row) => row.fleet?.group).filter((name) => name != null))].sort();
  const value = (/** @type {Event} */ event) => /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target).value || null;
  return html`<div class="tools look">
    ${rows.length >= MANY && html`<input class="search" type="search" placeholder=${said.find} aria-label=${said.find} value=${find} onInput=${(/** @type {Event} */ event) => choose({ find: value(event) })} />`}
    ${groups.length > 0 && html`<select aria-label=${said.group} value=${group} onChange=${(/** @type {Event} */ event) => choose({ group: value(event) })}>
      <option value="">${said.groups}</option>${groups.map((name) => html`<option key=${name} value=${name}>${safe(name ?? "")}</option>`)}</select>`}
    <p role="status">${told}</p>
  </div>`;
}

/** @param {{ rows: SensorRow[] }} props */
function List({ rows }) {
  const said = more().sensors;
  const [all, setAll] = useState(false);
  const { query } = place.value;
  const [find, group] = [query.get("find") ?? "", query.get("group") ?? ""];
  const found = rows.filter((row) => row.name.toLowerCase().includes(find.toLowerCase()) && (group === "" || row.fleet?.group === group));
  const shown = all ? found : found.slice(0, FIRST);
  const told = said.found(found.length, found.filter((row) => !row.alive).length);
  return html`<${Tools} rows=${rows} find=${find} group=${group} told=${told} />
    <ul class="sensors">${shown.map((row) => html`<${Sensor} key=${row.name} row=${row} />`)}</ul>
    ${found.length > shown.length && html`<button type="button" class="button" onClick=${() => setAll(true)}>${said.showAll(found.length - shown.length)}</button>`}`;
}

export function Sensors() {
  const said = more().sensors;
  useFreshness();
  const { data, error } = useAnswer((signal) => getSensors(signal), "sensors");
  return html`<div class="page"><a class="back" href="#/settings">${said.back}</a><${PageHead} title=${said.title} lead=${said.lead} />
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${6} />`}
    ${data?.length === 0 && html`<${Empty}>${said.none}<//>`}
    ${data && data.length > 0 && html`<${List} rows=${data} />`}</div>`;
}

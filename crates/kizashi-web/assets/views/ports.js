// Totals per port with names, as the talk drew them, with the course of each and its last change score.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { getTop } from "../api.js";
import { portInWords, words } from "../language.js";
import { address as placeOf, choose, chosen, place } from "../router.js";
import { end, now, useAnswer } from "../state.js";
import { ago, chanceShort, count, score, ranked } from "../format.js";
import { Choice, Empty, Failure, Loading, PageHead, Sparkline, safe } from "../parts.js";
import { getSensorPorts } from "../things.js";
import { signal } from "../vendor/signals.js";
import { Grid } from "./ports-grid.js";
import { OfSensor, SensorChoice, sensorChosen } from "./sensor-choice.js";

/** @typedef {import("../api.js").TopRow} TopRow */
/** @typedef {{ name: keyof import("../language.js").Words["ports"]["columns"], value: (row: TopRow) => number | string, kind?: string }} Column */

/** Rows asked for. */
const MOST = 500;
/** Rows shown before one asks for more. */
const FIRST = 30;
/** Ports compared at most. */
const MOST_COMPARED = 5;

/** @type {["table", "charts"]} */
const VIEWS = ["table", "charts"];
/** @type {["12h", "10m", "1h", "1d"]} */
const BINS = ["12h", "10m", "1h", "1d"];
/** @type {import("../api.js").Bin[]} */
const SHOWN_BINS = ["10m", "1h", "12h", "1d"];
/** @type {["events", "sources"]} */
const MEASURES = ["events", "sources"];
/** @type {["linear", "log"]} */
const SCALES = ["linear", "log"];

/** @param {string} key */
const portNumber = (key) => Number(key.split("/")[1] ?? 0);

/** @type {Column[]} */
const COLUMNS = [
  { name: "port", value: (row) => portNumber(row.key) },
  { name: "events", value: (row) => row.events },
  { name: "sources", value: (row) => row.sources },
  { name: "spark", value: (row) => row.spark?.at(-1) ?? -1, kind: "counts" },
  { name: "score", value: (row) => row.half_daily ?? -Infinity, kind: "change" },
  { name: "days", value: (row) => row.days ?? -1 },
  { name: "last", value: (row) => row.last },
];

/** @param {string} key */
export const address = (key) => `#/port/${key}`;

/** @param {TopRow[]} rows @param {string} by @param {boolean} down */
function sorted(rows, by, down) {
  const column = COLUMNS.find((some) => some.name === by) ?? COLUMNS[1];
  const value = column?.value ?? (() => 0);
  return [...rows].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    const order = left < right ? -1 : left > right ? 1 : 0;
    return (down ? -order : order) || b.events - a.events;
  });
}

/** How much of the meter is full, in percent. @param {number | null} change @param {number} top */
const part = (change, top) => Math.max(0, Math.min(100, ((change ?? 0) / top) * 100)).toFixed(1);

/** @param {{ row: TopRow, topScore: number, picked: string[], pick: (key: string) => void }} props */
function Row({ row, topScore, picked, pick }) {
  const change = row.half_daily ?? null;
  const { label, habit } = portInWords(row.key, row.label, row.habit);
  const isPicked = picked.includes(row.key);
  return html`<tr>
    <td class="pick"><input type="checkbox" aria-label=${words().ports.pick(safe(row.key))} checked=${isPicked} disabled=${!isPicked && picked.length >= MOST_COMPARED} onChange=${() => pick(row.key)} /></td>
    <th scope="row"><a href=${address(row.key)}>
      <span class="name">${safe(label)}</span> <code>${safe(row.key)}</code>
      ${habit && html`<span class="habit">${safe(habit)}</span>`}
    </a></th>
    <td class="events">${count(row.events)}</td>
    <td class="sources">${count(row.sources)}<i>${words().ports.sources}</i></td>
    <td class="counts">${row.spark ? html`<${Sparkline} values=${row.spark} label=${words().ports.course(row.spark.length)} />` : html`<span class="none">–</span>`}</td>
    <td class="change" title=${ranked(row.rank)}><span class="meter" aria-hidden="true"><span style=${{ width: `${part(change, topScore)}%` }}></span></span>${score(change)}</td>
    <td class=${(row.days ?? 0) < 30 ? "days" : "days rare"}>${chanceShort(row.days)}</td>
    <td class="last"><time datetime=${row.last} title=${row.last}>${ago(row.last, now())}</time></td>
  </tr>`;
}

/** @param {{ column: Column, by: string, down: boolean, choose: (name: string) => void }} props */
function Head({ column, by, down, choose }) {
  const active = column.name === by;
  /** @type {Record<string, string | undefined>} */
  const explained = words().ports.explained;
  return html`<th scope="col" class=${column.kind ?? column.name} aria-sort=${active ? (down ? "descending" : "ascending") : "none"}>
    <button type="button" title=${explained[column.name]} onClick=${() => choose(column.name)}>${words().ports.columns[column.name]}<span aria-hidden="true">${active ? (down ? " ↓" : " ↑") : ""}</span></button>
  </th>`;
}

/** How far back a sensor's ports were counted, when that is not all. */
const reached = signal(/** @type {string | null} */ (null));

/** The ports of one sensor. @param {string} sensor @param {AbortSignal} abort */
async function portsOf(sensor, abort) {
  const found = await getSensorPorts(sensor, abort);
  reached.value = found.reached;
  return found.rows;
}

/** Whether a row is what is looked for: in its number, name or use. @param {TopRow} row @param {string} text */
function isFound(row, text) {
  const { label, habit } = portInWords(row.key, row.label, row.habit);
  return text === "" || `${row.key} ${label} ${habit ?? ""}`.toLowerCase().includes(text.toLowerCase());
}

/** @param {{ rows: TopRow[] }} props */
function Table({ rows }) {
  const said = words().ports;
  const [order, setOrder] = useState({ by: "events", down: true });
  const [all, setAll] = useState(false);
  const [picked, setPicked] = useState(/** @type {string[]} */ ([]));
  const sort = (/** @type {string} */ by) =>
    setOrder((last) => ({ by, down: last.by === by ? !last.down : by !== "port" }));
  const pick = (/** @type {string} */ key) => setPicked((last) => (last.includes(key) ? last.filter((each) => each !== key) : [...last, key]));
  const inOrder = sorted(rows, order.by, order.down);
  const shown = all ? inOrder : inOrder.slice(0, FIRST);
  const topScore = Math.max(10, ...rows.map((row) => row.half_daily ?? 0).filter((value) => value < 1000));
  const [first, ...others] = picked;
  return html`<section class="ports" aria-label=${said.title}>
    <table>
      <thead><tr><td class="pick"></td>${COLUMNS.map((column) => html`<${Head} key=${column.name} column=${column} ...${order} choose=${sort} />`)}</tr></thead>
      <tbody>${shown.map((row) => html`<${Row} key=${row.key} row=${row} topScore=${topScore} picked=${picked} pick=${pick} />`)}</tbody>
    </table>
    ${rows.length > FIRST && html`<button type="button" class="more" onClick=${() => setAll(!all)}>${all ? said.fewer : said.all(rows.length)}</button>`}
    ${first && html`<p class="picked"><span>${said.picked(picked.length)}</span><a class="button" href=${placeOf(`port/${first}`, { with: others.join(",") })}>${said.compare}</a><button type="button" class="button" onClick=${() => setPicked([])}>${said.unpick}</button></p>`}
  </section>`;
}

export function Ports() {
  const [said, port, facts] = [words().ports, words().port, words().facts];
  const sensor = sensorChosen();
  const { data, error } = useAnswer((signal) => (sensor === "" ? getTop("ports", MOST, signal) : portsOf(sensor, signal)), `ports ${sensor}`);
  const known = useAnswer(() => end(), "end");
  // Series are of all sensors together.
  const view = sensor === "" ? chosen("view", VIEWS) : "table";
  const [bin, measure, scale] = [chosen("bin", BINS), chosen("measure", MEASURES), chosen("scale", SCALES)];
  const text = place.value.query.get("find") ?? "";
  const rows = (data ?? []).filter((row) => isFound(row, text));
  const find = (/** @type {Event} */ event) => choose({ find: /** @type {HTMLInputElement} */ (event.target).value.trim() });
  return html`<div class="page"><${PageHead} title=${said.title} lead=${said.lead} />
    <div class="tools ports-tools">
      ${sensor === "" && html`<${Choice} label=${said.view} choices=${VIEWS.map((each) => [each, said.views[each]])} chosen=${view} choose=${(/** @type {string} */ each) => choose({ view: each })} />`}
      <input class="search" type="search" placeholder=${said.find} aria-label=${said.find} value=${text} onInput=${find} />
      <${SensorChoice} />
      ${view === "charts" && html`
        <${Choice} label=${port.counted} choices=${MEASURES.map((each) => [each, facts[each]])} chosen=${measure} choose=${(/** @type {string} */ each) => choose({ measure: each })} />
        <${Choice} label=${port.scale} choices=${SCALES.map((each) => [each, port.scales[each]])} chosen=${scale} choose=${(/** @type {string} */ each) => choose({ scale: each })} />
        <${Choice} label=${port.length} choices=${SHOWN_BINS.map((each) => [each, port.bins[each]])} chosen=${bin} choose=${(/** @type {string} */ each) => choose({ bin: each })} />`}
    </div>
    ${data && html`<${OfSensor} of="ports" reached=${reached.value} />`}
    ${error && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${8} />`}
    ${data && rows.length === 0 && html`<${Empty}>${data.length === 0 ? said.none : said.notFound}<//>`}
    ${rows.length > 0 && view === "table" && html`<${Table} rows=${rows} />`}
    ${rows.length > 0 && view === "charts" && known.data && html`
      <p class="key"><span class="count">${facts[measure]}</span><span class="change">${facts.score}</span><span class="evidence-band">${port.evidence}</span><span class="sign">${words().sign.mark}</span><i>${port.spans[bin]}</i></p>
      <${Grid} rows=${rows} bin=${bin} measure=${measure} log=${scale === "log"} until=${known.data} />`}
  </div>`;
}

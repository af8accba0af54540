// Totals per port with names, as the talk drew them, with the course of each and its last change score.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { getTop } from "../api.js";
import { portInWords, words } from "../language.js";
import { now, useAnswer } from "../state.js";
import { ago, chanceShort, count, score, ranked } from "../format.js";
import { Empty, Failure, Loading, PageHead, Sparkline, safe } from "../parts.js";

/** @typedef {import("../api.js").TopRow} TopRow */
/** @typedef {{ name: keyof import("../language.js").Words["ports"]["columns"], value: (row: TopRow) => number | string, kind?: string }} Column */

/** Rows shown before one asks for more, and rows asked for. */
const FIRST = 15;
const MOST = 300;

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

/** @param {{ row: TopRow, topScore: number }} props */
function Row({ row, topScore }) {
  const change = row.half_daily ?? null;
  const { label, habit } = portInWords(row.key, row.label, row.habit);
  return html`<tr>
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

export function Ports() {
  const said = words().ports;
  const { data, error } = useAnswer((signal) => getTop("ports", MOST, signal), "ports");
  const [order, setOrder] = useState({ by: "events", down: true });
  const [all, setAll] = useState(false);
  const choose = (/** @type {string} */ by) =>
    setOrder((last) => ({ by, down: last.by === by ? !last.down : by !== "port" }));
  const rows = data ? sorted(data, order.by, order.down) : [];
  const shown = all ? rows : rows.slice(0, FIRST);
  const topScore = Math.max(10, ...rows.map((row) => row.half_daily ?? 0).filter((value) => value < 1000));
  return html`<div class="page"><${PageHead} title=${said.title} lead=${said.lead} />
  <section class="ports" aria-label=${said.title}>
    ${error && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${8} />`}
    ${data?.length === 0 && html`<${Empty}>${said.none}<//>`}
    ${shown.length > 0 && html`<table>
      <thead><tr>${COLUMNS.map((column) => html`<${Head} key=${column.name} column=${column} ...${order} choose=${choose} />`)}</tr></thead>
      <tbody>${shown.map((row) => html`<${Row} key=${row.key} row=${row} topScore=${topScore} />`)}</tbody>
    </table>`}
    ${rows.length > FIRST && html`<button type="button" class="more" onClick=${() => setAll(!all)}>${all ? said.fewer : said.all(rows.length)}</button>`}
  </section></div>`;
}

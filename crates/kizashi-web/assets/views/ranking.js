// A ranking of one kind, as bars, as a cloud, or whole as a table with pages to turn and files to save.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { countryName, portInWords } from "../language.js";
import { more } from "../more.js";
import { address, choose, chosen, place } from "../router.js";
import { now, useAnswer } from "../state.js";
import { count, moment } from "../format.js";
import { Choice, Empty, Failure, Hostile, Loading, Moment, PageHead, safe } from "../parts.js";
import { SPANS, exportAddress, getRanking, getSensorRanking, itemAddress, sinceOf } from "../things.js";
import { sensorChosen } from "./sensor-choice.js";

/** @typedef {import("../api.js").TopRow} TopRow */

/** Rows of a short list, words of a cloud, rows of a page. */
const [SHORT, CLOUD, PAGE] = [10, 60, 50];

/** What a row is called. @param {{ row: TopRow }} props */
function Name({ row }) {
  if (row.kind === "country") return html`${countryName(row.key)}`;
  if (row.kind === "port") return html`<code>${safe(row.key)}</code> ${safe(portInWords(row.key, row.label).label)}`;
  if (row.kind === "network" && row.label !== row.key) return html`<bdi>${safe(row.label)}</bdi>`;
  return html`<${Hostile} text=${row.key} />`;
}

/** @param {{ rows: TopRow[], lines: boolean }} props */
function Rows({ rows, lines }) {
  const most = Math.max(1, ...rows.map((row) => row.events));
  return html`<ol class=${lines ? "bars lines" : "bars"}>
    ${rows.map((row) => html`<li key=${row.key}>
      <span class="bar" style=${{ width: `${Math.max(0.5, (row.events / most) * 100).toFixed(1)}%` }}></span>
      <a class="text" href=${itemAddress(row.kind, row.key)}><${Name} row=${row} /></a>
      <span class="number">${count(row.events)}</span>
    </li>`)}
  </ol>`;
}

/** The more, the larger; by the logarithm, or one word would be all. In the order of the alphabet, so that none is looked for by its size.
 * @param {{ rows: TopRow[] }} props */
function Cloud({ rows }) {
  const most = Math.log(Math.max(2, ...rows.map((row) => row.events)));
  const size = (/** @type {number} */ events) => `${(0.75 + 1.35 * (Math.log(Math.max(1, events)) / most) ** 3).toFixed(2)}rem`;
  const sorted = rows.filter((row) => row.key !== "").sort((a, b) => (a.key < b.key ? -1 : 1));
  return html`<ul class="cloud">${sorted.map((row) => html`<li key=${row.key}><a href=${itemAddress(row.kind, row.key)} title=${`${count(row.events)}`} style=${{ fontSize: size(row.events) }}><${Hostile} text=${row.key.slice(0, 40)} /></a></li>`)}</ul>`;
}

/** A short ranking: of all, or of one sensor as far back as was looked. @param {string} sensor
 * @param {{ kind: string, of: string | undefined, span: import("../things.js").Span, limit: number }} wish @param {AbortSignal} signal
 * @returns {Promise<{ rows: TopRow[], more: boolean, reached: string | null }>} */
async function read(sensor, { kind, of, span, limit }, signal) {
  if (sensor === "") return { reached: null, ...(await getRanking(kind, { of, span, limit }, signal)) };
  const { rows, reached } = await getSensorRanking(sensor, { kind, of, since: await sinceOf(span), limit }, signal);
  return { rows, reached, more: false };
}

/** @param {{ kind: string, of?: string, title?: string, lines?: boolean, cloud?: boolean }} props `of`: which fingerprints; `cloud`: one can be had */
export function Ranking({ kind, of, title, lines = false, cloud = false }) {
  const [form, setForm] = useState(/** @type {"cloud" | "table"} */ (cloud ? "cloud" : "table"));
  const said = more();
  const span = chosen("span", SPANS);
  const limit = form === "cloud" ? CLOUD : SHORT;
  const sensor = sensorChosen();
  const { data, error } = useAnswer((signal) => read(sensor, { kind, of, span, limit }, signal), `${kind} ${of ?? ""} ${span} ${limit} ${sensor}`);
  const name = said.lists[/** @type {keyof typeof said.lists} */ (title ?? kind)];
  const id = `list-${kind}-${of ?? "all"}`;
  return html`<section aria-labelledby=${id} class="ranking">
    <div class="head"><h2 id=${id}>${name}</h2>
      ${cloud && html`<span class="end"><${Choice} label=${said.who.form} chosen=${form} choose=${setForm} choices=${[["cloud", said.who.cloud], ["table", said.who.table]]} /></span>`}</div>
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${5} />`}
    ${data?.rows.length === 0 && html`<${Empty}>${said.who.nothing}<//>`}
    ${data && data.rows.length > 0 && (form === "cloud" ? html`<${Cloud} rows=${data.rows} />` : html`<${Rows} rows=${data.rows} lines=${lines} />`)}
    ${data?.reached && html`<p class="fine">${said.sensors.reachedBack(moment(data.reached, now()))}</p>`}
    ${data && sensor === "" && (data.more || form === "cloud") && html`<a class="more" href=${address("list", { kind, of, span: span === "all" ? null : span })} aria-label=${`${said.who.all}: ${name}`}>${said.who.all}</a>`}
  </section>`;
}

/** A table's files. @param {{ about: Record<string, string | undefined> }} props */
export function Save({ about }) {
  const forms = /** @type {const} */ (["csv", "json", "parquet"]);
  return html`<p class="save">${more().list.save} ${forms.map((form) => html`<a key=${form} href=${exportAddress(form, about)} download>${form.toUpperCase()}</a> `)}</p>`;
}

/** A whole ranking: a page of it, which the address names. */
export function List() {
  const said = more();
  const kind = place.value.query.get("kind") ?? "ports";
  const of = place.value.query.get("of") ?? undefined;
  const span = chosen("span", SPANS);
  const offset = Math.max(0, Math.min(5_000, Number(place.value.query.get("from") ?? 0) || 0));
  const asked = `${kind} ${of ?? ""} ${span} ${offset}`;
  const { data, error } = useAnswer(async (signal) => ({ since: await sinceOf(span), ...(await getRanking(kind, { of, span, offset, limit: PAGE }, signal)) }), asked);
  const title = of === "os" ? "systems" : of === "scanner" ? "tools" : kind;
  const name = said.lists[/** @type {keyof typeof said.lists} */ (title)] ?? kind;
  const turn = (/** @type {number} */ to) => choose({ from: to > 0 ? to : null });
  return html`<article class="page">
    <a class="back" href="#/who">${said.item.back}</a>
    <${PageHead} title=${name} />
    <div class="tools"><${Choice} label=${said.who.span} chosen=${span} choose=${(/** @type {string} */ value) => choose({ span: value, from: null })} choices=${SPANS.map((value) => [value, said.who.spans[value]])} />
      ${data && !of && html`<${Save} about=${{ table: "top", kind, since: data.since, limit: "5000" }} />`}</div>
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${8} />`}
    ${data?.rows.length === 0 && html`<${Empty}>${said.who.nothing}<//>`}
    ${data && data.rows.length > 0 && html`<div class="wide-table"><table class="plain things">
      <thead><tr><th scope="col">${said.list.place}</th><th scope="col" class="left">${said.list.name}</th><th scope="col">${said.list.events}</th><th scope="col">${said.list.sources}</th><th scope="col">${said.list.first}</th><th scope="col">${said.list.last}</th></tr></thead>
      <tbody>${data.rows.map((row, at) => html`<tr key=${row.key}>
        <td>${count(offset + at + 1)}</td><td class="left long"><a href=${itemAddress(row.kind, row.key)}><${Name} row=${row} /></a></td>
        <td>${count(row.events)}</td><td>${count(row.sources)}</td><td><${Moment} at=${row.first} /></td><td><${Moment} at=${row.last} /></td></tr>`)}</tbody>
    </table></div>
    <div class="tools">
      ${offset > 0 && html`<button type="button" class="button" onClick=${() => turn(offset - PAGE)}>${said.list.before}</button>`}
      <span class="quiet">${said.list.range(offset + 1, offset + data.rows.length)}</span>
      ${data.more && html`<button type="button" class="button" onClick=${() => turn(offset + PAGE)}>${said.list.next}</button>`}
    </div>`}
  </article>`;
}

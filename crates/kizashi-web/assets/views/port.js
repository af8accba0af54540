// One port: what it is, and its series with the score over it, to move about in, alone or beside others.
import { html } from "../html.js";
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { getStatus, getTop } from "../api.js";
import { portInWords, words } from "../language.js";
import { choose, chosen, place } from "../router.js";
import { end, signs, status, useAnswer } from "../state.js";
import { count, moment, ratio, score, ranked } from "../format.js";
import { Choice, Failure, Loading, Moment, SeverityMark, safe } from "../parts.js";
import { Timeline } from "../timeline.js";
import { DAY, SPANS, binFor, within } from "../window.js";
import { address } from "./signs.js";

/** @typedef {import("../api.js").Bin} Bin */
/** @typedef {import("../plot.js").Measure} Measure */
/** @typedef {import("../plot.js").Window} Window */

/** @type {[Bin, Bin, Bin, Bin]} */
const BINS = ["12h", "10m", "1h", "1d"];
/** @type {Bin[]} */
const SHOWN = ["10m", "1h", "12h", "1d"];
/** @type {[Measure, Measure]} */
const MEASURES = ["events", "sources"];
/** @type {["linear", "log"]} */
const SCALES = ["linear", "log"];
/** Ports beside this one at most: more lines than five are told apart by nobody. */
const MOST_BESIDE = 4;

/** The time of which something is known. @param {AbortSignal} signal @returns {Promise<Window>} */
async function loadKnown(signal) {
  const { store } = status.value ?? (await getStatus(signal));
  const to = await end();
  return { from: store.first ? Date.parse(store.first) : to - DAY, to };
}

/** The window of the address, or the last part of what is known. @param {Window} known @param {Bin} bin @returns {Window} */
function asked(known, bin) {
  const { query } = place.value;
  const [from, to] = [Number(query.get("from")) * 1000, Number(query.get("to")) * 1000];
  if (from > 0 && to > from) return within({ from, to }, known);
  // An hour before the first event keeps its bin off the edge.
  return within({ from: known.to - SPANS[bin] * DAY, to: known.to }, { from: known.from - 3_600_000, to: known.to });
}

/** The signs that were raised on this port. @param {{ name: string }} props */
function Raised({ name }) {
  const own = (signs.value ?? []).filter((sign) => sign.key === name);
  return html`<section aria-labelledby="raised-title">
    <div class="head"><h2 id="raised-title">${words().port.raised(own.length)}</h2></div>
    ${own.length === 0 ? html`<p class="note">${words().port.neverRaised}</p>` : html`<ul class="raised">
      ${own.map((sign) => html`<li key=${sign.id}><a href=${address(sign)}>
        <${SeverityMark} severity=${sign.severity} /> <span>${moment(sign.detected)}</span>
        <b>${ratio(sign.ratio)}</b> <span class="quiet">${words().signs.state[sign.open ? "open" : "over"]}</span>
      </a></li>`)}
    </ul>`}
  </section>`;
}

/** Ports drawn beside this one. @param {{ beside: string[], rows: import("../api.js").TopRow[], name: string }} props */
function Beside({ beside, rows, name }) {
  const said = words().port;
  const set = (/** @type {string[]} */ all) => choose({ with: all.join(",") });
  const add = (/** @type {Event} */ event) => {
    const select = /** @type {HTMLSelectElement} */ (event.target);
    if (select.value !== "") set([...beside, select.value]);
    select.value = "";
  };
  const label = (/** @type {string} */ key) => safe(portInWords(key, rows.find((row) => row.key === key)?.label ?? key).label);
  return html`<div class="beside">
    <select aria-label=${said.compare} onChange=${add} disabled=${beside.length >= MOST_BESIDE}>
      <option value="">${said.compare}</option>
      ${rows.filter((row) => row.key !== name && !beside.includes(row.key)).map((row) => html`<option key=${row.key} value=${row.key}>${row.key} ${label(row.key)}</option>`)}
    </select>
    ${beside.map((key) => html`<button type="button" class="button" key=${key} title=${said.leaveOut} onClick=${() => set(beside.filter((each) => each !== key))}>${label(key)} <code>${safe(key)}</code> <span aria-hidden="true">×</span><span class="hidden">${said.leaveOut}</span></button>`)}
  </div>`;
}

/** @param {{ name: string, known: Window, rows: import("../api.js").TopRow[] }} props */
function Course({ name, known, rows }) {
  const [said, facts] = [words().port, words().facts];
  const measure = chosen("measure", MEASURES);
  const scale = chosen("scale", SCALES);
  const wished = chosen("bin", BINS);
  const beside = (place.value.query.get("with") ?? "").split(",").filter((key) => /^[a-z]+\/\d+$/.test(key) && key !== name).slice(0, MOST_BESIDE);
  const [window, setWindow] = useState(() => asked(known, wished));
  const bin = binFor(window, wished);
  const wait = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  // The window follows the present while its end is the present.
  const last = useRef(known.to);
  useEffect(() => {
    if (window.to === last.current && known.to !== last.current) setWindow({ from: window.from + known.to - last.current, to: known.to });
    last.current = known.to;
  }, [known.to]);
  const show = (/** @type {Window} */ next) => {
    setWindow(next);
    clearTimeout(wait.current);
    // Browsers allow few changes of an address in a moment.
    wait.current = setTimeout(() => choose({ from: Math.round(next.from / 1000), to: Math.round(next.to / 1000), bin: binFor(next, bin) }), 300);
  };
  useEffect(() => () => clearTimeout(wait.current), []);
  const inBins = (/** @type {Bin} */ next) => {
    clearTimeout(wait.current);
    choose({ bin: next, from: null, to: null });
    setWindow(within({ from: known.to - SPANS[next] * DAY, to: known.to }, { from: known.from - 3_600_000, to: known.to }));
  };
  const keys = [name, ...beside];
  const names = keys.map((key) => `${safe(portInWords(key, rows.find((row) => row.key === key)?.label ?? key).label)} (${key})`);
  return html`<section class="panel">
    <div class="tools">
      <p class="key">${beside.length === 0 && html`<span class="count">${facts[measure]}</span><span class="change">${facts.score}</span><span class="evidence-band">${said.evidence}</span><span class="sign">${words().sign.mark}</span>`}</p>
      <${Choice} label=${said.counted} choices=${MEASURES.map((each) => [each, facts[each]])} chosen=${measure} choose=${(/** @type {Measure} */ each) => choose({ measure: each })} />
      <${Choice} label=${said.scale} choices=${SCALES.map((each) => [each, said.scales[each]])} chosen=${scale} choose=${(/** @type {string} */ each) => choose({ scale: each })} />
      <${Choice} label=${said.length} choices=${SHOWN.map((each) => [each, said.bins[each]])} chosen=${bin} choose=${inBins} />
    </div>
    <${Beside} beside=${beside} rows=${rows} name=${name} />
    <${Timeline} keys=${keys} names=${names} bin=${bin} measure=${measure} log=${scale === "log"} window=${window} known=${known} show=${show} />
  </section>`;
}

/** @param {{ name: string }} props */
export function Port({ name }) {
  const known = useAnswer(loadKnown, "known");
  const ports = useAnswer((signal) => getTop("ports", 300, signal), "ports");
  const row = ports.data?.find((some) => some.key === name);
  const { label, habit } = portInWords(name, row?.label ?? name, row?.habit);
  const facts = words().facts;
  const error = known.error ?? ports.error;
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
    ${error && !known.data && html`<${Failure} error=${error} />`}
    ${!known.data && !error && html`<${Loading} lines=${8} />`}
    ${known.data && html`<${Course} key=${name} name=${name} known=${known.data} rows=${ports.data ?? []} />`}
    <${Raised} name=${name} />
  </article>`;
}

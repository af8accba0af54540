// The ports as small multiples: many series in the same form, each on its own scale, fetched when it comes into sight.
import { html } from "../html.js";
import { useEffect, useMemo, useRef, useState } from "../vendor/preact-hooks.js";
import { getSeries } from "../api.js";
import { useCanvas } from "../canvas.js";
import { inWords } from "../chart.js";
import { portInWords, words } from "../language.js";
import { columns, draw } from "../plot.js";
import { useAnswer } from "../state.js";
import { count } from "../format.js";
import { safe } from "../parts.js";
import { DAY, SPANS } from "../window.js";

/** @typedef {import("../api.js").Bin} Bin */
/** @typedef {import("../plot.js").Measure} Measure */

/** Tells once that an element came near the window. */
function useSight() {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element || seen) return undefined;
    const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setSeen(true), { rootMargin: "300px" });
    watch.observe(element);
    return () => watch.disconnect();
  }, [seen]);
  return { place, seen };
}

/** @param {{ name: string, bin: Bin, measure: Measure, log: boolean, until: number }} props */
function Picture({ name, bin, measure, log, until }) {
  const window = { from: until - SPANS[bin] * DAY, to: until };
  const { data, error } = useAnswer((signal) => getSeries(name, bin, { since: new Date(window.from).toISOString() }, signal), `${name} ${bin}`);
  const all = useMemo(() => (data ? columns(data) : null), [data]);
  const first = all?.starts[0] ?? window.from;
  // A young sensor's few days fill the picture.
  const shown = { from: Math.max(window.from, first), to: window.to };
  const { place } = useCanvas((to, size, colours) => {
    if (all) draw(to, size, { series: [all], window: shown, measure, log, quiet: false, axes: false, at: null }, colours);
  });
  if (error && !data) return html`<p class="fine">${safe(error.message)}</p>`;
  return html`<canvas ref=${place} role="img" aria-label=${data ? inWords(data) : words().loading}></canvas>`;
}

/** @param {{ row: import("../api.js").TopRow, bin: Bin, measure: Measure, log: boolean, until: number }} props */
function Tile({ row, bin, measure, log, until }) {
  const { place, seen } = useSight();
  return html`<li class="tile" ref=${place}><a href=${`#/port/${row.key}?bin=${bin}&measure=${measure}${log ? "&scale=log" : ""}`}>
    <span class="tile-head"><b>${safe(portInWords(row.key, row.label).label)}</b> <code>${safe(row.key)}</code><span class="much">${count(row[measure])}</span></span>
    <span class="tile-picture">${seen && html`<${Picture} name=${row.key} bin=${bin} measure=${measure} log=${log} until=${until} />`}</span>
  </a></li>`;
}

/** @param {{ rows: import("../api.js").TopRow[], bin: Bin, measure: Measure, log: boolean, until: number }} props */
export function Grid({ rows, ...how }) {
  return html`<ol class="tiles">${rows.map((row) => html`<${Tile} key=${`${row.key} ${how.bin}`} row=${row} ...${how} />`)}</ol>`;
}

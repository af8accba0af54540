// One series in a fixed span, large or quiet, with what the bin under the pointer holds, and the same figures as a table.
import { html } from "./html.js";
import { useMemo, useState } from "./vendor/preact-hooks.js";
import { useCanvas } from "./canvas.js";
import { words } from "./language.js";
import { boxOf, columns, draw, indexAt } from "./plot.js";
import { count, moment, plain, score, ranked } from "./format.js";

/** @typedef {import("./api.js").Series} Series */
/** @typedef {import("./plot.js").Measure} Measure */

/** @param {Series} series */
export function inWords(series) {
  const [most] = [...series.points].sort((a, b) => b.events - a.events);
  const said = words().chart;
  return said.inWords(series.points.length, most ? said.peak(count(most.events), moment(most.start)) : "", series.signs.length);
}

/** What the bin under the pointer holds, or the last whole one. @param {{ series: Series, at: number | null, measure: Measure }} props */
export function Readout({ series, at, measure }) {
  const [said, facts] = [words().chart, words().facts];
  const point = at === null ? undefined : series.points[at];
  const ended = series.points.at(series.complete || series.points.length < 2 ? -1 : -2);
  const last = point ?? ended;
  if (!last) return null;
  const running = !series.complete && last === series.points.at(-1);
  return html`<dl class="readout">
    <div><dt>${point ? said.from : said.lastFrom}</dt><dd>${moment(last.start)}${running ? said.running : ""}</dd></div>
    <div class="count"><dt>${facts[measure]}</dt><dd>${count(last[measure])}</dd></div>
    <div class="change"><dt>${facts.score}</dt><dd>${score(last.changefinder)}${last.rank == null ? "" : `, ${ranked(last.rank)}`}</dd></div>
    <div><dt>${measure === "events" ? facts.sources : facts.events}</dt><dd>${count(measure === "events" ? last.sources : last.events)}</dd></div>
    <div><dt>${said.outlier}</dt><dd>${score(last.outlier)}</dd></div>
    ${last.days != null && html`<div><dt>${said.chanceOnceIn}</dt><dd>${said.days(plain(last.days))}</dd></div>`}
  </dl>`;
}

/** @param {{ series: Series, height?: number, quiet?: boolean, measure?: Measure }} props `quiet`: counts alone, without readout */
export function Chart({ series, height = 300, quiet = false, measure = "events" }) {
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const data = useMemo(() => columns(series), [series]);
  const [first, last] = [data.starts[0] ?? 0, data.starts.at(-1) ?? 0];
  // A single bin would fill the whole width.
  const pad = data.starts.length < 2 ? data.bin * 10 : 0;
  const window = { from: first - pad, to: last + data.bin + pad };
  const scene = { series: [data], window, measure, log: false, quiet, axes: true, at: at === null ? null : (data.starts[at] ?? 0) + data.bin / 2 };
  const { place } = useCanvas((to, size, colours) => draw(to, size, scene, colours));
  const moved = (/** @type {PointerEvent} */ event) => {
    const canvas = place.current;
    if (!canvas || quiet) return;
    const box = boxOf({ width: canvas.clientWidth, height, scale: 1 }, scene);
    const time = window.from + ((event.offsetX - box.left) / (box.right - box.left)) * (window.to - window.from);
    const found = indexAt(data, time);
    setAt(found < data.starts.length && event.offsetX >= box.left ? found : null);
  };
  return html`<figure class=${quiet ? "chart quiet" : "chart"}>
    <canvas class="plot" ref=${place} role="img" aria-label=${inWords(series)} style=${{ height: `${height}px` }} onPointerMove=${moved} onPointerLeave=${() => setAt(null)}></canvas>
    ${!quiet && html`<${Readout} series=${series} at=${at} measure=${measure} />`}
  </figure>`;
}

/** The last bins as a table, for those who want figures. @param {{ series: Series }} props */
export function Figures({ series }) {
  const rows = series.points.slice(-60).reverse();
  const [said, facts] = [words().chart, words().facts];
  return html`<details class="figures">
    <summary>${said.figures(rows.length)}</summary>
    <div class="scroll" tabindex="0" role="region" aria-label=${said.figuresLabel}>
      <table class="plain">
        <thead><tr><th scope="col">${said.columns.start}</th><th scope="col">${facts.events}</th><th scope="col">${facts.sources}</th>
          <th scope="col">${said.columns.outlier}</th><th scope="col">${said.columns.change}</th><th scope="col">${said.columns.days}</th></tr></thead>
        <tbody>
          ${rows.map(
            (point) => html`<tr key=${point.start}><td>${moment(point.start)}</td><td>${count(point.events)}</td>
              <td>${count(point.sources)}</td><td>${score(point.outlier)}</td><td>${score(point.changefinder)}</td>
              <td>${point.days == null ? "–" : plain(point.days)}</td></tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

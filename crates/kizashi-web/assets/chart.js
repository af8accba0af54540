// A series as in the talk: counts in blue, ChangeFinder's change score in red over them, and where signs were raised. Drawn
// by uPlot on a canvas; the same figures stand in words for those who do not see it.
import { html } from "./html.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.js";
import uPlot from "./vendor/uplot.js";
import { language, words } from "./language.js";
import { colour, colours } from "./theme.js";
import { count, mark, moment, plain, score, short, ranked } from "./format.js";

/** @typedef {import("./api.js").Series} Series */
/** @typedef {import("./api.js").Point} Point */
/** @typedef {"events" | "sources"} Measure */

/** Above so many bins, bars are thinner than what separates them: the series becomes a stepped area. */
const MOST_BARS = 220;

/** The bins with the middle of each in seconds. @param {Series} series @param {Measure} measure */
function columns(series, measure) {
  const half = series.bin_seconds / 2;
  /** @type {[number[], (number | null)[], (number | null)[]]} */
  const data = [[], [], []];
  for (const point of series.points) {
    data[0].push(Date.parse(point.start) / 1000 + half);
    data[1].push(point[measure]);
    data[2].push(point.changefinder);
  }
  return data;
}

/** The range of the score. The first scores of a series can be a thousand times all others, for the algorithm has not
 * settled yet; they may leave the picture rather than flatten it. @param {(number | null)[]} scores
 * @returns {[number, number]} */
function scoreRange(scores) {
  const known = scores.filter((value) => value !== null).sort((a, b) => a - b);
  const top = known.at(-1) ?? 1;
  const usual = known[Math.floor(known.length * 0.9)] ?? top;
  const low = known[Math.floor(known.length * 0.02)] ?? 0;
  const high = Math.max(4, top > 4 * Math.max(1, usual) ? 2.5 * usual : top);
  return [Math.min(0, low), high * 1.12];
}

/** Marks the time from the start of a change to its finding, and the moment of finding.
 * @param {uPlot} plot @param {Series} series */
function drawSigns(plot, series) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 12 * scale, bbox.width, bbox.height + 12 * scale);
  ctx.clip();
  for (const sign of series.signs) {
    const since = plot.valToPos(Date.parse(sign.since) / 1000, "x", true);
    const detected = plot.valToPos(Date.parse(sign.detected) / 1000, "x", true);
    ctx.fillStyle = colour("--score-wash");
    ctx.fillRect(since, bbox.top, Math.max(scale, detected - since), bbox.height);
    ctx.strokeStyle = colour("--score");
    ctx.fillStyle = colour("--score");
    ctx.lineWidth = scale;
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(detected, bbox.top);
    ctx.lineTo(detected, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.moveTo(detected, bbox.top + scale);
    ctx.lineTo(detected - 5 * scale, bbox.top - 8 * scale);
    ctx.lineTo(detected + 5 * scale, bbox.top - 8 * scale);
    ctx.closePath();
    ctx.fill();
  }
  ctx.restore();
}

/** What a plot draws: replaced while it stands. @typedef {{ series: Series, data: ReturnType<typeof columns> }} Drawn */

/** @param {Series} series */
const hasBars = (series) => series.points.length <= MOST_BARS;

/** @param {{ drawn: Drawn, width: number, height: number, quiet: boolean, onPoint: (at: number | null) => void }} wish */
function options({ drawn, width, height, quiet, onPoint }) {
  const [line, ink] = [colour("--line"), colour("--muted")];
  const [counts, wash, change] = [colour("--count"), colour("--count-wash"), colour("--score")];
  const bars = hasBars(drawn.series);
  const font = `${quiet ? 11 : 12}px ${colour("--sans")}`;
  const axis = { stroke: ink, font, ticks: { show: false }, grid: { stroke: line, width: 1 } };
  const half = drawn.series.bin_seconds / 2;
  return /** @type {uPlot.Options} */ ({
    width,
    height,
    padding: [14, quiet ? 4 : 2, 0, 2],
    legend: { show: false },
    cursor: { y: false, drag: { x: !quiet, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: (_, min, max) => (min === max ? [min - half * 20, max + half * 20] : [min - half, max + half]) },
      y: { range: (_, __, max) => [0, Math.max(4, max * 1.12)] },
      score: { range: () => scoreRange(drawn.data[2]) },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 30, space: 72, values: (_, ticks, __, ___, apart) => ticks.map((tick) => mark(tick, apart)) },
      { ...axis, scale: "y", size: 46, space: quiet ? 44 : 52, values: (_, ticks) => ticks.map((tick) => short(tick)) },
      { ...axis, scale: "score", side: 1, show: !quiet, stroke: change, grid: { show: false }, size: 42, space: 52,
        values: (_, ticks) => ticks.map((tick) => short(tick)) },
    ],
    series: [
      {},
      {
        scale: "y", stroke: counts, fill: bars ? counts : wash, width: bars ? 0 : 1.25, points: { show: false },
        paths: bars ? uPlot.paths.bars?.({ size: [0.72, 28], radius: 0.12 }) : uPlot.paths.stepped?.({ align: 1 }),
      },
      { scale: "score", stroke: change, width: bars ? 1.75 : 1.25, points: { show: false }, spanGaps: false },
    ],
    hooks: {
      draw: [(plot) => drawSigns(plot, drawn.series)],
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
    },
  });
}

/** Whether the reader has drawn a part of the series large. @param {uPlot} plot */
function isZoomed(plot) {
  const [times] = plot.data;
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
  const { min, max } = plot.scales.x ?? {};
  return min != null && max != null && (min > first || max < last);
}

/** @param {Series} series */
function inWords(series) {
  const [most] = [...series.points].sort((a, b) => b.events - a.events);
  const said = words().chart;
  return said.inWords(series.points.length, most ? said.peak(count(most.events), moment(most.start)) : "", series.signs.length);
}

/** What the bin under the pointer holds, or what the colours mean. @param {{ series: Series, at: number | null, measure: Measure }} props */
function Readout({ series, at, measure }) {
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

/** @param {{ series: Series, height?: number, quiet?: boolean, measure?: Measure }} props `quiet`: small, without score axis
 * and readout */
export function Chart({ series, height = 300, quiet = false, measure = "events" }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const stands = useRef(/** @type {{ plot: uPlot, drawn: Drawn } | null} */ (null));
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const scheme = colours.value;
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const width = () => Math.max(120, Math.floor(element.clientWidth));
    const drawn = { series, data: columns(series, measure) };
    const plot = new uPlot(options({ drawn, width: width(), height, quiet, onPoint: setAt }), drawn.data, element);
    stands.current = { plot, drawn };
    const watch = new ResizeObserver(() => {
      if (width() !== plot.width) plot.setSize({ width: width(), height });
    });
    watch.observe(element);
    return () => {
      stands.current = null;
      watch.disconnect();
      plot.destroy();
    };
  }, [series.key, series.bin_seconds, hasBars(series), measure, quiet, height, scheme, language.value]);
  useEffect(() => {
    const standing = stands.current;
    if (!standing || standing.drawn.series === series) return;
    const zoomed = isZoomed(standing.plot);
    Object.assign(standing.drawn, { series, data: columns(series, measure) });
    standing.plot.setData(standing.drawn.data, !zoomed);
    if (zoomed) standing.plot.redraw();
  }, [series]);
  return html`<figure class=${quiet ? "chart quiet" : "chart"}>
    <div class="plot" ref=${place} role="img" aria-label=${inWords(series)} style=${{ minHeight: `${height}px` }}></div>
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

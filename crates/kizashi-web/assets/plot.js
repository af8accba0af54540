// Series drawn on a canvas: counts as bars, or as an area where bars would be thinner than what separates them; ChangeFinder's score as a line over them
// with a scale of its own; Kizashi's evidence as a band below; signs as marks. Used for the large charts and for the small ones alike. Nothing here knows
// the page: it is given columns, a window of time and colours.
import { mark, short } from "./format.js";

/** A series as columns: a year of it is drawn many times a second.
 * @typedef {{ starts: Float64Array, events: Float64Array, sources: Float64Array, scores: Float64Array, days: Float64Array, bin: number,
 *   signs: { since: number, detected: number }[], complete: boolean }} Columns `bin` in milliseconds; NaN where there is nothing */
/** @typedef {"events" | "sources"} Measure */
/** @typedef {{ from: number, to: number }} Window milliseconds since the epoch */
/** @typedef {{ line: string, ink: string, muted: string, count: string, wash: string, score: string, scoreWash: string, evidence: string, paper: string, lines: string[], font: string }} Colours */
/** @typedef {{ width: number, height: number, scale: number }} Size */
/** @typedef {{ series: Columns[], window: Window, measure: Measure, log: boolean, quiet: boolean, axes: boolean, at: number | null }} Scene `at`: where the pointer is */
/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Steps between marks of time. */
const STEPS = [10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 61 * DAY, 91 * DAY, 182 * DAY, 365 * DAY];
/** The height of the band of evidence. */
const BAND = 8;
/** How lines are told apart beside their colours. */
export const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2]];

/** @param {import("./api.js").Series} series @returns {Columns} */
export function columns(series) {
  const { points } = series;
  const column = (/** @type {(point: import("./api.js").Point) => number | null} */ value) => Float64Array.from(points, (point) => value(point) ?? NaN);
  return {
    starts: column((point) => Date.parse(point.start)),
    events: column((point) => point.events),
    sources: column((point) => point.sources),
    scores: column((point) => point.changefinder),
    days: column((point) => point.days),
    bin: series.bin_seconds * 1000,
    signs: series.signs.map((sign) => ({ since: Date.parse(sign.since), detected: Date.parse(sign.detected) })),
    complete: series.complete,
  };
}

/** The first index whose bin ends after `time`. @param {Columns} series @param {number} time */
export function indexAt(series, time) {
  let [low, high] = [0, series.starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((series.starts[middle] ?? 0) + series.bin <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the plot itself stands. @param {Size} size @param {Scene} scene @returns {Box} */
export function boxOf({ width, height }, { axes, series, quiet }) {
  const band = series.length === 1 && !quiet ? BAND + 4 : 0;
  if (!axes) return { left: 0, top: 8, right: width, bottom: height - 1 - band };
  return { left: 44, top: 14, right: width - (series.length === 1 && !quiet ? 42 : 8), bottom: height - 26 - band };
}

/** The range of the score. The first scores of a series can be a thousand times all others, for the algorithm has not settled yet; they may leave the
 * picture rather than flatten it. @param {Float64Array} scores @returns {[number, number]} */
function scoreRange(scores) {
  const known = scores.filter((value) => !Number.isNaN(value)).sort();
  const top = known.at(-1) ?? 1;
  const usual = known[Math.floor(known.length * 0.9)] ?? top;
  const low = known[Math.floor(known.length * 0.02)] ?? 0;
  const high = Math.max(4, top > 4 * Math.max(1, usual) ? 2.5 * usual : top);
  return [Math.min(0, low), high * 1.12];
}

/** The largest count in the window. @param {Scene} scene */
function largest({ series, window, measure }) {
  let most = 4;
  for (const each of series) {
    const values = each[measure];
    for (let at = indexAt(each, window.from); at < values.length && (each.starts[at] ?? 0) < window.to; at += 1) most = Math.max(most, values[at] ?? 0);
  }
  return most;
}

/** From a count to a height. @param {Box} box @param {number} most @param {boolean} log */
function heights(box, most, log) {
  const tall = box.bottom - box.top;
  if (!log) return (/** @type {number} */ value) => box.bottom - (value / (most * 1.08)) * tall;
  // One stands a little above nothing, which has no logarithm.
  const top = Math.log10(most * 1.3) + 0.3;
  return (/** @type {number} */ value) => box.bottom - (value <= 0 ? 0 : (Math.log10(Math.max(1, value)) + 0.3) / top) * tall;
}

/** @param {number} most @param {boolean} log @param {number} tall */
function countTicks(most, log, tall) {
  if (log) return Array.from({ length: Math.floor(Math.log10(most * 1.3)) + 1 }, (_, at) => 10 ** at);
  const rough = most / Math.max(2, tall / 56);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power);
  return Array.from({ length: Math.floor((most * 1.08) / step) + 1 }, (_, at) => at * step);
}

/** Marks of time in the reader's zone. @param {Window} window @param {number} wide */
function timeTicks({ from, to }, wide) {
  const step = STEPS.find((each) => (to - from) / each <= wide / 84) ?? 365 * DAY;
  const ticks = [];
  const first = new Date(from);
  if (step >= 28 * DAY) {
    const months = Math.max(1, Math.round(step / (30.4 * DAY)));
    for (let at = new Date(first.getFullYear(), 0, 1); at.getTime() < to; at = new Date(at.getFullYear(), at.getMonth() + months, 1)) ticks.push(at.getTime());
  } else if (step >= DAY) {
    for (let at = new Date(first.getFullYear(), first.getMonth(), 1); at.getTime() < to; ) {
      ticks.push(at.getTime());
      const next = new Date(at.getFullYear(), at.getMonth(), at.getDate() + step / DAY);
      const month = new Date(at.getFullYear(), at.getMonth() + 1, 1);
      // Months begin anew, and what would stand too near to that is left out.
      at = next.getTime() > month.getTime() - step * 0.4 ? month : next;
    }
  } else {
    const midnight = new Date(first.getFullYear(), first.getMonth(), first.getDate()).getTime();
    for (let at = midnight; at < to; at += step) ticks.push(at);
  }
  return { step, ticks: ticks.filter((at) => at >= from) };
}

/** @param {CanvasRenderingContext2D} to @param {Size} size @param {Scene} scene @param {Box} box @param {Colours} colours
 * @param {{ y: (value: number) => number, x: (time: number) => number, most: number, scores: [number, number] }} scales */
function drawAxes(to, size, scene, box, colours, { x, y, most, scores }) {
  to.font = colours.font;
  to.textBaseline = "middle";
  to.lineWidth = 1;
  to.textAlign = "right";
  for (const tick of countTicks(most, scene.log, box.bottom - box.top)) {
    const at = Math.round(y(tick)) + 0.5;
    to.strokeStyle = colours.line;
    to.beginPath();
    to.moveTo(box.left, at);
    to.lineTo(box.right, at);
    to.stroke();
    to.fillStyle = colours.muted;
    to.fillText(short(tick), box.left - 8, at);
  }
  to.textAlign = "center";
  const { step, ticks } = timeTicks(scene.window, box.right - box.left);
  for (const tick of ticks) {
    const at = x(tick);
    if (at < box.left + 4 || at > box.right - 4) continue;
    to.fillStyle = colours.muted;
    to.fillText(mark(tick / 1000, step / 1000), at, size.height - 10);
  }
  if (scene.series.length !== 1 || scene.quiet) return;
  to.textAlign = "left";
  to.fillStyle = colours.score;
  const [low, high] = scores;
  for (let at = 0; at <= 3; at += 1) {
    const value = low + ((high / 1.12 - low) * at) / 3;
    to.fillText(short(Math.round(value * 10) / 10), box.right + 8, box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top));
  }
}

/** Counts of one series: bars or an area. @param {CanvasRenderingContext2D} to @param {Columns} series @param {Scene} scene @param {Box} box
 * @param {Colours} colours @param {(time: number) => number} x @param {(value: number) => number} y */
function drawCounts(to, series, scene, box, colours, x, y) {
  const values = series[scene.measure];
  const first = Math.max(0, indexAt(series, scene.window.from) - 1);
  const wide = x(scene.window.from + series.bin) - x(scene.window.from);
  if (wide >= 3) {
    to.fillStyle = colours.count;
    const gap = Math.min(wide * 0.26, 6);
    for (let at = first; at < values.length && (series.starts[at] ?? 0) < scene.window.to; at += 1) {
      const top = y(values[at] ?? 0);
      if (top < box.bottom) to.fillRect(x(series.starts[at] ?? 0) + gap / 2, top, wide - gap, box.bottom - top);
    }
    return;
  }
  to.beginPath();
  to.moveTo(x(series.starts[first] ?? 0), box.bottom);
  let last = first;
  steps(series, values, scene.window.to, first, x, (left, right, value) => {
    to.lineTo(left, y(value));
    to.lineTo(right, y(value));
    last = right;
  });
  to.lineTo(last, box.bottom);
  to.closePath();
  to.fillStyle = colours.wash;
  to.fill();
  to.strokeStyle = colours.count;
  to.lineWidth = 1.25;
  to.stroke();
}

/** Walks over bins as steps; where several fall on one pixel the largest of them stands for all. @param {Columns} series @param {Float64Array} values
 * @param {number} until @param {number} first @param {(time: number) => number} x @param {(left: number, right: number, value: number) => void} step */
function steps(series, values, until, first, x, step) {
  let [left, most] = [NaN, 0];
  for (let at = first; at < values.length && (series.starts[at] ?? 0) < until; at += 1) {
    const here = x(series.starts[at] ?? 0);
    const right = x((series.starts[at] ?? 0) + series.bin);
    if (Number.isNaN(left)) left = here;
    most = Math.max(most, values[at] ?? 0);
    if (right - left < 1) continue;
    step(left, right, most);
    [left, most] = [right, 0];
  }
}

/** A line through the middles of bins. @param {CanvasRenderingContext2D} to @param {Columns} series @param {Float64Array} values @param {Scene} scene
 * @param {(time: number) => number} x @param {(value: number) => number} y */
function drawLine(to, series, values, scene, x, y) {
  to.beginPath();
  let drawing = false;
  for (let at = Math.max(0, indexAt(series, scene.window.from) - 1); at < values.length && (series.starts[at] ?? 0) < scene.window.to + series.bin; at += 1) {
    const value = values[at] ?? NaN;
    if (Number.isNaN(value)) {
      drawing = false;
      continue;
    }
    const across = x((series.starts[at] ?? 0) + series.bin / 2);
    if (drawing) to.lineTo(across, y(value));
    else to.moveTo(across, y(value));
    drawing = true;
  }
  to.stroke();
}

/** How rarely chance would bring this, as a band: the fuller the rarer, from a day to three years. @param {CanvasRenderingContext2D} to @param {Columns} series
 * @param {Scene} scene @param {Box} box @param {Colours} colours @param {(time: number) => number} x */
function drawEvidence(to, series, scene, box, colours, x) {
  const top = box.bottom + 4;
  to.fillStyle = colours.line;
  to.fillRect(box.left, top, box.right - box.left, BAND);
  to.fillStyle = colours.evidence;
  for (let at = indexAt(series, scene.window.from); at < series.days.length && (series.starts[at] ?? 0) < scene.window.to; at += 1) {
    const days = series.days[at] ?? NaN;
    if (!(days > 1)) continue;
    to.globalAlpha = Math.min(1, 0.2 + 0.27 * Math.log10(days));
    // On whole pixels, or neighbours would show a seam.
    const left = Math.round(x(series.starts[at] ?? 0));
    to.fillRect(left, top, Math.max(1, Math.round(x((series.starts[at] ?? 0) + series.bin)) - left), BAND);
  }
  to.globalAlpha = 1;
}

/** The time from the beginning of a change to its finding, and the moment of that. @param {CanvasRenderingContext2D} to @param {Columns} series @param {Box} box
 * @param {Colours} colours @param {(time: number) => number} x @param {boolean} small */
function drawSigns(to, series, box, colours, x, small) {
  const half = small ? 3.5 : 5;
  for (const sign of series.signs) {
    const [since, found] = [x(sign.since), x(sign.detected)];
    to.fillStyle = colours.scoreWash;
    to.fillRect(since, box.top, Math.max(1, found - since), box.bottom - box.top);
    to.strokeStyle = colours.score;
    to.lineWidth = 1;
    to.setLineDash([3, 3]);
    to.beginPath();
    to.moveTo(found, box.top);
    to.lineTo(found, box.bottom);
    to.stroke();
    to.setLineDash([]);
    to.fillStyle = colours.score;
    to.beginPath();
    to.moveTo(found, box.top + 1);
    to.lineTo(found - half, box.top - half * 1.5);
    to.lineTo(found + half, box.top - half * 1.5);
    to.closePath();
    to.fill();
  }
}

/** Draws all of it. @param {CanvasRenderingContext2D} to @param {Size} size @param {Scene} scene @param {Colours} colours */
export function draw(to, size, scene, colours) {
  to.setTransform(size.scale, 0, 0, size.scale, 0, 0);
  to.clearRect(0, 0, size.width, size.height);
  const box = boxOf(size, scene);
  const { from, to: until } = scene.window;
  const x = (/** @type {number} */ time) => box.left + ((time - from) / (until - from)) * (box.right - box.left);
  const most = largest(scene);
  const y = heights(box, most, scene.log);
  const [only, ...others] = scene.series;
  if (!only) return;
  /** @type {[number, number]} */
  const scores = others.length === 0 && !scene.quiet ? scoreRange(only.scores) : [0, 1];
  if (scene.axes) drawAxes(to, size, scene, box, colours, { x, y, most, scores });
  to.save();
  to.beginPath();
  to.rect(box.left, 0, box.right - box.left, size.height);
  to.clip();
  if (others.length === 0) {
    drawCounts(to, only, scene, box, colours, x, y);
    if (!scene.quiet) {
      to.strokeStyle = colours.score;
      // Over dense bins a strong line would hide what it stands over.
      const isDense = (until - from) / only.bin > (box.right - box.left) / 3;
      to.lineWidth = scene.axes && !isDense ? 1.75 : 1;
      to.globalAlpha = isDense ? 0.7 : 1;
      to.lineJoin = "round";
      drawLine(to, only, only.scores, scene, x, (value) => Math.max(box.top - 4, box.bottom - ((value - scores[0]) / (scores[1] - scores[0])) * (box.bottom - box.top)));
      to.globalAlpha = 1;
      drawEvidence(to, only, scene, box, colours, x);
    }
    drawSigns(to, only, box, colours, x, !scene.axes);
  } else {
    scene.series.forEach((each, at) => {
      to.strokeStyle = colours.lines[at % colours.lines.length] ?? colours.count;
      to.setLineDash(DASHES[at % DASHES.length] ?? []);
      to.lineWidth = 1.75;
      to.lineJoin = "round";
      drawLine(to, each, each[scene.measure], scene, x, y);
    });
    to.setLineDash([]);
  }
  if (scene.at !== null) {
    to.fillStyle = colours.muted;
    to.fillRect(Math.round(x(scene.at)), box.top, 1, box.bottom - box.top);
  }
  to.restore();
}

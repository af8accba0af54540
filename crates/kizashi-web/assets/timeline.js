// A series that one moves about in: a large plot, and below it the whole past with a window to drag. Moving draws at once from what is there; what is
// missing is fetched meanwhile (window.js). Several series are drawn as lines over each other.
import { html } from "./html.js";
import { useEffect, useMemo, useRef, useState } from "./vendor/preact-hooks.js";
import { getSeries } from "./api.js";
import { useCanvas } from "./canvas.js";
import { Figures, Readout, inWords } from "./chart.js";
import { words } from "./language.js";
import { boxOf, columns, draw, indexAt } from "./plot.js";
import { tick, useAnswer } from "./state.js";
import { count, moment } from "./format.js";
import { Icon } from "./icons.js";
import { Failure } from "./parts.js";
import { DAY, binFor, missing, within, zoomed } from "./window.js";

/** @typedef {import("./api.js").Bin} Bin */
/** @typedef {import("./api.js").Series} Series */
/** @typedef {import("./plot.js").Window} Window */
/** @typedef {import("./plot.js").Measure} Measure */
/** @typedef {import("./plot.js").Columns} Columns */
/** @typedef {{ series: Series, data: Columns, there: Window }} Fetched */

/** The time for which a window must rest before something is fetched for it. */
const REST = 120;
/** Days of the whole past that are drawn below. */
const PAST = 730 * DAY;

/** @param {Window} span */
const asked = ({ from, to }) => ({ since: new Date(from).toISOString(), until: new Date(to).toISOString() });

/** What is fetched of several keys for a window, kept while more comes. @param {string[]} keys @param {Bin} bin @param {Window} window @param {Window} known */
function useWindow(keys, bin, window, known) {
  const [kept, setKept] = useState(/** @type {Record<string, Fetched>} */ ({}));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const turn = tick.value;
  const askedAt = useRef(turn);
  useEffect(() => {
    const stop = new AbortController();
    const atEnd = window.to >= known.to - 1 && askedAt.current !== turn;
    const wanted = keys.map((key) => /** @type {const} */ ([key, missing(window, atEnd ? null : (kept[`${key} ${bin}`]?.there ?? null), known)]));
    const fetched = wanted.flatMap(([key, span]) => (span ? [/** @type {const} */ ([key, span])] : []));
    if (fetched.length === 0) return undefined;
    const wait = setTimeout(async () => {
      try {
        const answers = await Promise.all(fetched.map(([key, span]) => getSeries(key, bin, asked(span), stop.signal)));
        if (stop.signal.aborted) return;
        askedAt.current = turn;
        const all = answers.map((series, at) => [`${fetched[at]?.[0]} ${bin}`, { series, data: columns(series), there: fetched[at]?.[1] }]);
        // What is looked at stays; everything else is let go, or a long look around would keep all.
        setKept((last) => ({ ...Object.fromEntries(Object.entries(last).filter(([name]) => keys.some((key) => name.startsWith(`${key} `))).slice(-12)), ...Object.fromEntries(all) }));
        setError(null);
      } catch (thrown) {
        if (!stop.signal.aborted) setError(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    }, Object.keys(kept).length === 0 ? 0 : REST);
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [keys.join(), bin, window.from, window.to, known.to, turn]);
  // Until finer bins are here, those of before stand.
  const shown = keys.map((key) => kept[`${key} ${bin}`] ?? Object.entries(kept).findLast(([name]) => name.startsWith(`${key} `))?.[1]);
  return { shown: shown.flatMap((each) => (each ? [each] : [])), waiting: keys.some((key) => missing(window, kept[`${key} ${bin}`]?.there ?? null, known) !== null), error };
}

/** Moves with the pointer over a plot: `grab` at its beginning, `pull` with how far it went, as a share of the width.
 * @param {(share: number) => (far: number) => void} grab */
function dragging(grab) {
  return (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    const element = /** @type {HTMLElement} */ (event.currentTarget);
    const [start, wide] = [event.clientX, element.clientWidth];
    const pull = grab((event.clientX - element.getBoundingClientRect().left) / wide);
    element.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ next) => pull((next.clientX - start) / wide);
    const end = () => {
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", end);
      element.removeEventListener("pointercancel", end);
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
  };
}

/** The whole past, with the window to drag. @param {{ name: string, window: Window, known: Window, measure: Measure, move: (window: Window) => void }} props */
function Past({ name, window, known, measure, move }) {
  const past = { from: Math.max(known.from, known.to - PAST), to: known.to };
  const bin = binFor(past, "12h");
  const { data } = useAnswer((signal) => getSeries(name, bin, { since: new Date(past.from).toISOString() }, signal), `past ${name} ${bin}`);
  const all = useMemo(() => (data ? columns(data) : null), [data]);
  const long = past.to - past.from;
  const { place } = useCanvas((to, size, colours) => {
    if (!all) return;
    draw(to, size, { series: [all], window: past, measure, log: false, quiet: true, axes: false, at: null }, colours);
    const [left, right] = [((window.from - past.from) / long) * size.width, ((window.to - past.from) / long) * size.width];
    to.fillStyle = colours.paper;
    to.globalAlpha = 0.66;
    to.fillRect(0, 0, left, size.height);
    to.fillRect(right, 0, size.width - right, size.height);
    to.globalAlpha = 1;
    to.strokeStyle = colours.ink;
    to.lineWidth = 1.5;
    to.strokeRect(left + 0.75, 0.75, Math.max(4, right - left - 1.5), size.height - 1.5);
  });
  const grab = dragging((share) => {
    const at = past.from + share * long;
    const wide = window.to - window.from;
    const start = at >= window.from && at <= window.to ? window : { from: at - wide / 2, to: at + wide / 2 };
    move(start);
    return (far) => move({ from: start.from + far * long, to: start.to + far * long });
  });
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowLeft: -0.25, ArrowRight: 0.25, PageUp: -1, PageDown: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const wide = window.to - window.from;
    const by = Number.isFinite(step) ? step * wide : Math.sign(step) * long;
    move({ from: window.from + by, to: window.to + by });
  };
  const said = words().timeline;
  return html`<canvas class="past" ref=${place} tabindex="0" role="slider" aria-label=${said.past} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${Math.round(((window.to - past.from) / long) * 100)} aria-valuetext=${said.window(moment(new Date(window.from)), moment(new Date(window.to)))}
    onPointerDown=${grab} onKeyDown=${keys}></canvas>`;
}

/** What each line holds where the pointer is. @param {{ shown: Fetched[], names: string[], measure: Measure, at: number | null }} props */
function Lines({ shown, names, measure, at }) {
  return html`<ol class="lines">${shown.map(({ data }, place) => {
    const index = at === null ? data.starts.length - (data.complete ? 1 : 2) : indexAt(data, at);
    return html`<li key=${names[place]}><svg width="28" height="10" aria-hidden="true"><path class=${`line-${place + 1}`} d="M0 5H28" /></svg> <span>${names[place]}</span> <b>${count(data[measure][index] ?? 0)}</b></li>`;
  })}</ol>`;
}

/** @param {{ keys: string[], names: string[], bin: Bin, measure: Measure, log: boolean, window: Window, known: Window, show: (window: Window) => void, height?: number }} props
 * `keys` are drawn, the first with its score where it is alone; `known` is the time of which something is known; `show` is told the window that is wished */
export function Timeline({ keys, names, bin, measure, log, window, known, show, height = 360 }) {
  const said = words().timeline;
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const { shown, waiting, error } = useWindow(keys, bin, window, known);
  const move = (/** @type {Window} */ wished) => show(within(wished, known));
  const scene = { series: shown.map((each) => each.data), window, measure, log, quiet: false, axes: true, at };
  const { place } = useCanvas((to, size, colours) => draw(to, size, scene, colours));
  const boxed = () => boxOf({ width: place.current?.clientWidth ?? 1, height, scale: 1 }, scene);
  const timeAt = (/** @type {number} */ offset) => {
    const box = boxed();
    return window.from + ((offset - box.left) / (box.right - box.left)) * (window.to - window.from);
  };
  const wide = window.to - window.from;
  const latest = useRef({ window, move, timeAt });
  latest.current = { window, move, timeAt };
  useEffect(() => {
    const canvas = place.current;
    // Not passive, or zooming would zoom the whole page; a wheel that only goes up and down goes on scrolling it.
    const wheel = (/** @type {WheelEvent} */ event) => {
      const { window, move, timeAt } = latest.current;
      const span = window.to - window.from;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        move(zoomed(window, Math.exp(event.deltaY * 0.004), timeAt(event.offsetX)));
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        const by = (event.deltaX / (canvas?.clientWidth ?? 1)) * span;
        move({ from: window.from + by, to: window.to + by });
      }
    };
    canvas?.addEventListener("wheel", wheel, { passive: false });
    return () => canvas?.removeEventListener("wheel", wheel);
  }, []);
  const grab = dragging(() => {
    const start = window;
    const box = boxed();
    const share = (place.current?.clientWidth ?? 1) / Math.max(1, box.right - box.left);
    return (far) => move({ from: start.from - far * share * wide, to: start.to - far * share * wide });
  });
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    const middle = (window.from + window.to) / 2;
    const by = { ArrowLeft: -0.2, ArrowRight: 0.2 }[event.key];
    if (by !== undefined) move({ from: window.from + by * wide, to: window.to + by * wide });
    else if (event.key === "+" || event.key === "=") move(zoomed(window, 0.6, middle));
    else if (event.key === "-") move(zoomed(window, 1 / 0.6, middle));
    else return;
    event.preventDefault();
  };
  const [first] = shown;
  const index = first && at !== null ? indexAt(first.data, at) : null;
  const middle = (window.from + window.to) / 2;
  return html`<figure class="timeline" aria-busy=${waiting}>
    <div class="moves">
      <span class="when-shown">${said.window(moment(new Date(window.from)), moment(new Date(window.to)))}</span>
      <button type="button" class="button" aria-label=${said.earlier} title=${said.earlier} onClick=${() => move({ from: window.from - wide * 0.5, to: window.to - wide * 0.5 })}><${Icon} name="left" /></button>
      <button type="button" class="button" aria-label=${said.later} title=${said.later} onClick=${() => move({ from: window.from + wide * 0.5, to: window.to + wide * 0.5 })}><${Icon} name="right" /></button>
      <button type="button" class="button" aria-label=${said.closer} title=${said.closer} onClick=${() => move(zoomed(window, 0.5, middle))}><${Icon} name="plus" /></button>
      <button type="button" class="button" aria-label=${said.wider} title=${said.wider} onClick=${() => move(zoomed(window, 2, middle))}><${Icon} name="minus" /></button>
      <button type="button" class="button" onClick=${() => move(known)}>${said.all}</button>
    </div>
    <canvas class="plot" ref=${place} tabindex="0" role="img" aria-label=${first ? inWords(first.series) : words().loading} style=${{ height: `${height}px` }}
      onPointerDown=${grab} onPointerMove=${(/** @type {PointerEvent} */ event) => setAt(timeAt(event.offsetX))} onPointerLeave=${() => setAt(null)} onKeyDown=${pressed}
      onDblClick=${(/** @type {MouseEvent} */ event) => move(zoomed(window, 0.5, timeAt(event.offsetX)))}></canvas>
    <${Past} name=${keys[0] ?? ""} window=${window} known=${known} measure=${measure} move=${move} />
    ${error && shown.length === 0 && html`<${Failure} error=${error} />`}
    ${first && (keys.length > 1
      ? html`<${Lines} shown=${shown} names=${names} measure=${measure} at=${at} />`
      : html`<${Readout} series=${first.series} at=${index !== null && index < first.data.starts.length ? index : null} measure=${measure} />`)}
    <p class="fine">${said.how}</p>
    ${first && keys.length === 1 && html`<${Figures} series=${first.series} />`}
  </figure>`;
}

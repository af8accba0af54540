// A canvas that is as large as its place, as sharp as the screen, and drawn anew when either changes or the colours do; at most once a frame.
import { useEffect, useRef } from "./vendor/preact-hooks.js";
import { colour, colours } from "./theme.js";

/** @typedef {import("./plot.js").Size} Size */
/** @typedef {import("./plot.js").Colours} Colours */

/** The colours of a plot as they are now. @returns {Colours} */
export function palette() {
  return {
    line: colour("--line"), ink: colour("--ink"), muted: colour("--muted"), count: colour("--count"), wash: colour("--count-wash"), score: colour("--score"),
    scoreWash: colour("--score-wash"), evidence: colour("--evidence"), paper: colour("--paper"),
    lines: [1, 2, 3, 4, 5].map((at) => colour(`--line-${at}`)), font: `12px ${colour("--sans")}`,
  };
}

/** @param {(to: CanvasRenderingContext2D, size: Size, colours: Colours) => void} draw
 * @returns {{ place: { current: HTMLCanvasElement | null }, again: () => void }} `again` asks for a new drawing */
export function useCanvas(draw) {
  const place = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const latest = useRef(draw);
  latest.current = draw;
  const asked = useRef(0);
  const paint = useRef(palette());
  const scheme = colours.value;
  const again = () => {
    if (asked.current !== 0) return;
    asked.current = requestAnimationFrame(() => {
      asked.current = 0;
      const canvas = place.current;
      const to = canvas?.getContext("2d");
      if (!canvas || !to) return;
      const [width, height, scale] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
      if (width === 0 || height === 0) return;
      if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
      }
      latest.current(to, { width, height, scale }, paint.current);
    });
  };
  useEffect(() => {
    paint.current = palette();
    again();
  }, [scheme]);
  useEffect(() => {
    const canvas = place.current;
    if (!canvas) return undefined;
    const watch = new ResizeObserver(again);
    watch.observe(canvas);
    return () => {
      watch.disconnect();
      cancelAnimationFrame(asked.current);
    };
  }, []);
  useEffect(again);
  return { place, again };
}

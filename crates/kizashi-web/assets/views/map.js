// The world as visitors come: countries by how many came, and an arc for a visitor. Calm is the rule: a few arcs a second, whatever comes; and none where
// the reader wishes less motion. The table beside the map says the same in words. Drawn on a canvas: the land once, arcs a frame, and no frame without one.
import { html } from "../html.js";
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { OUTLINES, POINTS, SIZE } from "../vendor/world.js";
import { language, countryName, words } from "../language.js";
import { hearers } from "../state.js";
import { colour, colours } from "../theme.js";
import { Choice } from "../parts.js";

/** @typedef {{ from: [number, number], start: number, scale: number }} Arc */

/** Arcs at once. */
const MOST_ARCS = 160;
/** Milliseconds that an arc takes, and that its end is seen after it. */
const FLIGHT = 1_500;
const FADE = 600;
/** Milliseconds between two arcs while it is calm. */
const CALM = 160;
const KEPT = "kizashi-place";

/** Each outline as a path of the picture. */
const PATHS = OUTLINES.map(([code, path]) => /** @type {const} */ ([code, new Path2D(path)]));

/** Where the sensor stands: as the reader said, or where his language is at home. */
function keptPlace() {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept && POINTS[kept]) return kept;
  } catch {
    // The browser keeps nothing for us.
  }
  const region = new Intl.Locale(navigator.language).maximize().region ?? "";
  return POINTS[region] ? region : "JP";
}

const less = matchMedia("(prefers-reduced-motion: reduce)");

/** The land, each country the fuller the more came from it. @param {HTMLCanvasElement} land @param {number} scale @param {Map<string, number>} counts */
function drawLand(land, scale, counts) {
  const to = land.getContext("2d");
  if (!to) return;
  const most = Math.log1p(Math.max(1, ...counts.values()));
  const [ground, border, ink] = [colour("--raised"), colour("--surface"), colour("--count")];
  to.setTransform(scale, 0, 0, scale, 0, 0);
  to.clearRect(0, 0, ...SIZE);
  to.lineWidth = 0.6;
  to.strokeStyle = border;
  for (const [code, path] of PATHS) {
    to.fillStyle = ground;
    to.fill(path);
    const count = counts.get(code) ?? 0;
    if (count > 0) {
      to.globalAlpha = 0.12 + 0.6 * (Math.log1p(count) / most);
      to.fillStyle = ink;
      to.fill(path);
      to.globalAlpha = 1;
    }
    to.stroke(path);
  }
}

/** One arc at a moment: a bow that is drawn from where the visitor is, and a ring where it arrives. @param {CanvasRenderingContext2D} to @param {Arc} arc
 * @param {[number, number]} here @param {number} time */
function drawArc(to, arc, here, time) {
  const [x, y] = arc.from;
  const [left, top] = [(x + here[0]) / 2, (y + here[1]) / 2];
  const far = Math.hypot(x - here[0], y - here[1]);
  const bend = [left, top - Math.min(120, far * 0.32)];
  const part = Math.min(1, (time - arc.start) / FLIGHT);
  const eased = 1 - (1 - part) ** 3;
  const tail = Math.max(0, eased - 0.45);
  const at = (/** @type {number} */ t) => [
    (1 - t) ** 2 * x + 2 * (1 - t) * t * (bend[0] ?? 0) + t * t * here[0],
    (1 - t) ** 2 * y + 2 * (1 - t) * t * (bend[1] ?? 0) + t * t * here[1],
  ];
  const fading = Math.max(0, 1 - Math.max(0, time - arc.start - FLIGHT) / FADE);
  to.globalAlpha = 0.75 * fading;
  to.beginPath();
  for (let step = 0; step <= 14; step += 1) {
    const [px = 0, py = 0] = at(tail + ((eased - tail) * step) / 14);
    if (step === 0) to.moveTo(px, py);
    else to.lineTo(px, py);
  }
  to.stroke();
  const begun = Math.min(1, (time - arc.start) / 400);
  to.globalAlpha = (1 - part) * 0.9;
  to.beginPath();
  to.arc(x, y, 1.5 + 4 * begun, 0, 7);
  to.stroke();
  if (part === 1) {
    to.globalAlpha = fading * 0.8;
    to.beginPath();
    to.arc(here[0], here[1], 2 + 7 * (1 - fading), 0, 7);
    to.stroke();
  }
  to.globalAlpha = 1;
}

/** A drawing that goes on while there are arcs. @param {HTMLCanvasElement} canvas @param {{ here: () => [number, number], counts: Map<string, number> }} about */
function animate(canvas, { here, counts }) {
  const land = document.createElement("canvas");
  /** @type {Arc[]} */
  let arcs = [];
  let asked = 0;
  let landDue = true;
  let scale = 1;
  const frame = (/** @type {number} */ time) => {
    asked = 0;
    const to = canvas.getContext("2d");
    if (!to || canvas.clientWidth === 0) return;
    const wide = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== wide) {
      canvas.width = land.width = wide;
      canvas.height = land.height = Math.round((wide * SIZE[1]) / SIZE[0]);
      landDue = true;
    }
    scale = wide / SIZE[0];
    if (landDue) drawLand(land, scale, counts);
    landDue = false;
    to.setTransform(1, 0, 0, 1, 0, 0);
    to.clearRect(0, 0, canvas.width, canvas.height);
    to.drawImage(land, 0, 0);
    to.setTransform(scale, 0, 0, scale, 0, 0);
    to.strokeStyle = to.fillStyle = colour("--score");
    // As thick on a phone as on a wide screen.
    to.lineWidth = Math.max(1, 1.4 * (devicePixelRatio / scale));
    to.lineCap = "round";
    arcs = arcs.filter((arc) => time - arc.start < FLIGHT + FADE);
    for (const arc of arcs) if (time >= arc.start) drawArc(to, arc, here(), time);
    const [x, y] = here();
    to.beginPath();
    to.arc(x, y, Math.max(3, 3.5 * (devicePixelRatio / scale)), 0, 7);
    to.fill();
    if (arcs.length > 0) ask();
  };
  const ask = () => {
    asked ||= requestAnimationFrame(frame);
  };
  return {
    /** @param {string} code */
    fly: (code) => {
      const from = POINTS[code];
      if (!from || arcs.length >= MOST_ARCS) return;
      arcs.push({ from, start: performance.now(), scale });
      ask();
    },
    land: () => {
      landDue = true;
      ask();
    },
    stop: () => cancelAnimationFrame(asked),
  };
}

/** @typedef {"calm" | "all"} Mood */

/** @param {{ counts: Map<string, number>, turn: number }} props how many came from where; `turn` grows when that changed */
export function WorldMap({ counts, turn }) {
  const said = words().map;
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [place, setPlace] = useState(keptPlace);
  const [mood, setMood] = useState(/** @type {Mood} */ ("calm"));
  const now = useRef({ place, mood });
  now.current = { place, mood };
  const drawing = useRef(/** @type {ReturnType<typeof animate> | null} */ (null));
  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const here = () => /** @type {[number, number]} */ (POINTS[now.current.place] ?? [500, 200]);
    const moving = animate(element, { here, counts });
    drawing.current = moving;
    moving.land();
    let next = 0;
    const hear = (/** @type {import("../api.js").FeedItem[]} */ items) => {
      if (less.matches || document.visibilityState !== "visible") return;
      for (const { country } of items) {
        if (!country) continue;
        const time = performance.now();
        if (now.current.mood === "calm" && time < next) continue;
        next = time + CALM;
        moving.fly(country);
      }
    };
    hearers.add(hear);
    const watch = new ResizeObserver(moving.land);
    watch.observe(element);
    return () => {
      hearers.delete(hear);
      watch.disconnect();
      moving.stop();
    };
  }, []);
  const scheme = colours.value;
  useEffect(() => drawing.current?.land(), [turn, scheme, place]);
  const stand = (/** @type {Event} */ event) => {
    const code = /** @type {HTMLSelectElement} */ (event.target).value;
    setPlace(code);
    try {
      localStorage.setItem(KEPT, code);
    } catch {
      // It is said for this visit, then.
    }
  };
  const places = Object.keys(POINTS).map((code) => /** @type {const} */ ([code, countryName(code)])).sort((a, b) => a[1].localeCompare(b[1], language.value));
  return html`<div class="map">
    <canvas ref=${canvas} role="img" aria-label=${said.label} style=${{ aspectRatio: `${SIZE[0]} / ${SIZE[1]}` }}></canvas>
    <div class="tools">
      <label class="here">${said.here} <select value=${place} onChange=${stand}>${places.map(([code, name]) => html`<option key=${code} value=${code}>${name}</option>`)}</select></label>
      ${less.matches ? html`<p class="fine">${said.still}</p>` : html`<${Choice} label=${said.arcs} choices=${/** @type {[Mood, string][]} */ ([["calm", said.calm], ["all", said.all]])} chosen=${mood} choose=${setMood} />`}
    </div>
  </div>`;
}

// One session, played: the terminal as the visitor saw it, with pause, speed and a place to go to. Text is set as text.
import { html } from "../html.js";
import { useEffect, useMemo, useRef, useState } from "../vendor/preact-hooks.js";
import { getSession } from "../api.js";
import { words } from "../language.js";
import { useAnswer } from "../state.js";
import { moment } from "../format.js";
import { Failure, Loading, safe } from "../parts.js";
import { Bench } from "./bench.js";
import { more } from "../more.js";
import { BOLD, INVERSE, UNDERLINE, moments, screenAt } from "../terminal.js";

/** Seconds that a pause lasts at most. */
const LONGEST = 2;
const SPEEDS = [1, 2, 4, 8];

/** @param {import("../terminal.js").Style} style */
function classes({ flags, colour }) {
  const names = [];
  if (flags & BOLD) names.push("bold");
  if (flags & UNDERLINE) names.push("underline");
  if (flags & INVERSE) names.push("inverse");
  if (colour >= 0) names.push(`colour-${colour}`);
  return names.join(" ");
}

/** @param {number} seconds */
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** @param {{ page: import("../api.js").SessionPage }} props */
function Player({ page }) {
  const said = words().sessions;
  const times = useMemo(() => moments(page.frames, LONGEST), [page]);
  const end = times.at(-1) ?? 0;
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!playing) return undefined;
    let last = performance.now();
    let request = requestAnimationFrame(function step(time) {
      const passed = ((time - last) / 1000) * speed;
      last = time;
      setAt((/** @type {number} */ before) => Math.min(end, before + passed));
      request = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(request);
  }, [playing, speed, end]);
  useEffect(() => {
    if (playing && at >= end) setPlaying(false);
  }, [playing, at, end]);
  const reached = times.filter((time) => time <= at).length;
  const lines = useMemo(() => screenAt(page.frames, times, at, page.size).shown(), [page, reached]);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const toggle = () => {
    if (!playing && at >= end) setAt(0);
    setPlaying(!playing);
  };
  return html`<section class="panel player" aria-label=${said.recording}>
    <div class="tools">
      <button type="button" class="more play" aria-pressed=${playing} onClick=${toggle}>${playing ? said.pause : said.play}</button>
      <input type="range" min="0" max=${end} step="any" value=${at} aria-label=${said.place} aria-valuetext=${clock(at)}
        onInput=${(/** @type {Event} */ event) => setAt(Number(/** @type {HTMLInputElement} */ (event.target).value))} />
      <span class="time">${clock(at)} / ${clock(end)}</span>
      <span class="choice" role="group" aria-label=${said.speed}>
        ${SPEEDS.map((each) => html`<button type="button" key=${each} aria-pressed=${each === speed} onClick=${() => setSpeed(each)}>${each}×</button>`)}
      </span>
    </div>
    <pre class="terminal" ref=${box} tabindex="0" aria-label=${said.terminal}>${lines.map(
      (runs, place) => html`<div key=${place}>${runs.length === 0 ? "\n" : runs.map((run, at) => html`<span key=${at} class=${classes(run.style)}>${run.text}</span>`)}</div>`,
    )}</pre>
    <p class="fine">${said.cut(LONGEST)}</p>
  </section>`;
}

/** @param {{ id: string }} props */
export function SessionView({ id }) {
  const { data, error } = useAnswer((signal) => getSession(id, signal), id);
  const said = words().sessions;
  return html`<article class="page session">
    <a class="back" href="#/sessions">${said.title}</a>
    ${error && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${6} />`}
    ${data && html`<h1>${said.from(safe(data.session.service), safe(data.session.source))}</h1>
      <p class="when">${said.on(moment(data.session.first), html`<a href=${`#/port/${data.session.port}`}>${safe(data.session.port)}</a>`)}</p>
      ${data.frames.length > 0 ? html`<${Player} key=${id} page=${data} />` : html`<p class="note">${said.notRecorded}</p>`}
      ${data.lines.length > 0 && html`<ol class="panel transcript">${data.lines.map((line, place) => html`<li key=${place} class="hostile">${line}</li>`)}</ol>`}
      <details class="panel at-bench"><summary>${more().bench.title}</summary><p class="quiet">${more().bench.lead}</p><${Bench} /></details>`}
  </article>`;
}

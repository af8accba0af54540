// What happens now, newest first. It can be stopped for reading, and narrowed by a text. However much comes, only so many lines stand in the page.
import { html } from "../html.js";
import { useRef } from "../vendor/preact-hooks.js";
import { words, countryName } from "../language.js";
import { connection, feed, missed, paused, skipped } from "../state.js";
import { choose, place } from "../router.js";
import { useShortcuts } from "../shortcuts.js";
import { second } from "../format.js";
import { Icon } from "../icons.js";
import { Empty, Hostile, Loading, safe } from "../parts.js";
import { sensorChosen } from "./sensor-choice.js";

/** Lines shown. */
const LINES = 40;

function toggle() {
  paused.value = !paused.value;
  if (!paused.value) {
    skipped.value += missed.value;
    missed.value = 0;
  }
}

const SHORTCUTS = [{ keys: "p", told: () => words().feed.pauseKey, act: toggle }];

/** Whether an event is what is looked for, in anything that its line shows. @param {import("../api.js").FeedItem} item @param {string} text */
const isFound = (item, text) =>
  `${item.source} ${item.port} ${item.service} ${item.action} ${actionName(item.action)} ${item.text} ${item.scanner ?? ""} ${item.country ?? ""}`.toLowerCase().includes(text);

/** What a visitor did, in the page's language. @param {string} action */
export const actionName = (action) => words().feed.actions[/** @type {keyof import("../language.js").Words["feed"]["actions"]} */ (action)] ?? safe(action);

/** @param {{ item: import("../api.js").FeedItem }} props */
function Line({ item }) {
  return html`<li>
    <time datetime=${item.time} title=${item.time}>${second(item.time)}</time>
    <span class="source" title=${safe(item.scanner ?? item.source)}><bdi>${safe(item.source)}</bdi>${item.scanner && ` ${safe(item.scanner)}`}</span>
    <span class="country">${item.country ? countryName(item.country) : ""}</span>
    <span class="what"><span class="action">${actionName(item.action)}</span> ${item.text !== "" && html`<${Hostile} text=${item.text} />`}</span>
    <a href=${`#/port/${item.port}`} title=${safe(item.port)}>${item.service === "unknown" ? safe(item.port) : safe(item.service)}</a>
  </li>`;
}

export function Feed() {
  useShortcuts(SHORTCUTS);
  const said = words().feed;
  const text = place.value.query.get("find") ?? "";
  const all = feed.value;
  const sensor = sensorChosen();
  const own = sensor === "" ? all : all?.filter(({ item }) => item.sensor === sensor);
  const lines = (text === "" ? own : own?.filter(({ item }) => isFound(item, text.toLowerCase())))?.slice(0, LINES);
  // In a flood every line is another one at once: the elements stay and only their words change, which costs a fraction.
  const newest = useRef(0);
  const isFlood = (lines?.[0]?.number ?? 0) - newest.current > LINES / 2;
  newest.current = lines?.[0]?.number ?? 0;
  const find = (/** @type {Event} */ event) => choose({ find: /** @type {HTMLInputElement} */ (event.target).value });
  return html`<section class="feed" aria-labelledby="feed-title">
    <div class="head">
      <h2 id="feed-title">${said.title}</h2>
      <input class="search end" type="search" placeholder=${said.find} aria-label=${said.find} value=${text} onInput=${find} />
      <button type="button" class="button" aria-pressed=${paused.value} onClick=${toggle}>
        <${Icon} name=${paused.value ? "play" : "pause"} />${paused.value ? said.goOn(missed.value) : said.pause}
      </button>
    </div>
    ${all === null && html`<${Loading} lines=${8} />`}
    ${all?.length === 0 && html`<${Empty}>${connection.value === "live" ? said.listening : said.waiting}<//>`}
    ${all && all.length > 0 && lines?.length === 0 && html`<${Empty}>${said.notFound}<//>`}
    ${lines && lines.length > 0 && html`<ol tabindex="0" aria-label=${said.label}>
      ${lines.map(({ number, item }, at) => html`<${Line} key=${isFlood ? at : `n${number}`} item=${item} />`)}
    </ol>`}
    ${skipped.value > 0 && html`<p class="note">${said.skipped(skipped.value)}</p>`}
  </section>`;
}

// The one line at the top: is something coming? Answered from the signs that are open, with the strongest named.
import { html } from "../html.js";
import { from, getSeries } from "../api.js";
import { words } from "../language.js";
import { end, now, signs, status, useAnswer } from "../state.js";
import { ago, bytes, chance, count, moment, plain, span } from "../format.js";
import { Chart } from "../chart.js";
import { address, isSilence, strength, title } from "./signs.js";

/** @typedef {import("../api.js").Sign} Sign */

/** @param {Sign[]} open strongest first */
function verdict(open) {
  const said = words().answer;
  if (open.some((sign) => sign.kind === "sensor-silent")) return { tone: "medium", line: said.cannotTell };
  const rising = open.filter((sign) => !isSilence(sign));
  const [first] = rising;
  if (!first) return { tone: "calm", line: said.no };
  if (first.severity === "high") return { tone: "high", line: said.yes(rising.length) };
  if (first.severity === "medium") return { tone: "medium", line: said.perhaps(rising.length) };
  return { tone: "low", line: said.hardly(rising.length) };
}

/** @param {{ known: Sign[], open: Sign[] }} props */
function Why({ known, open }) {
  const silent = open.find(isSilence);
  const first = open.find((sign) => sign.kind === "sensor-silent") ?? open.find((sign) => !isSilence(sign)) ?? silent;
  const said = words().answer;
  const link = (/** @type {Sign} */ sign) => html`<a href=${address(sign)}>${title(sign)}</a>`;
  if (!first) {
    const last = known[0];
    return html`<p class="why">${last ? said.usualAndLast(link(last), ago(last.detected, now())) : said.usual}</p>`;
  }
  const since = moment(first.since, now());
  if (isSilence(first)) return html`<p class="why">${said.silent(link(first), since, chance(first.days))}</p>`;
  if (first.kind === "sensor-wide") {
    return html`<p class="why">${said.strongestWhole((text) => html`<a href=${address(first)}>${text}</a>`, since)}</p>`;
  }
  return html`<p class="why">${said.strongest(link(first), plain(first.ratio), since, chance(first.days))}</p>`;
}

/** @param {{ known: import("../api.js").Status }} props */
function Facts({ known }) {
  const { store } = known;
  const [said, facts] = [words().answer, words().facts];
  const length = store.first && store.last ? span(Date.parse(store.last) - Date.parse(store.first)) : "–";
  const lost = store.dropped + store.out_of_time + (known.traps?.lost ?? 0);
  return html`<dl class="facts">
      <div><dt>${facts.events}</dt><dd>${count(store.events)}</dd></div>
      <div><dt>${facts.sources}</dt><dd>${count(store.sources)}</dd></div>
      <div><dt>${facts.sessions}</dt><dd>${count(store.sessions)}</dd></div>
      <div><dt>${facts.observed}</dt><dd>${length}</dd></div>
    </dl>
    <p class="fine">${said.watched(known.series_watched, count(known.false_alarms_per_week), known.false_alarms_per_week === 1, bytes(store.bytes))}${store.late > 0 ? said.late(store.late) : ""}${lost > 0 ? said.lost(lost) : ""}${said.end}</p>
    ${known.traps && html`<${Traps} traps=${known.traps} />`}`;
}

/** What went wrong with the processes that speak to visitors; nothing is said while nothing did.
 * @param {{ traps: import("../api.js").TrapStatus }} props */
function Traps({ traps }) {
  const said = words().answer;
  const ended = [
    ...(traps.misbehaved > 0 ? [said.misbehaved(traps.misbehaved)] : []),
    ...(traps.crashes > 0 ? [said.crashed(traps.crashes)] : []),
  ];
  return html`${ended.length > 0 && html`<p class="fine">${said.trapEnded(ended)}</p>`}
    ${traps.not_enforced && html`<p class="fine">${said.notEnforced(traps.not_enforced)}</p>`}`;
}

const DAY = 86_400_000;

/** The last two months of all ports; two more are read for the scores to settle on. @param {AbortSignal} signal */
async function loadWhole(signal) {
  const start = (await end()) - 60 * DAY;
  return from(await getSeries("total", "12h", { since: new Date(start - 60 * DAY).toISOString() }, signal), start);
}

function Whole() {
  const { data } = useAnswer(loadWhole, "total");
  if (!data || data.points.length < 3) return null;
  return html`<div class="whole"><p>${words().answer.whole}</p><${Chart} series=${data} height=${196} quiet=${true} /></div>`;
}

export function Answer() {
  const said = words().answer;
  const [known, all] = [status.value, signs.value];
  const open = (all ?? []).filter((sign) => sign.open).sort((a, b) => strength(b) - strength(a));
  const nobody = known !== null && known.store.events === 0;
  const { tone, line } = nobody ? { tone: "calm", line: said.nobody } : verdict(open);
  return html`<section class="answer" aria-labelledby="answer-title">
    <div>
      <h1 id="answer-title">${said.question}</h1>
      <p class="verdict ${tone}" aria-live="polite">${all === null ? said.looking : line}</p>
      ${nobody && html`<p class="why">${known.listeners.length > 0 ? said.listening(known.listeners.length) : said.notListening}</p>`}
      ${!nobody && all !== null && html`<${Why} known=${all} open=${open} />`}
      ${known && html`<${Facts} known=${known} />`}
    </div>
    ${!nobody && html`<${Whole} />`}
  </section>`;
}

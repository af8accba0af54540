// The one line at the top: is something coming? Answered from the signs that are open, with the strongest named.
import { html } from "../html.js";
import { from, getSeries } from "../api.js";
import { end, now, signs, status, useAnswer } from "../state.js";
import { ago, bytes, chance, count, counted, moment, ratio, span } from "../format.js";
import { Chart } from "../chart.js";
import { address, isSilence, strength, title } from "./signs.js";

/** @typedef {import("../api.js").Sign} Sign */

/** @param {Sign[]} open strongest first */
function verdict(open) {
  if (open.some((sign) => sign.kind === "sensor-silent")) return { tone: "medium", line: "Nobody can tell: nothing comes any more." };
  const rising = open.filter((sign) => !isSilence(sign));
  const [first] = rising;
  if (!first) return { tone: "calm", line: "No sign of it." };
  const many = counted(rising.length, "sign is", "signs are");
  if (first.severity === "high") return { tone: "high", line: `Yes: ${many} open.` };
  if (first.severity === "medium") return { tone: "medium", line: `Perhaps: ${many} open.` };
  return { tone: "low", line: `Hardly: ${counted(rising.length, "weak sign is", "weak signs are")} open.` };
}

/** @param {{ known: Sign[], open: Sign[] }} props */
function Why({ known, open }) {
  const silent = open.find(isSilence);
  const first = open.find((sign) => sign.kind === "sensor-silent") ?? open.find((sign) => !isSilence(sign)) ?? silent;
  if (first && isSilence(first)) {
    return html`<p class="why"><a href=${address(first)}>${title(first)}</a>: nobody has come since ${moment(first.since, now())}. Chance does that ${chance(first.days)}.</p>`;
  }
  if (first?.kind === "sensor-wide") {
    return html`<p class="why">The strongest: <a href=${address(first)}>many ports rose at once</a>, ${moment(first.since, now())}.</p>`;
  }
  if (first) {
    return html`<p class="why">The strongest: <a href=${address(first)}>${title(first)}</a> has had ${ratio(first.ratio).replace("×", "")} times
      its usual sources since ${moment(first.since, now())}. Chance does that ${chance(first.days)}.</p>`;
  }
  const last = known[0];
  if (last) {
    return html`<p class="why">What comes is what usually comes. The last sign is over: <a href=${address(last)}>${title(last)}</a>, ${ago(last.detected, now())}.</p>`;
  }
  return html`<p class="why">What comes is what usually comes.</p>`;
}

/** @param {{ known: import("../api.js").Status }} props */
function Facts({ known }) {
  const { store } = known;
  const length = store.first && store.last ? span(Date.parse(store.last) - Date.parse(store.first)) : "–";
  const lost = store.dropped + store.out_of_time + (known.traps?.lost ?? 0);
  return html`<dl class="facts">
      <div><dt>Events</dt><dd>${count(store.events)}</dd></div>
      <div><dt>Sources</dt><dd>${count(store.sources)}</dd></div>
      <div><dt>Sessions</dt><dd>${count(store.sessions)}</dd></div>
      <div><dt>Observed</dt><dd>${length}</dd></div>
    </dl>
    <p class="fine">${counted(known.series_watched, "series", "series")} watched, at most ${counted(known.false_alarms_per_week, "false alarm")} a week, ${bytes(store.bytes)} on disk${store.late > 0 ? `, ${counted(store.late, "event")} came late` : ""}${lost > 0 ? `, ${counted(lost, "event")} lost or out of time` : ""}.</p>
    ${known.traps && html`<${Traps} traps=${known.traps} />`}`;
}

/** What went wrong with the processes that speak to visitors; nothing is said while nothing did.
 * @param {{ traps: import("../api.js").TrapStatus }} props */
function Traps({ traps }) {
  const ended = [
    traps.misbehaved > 0 && `misbehaved and was ended ${counted(traps.misbehaved, "time")}`,
    traps.crashes > 0 && `crashed ${counted(traps.crashes, "time")}`,
  ].filter(Boolean);
  return html`${ended.length > 0 && html`<p class="fine">Since the start the trap ${ended.join(", and ")}; a fresh one serves.</p>`}
    ${traps.not_enforced && html`<p class="fine">Not enforced on this machine: ${traps.not_enforced}.</p>`}`;
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
  return html`<div class="whole"><p><b>All ports</b>, 12-hour counts and change score</p><${Chart} series=${data} height=${196} quiet=${true} /></div>`;
}

export function Answer() {
  const [known, all] = [status.value, signs.value];
  const open = (all ?? []).filter((sign) => sign.open).sort((a, b) => strength(b) - strength(a));
  const nobody = known !== null && known.store.events === 0;
  const { tone, line } = nobody ? { tone: "calm", line: "Nobody has come yet." } : verdict(open);
  return html`<section class="answer" aria-labelledby="answer-title">
    <div>
      <h1 id="answer-title">Is something coming?</h1>
      <p class="verdict ${tone}" aria-live="polite">${all === null ? "Looking…" : line}</p>
      ${nobody && html`<p class="why">${known.listeners.length > 0 ? `Listening on ${counted(known.listeners.length, "port")}: on the open Internet the first visitors come within minutes.` : "Nothing listens yet."}</p>`}
      ${!nobody && all !== null && html`<${Why} known=${all} open=${open} />`}
      ${known && html`<${Facts} known=${known} />`}
    </div>
    ${!nobody && html`<${Whole} />`}
  </section>`;
}

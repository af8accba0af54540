// The one answer at the top: quiet, watch or act, from the signs that are open, with the reason in a sentence.
import { html } from "../html.js";
import { words } from "../language.js";
import { Seal } from "../icons.js";
import { isMuted, now, signs, status } from "../state.js";
import { ago, chance, moment, plain } from "../format.js";
import { address, isSilence, strength, title } from "./signs.js";

/** @typedef {import("../api.js").Sign} Sign */
/** @typedef {"quiet" | "watch" | "act"} State */

/** The sign that decides; a machine that nothing reaches any more comes first, for then all else is blind. @param {Sign[]} open strongest first */
const decisive = (open) => open.find((sign) => sign.kind === "sensor-silent") ?? open.find((sign) => !isSilence(sign)) ?? open[0];

/** @param {Sign | undefined} first @returns {State} */
function stateBy(first) {
  if (!first) return "quiet";
  if (isSilence(first)) return "watch";
  if (first.severity === "high" || first.severity === "critical") return "act";
  return first.severity === "medium" ? "watch" : "quiet";
}

/** The reason. @param {{ first: Sign | undefined, last: Sign | undefined, others: number, silenced: number }} props */
function Why({ first, last, others, silenced }) {
  const said = words().answer;
  const link = (/** @type {Sign} */ sign) => html`<a href=${address(sign)}>${title(sign)}</a>`;
  if (!first && silenced > 0) return html`<p class="why">${said.silencedOnly(silenced)}</p>`;
  if (!first) return html`<p class="why">${last ? said.usualAndLast(link(last), ago(last.detected, now())) : said.usual}</p>`;
  const since = moment(first.since, now());
  if (isSilence(first)) return html`<p class="why">${first.kind === "sensor-silent" ? said.cannotTell(since) : said.silent(link(first), since, chance(first.days))}</p>`;
  if (first.kind === "sensor-wide") return html`<p class="why">${said.strongestWhole((text) => html`<a href=${address(first)}>${text}</a>`, since)}</p>`;
  return html`<p class="why">${said.strongest(link(first), plain(first.ratio), since, chance(first.days))}${others > 0 && said.others(others)}</p>`;
}

/** What the state asks of a person. @param {{ state: State, first: Sign | undefined }} props */
function Next({ state, first }) {
  const said = words().answer;
  if (!first) return html`<p class="next">${said.nothingToDo}</p>`;
  const text = isSilence(first) ? said.checkReach : state === "act" ? said.actNow : said.lookLater;
  return html`<p class="next">${text} <a href=${address(first)}>${said.toSign}</a></p>`;
}

export function Verdict() {
  const said = words().answer;
  const [known, all] = [status.value, signs.value];
  const open = (all ?? []).filter((sign) => sign.open && !isMuted(sign)).sort((a, b) => strength(b) - strength(a));
  const silenced = (all ?? []).filter((sign) => sign.open && isMuted(sign)).length;
  const nobody = known !== null && known.store.events === 0;
  const first = decisive(open);
  const state = stateBy(first);
  const looking = all === null || known === null;
  return html`<section class="verdict ${looking ? "looking" : state}" aria-labelledby="verdict-title">
    ${looking ? html`<span class="seal-place"></span>` : html`<${Seal} state=${state} />`}
    <div class="said">
      <h1 id="verdict-title"><span class="question">${said.question}</span> <span class="word" aria-live="polite">${looking ? said.looking : said.states[state]}</span></h1>
      ${looking && html`<p class="why">${said.lookingTold}</p>`}
      ${!looking && nobody && html`<p class="why">${said.nobody}</p><p class="next">${known.listeners.length > 0 ? said.listening(known.listeners.length) : said.notListening}</p>`}
      ${!looking && !nobody && html`<${Why} first=${first} last=${all.find((sign) => !sign.open)} others=${open.length - 1} silenced=${silenced} /><${Next} state=${state} first=${first} />`}
    </div>
  </section>`;
}

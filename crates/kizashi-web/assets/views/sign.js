// One sign: what happens, since when, who, what to do, and what its visitors did.
import { html } from "../html.js";
import { ApiError, from, getSeries, getSign } from "../api.js";
import { countryName, language, words } from "../language.js";
import { useAnswer } from "../state.js";
import { chance, count, plain, ratio, span } from "../format.js";
import { Chart } from "../chart.js";
import { Bars, Failure, Loading, Moment, SeverityMark, safe, severityName } from "../parts.js";
import { Command } from "./copy.js";
import { Desk, Explain, Related, Timeline } from "./desk.js";
import { Places } from "./sign-places.js";
import { Against, SeenAt, isOfTheHouse, isSilence, isWhole, silentFor, title } from "./signs.js";

/** @typedef {import("../api.js").Sign} Sign */
/** @typedef {import("../api.js").Evidence} Evidence */

const DAY = 86_400_000;

/** Kinds of evidence, and whether each is a line of its own. @type {[keyof Evidence, boolean][]} */
const KINDS = [
  ["sources", false], ["countries", false], ["scanners", false], ["users", false], ["passwords", false], ["commands", true], ["paths", true],
  ["clients", true], ["payloads", true],
];

/** @param {{ sign: Sign }} props */
function Course({ sign }) {
  const start = Date.parse(sign.since) - 10 * DAY;
  // Scores settle on what came before; it is read and not shown.
  const span = {
    since: new Date(start - 20 * DAY).toISOString(),
    until: new Date(Math.min(Date.parse(sign.until), Date.parse(sign.since) + 10 * DAY) + DAY / 2).toISOString(),
  };
  const { data, error } = useAnswer(async (signal) => from(await getSeries(sign.key, "1h", span, signal), start), `${sign.key} ${span.since} ${span.until}`);
  if (error) return html`<${Failure} error=${error} />`;
  if (!data) return html`<${Loading} lines=${5} />`;
  if (data.points.length === 0) return html`<p class="note">${words().sign.gone}</p>`;
  return html`<${Chart} series=${data} height=${240} measure="sources" />`;
}


/** Countries by name. @param {import("../api.js").Counted} rows @returns {import("../api.js").Counted} */
const named = (rows) => rows.map(([code, sources]) => [countryName(code), sources]);

/** @param {{ evidence: Evidence }} props */
function Evidence({ evidence }) {
  const some = KINDS.filter(([kind]) => (evidence[kind] ?? []).length > 0);
  if (some.length === 0) return html`<p class="note">${words().sign.onlyPackets}</p>`;
  return html`<div class="evidence">
    ${some.map(([kind, lines]) => html`<section key=${kind} class=${lines ? "wide" : ""}>
      <h3>${words().sign.evidence[kind]}</h3>
      <${Bars} rows=${kind === "countries" ? named(evidence[kind]) : evidence[kind]} lines=${lines} written=${kind === "payloads"} />
    </section>`)}
  </div>`;
}

/** @param {{ sign: Sign }} props */
function Facts({ sign }) {
  const said = words().sign;
  if (isOfTheHouse(sign)) return html`<dl class="facts"><div><dt>${said.sinceFact}</dt><dd class="time"><${Moment} at=${sign.since} /></dd><dd class="under">${said.later(span(Date.parse(sign.detected) - Date.parse(sign.since)))}</dd></div></dl>`;
  return html`<dl class="facts">
    ${isSilence(sign)
      ? html`<div><dt>${said.silentFor}</dt><dd class="time">${silentFor(sign)}</dd><dd class="under">${said.usual(plain(sign.before))}</dd></div>`
      : html`<div><dt>${said.rate}</dt><dd>${ratio(sign.ratio)}</dd><dd class="under">${words().signs.range(plain(sign.ratio_low), plain(sign.ratio_high))}</dd></div>`}
    <div><dt>${said.chance}</dt><dd class="text">${chance(sign.days)}</dd></div>
    <div><dt>${said.sinceFact}</dt><dd class="time"><${Moment} at=${sign.since} /></dd><dd class="under">${said.later(span(Date.parse(sign.detected) - Date.parse(sign.since)))}</dd></div>
    <div><dt>${said.daily}</dt><dd>${plain(sign.after)}</dd><dd class="under">${said.before(plain(sign.before))}</dd></div>
    <div><dt>${said.eventsSince}</dt><dd>${count(sign.events)}</dd></div>
  </dl>`;
}

/** Parts that stand elsewhere on the page: the first line, and what visitors did, as bars. */
const ELSEWHERE = ["what", "tries"];

/** What to do goes first. @param {import("../api.js").AdvisorySection[]} parts */
const inOrder = (parts) => {
  const shown = parts.filter((part) => !ELSEWHERE.includes(part.id));
  return [...shown.filter((part) => part.id === "todo"), ...shown.filter((part) => part.id !== "todo")];
};

/** A part of the advisory; what visitors said in it is text. @param {{ part: import("../api.js").AdvisorySection, children?: unknown }} props */
function Part({ part, children }) {
  return html`<section class=${part.id === "todo" ? "do" : ""}>
    <h2>${safe(part.heading)}</h2>
    ${part.text.map((line, at) => html`<p key=${at}>${safe(line)}</p>`)}
    ${part.id === "probably" && part.items.map((item) => html`<p class="note" key=${item.label}>${safe(item.label)}</p><ul class="marks">${item.values.map((value) => html`<li key=${value.text}>${safe(value.text)}</li>`)}</ul>`)}
    ${part.steps.length > 0 && html`<ol class="steps">${part.steps.map((step) => html`<li key=${step.text}><p>${safe(step.text)}</p>${step.commands.map((command) => html`<${Command} key=${command} text=${command} />`)}</li>`)}</ol>`}
    ${children}
  </section>`;
}

/** @param {{ advisory: import("../api.js").Advisory }} props */
function References({ advisory }) {
  const links = advisory.references.filter((link) => /^https?:\/\//.test(link));
  if (links.length === 0) return null;
  return html`<section><h2>${safe(advisory.references_heading)}</h2><ol class="steps">${links.map((link) => html`<li key=${link}><a href=${link} rel="noreferrer" target="_blank">${safe(link)}</a></li>`)}</ol></section>`;
}

/** @param {{ id: string }} props */
export function SignView({ id }) {
  const { data, error } = useAnswer((signal) => getSign(id, language.value, signal), `${id} ${language.value}`);
  const said = words().sign;
  const missing = error instanceof ApiError && error.status === 404;
  if (error && !data) {
    return html`<article class="page"><a class="back" href="#/signs">${said.all}</a><h1>${missing ? said.noSuch : said.unreadable}</h1><${Failure} error=${error} /></article>`;
  }
  if (!data) return html`<article class="page"><a class="back" href="#/signs">${said.all}</a><${Loading} lines=${8} /></article>`;
  const { sign, advisory, evidence } = data;
  const silence = isSilence(sign);
  const ports = sign.kind === "sensor-wide" || (silence && (sign.rising ?? 1) > 1) ? (sign.ports ?? []) : [];
  return html`<article class="page">
    <a class="back" href="#/signs">${said.all}</a>
    <header class="title">
      <${SeverityMark} severity=${sign.severity} />
      <h1>${sign.name && advisory.title ? safe(advisory.title) : title(sign)}</h1>
      ${!isWhole(sign) && html`<a href=${`#/port/${sign.key}`}><code>${safe(sign.key)}</code></a>`}
      <${SeenAt} sign=${sign} />
      <span class=${sign.open ? "state now" : "state"}>${words().signs.state[sign.open ? "open" : "over"]}</span>
    </header>
    <p class="lead">${safe(advisory.what)}</p>
    <${Facts} sign=${sign} />
    <div class="advisory">
      ${inOrder(advisory.sections).map((part) => html`<${Part} key=${part.id} part=${part}>
        ${part.id === "who" && !isWhole(sign) && !silence && html`<${Against} sign=${sign} />`}
      <//>`)}
      <${References} advisory=${advisory} />
    </div>
    <${Places} sign=${sign} />
    <section class="panel"><div class="tools"><p class="key"><span class="count">${sign.scope ? said.hourlyOfAll : said.hourly}</span><span class="change">${words().facts.score}</span><span class="sign">${said.mark}</span></p></div><${Course} sign=${sign} /></section>
    ${ports.length > 0 && html`<section><div class="head"><h2>${silence ? said.fell : said.rose}</h2></div><p class="chips">${ports.map((port) => html`<a key=${port} href=${`#/port/${port}`}><code>${safe(port)}</code></a> `)}</p></section>`}
    <${Desk} key=${sign.id} sign=${sign} />
    <div class="columns"><${Timeline} sign=${sign} /><${Related} sign=${sign} /></div>
    ${!isOfTheHouse(sign) && html`<${Explain} sign=${sign} />`}
    ${!silence && !isOfTheHouse(sign) && html`<section><div class="head"><h2>${said.did}</h2><p>${said.didTold(severityName(sign.severity))}</p></div><${Evidence} evidence=${evidence} /></section>`}
  </article>`;
}

// Who comes, and with what: countries, networks, tools; names and passwords; what was done; what was left. Every row leads to its own page.
import { html } from "../html.js";
import { words } from "../language.js";
import { more } from "../more.js";
import { choose, chosen } from "../router.js";
import { useAnswer } from "../state.js";
import { bytes, count } from "../format.js";
import { Choice, Empty, Failure, Hostile, Loading, PageHead } from "../parts.js";
import { SPANS, getCaptured, getLists, itemAddress } from "../things.js";
import { Ranking } from "./ranking.js";
import { OfSensor, SensorChoice, sensorChosen } from "./sensor-choice.js";

/** @typedef {"from" | "with" | "tried" | "did" | "left"} Tab */
/** @type {readonly [Tab, ...Tab[]]} */
const TABS = ["from", "with", "tried", "did", "left"];

/** How much of the lists that everybody knows was tried. */
function KnownLists() {
  const said = more().who;
  const { data, error } = useAnswer((signal) => getLists(signal), "lists");
  if (error && !data) return html`<${Failure} error=${error} />`;
  if (!data) return html`<${Loading} lines=${2} />`;
  return html`<section aria-labelledby="known-title">
    <div class="head"><h2 id="known-title">${said.known}</h2><p>${said.knownTold}</p></div>
    ${data.map((list) => html`<div key=${list.name} class="panel known">
      <h3>${said.names[/** @type {"mirai"} */ (list.name)] ?? list.name}</h3>
      <p class="quiet">${said.mirai}</p>
      <p class="measure"><span class="gauge" role="img" aria-label=${said.tried(list.tried, list.pairs)}><i style=${{ width: `${((list.tried / Math.max(1, list.pairs)) * 100).toFixed(1)}%` }}></i></span>
        <b>${said.tried(list.tried, list.pairs)}</b> <span class="quiet">${said.with(list.events)}</span></p>
    </div>`)}
  </section>`;
}

/** Captured content by what can be said of it. */
function CapturedList() {
  const said = more().who;
  const { data, error } = useAnswer((signal) => getCaptured(60, signal), "captured");
  return html`<section aria-labelledby="captured-title">
    <div class="head"><h2 id="captured-title">${said.captured}</h2><p>${said.capturedTold}</p></div>
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${4} />`}
    ${data?.length === 0 && html`<${Empty}>${said.nothing}<//>`}
    ${data && data.length > 0 && html`<div class="wide-table"><table class="plain things">
      <thead><tr><th scope="col">SHA-256</th><th scope="col" class="left">${said.looks}</th><th scope="col">${said.size}</th><th scope="col">${said.times}</th></tr></thead>
      <tbody>${data.map((it) => html`<tr key=${it.sha256}>
        <td><a href=${itemAddress("payload", it.sha256)}><code>${it.sha256.slice(0, 16)}…</code></a></td>
        <td class="left">${it.looks_like}${!it.kept && html` <span class="quiet">${said.notKept}</span>`}</td>
        <td>${bytes(it.size)}</td><td>${count(it.events)}</td></tr>`)}</tbody>
    </table></div>`}
  </section>`;
}

/** @param {{ tab: Tab }} props */
function Lists({ tab }) {
  const list = (/** @type {string} */ kind, /** @type {Record<string, unknown>} */ wish = {}) => html`<${Ranking} key=${`${kind} ${wish.of ?? ""}`} kind=${kind} ...${wish} />`;
  switch (tab) {
    case "from": return html`<div class="columns">${list("countries")}${list("networks")}${list("scanners")}${list("sources")}</div>`;
    case "with": return html`<div class="columns">${list("fingerprints", { of: "os", title: "systems" })}${list("fingerprints", { of: "scanner", title: "tools" })}${list("clients", { lines: true })}${list("fingerprints", { lines: true })}</div>`;
    case "tried": return html`<div class="columns">${list("users", { cloud: true })}${list("passwords", { cloud: true })}${list("pairs")}</div>${sensorChosen() === "" && html`<${KnownLists} />`}`;
    case "did": return html`<div class="columns">${list("services")}${list("signatures")}${list("request-classes")}</div>
      <div class="columns wide">${list("commands", { lines: true })}${list("command-families", { lines: true })}${list("paths", { lines: true })}${list("path-families", { lines: true })}</div>`;
    case "left": return sensorChosen() !== "" ? html`<${Empty}>${more().sensors.notLeft}<//>` : html`<${CapturedList} /><div class="columns">${list("payload-clusters")}</div>`;
  }
}

export function Who() {
  const [said, head] = [more().who, words().who];
  const tab = chosen("tab", TABS);
  const span = chosen("span", SPANS);
  return html`<div class="page who">
    <${PageHead} title=${head.title} lead=${head.lead} />
    <div class="tools">
      <${Choice} label=${said.tab} chosen=${tab} choose=${(/** @type {Tab} */ name) => choose({ tab: name })} choices=${TABS.map((name) => [name, said.tabs[name]])} />
      <${Choice} label=${said.span} chosen=${span} choose=${(/** @type {string} */ name) => choose({ span: name })} choices=${SPANS.map((name) => [name, said.spans[name]])} />
      <${SensorChoice} />
    </div>
    ${tab !== "left" && html`<${OfSensor} of="lists" />`}
    <${Lists} tab=${tab} />
  </div>`;
}

/** One text of a visitor as a link to its page. @param {{ kind: string, text: string, label?: string }} props */
export function ItemLink({ kind, text, label }) {
  return html`<a href=${itemAddress(kind, text)}><${Hostile} text=${label ?? text} /></a>`;
}

// How the page looks and speaks, and how Kizashi itself fares.
import { desktop, switchDesktop } from "../desktop.js";
import { html } from "../html.js";
import { language, speak, words } from "../language.js";
import { enable, enabled } from "../shortcuts.js";
import { status } from "../state.js";
import { paint, theme } from "../theme.js";
import { bytes, count, span } from "../format.js";
import { Choice, Loading, PageHead, safe } from "../parts.js";
import { Health as More } from "./health.js";

/** @typedef {import("../theme.js").Theme} Theme */
/** @typedef {import("../language.js").Language} Language */

function Looks() {
  const said = words().settings;
  return html`<section class="panel" aria-labelledby="looks-title">
    <div class="head"><h2 id="looks-title">${said.looks}</h2><p>${said.here}</p></div>
    <dl class="options">
      <div><dt>${said.language}</dt><dd><${Choice} label=${said.language} chosen=${language.value} choose=${speak} choices=${/** @type {[Language, string][]} */ ([["en", "English"], ["ja", "日本語"]])} /></dd></div>
      <div><dt>${said.theme}</dt><dd><${Choice} label=${said.theme} chosen=${theme.value} choose=${paint} choices=${/** @type {[Theme, string][]} */ ([["system", said.themes.system], ["light", said.themes.light], ["dark", said.themes.dark]])} /></dd></div>
      <div><dt>${said.desktop}</dt><dd><${Choice} label=${said.desktop} chosen=${desktop.value === "on" ? "on" : "off"} choose=${(/** @type {string} */ name) => switchDesktop(name === "on")} choices=${[["on", said.on], ["off", said.off]]} />
        <p class="fine" role="status">${said.desktopTold[desktop.value]}</p></dd></div>
      <div><dt>${words().keys.title}</dt><dd><${Choice} label=${words().keys.title} chosen=${enabled.value ? "on" : "off"} choose=${(/** @type {string} */ name) => enable(name === "on")} choices=${[["on", said.on], ["off", said.off]]} /></dd></div>
    </dl>
  </section>`;
}

/** What went wrong with the processes that speak to visitors; nothing is said while nothing did. @param {{ traps: import("../api.js").TrapStatus }} props */
function Traps({ traps }) {
  const said = words().answer;
  const ended = [
    ...(traps.misbehaved > 0 ? [said.misbehaved(traps.misbehaved)] : []),
    ...(traps.crashes > 0 ? [said.crashed(traps.crashes)] : []),
  ];
  return html`${ended.length > 0 && html`<p class="note">${said.trapEnded(ended)}</p>`}
    ${traps.not_enforced && html`<p class="note">${said.notEnforced(safe(traps.not_enforced))}</p>`}`;
}

function Health() {
  const known = status.value;
  const [said, facts] = [words().settings, words().facts];
  if (!known) return html`<${Loading} lines=${4} />`;
  const { store } = known;
  const length = store.first && store.last ? span(Date.parse(store.last) - Date.parse(store.first)) : "–";
  const lost = store.dropped + store.out_of_time + (known.traps?.lost ?? 0);
  return html`<section class="panel" aria-labelledby="health-title">
    <div class="head"><h2 id="health-title">${said.health}</h2></div>
    <dl class="facts">
      <div><dt>${said.version}</dt><dd>${safe(known.version)}</dd></div>
      <div><dt>${said.running}</dt><dd>${span(known.uptime_seconds * 1000)}</dd></div>
      <div><dt>${facts.observed}</dt><dd>${length}</dd></div>
      <div><dt>${facts.events}</dt><dd>${count(store.events)}</dd></div>
      <div><dt>${said.disk}</dt><dd>${bytes(store.bytes)}</dd></div>
      <div><dt>${said.series}</dt><dd>${count(known.series_watched)}</dd></div>
      <div><dt>${said.alarms}</dt><dd>${count(known.false_alarms_per_week)}</dd></div>
      <div><dt>${said.late}</dt><dd>${count(store.late)}</dd></div>
      <div><dt>${said.lost}</dt><dd>${count(lost)}</dd></div>
    </dl>
    ${known.traps && html`<${Traps} traps=${known.traps} />`}
  </section>`;
}

function Listeners() {
  const listeners = status.value?.listeners ?? [];
  const said = words().settings;
  return html`<section aria-labelledby="listeners-title">
    <div class="head"><h2 id="listeners-title">${said.listeners}</h2></div>
    ${listeners.length === 0 ? html`<p class="note">${words().answer.notListening}</p>` : html`<ul class="listeners">${listeners.map(({ service, address }) => html`<li key=${`${service} ${address}`}><b>${safe(service)}</b> <code>${safe(address)}</code></li>`)}</ul>`}
  </section>`;
}

export function Settings() {
  const said = words().settings;
  return html`<div class="page"><${PageHead} title=${said.title} lead=${said.lead} /><${Looks} /><${Health} /><${More} /><${Listeners} /></div>`;
}

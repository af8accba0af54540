// How Kizashi itself fares: the first steps, the disk, the traps, what protects them, and how other programs read it.
import { html } from "../html.js";
import { more } from "../more.js";
import { status, useAnswer } from "../state.js";
import { bytes, span } from "../format.js";
import { Failure, Loading, safe } from "../parts.js";
import { getHealth } from "../things.js";
import { Keeping, TrapSwitches } from "./switches.js";
import { Alarms, Receivers, WhereLinesGo } from "./tuning.js";

/** @typedef {import("../things.js").Condition} Condition */
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What a new owner looks for, with what to do where it is not so. */
export function Guide() {
  const known = status.value;
  const said = more().health;
  if (!known) return html`<${Loading} lines=${4} />`;
  const { store, listeners, traps, demo } = known;
  const seen = store.first && store.last ? Date.parse(store.last) - Date.parse(store.first) : 0;
  /** @type {[keyof typeof said.steps, boolean][]} */
  const steps = [["listens", listeners.length > 0 || demo], ["visited", store.events > 0], ["learned", seen >= HOUR], ["safe", demo || (traps !== undefined && traps.not_enforced === null)]];
  const done = steps.every(([, is]) => is);
  return html`<section class="panel" aria-labelledby="guide-title"><div class="head"><h2 id="guide-title">${said.guide}</h2>${done && html`<p>${said.guideDone}</p>`}</div>
    ${!done && html`<ol class="guide">${steps.map(([name, is]) => {
      const [title, why, todo] = said.steps[name];
      return html`<li key=${name} class=${is ? "is-done" : ""}><b>${title}</b> <span class="state">${is ? said.done : said.open}</span><p>${is ? why : todo}</p></li>`;
    })}</ol>`}</section>`;
}

/** @param {{ health: Condition }} props */
function Disk({ health }) {
  const said = more().health;
  const { forecast, retention } = health;
  return html`<section class="panel" aria-labelledby="disk-title"><h2 id="disk-title">${said.disk}</h2>
    <dl class="facts">
      ${status.value && html`<div><dt>${said.used}</dt><dd>${bytes(status.value.store.bytes)}</dd></div>`}
      ${forecast && html`<div><dt>${said.day}</dt><dd>${bytes(Math.round(forecast.bytes_a_day))}</dd></div><div><dt>${said.settles}</dt><dd>${bytes(Math.round(forecast.settles_at_bytes))}</dd></div>`}
      ${health.disk_free_bytes !== null && html`<div><dt>${said.free}</dt><dd>${bytes(health.disk_free_bytes)}</dd></div>`}
      ${health.resident_bytes !== null && html`<div><dt>${said.memory}</dt><dd>${bytes(health.resident_bytes)}</dd></div>`}
    </dl>
    ${forecast && html`<p class="note">${forecast.full_in_days === null ? said.enough : said.full(span(forecast.full_in_days * DAY))}</p>`}
    ${retention && html`<p class="fine">${said.kept(retention.raw_days, retention.hourly_days, retention.daily_days)}${health.folder && html` <code>${safe(health.folder)}</code>`}</p>`}
    <${Keeping} forecast=${forecast} used=${status.value?.store.bytes ?? 0} />
  </section>`;
}

export function Health() {
  const said = more().health;
  const known = status.value;
  const { data, error } = useAnswer((signal) => getHealth(signal), "health");
  const lost = known ? [known.store.dropped, known.traps?.lost ?? 0] : [0, 0];
  return html`
    <${Guide} />
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${6} />`}
    <${Alarms} /><${Receivers} />
    ${data && html`<${Disk} health=${data} />`}
    ${known && html`<div class="columns short">
      <section aria-labelledby="sandbox-title"><h2 id="sandbox-title">${said.sandbox}</h2><p class="note">${known.traps ? (known.traps.not_enforced === null ? said.enforced : said.missing(safe(known.traps.not_enforced))) : "–"}</p></section>
      <section aria-labelledby="sensors-title"><h2 id="sensors-title">${more().sensors.title}</h2><p class="note">${more().sensors.lead} <a href="#/sensors">${more().sensors.see}</a></p></section>
      <section aria-labelledby="drops-title"><h2 id="drops-title">${said.drops}</h2><p class="note">${said.dropsTold(lost[0] ?? 0, lost[1] ?? 0)}</p></section>
      <section aria-labelledby="machine-title"><h2 id="machine-title">${said.machine}</h2><p class="note">${said.machineTold} <a href="/api/v1/openapi.json">${said.description}</a></p></section>
    </div>`}
    ${data && data.traps.length > 0 && html`<${TrapSwitches} traps=${data.traps} />`}
    ${data && html`<${WhereLinesGo} />`}`;
}

// What the owner can set and try here: the promise of false alarms, and whether those whom signs are told to can be reached. How long things are kept
// and which traps are on is set in switches.js; what only root's file can say is written out as the lines to put there.
import { html } from "../html.js";
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { ApiError } from "../api.js";
import { more } from "../more.js";
import { askAgain, now, useAnswer } from "../state.js";
import { ago, count } from "../format.js";
import { Failure, Loading, safe } from "../parts.js";
import { getChannels, getSettings, setPromise, testChannels } from "../things.js";
import { Command } from "./copy.js";

/** @typedef {import("../things.js").Channels} Channels */
/** @typedef {import("../things.js").Condition} Condition */

/** How often a test that goes on is asked for, in milliseconds. */
const AGAIN = 1_000;

/** Why a change was not made. @param {unknown} error */
export const why = (error) => (error instanceof ApiError && error.status === 403 ? more().desk.viewer : error instanceof Error ? error.message : String(error));

/** @param {Event} event */
const value = (event) => /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target).value;

export function Alarms() {
  const said = more().tuning;
  const { data, error } = useAnswer((signal) => getSettings(signal), "settings");
  const [typed, setTyped] = useState("");
  const [told, setTold] = useState("");
  const [trouble, setTrouble] = useState("");
  if (error && !data) return html`<${Failure} error=${error} />`;
  if (!data) return html`<${Loading} lines=${3} />`;
  const promise = data.false_alarms_per_week;
  const change = async (/** @type {number | null} */ wanted) => {
    setTold("");
    try {
      await setPromise(wanted);
      setTyped("");
      setTrouble("");
      setTold(said.set);
      askAgain();
    } catch (thrown) {
      setTrouble(why(thrown));
    }
  };
  return html`<section class="panel" aria-labelledby="alarms-title">
    <div class="head"><h2 id="alarms-title">${said.promise}</h2><p>${said.promiseTold}</p></div>
    <p class="holds">${said.holds(count(promise.value))} <span class="quiet">${promise.on_page ? said.onPage(count(promise.in_file)) : said.fromFile}</span></p>
    <form class="tools" onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      if (typed !== "") void change(Number(typed));
    }}>
      <label><span>${said.aWeek}</span><input class="search" type="number" inputmode="decimal" min=${promise.least} max=${promise.most} step="any" required value=${typed} placeholder=${String(promise.value)} onInput=${(/** @type {Event} */ event) => setTyped(value(event))} /></label>
      <button type="submit" class="button">${said.setIt}</button>
      ${promise.on_page && html`<button type="button" class="button" onClick=${() => change(null)}>${said.backToFile(count(promise.in_file))}</button>`}
      <span role="status" class="quiet">${told}</span>
    </form>
    ${trouble !== "" && html`<p class="note failure" role="alert">${safe(trouble)}</p>`}
    <p class="fine">${said.promiseFine}</p>
  </section>`;
}

/** @param {{ test: NonNullable<Channels["test"]> }} props */
function Results({ test }) {
  const said = more().tuning;
  return html`<ul class="results" aria-label=${said.results}>${test.results.map((result) => html`<li key=${result.channel} class=${result.state}>
    <b>${safe(result.channel)}</b> <span class="state">${said.states[/** @type {keyof typeof said.states} */ (result.state)] ?? result.state}</span>${result.why && html` <span class="why">${safe(result.why)}</span>`}</li>`)}</ul>`;
}

export function Receivers() {
  const said = more().tuning;
  const first = useAnswer((signal) => getChannels(signal), "channels");
  const [later, setLater] = useState(/** @type {Channels | null} */ (null));
  const [trouble, setTrouble] = useState("");
  const known = later ?? first.data;
  const goesOn = known?.test?.results.some((result) => result.state === "waiting") ?? false;
  useEffect(() => {
    if (!goesOn) return undefined;
    const timer = setTimeout(() => {
      getChannels().then(setLater, (error) => setTrouble(why(error)));
    }, AGAIN);
    return () => clearTimeout(timer);
  }, [known, goesOn]);
  const test = async () => {
    try {
      setLater(await testChannels());
      setTrouble("");
    } catch (error) {
      setTrouble(why(error));
    }
  };
  if (first.error && !known) return html`<${Failure} error=${first.error} />`;
  if (!known) return html`<${Loading} lines=${3} />`;
  return html`<section class="panel" aria-labelledby="channels-title">
    <div class="head"><h2 id="channels-title">${said.channels}</h2><p>${known.channels.length > 0 ? said.channelsTold : said.noChannel}</p></div>
    ${known.channels.length > 0 && html`<p class="chips">${known.channels.map((name) => html`<span key=${name}>${safe(name)}</span> `)}</p>
      <div class="tools"><button type="button" class="button" disabled=${goesOn} onClick=${test}>${goesOn ? said.testing : said.test}</button>
        ${known.test && html`<span class="quiet">${said.tested(ago(known.test.asked, now()))}</span>`}</div>`}
    <div aria-live="polite">${known.test && html`<${Results} test=${known.test} />`}</div>
    ${known.channels.length === 0 && html`<${Command} text=${`[notify.channels.phone]\nkind = "ntfy"\ntopic = "a-long-secret-name"`} /><p class="fine">${said.channelFine}</p>`}
    ${trouble !== "" && html`<p class="note failure" role="alert">${safe(trouble)}</p>`}
  </section>`;
}

/** Which lines turn a trap on or off. @param {{ traps: Condition["traps"] }} props */
export function TrapLines({ traps }) {
  const said = more().tuning;
  const [name, setName] = useState("");
  const trap = traps.find((some) => some.name === name);
  return html`<div class="lines"><label><span>${said.whichTrap}</span><select value=${name} onChange=${(/** @type {Event} */ event) => setName(value(event))}>
      <option value="">–</option>${traps.map((some) => html`<option key=${some.name} value=${some.name}>${safe(some.name)}</option>`)}</select></label>
    ${trap && html`<p>${trap.ports.length > 0 ? said.turnOff : said.turnOn}</p><${Command} text=${trap.ports.length > 0 ? trap.lines_off : trap.lines_on} />`}</div>`;
}

/** Where such lines go, and how they come to count. */
export function WhereLinesGo() {
  const said = more().tuning;
  const { data } = useAnswer((signal) => getSettings(signal), "settings");
  return html`<section aria-labelledby="lines-title"><div class="head"><h2 id="lines-title">${said.lines}</h2><p>${said.linesTold}</p></div>
    <${Command} text=${`sudoedit ${data?.file ?? "/etc/kizashi/kizashi.toml"}\nsudo kizashi config check --config ${data?.file ?? "/etc/kizashi/kizashi.toml"}\nsudo systemctl restart kizashi`} /></section>`;
}

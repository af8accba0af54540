// What the owner turns on and off, and how long things are kept: set here over the configuration file, and given back to it from here. A trap is turned
// by the process that holds the ports, which takes a moment: the page asks until it has answered, and says where a port could not be had.
import { html } from "../html.js";
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { more } from "../more.js";
import { askAgain, useAnswer } from "../state.js";
import { bytes, count, span } from "../format.js";
import { Failure, Loading, safe } from "../parts.js";
import { changeSettings, getSettings } from "../things.js";
import { TrapLines, why } from "./tuning.js";

/** @typedef {import("../things.js").Condition} Condition */
/** @typedef {import("../things.js").OwnSettings} OwnSettings */
/** @typedef {import("../things.js").TrapSwitch} TrapSwitch */

/** How often it is asked whether traps stand as they were told to, in milliseconds. */
const AGAIN = 700;
/** Where a list is long enough to be searched. */
const MANY = 12;
/** Places of one trap that are written out. */
const PLACES = 3;
const MEGABYTE = 2 ** 20;
const DAY = 86_400_000;

/** @param {Event} event */
const typed = (event) => /** @type {HTMLInputElement} */ (event.target).value;

/** How the disk fills with these numbers. @param {{ forecast: NonNullable<Condition["forecast"]>, days: number, megabytes: number, used: number }} props */
function Ahead({ forecast, days, megabytes, used }) {
  const said = more().switches;
  const [room, settles] = [megabytes * MEGABYTE, forecast.bytes_a_day * days];
  const full = settles > room && forecast.bytes_a_day > 0 ? Math.max(0, room - used) / forecast.bytes_a_day : null;
  return html`<p class="note" aria-live="polite">${full === null ? said.settles(bytes(Math.round(settles))) : said.full(span(full * DAY), bytes(room))}</p>`;
}

/** How long things are kept. @param {{ forecast: Condition["forecast"], used: number }} props */
export function Keeping({ forecast, used }) {
  const said = more().switches;
  const { data } = useAnswer((signal) => getSettings(signal), "settings");
  const [wish, setWish] = useState(/** @type {Record<string, string>} */ ({}));
  const [[told, trouble], setSaid] = useState(["", ""]);
  const kept = data?.retention;
  if (!kept) return null;
  /** @type {["raw_days", "most_megabytes", "payload_megabytes"]} */
  const names = ["raw_days", "most_megabytes", "payload_megabytes"];
  const number = (/** @type {typeof names[number]} */ name) => Number(wish[name] ?? kept[name].value);
  const changed = names.filter((name) => number(name) !== kept[name].value);
  const shorter = changed.some((name) => number(name) < kept[name].value);
  const set = async (/** @type {Record<string, number | boolean>} */ what) => {
    try {
      await changeSettings({ retention: what });
      setWish({});
      setSaid([said.kept, ""]);
      askAgain();
    } catch (error) {
      setSaid(["", why(error)]);
    }
  };
  return html`<form class="keeping" onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      if (changed.length > 0) void set(Object.fromEntries(changed.map((name) => [name, number(name)])));
    }}>
    <h3>${said.keeping}</h3>
    <div class="fields">${names.map((name) => html`<label key=${name}><span>${said.fields[name]}</span>
      <input class="search" type="number" inputmode="numeric" min=${kept[name].least} max=${kept[name].most} step="1" required value=${wish[name] ?? String(kept[name].value)} onInput=${(/** @type {Event} */ event) => setWish({ ...wish, [name]: typed(event) })} />
      <small>${kept[name].on_page ? said.fileSays(count(kept[name].in_file)) : said.asFile}</small></label>`)}</div>
    ${forecast && changed.length > 0 && html`<${Ahead} forecast=${forecast} days=${number("raw_days")} megabytes=${number("most_megabytes")} used=${used} />`}
    ${shorter && html`<p class="note warning">${said.gone}</p>`}
    <div class="tools"><button type="submit" class="button" disabled=${changed.length === 0}>${shorter ? said.keepLess : said.keepSo}</button>
      ${names.some((name) => kept[name].on_page) && html`<button type="button" class="button" onClick=${() => set({ as_in_file: true })}>${said.asInFile}</button>`}
      <span role="status" class="quiet">${told}</span></div>
    ${trouble !== "" && html`<p class="note failure" role="alert">${safe(trouble)}</p>`}
  </form>`;
}

/** @param {{ trap: TrapSwitch, busy: boolean, turn: (trap: TrapSwitch, on: boolean | null) => void }} props */
function Switch({ trap, busy, turn }) {
  const said = more().switches;
  const name = safe(trap.name);
  const where = trap.ports.slice(0, PLACES).map(safe).join(", ") + (trap.ports.length > PLACES ? " …" : "");
  return html`<li class=${trap.ports.length > 0 ? "is-on" : ""}>
    <button type="button" class="switch" role="switch" aria-checked=${trap.on} aria-label=${said.turn(name)} disabled=${busy} onClick=${() => turn(trap, !trap.on)}><i></i></button>
    <span class="trap"><b>${name}</b><span class="where" title=${trap.ports.map(safe).join(", ")}>${trap.ports.length > 0 ? where : trap.on ? said.notYet : said.off}</span>
      ${trap.trouble && html`<span class="trouble">${(said.troubles[/** @type {keyof typeof said.troubles} */ (trap.trouble)] ?? said.troubles.refused)(trap.trouble_ports.slice(0, 6).map(safe).join(", "))}</span>`}
      ${trap.on_page !== null && html`<button type="button" class="quiet-link" disabled=${busy} onClick=${() => turn(trap, null)}>${said.setHere}</button>`}</span></li>`;
}

/** Traps to be turned on and off; where that cannot be, how they are and the lines that would. @param {{ traps: Condition["traps"] }} props */
export function TrapSwitches({ traps }) {
  const [health, said] = [more().health, more().switches];
  const first = useAnswer((signal) => getSettings(signal), "settings");
  const [later, setLater] = useState(/** @type {OwnSettings | null} */ (null));
  const [trouble, setTrouble] = useState("");
  const [find, setFind] = useState("");
  const settings = later ?? first.data;
  const waiting = settings?.traps?.waiting ?? false;
  useEffect(() => {
    if (!waiting) return undefined;
    const timer = setTimeout(() => {
      getSettings().then((now) => {
        setLater(now);
        if (!now.traps?.waiting) askAgain();
      }, (error) => setTrouble(why(error)));
    }, AGAIN);
    return () => clearTimeout(timer);
  }, [settings, waiting]);
  if (first.error && !settings) return html`<${Failure} error=${first.error} />`;
  if (!settings) return html`<${Loading} lines=${4} />`;
  const turn = async (/** @type {TrapSwitch} */ trap, /** @type {boolean | null} */ on) => {
    try {
      setLater(await changeSettings({ traps: { [trap.name]: on } }));
      setTrouble("");
    } catch (error) {
      setTrouble(why(error));
    }
  };
  const all = settings.traps?.traps;
  const on = (all ?? traps).filter((trap) => trap.ports.length > 0).length;
  const shown = all?.filter((trap) => `${trap.name} ${trap.ports.join(" ")}`.toLowerCase().includes(find.trim().toLowerCase()));
  return html`<section class="panel" aria-labelledby="traps-title"><div class="head"><h2 id="traps-title">${health.traps(on, traps.length)}</h2><p>${all ? said.told : health.trapsTold}</p>
      ${all && all.length > MANY && html`<input class="search end" type="search" placeholder=${said.find} aria-label=${said.find} value=${find} onInput=${(/** @type {Event} */ event) => setFind(typed(event))} />`}</div>
    <p role="status" class="quiet turning">${waiting ? said.turning : ""}</p>
    ${(trouble !== "" || settings.traps?.failed) && html`<p class="note failure" role="alert">${safe(trouble || (settings.traps?.failed ?? ""))}</p>`}
    ${!all && html`<${TrapLines} traps=${traps} />`}
    <ul class="traps">${shown
      ? shown.map((trap) => html`<${Switch} key=${trap.name} trap=${trap} busy=${waiting} turn=${turn} />`)
      : traps.map((trap) => html`<li key=${trap.name} class=${trap.ports.length > 0 ? "is-on" : ""}><span class="trap"><b>${safe(trap.name)}</b><span class="where">${trap.ports.length > 0 ? trap.ports.slice(0, PLACES).map(safe).join(", ") : said.off}</span></span></li>`)}</ul>
    ${all && html`<p class="fine">${said.fine}</p>`}</section>`;
}

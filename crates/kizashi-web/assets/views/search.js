// One box over everything. What is searched for is the address, so that a link shows another person the same.
import { html } from "../html.js";
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { escapeForPeople } from "../escape.js";
import { kindName, more } from "../more.js";
import { choose, place } from "../router.js";
import { now, useAnswer } from "../state.js";
import { moment } from "../format.js";
import { Failure, Hostile, Loading, PageHead, safe } from "../parts.js";
import { complete, itemAddress, search } from "../things.js";
import { Events, Sessions, SignList } from "./item.js";
import { Save } from "./ranking.js";

/** How long typing must rest before suggestions are asked for, in milliseconds. */
const REST = 150;

/** The box with what could be typed next: a combobox by the WAI-ARIA pattern. @param {{ text: string }} props */
function Box({ text }) {
  const said = more().search;
  const [typed, setTyped] = useState(text);
  const [options, setOptions] = useState(/** @type {import("../things.js").Suggestion[]} */ ([]));
  const [at, setAt] = useState(-1);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [open, setOpen] = useState(false);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (!open) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      complete(typed, stop.signal).then(
        (found) => {
          if (stop.signal.aborted) return;
          // What is chosen stays chosen while the same is suggested.
          setAt((was) => (was >= 0 && found[was]?.text === options[was]?.text ? was : -1));
          setOptions(found);
        },
        () => {},
      );
    }, REST);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [typed, open]);
  const go = (/** @type {string} */ what) => {
    setOpen(false);
    setTyped(what);
    choose({ q: what.trim() });
  };
  const take = (/** @type {import("../things.js").Suggestion} */ option) => {
    setTyped(option.query);
    setAt(-1);
    field.current?.focus();
  };
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    const shown = open ? options : [];
    if (event.key === "ArrowDown" && shown.length > 0) setAt((at + 1) % shown.length);
    else if (event.key === "ArrowUp" && shown.length > 0) setAt((at + shown.length - 1) % shown.length);
    else if (event.key === "Escape" && open) setOpen(false);
    else if (event.key === "Enter" && shown[at]) take(shown[at]);
    else return;
    event.preventDefault();
  };
  return html`<form class="box" role="search" onSubmit=${(/** @type {Event} */ event) => {
    event.preventDefault();
    go(typed);
  }}>
    <input ref=${field} class="search" type="text" inputmode="search" autocomplete="off" autocapitalize="off" spellcheck="false" role="combobox" aria-label=${said.box} aria-autocomplete="list"
      aria-expanded=${open && options.length > 0} aria-controls="suggestions" aria-activedescendant=${at >= 0 ? `suggestion-${at}` : undefined} placeholder=${said.example} maxlength="500" value=${typed}
      onInput=${(/** @type {Event} */ event) => {
        setTyped(/** @type {HTMLInputElement} */ (event.target).value);
        setOpen(true);
      }} onFocus=${() => setOpen(true)} onBlur=${() => setTimeout(() => setOpen(false), 200)} onKeyDown=${keyed} />
    <button type="submit" class="button">${said.go}</button>
    <ul id="suggestions" role="listbox" aria-label=${said.suggestions} hidden=${!open || options.length === 0}>${options.map((option, place) => html`<li key=${option.text} id=${`suggestion-${place}`} role="option" aria-selected=${place === at}
      onMouseDown=${(/** @type {Event} */ event) => {
        event.preventDefault();
        take(option);
      }}><${Hostile} text=${option.text} />${option.label !== "" && html` <span class="quiet">${safe(option.label)}</span>`}${option.events !== undefined && html`<span class="number">${said.count(option.events)}</span>`}</li>`)}</ul>
  </form>`;
}

function Help() {
  const said = more().search;
  return html`<section aria-labelledby="help-title"><div class="head"><h2 id="help-title">${said.help}</h2><p>${said.helpTold}</p></div>
    <dl class="pairs examples">${said.fields.map(([example, told]) => html`<dt key=${example}><button type="button" class="like-code" onClick=${() => choose({ q: example ?? "" })}>${example}</button></dt><dd>${told}</dd>`)}</dl></section>`;
}

/** Whether a row's label says what its key says already. @param {import("../api.js").TopRow} row */
const isSaid = (row) => row.label === "" || row.label === row.key || safe(row.label) === escapeForPeople(row.key);

/** @param {{ q: string }} props */
function Found({ q }) {
  const said = more().search;
  const before = place.value.query.get("before") ?? undefined;
  const { data, error } = useAnswer((signal) => search(q, before, signal), `${q} ${before ?? ""}`);
  if (error && !data) return html`<${Failure} error=${error} />`;
  if (!data) return html`<${Loading} lines=${8} />`;
  return html`
    ${data.keys.length > 0 && html`<section aria-labelledby="keys-title"><h2 id="keys-title">${said.keys}</h2><ul class="chips found">${data.keys.map((row) => html`<li key=${`${row.kind} ${row.key}`}><a href=${itemAddress(row.kind, row.key)}>
      <span class="kind">${kindName(row.kind)}</span> <${Hostile} text=${row.key} />${!isSaid(row) && html` <span class="quiet">${safe(row.label)}</span>`} <span class="number">${said.count(row.events)}</span></a></li>`)}</ul></section>`}
    ${data.signs.length > 0 && html`<section aria-labelledby="found-signs"><h2 id="found-signs">${said.signs}</h2><${SignList} rows=${data.signs} /></section>`}
    ${data.sessions.length > 0 && html`<section aria-labelledby="found-sessions"><h2 id="found-sessions">${said.sessions}</h2><${Sessions} rows=${data.sessions} /></section>`}
    <section aria-labelledby="found-events"><div class="head"><h2 id="found-events">${said.events}</h2><p>${said.looked(data.looked_at)}${data.reached ? said.reached(moment(data.reached, now())) : said.whole}</p></div>
      ${data.events.length > 0 ? html`<${Events} rows=${data.events} />` : html`<p class="note">${said.noEvents}</p>`}
      <div class="tools">${data.reached && html`<button type="button" class="button" onClick=${() => choose({ before: data.reached })}>${said.further}</button>`}
        ${data.events.length > 0 && html`<${Save} about=${{ table: "search", q, limit: "200" }} />`}</div></section>`;
}

export function Search() {
  const said = more().search;
  const q = place.value.query.get("q") ?? "";
  return html`<div class="page searching"><${PageHead} title=${said.title} lead=${said.lead} />
    <${Box} text=${q} />${q === "" ? html`<${Help} />` : html`<${Found} q=${q} />`}</div>`;
}

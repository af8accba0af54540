// Captured content, every byte of it, in pages: digits and characters side by side, what is searched for marked, the whole to be saved as a zip with a
// password. Nothing of it is run or drawn: bytes come as digits and are set as text.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { ApiError } from "../api.js";
import { asText } from "../decode.js";
import { escapeForPeople } from "../escape.js";
import { more } from "../more.js";
import { choose, chosen, place } from "../router.js";
import { useAnswer } from "../state.js";
import { count } from "../format.js";
import { Choice, Failure, Loading, safe } from "../parts.js";
import { findInContent, getContent, sampleAddress } from "../things.js";

/** Bytes of a page, and of a line. */
const [PAGE, LINE] = [1_024, 16];
/** @type {readonly [string, ...string[]]} */
const FORMS = ["hex", "text"];

/** @param {string} hex */
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** A byte as a character, where it is one of ASCII that can be seen. @param {number} byte */
const character = (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·");

/** Whether a byte at this place is part of what was found. @param {import("../things.js").ContentHits | null} found @param {number} at */
const isFound = (found, at) => found !== null && found.hits.some((hit) => at >= hit && at < hit + found.length);

/** Neighbours that are alike in being found or not. @template T @param {T[]} values @param {(index: number) => boolean} found */
function runs(values, found) {
  /** @type {{ marked: boolean, values: T[] }[]} */
  const all = [];
  values.forEach((value, index) => {
    const marked = found(index);
    const last = all.at(-1);
    if (last && last.marked === marked) last.values.push(value);
    else all.push({ marked, values: [value] });
  });
  return all;
}

/** One line: where it stands, digits, characters. @param {{ bytes: number[], at: number, found: import("../things.js").ContentHits | null }} props */
function Line({ bytes, at, found }) {
  const parts = runs(bytes, (index) => isFound(found, at + index));
  const shown = (/** @type {(byte: number) => string} */ as, /** @type {string} */ between) =>
    parts.map((part, index) => {
      const text = part.values.map(as).join(between);
      return html`${index > 0 ? between : ""}${part.marked ? html`<mark>${text}</mark>` : text}`;
    });
  const padding = " ".repeat((LINE - bytes.length) * 3);
  return html`<span class="dump-line"><span class="at">${at.toString(16).padStart(6, "0")}</span>  ${shown((byte) => byte.toString(16).padStart(2, "0"), " ")}${padding}  ${shown(character, "")}</span>`;
}

/** @param {{ sha256: string, size: number }} props */
export function Content({ sha256, size }) {
  const said = more().content;
  const form = chosen("form", FORMS);
  const offset = Math.max(0, Math.floor((Number(place.value.query.get("at")) || 0) / LINE) * LINE);
  const wanted = place.value.query.get("look") ?? "";
  const [typed, setTyped] = useState(wanted);
  const { data, error } = useAnswer((signal) => getContent(sha256, offset, PAGE, signal), `${sha256} ${offset}`);
  const looked = useAnswer(async (signal) => (wanted === "" ? null : findInContent(sha256, wanted, 0, signal)), `${sha256} ${wanted}`);
  const value = (/** @type {Event} */ event) => /** @type {HTMLInputElement} */ (event.target).value;
  const go = (/** @type {number} */ to) => choose({ at: to > 0 ? to : null });
  if (error && !data) {
    const text = error instanceof ApiError && error.status === 403 ? said.owner : null;
    return text ? html`<p class="note">${text}</p>` : html`<${Failure} error=${error} />`;
  }
  if (!data) return html`<${Loading} lines=${6} />`;
  const bytes = bytesOf(data.hex);
  const end = data.offset + bytes.length;
  const hits = looked.data?.hits ?? [];
  const next = hits.find((hit) => hit >= data.offset + PAGE);
  const last = hits.filter((hit) => hit < data.offset).at(-1);
  const lines = Array.from({ length: Math.ceil(bytes.length / LINE) }, (_, line) => Array.from(bytes.slice(line * LINE, (line + 1) * LINE)));
  return html`<section class="panel content" aria-labelledby="bytes-title">
    <div class="head"><h2 id="bytes-title">${said.title}</h2><p>${said.told(count(data.length), data.length < size)}</p></div>
    <form class="tools" onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      choose({ look: typed === "" ? null : typed });
    }}>
      <${Choice} label=${said.form} chosen=${form} choose=${(/** @type {string} */ name) => choose({ form: name })} choices=${[["hex", said.hex], ["text", said.text]]} />
      <input class="search" type="search" maxlength="256" spellcheck="false" autocapitalize="off" placeholder=${said.look} aria-label=${said.look} value=${typed} onInput=${(/** @type {Event} */ event) => setTyped(value(event))} />
      <button type="submit" class="button">${said.find}</button>
      <a class="button" href=${sampleAddress(sha256)} download>${said.save}</a>
    </form>
    <div role="status">${looked.error && html`<p class="note failure">${safe(looked.error.message)}</p>`}
      ${looked.data && html`<p class="quiet">${hits.length === 0 ? said.notFound : said.found(hits.length, looked.data.more)}</p>`}</div>
    ${looked.data && hits.length > 0 && html`<p class="tools">
      <button type="button" class="button" disabled=${last === undefined} onClick=${() => go(last ?? 0)}>${said.lastHit}</button>
      <button type="button" class="button" disabled=${next === undefined} onClick=${() => go(next ?? 0)}>${said.nextHit}</button>
      ${hits[0] !== undefined && html`<button type="button" class="button" onClick=${() => go(hits[0] ?? 0)}>${said.firstHit}</button>`}</p>`}
    ${form === "hex" ? html`<pre tabindex="0" class="dump" aria-label=${said.title}>${lines.map((line, index) => html`<${Line} key=${index} bytes=${line} at=${data.offset + index * LINE} found=${looked.data} />`)}</pre>`
      : html`<pre tabindex="0" class="hostile" aria-label=${said.title}>${asText(bytes, PAGE).split("\n").map((line) => escapeForPeople(line)).join("\n")}</pre>`}
    <div class="tools">
      <button type="button" class="button" disabled=${data.offset === 0} onClick=${() => go(data.offset - PAGE)}>${more().list.before}</button>
      <span class="quiet">${said.range(count(data.offset), count(Math.max(data.offset, end - 1)))}</span>
      <button type="button" class="button" disabled=${end >= data.length} onClick=${() => go(data.offset + PAGE)}>${more().list.next}</button>
    </div>
    <p class="fine">${said.fine}</p>
  </section>`;
}

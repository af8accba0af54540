// The bench: text taken apart in steps (decode.js). Nothing leaves the page; the result is set as text, escaped like everything of a visitor's.
import { html } from "../html.js";
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { OPERATIONS, Problem, asText, dump, step, toBytes } from "../decode.js";
import { escapeForPeople } from "../escape.js";
import { more } from "../more.js";
import { place } from "../router.js";
import { PageHead } from "../parts.js";

/** @typedef {import("../decode.js").Operation} Operation */
/** Steps at most; bytes shown. */
const [MOST_STEPS, SHOWN] = [12, 2_048];

/** Everything after the steps, or why one did not work. @param {string} text @param {Operation[]} steps @param {string} key */
async function taken(text, steps, key) {
  let bytes = /** @type {Uint8Array} */ (toBytes(text));
  try {
    for (const operation of steps) bytes = await step(operation, bytes, key);
    return { bytes, problem: null };
  } catch (error) {
    return { bytes: null, problem: error instanceof Problem ? error.name : "other" };
  }
}

/** @param {{ text?: string, begin?: Operation[] }} props */
export function Bench({ text = "", begin = [] }) {
  const said = more().bench;
  const [input, setInput] = useState(text);
  const [steps, setSteps] = useState(begin);
  const [key, setKey] = useState("");
  const [result, setResult] = useState(/** @type {{ bytes: Uint8Array | null, problem: string | null }} */ ({ bytes: null, problem: null }));
  useEffect(() => {
    let wanted = true;
    void taken(input, steps, key).then((found) => wanted && setResult(found));
    return () => {
      wanted = false;
    };
  }, [input, steps, key]);
  const add = (/** @type {Operation} */ operation) => setSteps([...steps, operation].slice(0, MOST_STEPS));
  const written = (/** @type {Event} */ event) => /** @type {HTMLTextAreaElement | HTMLInputElement} */ (event.target).value;
  return html`<div class="bench">
    <label><span>${said.input}</span><textarea rows="5" spellcheck="false" placeholder=${said.hint} value=${input} onInput=${(/** @type {Event} */ event) => setInput(written(event))}></textarea></label>
    <div role="group" aria-label=${said.add} class="operations">${OPERATIONS.map((operation) => html`<button type="button" key=${operation} class="button" onClick=${() => add(operation)}>${said.operations[operation]}</button>`)}</div>
    ${steps.includes("xor") && html`<label><span>${said.key}</span><input class="search" type="text" maxlength="256" value=${key} onInput=${(/** @type {Event} */ event) => setKey(written(event))} /></label>`}
    ${steps.length > 0 && html`<div class="steps"><span class="quiet">${said.steps}</span> <ol>${steps.map((operation, at) => html`<li key=${at}>${said.operations[operation]}</li>`)}</ol>
      <button type="button" class="button" onClick=${() => setSteps(steps.slice(0, -1))}>${said.remove}</button><button type="button" class="button" onClick=${() => setSteps([])}>${said.clear}</button></div>`}
    <div role="status" class="result">${result.problem !== null && html`<p class="note failure">${said.problems[/** @type {keyof typeof said.problems} */ (result.problem)] ?? said.problems.other}</p>`}
      ${result.bytes !== null && result.bytes.length > 0 && html`<h3>${said.text} <small>${said.length(result.bytes.length)}</small></h3><pre tabindex="0" class="hostile">${lines(result.bytes)}</pre>
        <h3>${said.bytes}${result.bytes.length > SHOWN && html` <small>${said.cut(SHOWN)}</small>`}</h3><pre tabindex="0" class="dump">${dump(result.bytes, SHOWN)}</pre>`}</div>
  </div>`;
}

/** Each line escaped by itself, so that a script can be read as one. @param {Uint8Array} bytes */
const lines = (bytes) => asText(bytes).split("\n").map((line) => escapeForPeople(line)).join("\n");

export function BenchPage() {
  const said = more().bench;
  const { query } = place.value;
  const begin = (query.get("steps") ?? "").split(",").filter((name) => OPERATIONS.includes(/** @type {Operation} */ (name)));
  return html`<div class="page"><${PageHead} title=${said.title} lead=${said.lead} /><${Bench} text=${query.get("text") ?? ""} begin=${begin} /></div>`;
}

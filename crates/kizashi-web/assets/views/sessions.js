// Sessions worth seeing again, the latest first; found by a text in the lines that were given.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { getSessions } from "../api.js";
import { useAnswer } from "../state.js";
import { counted, moment } from "../format.js";
import { Failure, Loading, safe } from "../parts.js";

/** @param {{ row: import("../api.js").SessionRow }} props */
function Row({ row }) {
  return html`<li>
    <a href=${`#/session/${row.session}`}>
      <time datetime=${row.first}>${moment(row.first)}</time>
      <span class="source">${safe(row.service)} <bdi>${safe(row.source)}</bdi></span>
      <span class="much">${counted(row.commands, "line")}${row.files > 0 && `, ${counted(row.files, "file")}`}</span>
    </a>
  </li>`;
}

/** @param {{ all?: boolean }} props */
export function Sessions({ all = false }) {
  const [command, setCommand] = useState("");
  const { data, error } = useAnswer((signal) => getSessions(command, all ? 200 : 6, signal), `${all}/${command}`);
  const typed = (/** @type {Event} */ event) => setCommand(/** @type {HTMLInputElement} */ (event.target).value.trim());
  return html`<section class="sessions" aria-labelledby="sessions-title">
    <div class="head"><h2 id="sessions-title">Sessions</h2>${!all && html`<a class="more" href="#/sessions">All</a>`}</div>
    ${all && html`<input class="search" type="search" placeholder="Text in a command line" aria-label="Text in a command line" value=${command} onChange=${typed} />`}
    ${error && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${4} />`}
    ${data?.length === 0 && html`<p class="note">${command ? "No session has a line with this text." : "Nobody has been in a shell yet."}</p>`}
    ${data && data.length > 0 && html`<ol>${data.map((row) => html`<${Row} key=${row.session} row=${row} />`)}</ol>`}
  </section>`;
}

// Sessions worth seeing again, the latest first; found by a text in the lines that were given.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { getSessions } from "../api.js";
import { words } from "../language.js";
import { useAnswer } from "../state.js";
import { moment } from "../format.js";
import { Failure, Loading, safe } from "../parts.js";

/** @param {{ row: import("../api.js").SessionRow }} props */
function Row({ row }) {
  return html`<li>
    <a href=${`#/session/${row.session}`}>
      <time datetime=${row.first}>${moment(row.first)}</time>
      <span class="source">${safe(row.service)} <bdi>${safe(row.source)}</bdi></span>
      <span class="much">${words().sessions.lines(row.commands)}${row.files > 0 && words().sessions.files(row.files)}</span>
    </a>
  </li>`;
}

/** @param {{ all?: boolean }} props */
export function Sessions({ all = false }) {
  const [command, setCommand] = useState("");
  const said = words().sessions;
  const { data, error } = useAnswer((signal) => getSessions(command, all ? 200 : 6, signal), `${all}/${command}`);
  const typed = (/** @type {Event} */ event) => setCommand(/** @type {HTMLInputElement} */ (event.target).value.trim());
  return html`<section class="sessions" aria-labelledby="sessions-title">
    <div class="head"><h2 id="sessions-title">${said.title}</h2>${!all && html`<a class="more" href="#/sessions">${said.all}</a>`}</div>
    ${all && html`<input class="search" type="search" placeholder=${said.search} aria-label=${said.search} value=${command} onChange=${typed} />`}
    ${error && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${4} />`}
    ${data?.length === 0 && html`<p class="note">${command ? said.notFound : said.none}</p>`}
    ${data && data.length > 0 && html`<ol>${data.map((row) => html`<${Row} key=${row.session} row=${row} />`)}</ol>`}
  </section>`;
}

// Sessions worth seeing again, the latest first; found by a text in the lines that were given.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { getSessions } from "../api.js";
import { words } from "../language.js";
import { useAnswer } from "../state.js";
import { moment } from "../format.js";
import { Empty, Failure, Loading, PageHead, safe } from "../parts.js";

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

/** The page of all sessions. */
export function SessionsPage() {
  const [command, setCommand] = useState("");
  const said = words().sessions;
  const { data, error } = useAnswer((signal) => getSessions(command, 200, signal), command);
  const typed = (/** @type {Event} */ event) => setCommand(/** @type {HTMLInputElement} */ (event.target).value.trim());
  return html`<div class="page"><${PageHead} title=${said.title} lead=${said.lead} />
  <section class="sessions" aria-label=${said.title}>
    <input class="search" type="search" placeholder=${said.search} aria-label=${said.search} value=${command} onChange=${typed} />
    ${error && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${4} />`}
    ${data?.length === 0 && html`<${Empty}>${command ? said.notFound : said.none}<//>`}
    ${data && data.length > 0 && html`<ol>${data.map((row) => html`<${Row} key=${row.session} row=${row} />`)}</ol>`}
  </section></div>`;
}

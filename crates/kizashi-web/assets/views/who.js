// Who comes, and with what: countries, user names, passwords.
import { html } from "../html.js";
import { words } from "../language.js";
import { PageHead } from "../parts.js";
import { Words } from "./words.js";

export function Who() {
  const said = words().who;
  return html`<div class="page">
    <${PageHead} title=${said.title} lead=${said.lead} />
    <div class="columns"><${Words} kind="countries" /><${Words} kind="users" /><${Words} kind="passwords" /></div>
  </div>`;
}

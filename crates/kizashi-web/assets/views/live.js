// What happens now.
import { html } from "../html.js";
import { words } from "../language.js";
import { PageHead } from "../parts.js";
import { Feed } from "./feed.js";

export function Live() {
  const said = words().live;
  return html`<div class="page">
    <${PageHead} title=${said.title} lead=${said.lead} />
    <${Feed} />
  </div>`;
}

// Home: is something coming? The answer, the open signs, then what was.
import { html } from "../html.js";
import { Verdict } from "./verdict.js";
import { OpenSigns, PastSigns } from "./signs.js";

export function Home() {
  return html`<div class="page home">
    <${Verdict} />
    <${OpenSigns} />
    <${PastSigns} most=${5} />
  </div>`;
}

// Home: is something coming? The answer, the open signs, then what was.
import { html } from "../html.js";
import { signs, signsError, status } from "../state.js";
import { Loading } from "../parts.js";
import { LastDay } from "./day.js";
import { Verdict } from "./verdict.js";
import { OpenSigns, PastSigns } from "./signs.js";

export function Home() {
  // Until the signs are known nothing stands below the answer that they would push away.
  const isKnown = (signs.value !== null && status.value !== null) || signsError.value !== null;
  return html`<div class="page home">
    <${Verdict} />
    ${isKnown ? html`<${OpenSigns} /><${LastDay} /><${PastSigns} most=${5} />` : html`<${Loading} lines=${6} />`}
  </div>`;
}

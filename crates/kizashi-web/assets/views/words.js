// What visitors tried and where they come from, most frequent first. User names and passwords are attackers' own words.
import { html } from "../html.js";
import { getTop } from "../api.js";
import { countryName, words } from "../language.js";
import { useAnswer } from "../state.js";
import { Bars, Failure, Loading } from "../parts.js";

/** @param {{ kind: "users" | "passwords" | "countries" }} props */
export function Words({ kind }) {
  const { title, none } = words().tried[kind];
  const { data, error } = useAnswer((signal) => getTop(kind, 10, signal), kind);
  return html`<section class="words" aria-labelledby=${`${kind}-title`}>
    <div class="head"><h2 id=${`${kind}-title`}>${title}</h2></div>
    ${error && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${6} />`}
    ${data?.length === 0 && html`<p class="note">${none}</p>`}
    ${data && data.length > 0 && html`<${Bars} rows=${data.map((row) => (kind === "countries" ? [countryName(row.key), row.sources] : [row.key, row.events]))} />`}
  </section>`;
}

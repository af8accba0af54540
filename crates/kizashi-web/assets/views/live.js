// What happens now: where visitors come from, how many, and what they do.
import { html } from "../html.js";
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { getTop } from "../api.js";
import { countryName, words } from "../language.js";
import { hearers, useAnswer } from "../state.js";
import { count, plain } from "../format.js";
import { Empty, PageHead } from "../parts.js";
import { Feed } from "./feed.js";
import { WorldMap } from "./map.js";

/** Countries in the table. */
const ROWS = 12;
/** Milliseconds between two looks at what was counted. */
const LOOK = 1_000;
/** Seconds over which the pace is taken. */
const PACE = 10;

/** What came since the page was opened, looked at once a second. */
function useCounts() {
  const counts = useRef(/** @type {Map<string, number>} */ (new Map()));
  const seconds = useRef(/** @type {number[]} */ ([0]));
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const hear = (/** @type {import("../api.js").FeedItem[]} */ items, /** @type {number} */ skipped) => {
      seconds.current[0] = (seconds.current[0] ?? 0) + items.length + skipped;
      for (const { country } of items) if (country) counts.current.set(country, (counts.current.get(country) ?? 0) + 1);
    };
    hearers.add(hear);
    const timer = setInterval(() => {
      seconds.current = [0, ...seconds.current].slice(0, PACE + 1);
      setTurn((last) => last + 1);
    }, LOOK);
    return () => {
      hearers.delete(hear);
      clearInterval(timer);
    };
  }, []);
  const past = seconds.current.slice(1);
  return { counts: counts.current, turn, pace: past.length > 0 ? past.reduce((a, b) => a + b, 0) / past.length : 0 };
}

/** The map's equal in words. @param {{ counts: Map<string, number> }} props */
function Countries({ counts }) {
  const said = words().map;
  const { data } = useAnswer((signal) => getTop("countries", 300, signal), "countries");
  const known = new Map((data ?? []).map((row) => [row.key, row.sources]));
  const all = [...new Set([...counts.keys(), ...known.keys()])].map((code) => ({ code, now: counts.get(code) ?? 0, ever: known.get(code) ?? 0 }));
  const rows = all.sort((a, b) => b.now - a.now || b.ever - a.ever).slice(0, ROWS);
  if (rows.length === 0) return html`<${Empty}>${words().tried.countries.none}<//>`;
  return html`<table class="countries">
    <caption class="hidden">${said.table}</caption>
    <thead><tr><th scope="col">${said.country}</th><th scope="col">${said.now}</th><th scope="col">${said.ever}</th></tr></thead>
    <tbody>${rows.map(({ code, now, ever }) => html`<tr key=${code}><th scope="row">${countryName(code)}</th><td>${count(now)}</td><td>${ever > 0 ? count(ever) : "–"}</td></tr>`)}</tbody>
  </table>`;
}

export function Live() {
  const said = words().live;
  const { counts, turn, pace } = useCounts();
  return html`<div class="page live">
    <${PageHead} title=${said.title} lead=${said.lead} />
    <section class="panel world" aria-label=${words().map.title}>
      <${WorldMap} counts=${counts} turn=${turn} />
      <div class="beside-map">
        <p class="pace"><b>${pace >= 10 ? count(Math.round(pace)) : plain(pace)}</b> ${said.pace}</p>
        <${Countries} counts=${counts} />
      </div>
    </section>
    <${Feed} />
  </div>`;
}

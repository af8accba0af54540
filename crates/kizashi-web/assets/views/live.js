// What happens now: where visitors come from, how many, and what they do.
import { html } from "../html.js";
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { getTop } from "../api.js";
import { countryName, words } from "../language.js";
import { hearers, useAnswer } from "../state.js";
import { count, plain } from "../format.js";
import { Empty, Loading, PageHead } from "../parts.js";
import { getSensorRanking } from "../things.js";
import { Feed } from "./feed.js";
import { WorldMap } from "./map.js";
import { OfSensor, SensorChoice, sensorChosen } from "./sensor-choice.js";

/** Countries in the table. */
const ROWS = 12;
/** Milliseconds between two looks at what was counted. */
const LOOK = 1_000;
/** Seconds over which the pace is taken. */
const PACE = 10;

/** What came since the page was opened, looked at once a second. */
/** @param {string} sensor whose visitors; empty for all */
function useCounts(sensor) {
  const counts = useRef(/** @type {Map<string, number>} */ (new Map()));
  const seconds = useRef(/** @type {number[]} */ ([0]));
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const hear = (/** @type {import("../api.js").FeedItem[]} */ items, /** @type {number} */ skipped) => {
      const own = sensor === "" ? items : items.filter((item) => item.sensor === sensor);
      seconds.current[0] = (seconds.current[0] ?? 0) + own.length + (sensor === "" ? skipped : 0);
      for (const { country } of own) if (country) counts.current.set(country, (counts.current.get(country) ?? 0) + 1);
    };
    counts.current = new Map();
    seconds.current = [0];
    hearers.add(hear);
    const timer = setInterval(() => {
      seconds.current = [0, ...seconds.current].slice(0, PACE + 1);
      setTurn((last) => last + 1);
    }, LOOK);
    return () => {
      hearers.delete(hear);
      clearInterval(timer);
    };
  }, [sensor]);
  const past = seconds.current.slice(1);
  return { counts: counts.current, turn, pace: past.length > 0 ? past.reduce((a, b) => a + b, 0) / past.length : 0 };
}

/** The map's equal in words. @param {{ counts: Map<string, number>, sensor: string }} props */
function Countries({ counts, sensor }) {
  const said = words().map;
  const { data, error } = useAnswer((signal) => (sensor === "" ? getTop("countries", 300, signal) : ofSensor(sensor, signal)), `countries ${sensor}`);
  const known = new Map((data ?? []).map((row) => [row.key, row.sources]));
  const all = [...new Set([...counts.keys(), ...known.keys()])].map((code) => ({ code, now: counts.get(code) ?? 0, ever: known.get(code) ?? 0 }));
  const rows = all.sort((a, b) => b.now - a.now || b.ever - a.ever).slice(0, ROWS);
  if (!data && !error && rows.length === 0) return html`<${Loading} lines=${5} />`;
  if (rows.length === 0) return html`<${Empty}>${words().tried.countries.none}<//>`;
  return html`<table class="countries">
    <caption class="hidden">${said.table}</caption>
    <thead><tr><th scope="col">${said.country}</th><th scope="col">${said.now}</th><th scope="col">${said.ever}</th></tr></thead>
    <tbody>${rows.map(({ code, now, ever }) => html`<tr key=${code}><th scope="row">${countryName(code)}</th><td>${count(now)}</td><td>${ever > 0 ? count(ever) : "–"}</td></tr>`)}</tbody>
  </table>`;
}

/** Where a sensor's visitors came from lately. @param {string} sensor @param {AbortSignal} signal */
const ofSensor = async (sensor, signal) => (await getSensorRanking(sensor, { kind: "countries", limit: 300 }, signal)).rows;

export function Live() {
  const said = words().live;
  const sensor = sensorChosen();
  const { counts, turn, pace } = useCounts(sensor);
  return html`<div class="page live">
    <div class="headed"><${PageHead} title=${said.title} lead=${said.lead} /><${SensorChoice} /></div>
    <${OfSensor} of="live" />
    <section class="panel world" aria-label=${words().map.title}>
      <${WorldMap} counts=${counts} turn=${turn} />
      <div class="beside-map">
        <p class="pace"><b>${pace >= 10 ? count(Math.round(pace)) : plain(pace)}</b> ${said.pace}</p>
        <${Countries} counts=${counts} sensor=${sensor} />
      </div>
    </section>
    <${Feed} />
  </div>`;
}

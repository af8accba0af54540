// The last 24 hours against what is usual: a strip of hours, a few numbers, and the busiest ports. "Usual" is the middle eight of ten of the same hours
// of the last four weeks (see ../../src/usual.rs); where there are too few of them yet, that is said instead.
import { html } from "../html.js";
import { getDay } from "../api.js";
import { portInWords, words } from "../language.js";
import { signs, useAnswer } from "../state.js";
import { clockHour, count, plain } from "../format.js";
import { Empty, Failure, Loading, safe } from "../parts.js";
import { OfSensor, SensorChoice, sensorChosen } from "./sensor-choice.js";
import { address } from "./signs.js";

/** @typedef {import("../api.js").Against} Against */
/** @typedef {import("../api.js").Day} Day */

const HOUR = 3_600_000;
/** Ports told of. */
const PORTS = 8;

/** How a number stands to what is usual. @param {Against} number @returns {"unknown" | "less" | "usual" | "more"} */
function standing({ now, low, high }) {
  if (low === undefined || high === undefined) return "unknown";
  if (now > high && now - high >= 1) return "more";
  return now < low && low - now >= 1 ? "less" : "usual";
}

/** @param {number} n */
const rounded = (n) => (n < 10 && !Number.isInteger(n) ? plain(n) : count(Math.round(n)));

/** @param {number} part @param {number} whole */
const percent = (part, whole) => `${((part / Math.max(whole, 1)) * 100).toFixed(2)}%`;

/** The usual range in words. @param {Against} number */
function range({ low, high }) {
  const said = words().day;
  if (low === undefined || high === undefined) return said.tooNew;
  return rounded(low) === rounded(high) ? said.about(rounded(low)) : said.range(rounded(low), rounded(high));
}

/** A track with the usual range as a band and the number as a mark. @param {{ number: Against }} props */
function Track({ number }) {
  const { now, low, high } = number;
  const top = Math.max(now, high ?? 0) * 1.15 || 1;
  return html`<span class="track is-${standing(number)}" aria-hidden="true">
    ${low !== undefined && high !== undefined && html`<span class="band" style=${{ left: percent(low, top), width: percent(Math.max(high - low, top * 0.012), top) }}></span>`}
    <span class="mark" style=${{ left: percent(now, top) }}></span>
  </span>`;
}

/** One number. @param {{ name: string, number: Against }} props */
function Figure({ name, number }) {
  return html`<div class="figure">
    <dt>${name}</dt>
    <dd><b>${rounded(number.now)}</b> <span class="standing-to is-${standing(number)}">${words().day.standing[standing(number)]}</span></dd>
    <dd><${Track} number=${number} /></dd>
    <dd class="range">${range(number)}</dd>
  </div>`;
}

/** The hours as bars before the band of what is usual. @param {{ day: Day }} props */
function Strip({ day }) {
  const said = words().day;
  const top = Math.max(1, ...day.hours.map((hour) => Math.max(hour.now, hour.high ?? 0)));
  const begun = (/** @type {number} */ start) => (signs.value ?? []).filter((sign) => Date.parse(sign.since) >= start && Date.parse(sign.since) < start + HOUR);
  return html`<ol class="strip" aria-label=${said.strip}>
    ${day.hours.map((hour, at) => {
      const start = Date.parse(hour.start);
      const hours = clockHour(start);
      const marks = begun(start);
      return html`<li key=${hour.start} class=${`is-${standing(hour)}`} title=${`${hours}: ${said.events(count(hour.now))}. ${range(hour)}`}>
        ${hour.low !== undefined && hour.high !== undefined && html`<span class="band" style=${{ bottom: percent(hour.low, top), height: percent(Math.max(hour.high - hour.low, top * 0.01), top) }}></span>`}
        <span class="bar" style=${{ height: percent(hour.now, top) }}></span>
        ${marks[0] && html`<a class="sign-mark" href=${address(marks[0])} title=${said.signBegan}><span class="hidden">${said.signBegan}</span></a>`}
        <span class="hidden">${hours}: ${said.events(count(hour.now))}. ${said.standing[standing(hour)]}</span>
        ${at % 3 === 2 && html`<time aria-hidden="true">${hours}</time>`}
      </li>`;
    })}
  </ol>`;
}

/** The busiest ports, each against its own past. @param {{ day: Day }} props */
function Ports({ day }) {
  const said = words().day;
  // What is usual of a port is not known by sensor: its share is shown instead.
  const isOfSensor = sensorChosen() !== "";
  const most = Math.max(...day.ports.map(({ events }) => events.now));
  return html`<section aria-labelledby="busy-title">
    <div class="head"><h2 id="busy-title">${said.ports}</h2><a class="more end" href="#/ports">${said.allPorts}</a></div>
    <ol class="busy">
      ${day.ports.map(({ key, label, events }) => html`<li key=${key}>
        <a href=${`#/port/${key}`}><span class="name">${safe(portInWords(key, label).label)}</span> <code>${safe(key)}</code></a>
        <span class="number">${count(events.now)}</span>
        ${isOfSensor ? html`<span class="track share" aria-hidden="true"><span class="part" style=${{ width: percent(events.now, most) }}></span></span>`
          : html`<${Track} number=${events} /><span class="standing-to is-${standing(events)}">${said.standing[standing(events)]}<span class="range">${range(events)}</span></span>`}
      </li>`)}
    </ol>
  </section>`;
}

/** The page's second half. */
export function LastDay() {
  const said = words().day;
  const sensor = sensorChosen();
  const { data, error } = useAnswer((signal) => getDay(PORTS, sensor, signal), `day ${sensor}`);
  if (error && !data) return html`<${Failure} error=${error} />`;
  if (!data) return html`<section class="day-waits"><${Loading} lines=${8} /></section>`;
  if (data.hours.length === 0) return html`<${SensorChoice} /><${Empty}>${said.empty}<//>`;
  const isMoreWithoutSign = standing(data.events) === "more" && !(signs.value ?? []).some((sign) => sign.open);
  return html`<section class="panel day" aria-labelledby="day-title">
      <div class="head"><h2 id="day-title">${said.title}</h2><p>${data.hours[0]?.low === undefined ? said.tooNewLong : said.made(data.days)}</p><span class="end"><${SensorChoice} /></span></div>
      <${OfSensor} of="day" />
      <p class="key"><span class="count">${said.hourly}</span><span class="usual">${said.usual}</span><span class="above">${said.above}</span><span class="below">${said.below}</span><span class="sign">${said.signBegan}</span></p>
      <${Strip} day=${data} />
      <dl class="figures-of-day">
        <${Figure} name=${words().facts.events} number=${data.events} />
        ${data.sessions && html`<${Figure} name=${words().facts.sessions} number=${data.sessions} />`}
        ${data.sources && html`<${Figure} name=${said.sources} number=${data.sources} />`}
      </dl>
      ${isMoreWithoutSign && html`<p class="note">${said.noSign}</p>`}
    </section>
    ${data.ports.length > 0 && html`<${Ports} day=${data} />`}`;
}

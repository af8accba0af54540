// One switch for every page that can be of one sensor alone: all sensors, or this one. It stands in the address (`sensor`) and goes along in the navigation.
// Where only one sensor ever told anything there is nothing to choose, and nothing is shown.
import { html } from "../html.js";
import { escapeForPeople } from "../escape.js";
import { more } from "../more.js";
import { choose, place } from "../router.js";
import { now, useAnswer } from "../state.js";
import { moment } from "../format.js";
import { getSensors } from "../things.js";

/** The sensor that is chosen; empty for all. */
export const sensorChosen = () => place.value.query.get("sensor") ?? "";

/** The switch. */
export function SensorChoice() {
  const said = more().sensors;
  const sensor = sensorChosen();
  const { data, error } = useAnswer((signal) => getSensors(signal), "sensors");
  if (!data && !error) return html`<span aria-busy="true"></span>`;
  if (!data || (data.length < 2 && sensor === "")) return null;
  const names = data.map((row) => row.name).sort();
  if (sensor !== "" && !names.includes(sensor)) names.unshift(sensor);
  return html`<select class="sensor-choice" aria-label=${said.filter} value=${sensor} onChange=${(/** @type {Event} */ event) => choose({ sensor: /** @type {HTMLSelectElement} */ (event.target).value || null })}>
    <option value="">${said.all}</option>${names.map((name) => html`<option key=${name} value=${name}>${escapeForPeople(name)}</option>`)}</select>`;
}

/** Of what a page of one sensor is made, and what on it is of all. @param {{ of: "ports" | "lists" | "day" | "live", reached?: string | null }} props */
export function OfSensor({ of, reached = null }) {
  const sensor = sensorChosen();
  if (sensor === "") return null;
  const said = more().sensors;
  const back = reached === null ? null : moment(reached, now());
  const name = escapeForPeople(sensor);
  return html`<p class="note of-sensor">${{ ports: said.ofPorts, lists: said.ofLists, day: said.ofDay, live: said.ofLive }[of](name, back)}</p>`;
}

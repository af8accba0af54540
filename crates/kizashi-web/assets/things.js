// What the pages about single things ask of the server, with the shape of the answers (../src/items.rs, ../src/search, ../src/marks.rs, ../src/condition.rs).
import { ApiError, ask } from "./api.js";
import { words } from "./language.js";
import { address } from "./router.js";
import { end } from "./state.js";

/** @typedef {import("./api.js").TopRow} TopRow */
/** @typedef {import("./api.js").Mark} Mark */
/** @typedef {import("./api.js").Sign & { also?: string[] }} MarkedSign */
/** @typedef {{ sha256: string, size: number, looks_like: string, head: string, kept: boolean, events: number, first: string | null, last: string | null }} Captured */
/** @typedef {{ country: string | null, country_name: string | null, network: string, network_name: string | null, scanner: string | null }} Place */
/** @typedef {{ key: string, kind: string, text: string, label: string, totals: TopRow | null, place: Place | null, captured: Captured | null, lists: string[],
 *   sources: TopRow[], beside: { kind: string, rows: [string, number][] }[], events: import("./api.js").FeedItem[],
 *   sessions: import("./api.js").SessionRow[], signs: MarkedSign[] }} ItemPage */
/** @typedef {{ keys: TopRow[], signs: MarkedSign[], sessions: import("./api.js").SessionRow[], events: import("./api.js").FeedItem[],
 *   looked_at: number, reached: string | null }} SearchPage */
/** @typedef {{ query: string, text: string, label: string, events?: number }} Suggestion */
/** @typedef {{ name: string, pairs: number, tried: number, events: number, last: string | null }} KnownList */
/** @typedef {{ resident_bytes: number | null, disk_free_bytes: number | null,
 *   retention: { raw_days: number, hourly_days: number, daily_days: number, most_bytes: number, most_payload_bytes: number, least_free_bytes: number } | null,
 *   forecast: { bytes_a_day: number, settles_at_bytes: number, full_in_days: number | null } | null,
 *   traps: { name: string, ports: string[], lines_off: string, lines_on: string }[], scanners_in_signs: boolean | null, folder: string | null }} Condition */

/** How far back a list goes. @typedef {"24h" | "7d" | "30d" | "all"} Span */
/** @type {readonly [Span, ...Span[]]} */
export const SPANS = ["all", "30d", "7d", "24h"];
/** @type {Record<Span, number | null>} */
const LENGTHS = { "24h": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000, all: null };

/** The beginning of a span that ends with what is known. @param {Span} span @returns {Promise<string | undefined>} */
export async function sinceOf(span) {
  const length = LENGTHS[span];
  return length === null ? undefined : new Date((await end()) - length).toISOString();
}

/** A key's page. @param {string} kind @param {string} text raw */
export const itemAddress = (kind, text) => (kind === "port" ? `#/port/${text}` : address("item", { key: `${kind}:${text}` }));

/** @param {string} kind plural @param {{ of?: string | undefined, span: Span, offset?: number, limit: number }} wish @param {AbortSignal} [signal]
 * @returns {Promise<{ rows: TopRow[], more: boolean }>} */
export async function getRanking(kind, { of, span, offset, limit }, signal) {
  return ask("ranking", { kind, of, since: await sinceOf(span), offset, limit }, signal);
}

/** @param {string} key @param {AbortSignal} [signal] @returns {Promise<ItemPage>} */
export const getItem = (key, signal) => ask("key", { key }, signal);

/** @param {number} limit @param {AbortSignal} [signal] @returns {Promise<Captured[]>} */
export const getCaptured = async (limit, signal) => (await ask("captured", { limit }, signal)).captured;

/** @param {AbortSignal} [signal] @returns {Promise<KnownList[]>} */
export const getLists = async (signal) => (await ask("lists", {}, signal)).lists;

/** @param {string} q @param {string | undefined} before @param {AbortSignal} [signal] @returns {Promise<SearchPage>} */
export const search = (q, before, signal) => ask("search", { q, before, limit: 100 }, signal);

/** @param {string} q @param {AbortSignal} [signal] @returns {Promise<Suggestion[]>} */
export const complete = async (q, signal) => (await ask("complete", { q }, signal)).options;

/** @param {AbortSignal} [signal] @returns {Promise<Condition>} */
export const getHealth = (signal) => ask("health", {}, signal);

/** Where a table is saved from. @param {"csv" | "json" | "parquet"} format @param {Record<string, string | undefined>} about */
export function exportAddress(format, about) {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(about)) if (value !== undefined) query.set(name, value);
  return `/api/v1/export?${query}`;
}

/** @typedef {{ value: number, in_file: number, on_page: boolean, least: number, most: number }} Setting */
/** @typedef {{ name: string, on: boolean, on_page: boolean | null, ports: string[], trouble: string | null, trouble_ports: string[] }} TrapSwitch */
/** @typedef {{ false_alarms_per_week: Setting, retention: { raw_days: Setting, most_megabytes: Setting, payload_megabytes: Setting } | null,
 *   traps: { traps: TrapSwitch[], waiting: boolean, failed: string | null } | null, file: string | null }} OwnSettings */
/** @typedef {{ channels: string[], test: { asked: string, results: { channel: string, state: string, why: string | null }[] } | null }} Channels */
/** @typedef {{ group: string | null, heard: string | null, silent_since: string | null, per_minute: number, clock_seconds: number, waiting_records: number,
 *   waiting_bytes: number, dropped_events: number, lost_events: number, missed_records: number, again_records: number, without_content: number,
 *   refused_records: number, refusal: string | null, misbehaved: number }} SensorInFleet */
/** @typedef {{ name: string, own: boolean, alive: boolean, first: string | null, last: string | null, events: number, day: number, hours: number[],
 *   version: string | null, lost: number | null, lag_seconds: number | null, fleet: SensorInFleet | null }} SensorRow */
/** @typedef {{ start: string, hours: number[] }} SensorHours */
/** @typedef {{ rows: TopRow[], looked_at: number, reached: string | null }} SensorPorts */
/** @typedef {{ length: number, offset: number, hex: string }} ContentPage */
/** @typedef {{ hits: number[], length: number, more: boolean }} ContentHits */

/** Changes something on the server: JSON, which no form of another page can send. @param {string} path @param {unknown} change @returns {Promise<any>} */
async function change(path, change) {
  const answer = await fetch(`/api/v1/${path}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(change),
  }).catch(() => {
    throw new ApiError(0, words().trouble.noAnswer);
  });
  if (answer.ok) return answer.json();
  const said = await answer.json().catch(() => ({}));
  throw new ApiError(answer.status, typeof said.error === "string" ? said.error : words().trouble.answered(answer.status));
}

/** Says something of a sign. @param {string} id @param {Partial<{ seen: boolean, muted_until: string, reason: string, note: string }>} what
 * @returns {Promise<Mark>} */
export const markSign = (id, what) => change(`signs/${encodeURIComponent(id)}/mark`, what);

/** @param {AbortSignal} [signal] @returns {Promise<OwnSettings>} */
export const getSettings = (signal) => ask("settings", {}, signal);

/** How many false alarms a week are accepted; null gives it back to the file. @param {number | null} wanted @returns {Promise<OwnSettings>} */
export const setPromise = (wanted) => change("settings", wanted === null ? { as_in_file: true } : { false_alarms_per_week: wanted });

/** Sets how long things are kept, or turns traps on or off. @param {{ retention?: Record<string, number | boolean>, traps?: Record<string, boolean | null> }} what
 * @returns {Promise<OwnSettings>} */
export const changeSettings = (what) => change("settings", what);

/** @param {AbortSignal} [signal] @returns {Promise<Channels>} */
export const getChannels = (signal) => ask("channels", {}, signal);

/** @returns {Promise<Channels>} */
export const testChannels = () => change("channels/test", {});

/** @param {AbortSignal} [signal] @returns {Promise<SensorRow[]>} */
export const getSensors = async (signal) => (await ask("sensors", {}, signal)).sensors;

/** @param {string} sensor @param {number} days @param {AbortSignal} [signal] @returns {Promise<SensorHours>} */
export const getSensorHours = (sensor, days, signal) => ask("sensors/hours", { sensor, limit: 24 * days }, signal);

/** @param {string} sensor @param {AbortSignal} [signal] @returns {Promise<SensorPorts>} */
export const getSensorPorts = (sensor, signal) => ask("sensors/ports", { sensor, limit: 500 }, signal);

/** @param {string} sensor @param {{ kind: string, of?: string | undefined, since?: string | undefined, limit: number }} wish @param {AbortSignal} [signal] @returns {Promise<SensorPorts>} */
export const getSensorRanking = (sensor, wish, signal) => ask("sensors/ranking", { sensor, ...wish }, signal);

/** @param {string} sha256 @param {number} offset @param {number} limit @param {AbortSignal} [signal] @returns {Promise<ContentPage>} */
export const getContent = (sha256, offset, limit, signal) => ask(`payloads/${sha256}`, { offset, limit }, signal);

/** @param {string} sha256 @param {string} q @param {number} offset @param {AbortSignal} [signal] @returns {Promise<ContentHits>} */
export const findInContent = (sha256, q, offset, signal) => ask(`payloads/${sha256}/find`, { q, offset }, signal);

/** Where content is saved from, in a zip with a password. @param {string} sha256 */
export const sampleAddress = (sha256) => `/api/v1/payloads/${sha256}/sample`;

// What the page asks its server, with the shape of the answers (see the API in ../src/answers.rs). Nothing else is asked of
// anybody.
import { words } from "./language.js";

/** @typedef {{ version: string, now: string, uptime_seconds: number, demo: boolean, store: StoreStatus,
 *   listeners: { service: string, address: string }[], series_watched: number, false_alarms_per_week: number,
 *   feed_dropped: number, traps?: TrapStatus }} Status */
/** @typedef {{ process: number, renewals: number, crashes: number, misbehaved: number, core_restarts: number,
 *   not_enforced: string | null, accepted: number, refused: number, refused_untold: number, lost: number, left_out: number,
 *   capture?: CaptureStatus | null }} TrapStatus */
/** @typedef {{ off: string | null, ends: number, passed: number, dropped: number, attempts: number, unanswered: number,
 *   refused: number, half_open: number, completed: number, udp_flows: number, icmp_requests: number, backscatter: number,
 *   service_segments: number, service_datagrams: number, broken: number, sampled: number, events: number,
 *   lost: number }} CaptureStatus */
/** @typedef {{ events: number, events_raw: number, sessions: number, sources: number, first: string | null,
 *   last: string | null, late: number, out_of_time: number, dropped: number, bytes: number }} StoreStatus */
/** @typedef {{ kind: string, key: string, label: string, events: number, sessions: number, sources: number, first: string,
 *   last: string, habit?: string, half_daily?: number | null, rank?: number | null, hourly?: number | null, days?: number | null,
 *   spark?: number[] }} TopRow */
/** @typedef {{ start: string, events: number, sources: number, outlier: number | null, changefinder: number | null,
 *   rank: number | null, days: number | null }} Point */
/** @typedef {"low" | "medium" | "high" | "critical"} Severity */
/** @typedef {{ id: string, since: string, detected: string, severity: Severity }} SignMark */
/** @typedef {{ key: string, label: string, bin_seconds: number, points: Point[], signs: SignMark[],
 *   complete: boolean }} Series */
/** @typedef {{ id: string, kind: string, key: string, label: string, since: string, detected: string, days: number,
 *   ratio: number, ratio_low: number, ratio_high: number, events: number, sources: number, expected_sources: number,
 *   severity: Severity, name: string | null, open: boolean, until: string, before: number, after: number,
 *   ports?: string[], rising?: number, name_ja?: string, mark?: Mark, scope?: { sensor?: string, group?: string } | null,
 *   seen_at?: { sensors: Seen, groups: Seen } | null }} Sign at a hub with the sensor or group that raised it, and those that see it */
/** @typedef {{ name: string, sources: number, expected: number }} SeenPlace */
/** @typedef {{ count: number, of: number, named: SeenPlace[] }} Seen how many see a sign, of how many, and the first of these */
/** @typedef {{ seen: boolean, muted_until: string | null, reason: string, note: string, changed: string, muted?: boolean }} Mark */
/** @typedef {{ now: number, low?: number, middle?: number, high?: number }} Against a number and where it usually lies, where that is known */
/** @typedef {Against & { start: string, sources: number }} DayHour */
/** @typedef {{ until: string, days: number, hours: DayHour[], events: Against, sessions?: Against, sources?: Against,
 *   ports: { key: string, label: string, events: Against }[] }} Day */
/** @typedef {{ label: string, values: { text: string, count: number | null }[], quoted: boolean }} AdvisoryItem */
/** @typedef {{ text: string, commands: string[] }} AdvisoryStep */
/** @typedef {{ id: string, heading: string, text: string[], items: AdvisoryItem[], steps: AdvisoryStep[] }} AdvisorySection */
/** @typedef {{ title: string, what: string, since: string, who: string, what_to_do: string, sections: AdvisorySection[],
 *   references_heading: string, references: string[] }} Advisory */
/** @typedef {[string, number][]} Counted */
/** @typedef {{ sources: Counted, countries: Counted, scanners: Counted, users: Counted, passwords: Counted, commands: Counted, paths: Counted, clients: Counted,
 *   payloads: Counted }} Evidence */
/** @typedef {{ sign: Sign, advisory: Advisory,
 *   evidence: Evidence }} SignPage */
/** @typedef {{ time: string, source: string, sensor: string, port: string, service: string, action: string, text: string,
 *   scanner?: string, country?: string }} FeedItem */
/** @typedef {{ session: string, first: string, last: string, source: string, port: string, service: string, commands: number,
 *   files: number, recorded: boolean }} SessionRow */
/** @typedef {{ session: SessionRow, size: [number, number], frames: [number, string][], lines: string[] }} SessionPage */
/** @typedef {"10m" | "1h" | "12h" | "1d"} Bin */

/** An answer that is not what was asked for. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @param {string} path @param {Record<string, string | number | undefined>} [parameters] @param {AbortSignal} [signal]
 * @returns {Promise<any>} */
export async function ask(path, parameters = {}, signal) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  const address = `/api/v1/${path}${query.size > 0 ? `?${query}` : ""}`;
  /** @type {Response} */
  let response;
  try {
    response = await fetch(address, { signal: signal ?? null, headers: { accept: "application/json" } });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, words().trouble.noAnswer);
  }
  if (response.ok) return response.json();
  const answer = await response.json().catch(() => ({}));
  throw new ApiError(response.status, typeof answer.error === "string" ? answer.error : words().trouble.answered(response.status));
}

/** @param {AbortSignal} [signal] @returns {Promise<Status>} */
export const getStatus = (signal) => ask("status", {}, signal);

/** @param {string} kind plural: `ports` @param {number} limit @param {AbortSignal} [signal] @returns {Promise<TopRow[]>} */
export const getTop = async (kind, limit, signal) => (await ask("top", { kind, limit }, signal)).rows;

/** @param {number} limit ports @param {string} sensor of this one; empty for all @param {AbortSignal} [signal] @returns {Promise<Day>} */
export const getDay = (limit, sensor, signal) => ask("day", { limit, sensor: sensor === "" ? undefined : sensor }, signal);

/** @param {string} key @param {Bin} bin @param {{ since?: string | undefined, until?: string | undefined }} span
 * @param {AbortSignal} [signal] @returns {Promise<Series>} */
export const getSeries = (key, bin, span, signal) => ask("series", { key, bin, ...span }, signal);

/** The part of a series that begins at a moment. @param {Series} series @param {number} start milliseconds since the epoch
 * @returns {Series} */
export function from(series, start) {
  const inside = (/** @type {{ start?: string, detected?: string }} */ some) =>
    Date.parse(some.detected ?? some.start ?? "") >= start;
  return { ...series, points: series.points.filter(inside), signs: series.signs.filter(inside) };
}

/** @param {number} limit @param {AbortSignal} [signal] @returns {Promise<Sign[]>} */
export const getSigns = async (limit, signal) => (await ask("signs", { limit }, signal)).signs;

/** @param {string} id @param {string} lang @param {AbortSignal} [signal] @returns {Promise<SignPage>} */
export const getSign = (id, lang, signal) => ask(`signs/${encodeURIComponent(id)}`, { lang }, signal);

/** @param {number} limit @param {AbortSignal} [signal] @returns {Promise<FeedItem[]>} */
export const getEvents = async (limit, signal) => (await ask("events", { limit }, signal)).events;

/** @param {string} command text in a line; all where it is empty @param {number} limit @param {AbortSignal} [signal]
 * @returns {Promise<SessionRow[]>} */
export const getSessions = async (command, limit, signal) =>
  (await ask("sessions", { command: command === "" ? undefined : command, limit }, signal)).sessions;

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<SessionPage>} */
export const getSession = (id, signal) => ask(`sessions/${encodeURIComponent(id)}`, {}, signal);

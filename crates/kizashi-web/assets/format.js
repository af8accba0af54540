// Numbers and times as people read them. Times come as RFC 3339 in UTC and are shown in the reader's own zone.

const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const exactClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** 114,195. @param {number} n */
export const count = (n) => whole.format(n);

/** 114.2K. @param {number} n */
export const short = (n) => compact.format(n);

/** With no more digits than it deserves: 0.4, 12. @param {number} n */
export const plain = (n) => (Math.abs(n) >= 9.95 ? whole.format(Math.round(n)) : n.toFixed(1));

/** 8.2×. @param {number} n */
export const ratio = (n) => `${plain(n)}×`;

/** "1 sign", "2 signs". @param {number} n @param {string} one @param {string} [many] */
export const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** A change score. @param {number | null | undefined} n */
export function score(n) {
  if (n == null) return "–";
  const digits = Math.abs(n) >= 1000 ? compact.format(n) : n.toFixed(Math.abs(n) >= 99.5 ? 0 : 1);
  return digits === "-0.0" ? "0.0" : digits.replace("-", "−");
}

/** How a score stands in the past of its own series. @param {number | null | undefined} share from 0 to 1 */
export function ranked(share) {
  if (share == null) return "";
  const percent = Math.floor(share * 1000) / 10;
  return `higher than ${percent % 1 === 0 ? percent.toFixed(0) : percent.toFixed(1)} % of its past`;
}

/** How rarely chance does it: "once in 11 years". @param {number} days */
export function chance(days) {
  if (days >= 10_000) return "less than once in 27 years";
  if (days >= 730) return `once in ${count(Math.round(days / 365.25))} years`;
  if (days >= 1.5) return `once in ${count(Math.round(days))} days`;
  return "about once a day or more";
}

/** The same for a narrow column: "1 in 40 d", or that it is nothing special. @param {number | null | undefined} days */
export function chanceShort(days) {
  if (days == null) return "–";
  if (days >= 10_000) return "1 in 27+ y";
  if (days >= 730) return `1 in ${count(Math.round(days / 365.25))} y`;
  return days >= 1.5 ? `1 in ${count(Math.round(days))} d` : "usual";
}

/** Tue 18 Feb, 11:50. @param {string | Date} time @param {Date} [now] */
export function moment(time, now = new Date()) {
  const at = new Date(time);
  const date = at.getFullYear() === now.getFullYear() ? day.format(at).replace(",", "") : dayOfYear.format(at);
  return `${date}, ${clock.format(at)}`;
}

const month = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric" });

/** A mark on an axis of time, as fine as the marks are apart. @param {number} seconds since the epoch @param {number} apart
 * seconds from mark to mark */
export function mark(seconds, apart) {
  const at = new Date(seconds * 1000);
  if (apart >= 28 * 86_400) return year.format(at);
  return apart >= 86_400 || (at.getHours() === 0 && at.getMinutes() === 0) ? month.format(at) : clock.format(at);
}

/** 11:50:07. @param {string} time */
export const second = (time) => exactClock.format(new Date(time));

/** "5 min", "3 h", "2 days". @param {number} ms */
export function span(ms) {
  const length = Math.max(0, ms);
  if (length < MINUTE) return `${Math.round(length / 1000)} s`;
  if (length < 100 * MINUTE) return `${Math.round(length / MINUTE)} min`;
  if (length < 48 * HOUR) return `${Math.round(length / HOUR)} h`;
  return counted(Math.round(length / DAY), "day");
}

/** "3 h ago". @param {string} time @param {Date} now */
export function ago(time, now) {
  const ms = now.getTime() - new Date(time).getTime();
  return ms < 5_000 ? "just now" : `${span(ms)} ago`;
}

/** 12.4 MB. @param {number} n */
export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = n;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 ? value : value.toFixed(value < 99.5 ? 1 : 0)} ${units[at]}`;
}

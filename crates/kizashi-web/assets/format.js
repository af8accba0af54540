// Numbers and times as people read them, in the language of the page. Times come as RFC 3339 in UTC and are shown in the reader's own zone.
import { language, words } from "./language.js";

/** @param {string} numbers @param {string} times locales */
const forms = (numbers, times) => ({
  whole: new Intl.NumberFormat(numbers),
  compact: new Intl.NumberFormat(numbers, { notation: "compact", maximumFractionDigits: 1 }),
  day: new Intl.DateTimeFormat(times, { weekday: "short", day: "numeric", month: "short" }),
  dayOfYear: new Intl.DateTimeFormat(times, { day: "numeric", month: "short", year: "numeric" }),
  clock: new Intl.DateTimeFormat(times, { hour: "2-digit", minute: "2-digit" }),
  exactClock: new Intl.DateTimeFormat(times, { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  month: new Intl.DateTimeFormat(times, { day: "numeric", month: "short" }),
  year: new Intl.DateTimeFormat(times, { month: "short", year: "numeric" }),
});
const FORMS = { en: forms("en", "en-GB"), ja: forms("ja", "ja-JP") };
const form = () => FORMS[language.value];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** 114,195. @param {number} n */
export const count = (n) => form().whole.format(n);

/** 114.2K. @param {number} n */
export const short = (n) => form().compact.format(n);

/** With no more digits than it deserves: 0.4, 12. @param {number} n */
export const plain = (n) => (Math.abs(n) >= 9.95 ? form().whole.format(Math.round(n)) : n.toFixed(1));

/** 8.2×. @param {number} n */
export const ratio = (n) => `${plain(n)}×`;

/** A change score. @param {number | null | undefined} n */
export function score(n) {
  if (n == null) return "–";
  const digits = Math.abs(n) >= 1000 ? form().compact.format(n) : n.toFixed(Math.abs(n) >= 99.5 ? 0 : 1);
  return digits === "-0.0" ? "0.0" : digits.replace("-", "−");
}

/** How a score stands in the past of its own series. @param {number | null | undefined} share from 0 to 1 */
export function ranked(share) {
  if (share == null) return "";
  const percent = Math.floor(share * 1000) / 10;
  return words().chance.ranked(percent % 1 === 0 ? percent.toFixed(0) : percent.toFixed(1));
}

/** How rarely chance does it: "once in 11 years". @param {number} days */
export function chance(days) {
  const said = words().chance;
  if (days >= 10_000) return said.never;
  if (days >= 730) return said.years(Math.round(days / 365.25));
  return days >= 1.5 ? said.days(Math.round(days)) : said.daily;
}

/** The same for a narrow column: "1 in 40 d", or that it is nothing special. @param {number | null | undefined} days */
export function chanceShort(days) {
  if (days == null) return "–";
  const said = words().chance;
  if (days >= 10_000) return said.shortNever;
  if (days >= 730) return said.shortYears(Math.round(days / 365.25));
  return days >= 1.5 ? said.shortDays(Math.round(days)) : said.usual;
}

/** Tue 18 Feb, 11:50. @param {string | Date} time @param {Date} [now] */
export function moment(time, now = new Date()) {
  const at = new Date(time);
  const { day, dayOfYear, clock } = form();
  const date = at.getFullYear() === now.getFullYear() ? day.format(at).replace(",", "") : dayOfYear.format(at);
  return words().time.at(date, clock.format(at));
}

/** A mark on an axis of time, as fine as the marks are apart. @param {number} seconds since the epoch @param {number} apart
 * seconds from mark to mark */
export function mark(seconds, apart) {
  const at = new Date(seconds * 1000);
  const { year, month, clock } = form();
  if (apart >= 28 * 86_400) return year.format(at);
  return apart >= 86_400 || (at.getHours() === 0 && at.getMinutes() === 0) ? month.format(at) : clock.format(at);
}

/** 14:00. @param {number} time milliseconds since the epoch */
export const clockHour = (time) => form().clock.format(new Date(time));

/** 11:50:07. @param {string} time */
export const second = (time) => form().exactClock.format(new Date(time));

/** "5 min", "3 h", "2 days". @param {number} ms */
export function span(ms) {
  const length = Math.max(0, ms);
  const said = words().time;
  if (length < MINUTE) return said.seconds(Math.round(length / 1000));
  if (length < 100 * MINUTE) return said.minutes(Math.round(length / MINUTE));
  return length < 48 * HOUR ? said.hours(Math.round(length / HOUR)) : said.days(Math.round(length / DAY));
}

/** "3 h ago". @param {string} time @param {Date} now */
export function ago(time, now) {
  const ms = now.getTime() - new Date(time).getTime();
  return ms < 5_000 ? words().time.now : words().time.ago(span(ms));
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

// Which part of a series is looked at, in which bins, and what must be fetched for it: mathematics without a page, so that a year can be scrolled. What is
// fetched reaches past the window to both sides, so that moving finds it there; what is asked for never holds more than a few thousand bins.

/** @typedef {import("./api.js").Bin} Bin */
/** @typedef {import("./plot.js").Window} Window */

export const DAY = 86_400_000;

/** @type {[Bin, number][]} bins by length in milliseconds, the finest first */
export const BINS = [["10m", 600_000], ["1h", 3_600_000], ["12h", 43_200_000], ["1d", DAY]];
/** What is shown of each at first, in days: a day in too fine bins is a thicket. @type {Record<Bin, number>} */
export const SPANS = { "10m": 4, "1h": 15, "12h": 90, "1d": 730 };
/** Bins in a window at most; beyond, longer bins are taken. */
export const MOST_BINS = 1_500;
/** And at least; below, shorter ones are. */
export const FEWEST_BINS = 12;
/** What is fetched to each side, as a share of the window. */
const BESIDE = 0.6;
/** When so much of that is left, more is fetched. */
const ENOUGH = 0.15;

/** @param {Bin} bin */
export const lengthOf = (bin) => BINS.find(([name]) => name === bin)?.[1] ?? DAY;

/** The bin that suits a window, the wished one where it can be. @param {Window} window @param {Bin} wished @returns {Bin} */
export function binFor({ from, to }, wished) {
  let at = BINS.findIndex(([name]) => name === wished);
  const bins = () => (to - from) / (BINS[at]?.[1] ?? DAY);
  while (at < BINS.length - 1 && bins() > MOST_BINS) at += 1;
  while (at > 0 && bins() < FEWEST_BINS) at -= 1;
  return BINS[at]?.[0] ?? "1d";
}

/** A window brought inside of what is known, no narrower than an hour and a half. @param {Window} window @param {Window} known @returns {Window} */
export function within({ from, to }, known) {
  const wide = Math.min(Math.max(to - from, 5_400_000), Math.max(known.to - known.from, 5_400_000));
  const start = Math.min(Math.max(from, known.from), known.to - wide);
  return { from: Math.max(start, Math.min(known.from, known.to - wide)), to: Math.max(start, Math.min(known.from, known.to - wide)) + wide };
}

/** A window made narrower or wider around a moment. @param {Window} window @param {number} factor below one: narrower @param {number} around @returns {Window} */
export const zoomed = ({ from, to }, factor, around) => ({ from: around - (around - from) * factor, to: around + (to - around) * factor });

/** What to fetch for a window, or null where what is there is enough. @param {Window} window @param {Window | null} there @param {Window} known
 * @returns {Window | null} */
export function missing(window, there, known) {
  const wide = window.to - window.from;
  const needs = { from: Math.max(known.from, window.from - wide * ENOUGH), to: Math.min(known.to, window.to + wide * ENOUGH) };
  if (there && there.from <= needs.from && there.to >= needs.to) return null;
  return { from: Math.max(known.from, window.from - wide * BESIDE), to: Math.min(known.to, window.to + wide * BESIDE) };
}

// Attackers' text made harmless for a page: the twin of `escape_for_people` in kizashi-event, character for character (a Rust
// test compares the two over all of Unicode). Markup is not its concern: the page sets text, never markup.

/** Code points that act on a screen instead of being seen, first and last of each run: general categories Cf, Zl, Zp and Co,
 * and the fillers that draw nothing. @type {readonly (readonly [number, number])[]} */
const ACTING = [
  [0xad, 0xad], [0x34f, 0x34f], [0x600, 0x605], [0x61c, 0x61c], [0x6dd, 0x6dd], [0x70f, 0x70f], [0x115f, 0x1160],
  [0x17b4, 0x17b5], [0x180b, 0x180f], [0x200b, 0x200f], [0x2028, 0x202e], [0x2060, 0x206f], [0x3164, 0x3164],
  [0xe000, 0xf8ff], [0xfe00, 0xfe0f], [0xfeff, 0xfeff], [0xffa0, 0xffa0], [0xfff0, 0xfffb], [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3], [0x1d173, 0x1d17a], [0xe0000, 0xe0fff], [0xf0000, 0x10ffff],
];

/** @param {number} code */
const acts = (code) =>
  (code >= 0xd800 && code <= 0xdfff) || ACTING.some(([first, last]) => first <= code && code <= last);

/** @param {string} character */
function written(character) {
  const code = character.codePointAt(0) ?? 0;
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return `\\x${code.toString(16).padStart(2, "0")}`;
  return acts(code) ? `\\u{${code.toString(16)}}` : character;
}

/** Writes out each character that would act on a screen, and doubles backslashes so that nothing can pretend to be such an
 * escape: for raw text of attackers.
 * @param {string} text */
export function escapeForPeople(text) {
  let shown = "";
  for (const character of text) shown += character === "\\" ? "\\\\" : written(character);
  return shown;
}

/** The same for text that the server has escaped already: backslashes stay as they are.
 * @param {string} text */
export function escapeAgain(text) {
  let shown = "";
  for (const character of text) shown += written(character);
  return shown;
}

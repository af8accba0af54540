// The page's words in the reader's language: the browser's wish at first, then what he chose here. One file per language (words/), whose
// types say that none misses a word.
import { effect, signal } from "./vendor/signals.js";
import { en } from "./words/en.js";
import { ja } from "./words/ja.js";

/** @typedef {import("./words/en.js").Words} Words */
/** @typedef {"en" | "ja"} Language */

const KEPT = "kizashi-language";

/** @type {Record<Language, Words>} */
const LANGUAGES = { en, ja };

/** @param {string | null | undefined} name @returns {name is Language} */
const isKnown = (name) => name === "en" || name === "ja";

/** @returns {Language} */
function wished() {
  try {
    const kept = localStorage.getItem(KEPT);
    if (isKnown(kept)) return kept;
  } catch {
    // A browser that keeps nothing for us still has a wish.
  }
  return navigator.languages.map((name) => name.slice(0, 2)).find(isKnown) ?? "en";
}

/** @type {import("./vendor/signals.js").Signal<Language>} */
export const language = signal(wished());

/** Names of ports in Japanese, fetched when they are first wanted. @type {import("./vendor/signals.js").Signal<Record<string, readonly [string, string]>>} */
const portsInJapanese = signal({});

async function fetchPorts() {
  const known = await import("./words/ports.ja.js");
  portsInJapanese.value = known.portsInJapanese;
}

/** The words of the language that is chosen now. */
export const words = () => LANGUAGES[language.value];

/** A port's name and what happens there; as the server says it, or in the page's language where that is another one.
 * @param {string} key @param {string} label @param {string} [habit] */
export function portInWords(key, label, habit) {
  const [name, said] = (language.value === "ja" && portsInJapanese.value[key]) || [label, habit];
  return { label: name, habit: said };
}

const COUNTRIES = { en: new Intl.DisplayNames(["en"], { type: "region" }), ja: new Intl.DisplayNames(["ja"], { type: "region" }) };

/** A country's name by its two letters; the letters where nobody has a name for them. @param {string} code */
export function countryName(code) {
  return (/^[A-Z]{2}$/.test(code) && COUNTRIES[language.value].of(code)) || code;
}

/** @param {Language} name */
export function speak(name) {
  language.value = name;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // It is chosen for this visit, then.
  }
}

effect(() => {
  document.documentElement.lang = language.value;
  if (language.value === "ja") void fetchPorts().catch(() => {});
});

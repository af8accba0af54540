// The words of the pages that are fetched when they are opened, in the reader's language.
import { language } from "./language.js";
import { more as en } from "./words/more.en.js";
import { more as ja } from "./words/more.ja.js";

/** @type {Record<import("./language.js").Language, import("./words/more.en.js").More>} */
const LANGUAGES = { en, ja };

export const more = () => LANGUAGES[language.value];

/** What one of a kind is called. @param {string} kind */
export const kindName = (kind) => more().kinds[/** @type {keyof import("./words/more.en.js").More["kinds"]} */ (kind)] ?? kind;

// Both languages say everything: no word is missing, none was left in English, and the table of ports has the same rows in both.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { en } from "../assets/words/en.js";
import { ja } from "../assets/words/ja.js";
import { portsInJapanese } from "../assets/words/ports.ja.js";

/** Every word with the path to it. @param {object} words @param {string} [path] @returns {[string, unknown][]} */
const leaves = (words, path = "") =>
  Object.entries(words).flatMap(([name, value]) =>
    typeof value === "object" && value !== null && !("__v" in value) ? leaves(value, `${path}${name}.`) : /** @type {[string, unknown][]} */ ([[`${path}${name}`, value]]),
  );

/** The text of a word: sentences are said of numbers and names that stand for themselves. @param {unknown} word @returns {string} */
function said(word) {
  if (typeof word === "function") {
    const link = (/** @type {string} */ text) => text;
    const some = /** @type {any} */ (link);
    return said(word.length === 1 ? (tryWith(word, [3]) ?? tryWith(word, [["3"]]) ?? tryWith(word, [some])) : (tryWith(word, [3, "4", "5", "6"]) ?? tryWith(word, [some, "4", "5", "6"])));
  }
  if (Array.isArray(word)) return word.map(said).join("");
  if (typeof word === "object" && word !== null) return said(/** @type {any} */ (word).props?.children ?? "");
  return String(word ?? "");
}

/** @param {Function} word @param {unknown[]} values */
function tryWith(word, values) {
  try {
    return word(...values);
  } catch {
    return undefined;
  }
}

test("each language has every word, and sentences take the same things", () => {
  const [english, japanese] = [new Map(leaves(en)), new Map(leaves(ja))];
  assert.deepEqual([...japanese.keys()].sort(), [...english.keys()].sort());
  for (const [name, word] of english) {
    const other = japanese.get(name);
    assert.equal(typeof other, typeof word, name);
    if (typeof word === "function") assert.ok(/** @type {Function} */ (other).length <= word.length, name);
  }
});

test("nothing is left in English, and nothing is empty", () => {
  const own = new Set(["language.other", "language.switch", "time.at"]);
  for (const [name, word] of leaves(ja)) {
    const text = said(word);
    assert.notEqual(text, "", name);
    if (!own.has(name)) assert.match(text, /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}。、～：（）]/u, `${name}: ${text}`);
  }
  for (const [name, word] of leaves(en)) {
    if (!own.has(name)) assert.doesNotMatch(said(word), /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u, name);
  }
});

test("every port that has a name has one in Japanese", () => {
  const table = readFileSync(new URL("../../kizashi-signs/data/ports.tsv", import.meta.url), "utf8");
  const ports = table.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => line.split("\t")[0]);
  assert.deepEqual(Object.keys(portsInJapanese).sort(), ports.sort());
  for (const [port, [name, habit]] of Object.entries(portsInJapanese)) {
    assert.ok(name.length > 1 && habit.endsWith("。"), port);
  }
});

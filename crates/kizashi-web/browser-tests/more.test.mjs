// The words of the pages that are fetched later: no key is missing in either language, none was left in the other one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { more as en } from "../assets/words/more.en.js";
import { more as ja } from "../assets/words/more.ja.js";

/** @param {unknown} words @param {string} [path] @returns {[string, unknown][]} */
const leaves = (words, path = "") =>
  typeof words === "object" && words !== null ? Object.entries(words).flatMap(([name, value]) => leaves(value, `${path}.${name}`)) : [[path, words]];

/** @param {unknown} word */
const said = (word) => String(typeof word === "function" ? word("3", "4", "5") : word);

test("each language has every word, and sentences take the same things", () => {
  const [english, japanese] = [new Map(leaves(en)), new Map(leaves(ja))];
  assert.deepEqual([...japanese.keys()].sort(), [...english.keys()].sort());
  assert.ok(english.size > 150);
  for (const [name, word] of english) {
    const other = japanese.get(name);
    assert.equal(typeof other, typeof word, name);
    if (typeof word === "function") assert.equal(/** @type {Function} */ (other).length, word.length, name);
  }
});

test("nothing is left in the other language, and nothing is empty", () => {
  const own = /\.(hash|ufw|example)$|\.fields\.\d+\.0$/;
  for (const [name, word] of leaves(ja)) {
    assert.notEqual(said(word), "", name);
    if (!own.test(name)) assert.match(said(word), /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}。、～：（）]/u, `${name}: ${said(word)}`);
  }
  for (const [name, word] of leaves(en)) {
    assert.notEqual(said(word), "", name);
    assert.doesNotMatch(said(word), /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u, name);
  }
});

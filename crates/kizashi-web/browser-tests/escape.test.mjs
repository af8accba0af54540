// The page's way of showing attackers' text. That it agrees with the Rust side over all of Unicode is checked there
// (../tests/assets.rs); here, that it does what it says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeAgain, escapeForPeople } from "../assets/escape.js";

test("terminal escapes, right-to-left marks and bells are written out", () => {
  assert.equal(escapeForPeople("\u{1b}[2J\u{202e}gpj.exe\u{7}\r\n\u{9b}31m"), "\\x1b[2J\\u{202e}gpj.exe\\x07\\r\\n\\x9b31m");
});

test("a backslash cannot pretend to be an escape", () => {
  assert.equal(escapeForPeople("\\x1b"), "\\\\x1b");
});

test("ordinary text of any language stays as it is", () => {
  assert.equal(escapeForPeople("root 兆し пароль <b> 😀"), "root 兆し пароль <b> 😀");
});

test("half a surrogate pair is written out", () => {
  assert.equal(escapeForPeople("a\ud800b"), "a\\u{d800}b");
});

test("what the server escaped stays as it is, and what it forgot is escaped", () => {
  assert.equal(escapeAgain(escapeForPeople("\u{1b}\\")), "\\x1b\\\\");
  assert.equal(escapeAgain("\u{202e}"), "\\u{202e}");
});

/** Format characters by category that are drawn (Prepended_Concatenation_Mark): signs over Arabic and Kaithi numbers. */
const DRAWN = new Set([0x890, 0x891, 0x8e2, 0x110bd, 0x110cd]);

test("nothing that acts on a screen is left, whatever the text", () => {
  for (let code = 0; code <= 0x10ffff; code += 1) {
    if (DRAWN.has(code)) continue;
    const shown = escapeForPeople(String.fromCodePoint(code));
    assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/u, code.toString(16));
  }
});

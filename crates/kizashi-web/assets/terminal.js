// A terminal's screen, for what the server has made harmless already: text, carriage return, newline, tab, backspace, and the
// sequences that move the cursor, erase, insert, delete and colour. Anything else is left out here once more. It knows
// no network and no page: it takes text and gives lines.

/** Lines kept above the screen. */
const SCROLLBACK = 2000;
/** A style: bits for bold, underline and inverse, and a colour from 0 to 15 (-1: the usual). @typedef {{ flags: number, colour: number }} Style */
/** @typedef {{ character: string, style: Style }} Cell */
/** @type {Style} */
const USUAL = { flags: 0, colour: -1 };
export const BOLD = 1;
export const UNDERLINE = 2;
export const INVERSE = 4;

const clamp = (/** @type {number} */ value, /** @type {number} */ most) => Math.max(0, Math.min(most, value));

export class Screen {
  /** @param {number} width @param {number} height */
  constructor(width, height) {
    this.width = clamp(width, 500) || 80;
    this.height = clamp(height, 200) || 24;
    /** @type {Cell[][]} */
    this.lines = [[]];
    this.top = 0;
    this.row = 0;
    this.column = 0;
    this.style = USUAL;
  }

  /** @param {string} text */
  write(text) {
    const sequence = /\u001b\[([0-9;]*)([A-Za-z@])|\u001b/y;
    for (let at = 0; at < text.length; ) {
      sequence.lastIndex = at;
      const found = sequence.exec(text);
      if (found) {
        if (found[2]) this.act(found[2], (found[1] ?? "").split(";").map(Number));
        at += found[0].length;
        continue;
      }
      const character = String.fromCodePoint(text.codePointAt(at) ?? 32);
      this.put(character);
      at += character.length;
    }
  }

  /** The line of the cursor. */
  here() {
    while (this.lines.length <= this.top + this.row) this.lines.push([]);
    return /** @type {Cell[]} */ (this.lines[this.top + this.row]);
  }

  /** @param {string} character */
  put(character) {
    if (character === "\r") this.column = 0;
    else if (character === "\n") this.down();
    else if (character === "\b") this.column = Math.max(0, this.column - 1);
    else if (character === "\t") this.column = Math.min(this.width - 1, (Math.floor(this.column / 8) + 1) * 8);
    else if (character >= " " && !(character >= "\u007f" && character <= "\u009f")) {
      if (this.column >= this.width) {
        this.column = 0;
        this.down();
      }
      const line = this.here();
      while (line.length < this.column) line.push({ character: " ", style: USUAL });
      line[this.column] = { character, style: this.style };
      this.column += 1;
    }
  }

  down() {
    if (this.row + 1 < this.height) this.row += 1;
    else this.top += 1;
    this.here();
    if (this.lines.length > SCROLLBACK + this.height) {
      this.lines.shift();
      this.top -= 1;
    }
  }

  /** @param {string} final @param {number[]} numbers */
  act(final, numbers) {
    const first = Math.max(1, Math.min(1000, numbers[0] ?? 1));
    if (final === "A" || final === "F") this.row = clamp(this.row - first, this.height - 1);
    if (final === "B" || final === "E") this.row = clamp(this.row + first, this.height - 1);
    if (final === "E" || final === "F") this.column = 0;
    if (final === "C") this.column = clamp(this.column + first, this.width - 1);
    if (final === "D") this.column = clamp(this.column - first, this.width - 1);
    if (final === "G") this.column = clamp(first - 1, this.width - 1);
    if (final === "d") this.row = clamp(first - 1, this.height - 1);
    if (final === "H" || final === "f") {
      this.row = clamp(first - 1, this.height - 1);
      this.column = clamp((numbers[1] || 1) - 1, this.width - 1);
    }
    if (final === "J") this.eraseScreen(numbers[0] ?? 0);
    if (final === "K") this.eraseLine(numbers[0] ?? 0);
    if (final === "P") this.here().splice(this.column, first);
    if (final === "X") this.here().splice(this.column, first, ...this.blanks(first));
    if (final === "@") this.here().splice(this.column, 0, ...this.blanks(first)), (this.here().length = Math.min(this.here().length, this.width));
    if (final === "m") this.colour(numbers);
  }

  /** @param {number} count @returns {Cell[]} */
  blanks(count) {
    return Array.from({ length: Math.min(count, this.width) }, () => ({ character: " ", style: USUAL }));
  }

  /** @param {number} which */
  eraseLine(which) {
    const line = this.here();
    if (which === 0) line.length = Math.min(line.length, this.column);
    if (which === 1) line.splice(0, this.column + 1, ...this.blanks(this.column + 1));
    if (which === 2) line.length = 0;
  }

  /** @param {number} which */
  eraseScreen(which) {
    if (which === 2 || which === 3) {
      this.top = this.lines.length;
      this.here();
      return;
    }
    this.eraseLine(which);
    const [from, to] = which === 0 ? [this.row + 1, this.height] : [0, this.row];
    for (let row = from; row < to; row += 1) {
      const line = this.lines[this.top + row];
      if (line) line.length = 0;
    }
  }

  /** @param {number[]} numbers */
  colour(numbers) {
    let { flags, colour } = this.style;
    for (const number of numbers) {
      if (number === 0) [flags, colour] = [0, -1];
      else if (number === 1) flags |= BOLD;
      else if (number === 4) flags |= UNDERLINE;
      else if (number === 7) flags |= INVERSE;
      else if (number === 22) flags &= ~BOLD;
      else if (number === 24) flags &= ~UNDERLINE;
      else if (number === 27) flags &= ~INVERSE;
      else if (number >= 30 && number <= 37) colour = number - 30;
      else if (number === 38 || number === 48) break;
      else if (number === 39) colour = -1;
      else if (number >= 90 && number <= 97) colour = number - 82;
    }
    this.style = { flags, colour };
  }

  /** What is to be seen: each line as runs of one style, the last of them with the cursor.
   * @returns {{ text: string, style: Style }[][]} */
  shown() {
    return this.lines.map((line) => {
      /** @type {{ text: string, style: Style }[]} */
      const runs = [];
      for (const cell of line) {
        const last = runs.at(-1);
        const same = last && last.style.flags === cell.style.flags && last.style.colour === cell.style.colour;
        if (same) last.text += cell.character;
        else runs.push({ text: cell.character, style: cell.style });
      }
      return runs;
    });
  }
}

/** Moments of playing: pauses are cut to `longest` seconds. @param {readonly (readonly [number, string])[]} frames
 * @param {number} longest @returns {number[]} seconds, ascending */
export function moments(frames, longest) {
  let [at, last] = [0, 0];
  return frames.map(([time]) => {
    at += Math.min(longest, Math.max(0, time - last));
    last = time;
    return at;
  });
}

/** The screen at a moment. @param {readonly (readonly [number, string])[]} frames @param {readonly number[]} times
 * @param {number} moment @param {readonly [number, number]} size */
export function screenAt(frames, times, moment, size) {
  const screen = new Screen(size[0], size[1]);
  frames.forEach(([, text], place) => {
    if ((times[place] ?? 0) <= moment) screen.write(text);
  });
  return screen;
}

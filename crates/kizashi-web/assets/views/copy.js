// Puts text where it can be pasted from.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { more } from "../more.js";
import { safe } from "../parts.js";

/** Says for a moment that it was done. `of` says what is copied where several buttons stand together, for who does not see them.
 * @param {{ text: string, label: string, of?: string }} props */
export function Copy({ text, label, of }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 2_000);
    } catch {
      // A browser that does not let us: the text stands there to be marked.
    }
  };
  return html`<button type="button" class="button" onClick=${copy}><span aria-live="polite">${done ? more().desk.copied : label}</span>${of && html`<span class="hidden"> ${of}</span>`}</button>`;
}

/** Lines for a shell or a file, with a button that copies them. @param {{ text: string }} props */
export function Command({ text }) {
  const lines = text.split("\n").map((line) => safe(line)).join("\n");
  return html`<div class="command"><code class="whole">${lines}</code><${Copy} text=${text} label=${more().desk.copy} of=${lines} /></div>`;
}

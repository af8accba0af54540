// What the owner does with a sign: mark it, silence it, note something, hand it on; what is related to it, and where its numbers are told.
import { html } from "../html.js";
import { useState } from "../vendor/preact-hooks.js";
import { ApiError } from "../api.js";
import { more } from "../more.js";
import { address } from "../router.js";
import { askAgain, now, signs } from "../state.js";
import { moment } from "../format.js";
import { Moment, safe } from "../parts.js";
import { markSign } from "../things.js";
import { Command, Copy } from "./copy.js";
import { SignList } from "./item.js";

/** @typedef {import("../things.js").MarkedSign} MarkedSign */

const DAY = 86_400_000;
/** Related signs shown. */
const MOST_RELATED = 12;

/** Where the numbers behind a sign are told; what to do is the advisory's. @param {{ sign: MarkedSign }} props */
export function Explain({ sign }) {
  const said = more().desk;
  return html`<section aria-labelledby="explain-title"><div class="head"><h2 id="explain-title">${said.explain}</h2><p>${said.explainTold}</p></div><${Command} text=${`kizashi replay --explain ${sign.id}`} /></section>`;
}

/** What happened when. @param {{ sign: MarkedSign }} props */
export function Timeline({ sign }) {
  const said = more().desk;
  /** @type {[string, string][]} */
  const steps = [[sign.since, said.began], [sign.detected, said.found]];
  if (sign.mark?.changed) steps.push([sign.mark.changed, sign.mark.muted_until ? said.mute : sign.mark.seen ? said.seen : said.note]);
  steps.push(sign.open ? [now().toISOString(), said.now] : [sign.until, said.over]);
  steps.sort((a, b) => Date.parse(a[0]) - Date.parse(b[0]));
  return html`<section aria-labelledby="timeline-title"><h2 id="timeline-title">${said.timeline}</h2>
    <ol class="timeline">${steps.map(([at, told]) => html`<li key=${`${at} ${told}`}><${Moment} at=${at} /> ${told}</li>`)}</ol></section>`;
}

/** Signs on the same thing, or that rose with it, or of the same days. @param {MarkedSign} sign */
function related(sign) {
  const near = (/** @type {MarkedSign} */ other) => Math.abs(Date.parse(other.since) - Date.parse(sign.since)) < DAY;
  const shared = (/** @type {MarkedSign} */ other) => (sign.also ?? []).includes(other.key) || (other.also ?? []).includes(sign.key);
  return (signs.value ?? []).filter((other) => other.id !== sign.id && (other.key === sign.key || shared(other) || near(other))).slice(0, MOST_RELATED);
}

/** @param {{ sign: MarkedSign }} props */
export function Related({ sign }) {
  const said = more().desk;
  const rows = related(sign);
  return html`<section aria-labelledby="related-title"><h2 id="related-title">${said.related}</h2>${rows.length > 0 ? html`<${SignList} rows=${rows} />` : html`<p class="note">${said.none}</p>`}</section>`;
}

/** @param {{ sign: MarkedSign }} props */
export function Desk({ sign }) {
  const said = more().desk;
  const [mark, setMark] = useState(sign.mark ?? null);
  const [note, setNote] = useState(sign.mark?.note ?? "");
  const [reason, setReason] = useState("");
  const [days, setDays] = useState("7");
  const [trouble, setTrouble] = useState("");
  const [saved, setSaved] = useState(false);
  const change = async (/** @type {Parameters<typeof markSign>[1]} */ what) => {
    setSaved(false);
    try {
      setMark(await markSign(sign.id, what));
      setTrouble("");
      setSaved(true);
      askAgain();
    } catch (error) {
      setTrouble(error instanceof ApiError && error.status === 403 ? said.viewer : error instanceof Error ? error.message : String(error));
    }
  };
  const muted = mark?.muted_until && Date.parse(mark.muted_until) > now().getTime() ? mark.muted_until : null;
  const value = (/** @type {Event} */ event) => /** @type {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} */ (event.target).value;
  const silence = () => change({ muted_until: new Date(now().getTime() + Number(days) * DAY).toISOString(), reason });
  return html`<section class="panel desk" aria-labelledby="desk-title">
    <div class="head"><h2 id="desk-title">${said.title}</h2><p>${said.told}</p></div>
    <div class="tools">
      <button type="button" class="button" aria-pressed=${mark?.seen === true} onClick=${() => change({ seen: !mark?.seen })}>${mark?.seen ? `✓ ${said.seen}` : said.markSeen}</button>
      <${Copy} text=${location.href} label=${said.link} />
      <button type="button" class="button" onClick=${() => print()}>${said.print}</button>
    </div>
    ${muted
      ? html`<p class="tools"><b>${said.muted(moment(muted, now()))}</b>${mark?.reason && html` <span class="quiet">${safe(mark.reason)}</span>`} <button type="button" class="button" onClick=${() => change({ muted_until: "" })}>${said.unmute}</button></p>`
      : html`<div class="tools mute"><label><span>${said.until}</span><select value=${days} onChange=${(/** @type {Event} */ event) => setDays(value(event))}>${Object.entries(said.lengths).map(([length, name]) => html`<option key=${length} value=${length}>${name}</option>`)}</select></label>
        <label class="wide"><span>${said.reason}</span><input class="search" type="text" maxlength="500" placeholder=${said.reasonHint} value=${reason} onInput=${(/** @type {Event} */ event) => setReason(value(event))} /></label>
        <button type="button" class="button" onClick=${silence}>${said.mute}</button></div>`}
    <label class="note-field"><span>${said.note}</span><textarea rows="3" maxlength="1000" value=${note} onInput=${(/** @type {Event} */ event) => setNote(value(event))}></textarea></label>
    <div class="tools"><button type="button" class="button" disabled=${note === (mark?.note ?? "")} onClick=${() => change({ note })}>${said.save}</button>
      <span role="status" class="quiet">${saved ? said.saved : mark?.changed ? said.changed(moment(mark.changed, now())) : ""}</span></div>
    ${trouble !== "" && html`<p class="note failure" role="alert">${safe(trouble)}</p>`}
    <p class="fine print-only">${address(`sign/${sign.id}`)}</p>
  </section>`;
}

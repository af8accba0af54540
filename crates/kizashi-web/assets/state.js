// What the whole page shares: how things stand, the signs, the feed, whether the line is up, and when to ask again.
import { effect, signal } from "./vendor/signals.js";
import { useEffect, useState } from "./vendor/preact-hooks.js";
import { ApiError, getEvents, getSigns, getStatus } from "./api.js";

/** @typedef {import("./api.js").FeedItem} FeedItem */
/** @typedef {import("./vendor/signals.js").Signal<T>} Signal @template T */

/** Lines that the feed keeps. */
const FEED_LENGTH = 400;

/** @type {Signal<import("./api.js").Status | null>} */
export const status = signal(null);
/** Newest first; null until known. @type {Signal<import("./api.js").Sign[] | null>} */
export const signs = signal(null);
/** Why the signs could not be read. @type {Signal<string | null>} */
export const signsError = signal(null);
/** Newest first, numbered so that a line stays itself while others come. @type {Signal<{ number: number, item: FeedItem }[] | null>} */
export const feed = signal(null);
/** Events that the feed left out. */
export const skipped = signal(0);
/** @type {Signal<"connecting" | "live" | "offline" | "signed-out">} */
export const connection = signal("connecting");
/** Grows when it is time to ask again. */
export const tick = signal(0);
/** Whether the feed stands still for reading. */
export const paused = signal(false);
/** Events that came while it stood still. */
export const missed = signal(0);

/** Asks everything that is shown once more. */
export function askAgain() {
  tick.value = tick.peek() + 1;
  void loadSigns();
}

/** The present by the server's clock (of a demo: the clock of the made-up traffic). */
export const now = () => (status.value ? new Date(status.value.now) : new Date());

/** The end of what is known, in milliseconds since the epoch: logs that were imported may end years ago.
 * @returns {Promise<number>} */
export async function end() {
  const known = status.value ?? (await getStatus());
  const present = Date.parse(known.now);
  return known.store.last ? Math.min(present, Date.parse(known.store.last)) : present;
}

/** Who else hears of a sign when it is raised. @type {Set<(sign: import("./api.js").Sign) => void>} */
export const signHearers = new Set();

/** Whether its owner silenced a sign: it asks nothing of him then. @param {import("./api.js").Sign} sign */
export const isMuted = (sign) => sign.mark?.muted === true;

/** Who else hears of events as they come, told or not. @type {Set<(items: FeedItem[], skipped: number) => void>} */
export const hearers = new Set();

/** What came since the last frame. A flood comes in many pieces; the page is changed once a frame at most. */
let waiting = { events: /** @type {FeedItem[]} */ ([]), skipped: 0, asked: false };

/** @param {{ events: FeedItem[], skipped: number }} batch */
function take(batch) {
  waiting.events.push(...batch.events);
  waiting.skipped += batch.skipped;
  if (waiting.asked) return;
  waiting.asked = true;
  // A page that nobody sees has no frames, but goes on counting.
  if (document.visibilityState === "visible") requestAnimationFrame(flush);
  else setTimeout(flush, 500);
}

function flush() {
  const { events, skipped: left } = waiting;
  waiting = { events: [], skipped: 0, asked: false };
  for (const hear of hearers) hear(events, left);
  if (paused.value) {
    missed.value += events.length + left;
    return;
  }
  skipped.value += left;
  addToFeed(events);
}

let lastNumber = 0;

/** @param {FeedItem[]} items oldest first */
function addToFeed(items) {
  const numbered = items.map((item) => ({ number: ++lastNumber, item })).reverse();
  feed.value = [...numbered, ...(feed.value ?? [])].slice(0, FEED_LENGTH);
}

async function loadSigns() {
  try {
    signs.value = await getSigns(100);
    signsError.value = null;
  } catch (error) {
    signsError.value = error instanceof Error ? error.message : String(error);
  }
}

async function loadFeed() {
  try {
    const events = await getEvents(40);
    if (feed.value === null) addToFeed(events.reverse());
  } catch {
    feed.value ??= [];
  }
}

/** The stream, opened again with growing pauses when the browser gives it up. @param {number} failures */
function listen(failures) {
  const stream = new EventSource("/api/v1/feed");
  let succeeded = failures;
  stream.addEventListener("open", () => {
    succeeded = 0;
    connection.value = "live";
    void loadSigns();
  });
  stream.addEventListener("status", (message) => {
    status.value = JSON.parse(message.data);
  });
  stream.addEventListener("sign", (message) => {
    const sign = JSON.parse(message.data);
    for (const hear of signHearers) hear(sign);
    void loadSigns();
  });
  stream.addEventListener("event", (message) => {
    take(JSON.parse(message.data));
  });
  stream.addEventListener("error", () => {
    connection.value = "offline";
    if (stream.readyState !== EventSource.CLOSED) return;
    const pause = Math.min(30_000, 1_000 * 2 ** succeeded);
    setTimeout(() => void reconnect(succeeded + 1), pause);
  });
}

/** Asks first whether we are still signed in: a restart draws a new token. @param {number} failures */
async function reconnect(failures) {
  try {
    status.value = await getStatus();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      connection.value = "signed-out";
      return;
    }
  }
  listen(failures);
}

/** Asks again while someone looks and something came: every 15 seconds, of a demo every 3. */
function keepTime() {
  let asked = Date.now();
  let events = -1;
  effect(() => {
    const known = status.value;
    if (!known) return;
    const due = Date.now() - asked > (known.demo ? 3_000 : 15_000);
    if (due && known.store.events !== events && document.visibilityState === "visible") {
      asked = Date.now();
      events = known.store.events;
      askAgain();
    }
  });
}

/** Starts asking and listening; once. */
export function start() {
  void getStatus().then((first) => (status.value = first)).catch(() => {});
  void loadSigns();
  void loadFeed().finally(() => listen(0));
  keepTime();
}

/**
 * The answer to a question that is asked again when `about` or the time changes. While the same thing is asked again, the
 * last answer stays.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {string} about what is asked: another text is another question
 * @returns {{ data: T | null, error: ApiError | Error | null }}
 */
export function useAnswer(load, about) {
  const [answer, setAnswer] = useState(
    /** @type {{ about: string, data: T | null, error: Error | null }} */ ({ about, data: null, error: null }),
  );
  const turn = tick.value;
  useEffect(() => {
    const stop = new AbortController();
    load(stop.signal).then(
      (data) => !stop.signal.aborted && setAnswer({ about, data, error: null }),
      (/** @type {unknown} */ thrown) => {
        if (stop.signal.aborted) return;
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        setAnswer((last) => ({ about, data: last.about === about ? last.data : null, error }));
      },
    );
    return () => stop.abort();
  }, [about, turn]);
  return answer.about === about ? answer : { data: null, error: null };
}

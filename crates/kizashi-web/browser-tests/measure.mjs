// How long each view takes in a real browser over the dashboard that KIZASHI_URL names, with its token: from the step to it until nothing is being read
// any more and the next frame is drawn. Prints a table; `cargo bench -p kizashi --bench page` calls it over ten million events.
import { launch, open, settled, watch } from "./browser.mjs";

const url = process.env.KIZASHI_URL ?? "";
const [RUNS, BOUND] = [5, 200];

const browser = await launch();
const watched = await watch(browser, new URL(url).origin, {});
const { page } = watched;
await open(watched, url);

/** @param {string} path @returns {Promise<any>} */
const ask = (path) => page.evaluate(async (asked) => (await fetch(`/api/v1/${asked}`)).json(), path);
const item = async (/** @type {string} */ kind, /** @type {string} */ plural) => `item?key=${encodeURIComponent(`${kind}:${(await ask(`top?kind=${plural}&limit=1`)).rows[0]?.key ?? ""}`)}`;
const sign = (await ask("signs?limit=1")).signs[0]?.id;
const session = (await ask("sessions?limit=1")).sessions[0]?.session;
const payload = (await ask("captured?limit=1")).captured[0]?.sha256;

/** @type {string[]} */
const views = [
  "", "ports", "ports?view=charts", "ports?view=charts&bin=10m", "port/tcp/445", "port/tcp/445?bin=10m", "port/tcp/445?bin=1h", "port/tcp/445?bin=1d", "live",
  ...["from", "with", "tried", "did", "left"].flatMap((tab) => ["all", "30d", "7d", "24h"].map((span) => `who?tab=${tab}&span=${span}`)),
  "list?kind=passwords", "list?kind=sources&span=30d", await item("user", "users"), await item("password", "passwords"), await item("source", "sources"), await item("command", "commands"),
  await item("country", "countries"), "sessions", "signs", "search?q=port%3A445", "search?q=root", "search?q=never-there", "search?q=country%3ACN%20port%3A23", "sensors", "settings",
  ...(sign ? [`sign/${encodeURIComponent(sign)}`] : []), ...(session ? [`session/${session}`] : []), ...(payload ? [`item?key=${encodeURIComponent(`payload:${payload}`)}`] : []),
];

/** Milliseconds from the step to a view until it stands. @param {string} address */
const step = (address) =>
  page.evaluate(async (hash) => {
    const began = performance.now();
    location.hash = hash;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame();
    // What is drawn twice in a row without anything being read stands.
    for (let still = 0; still < 2; still = document.querySelector("main .loading, main [aria-busy='true']") === null ? still + 1 : 0) {
      await frame();
      if (performance.now() - began > 30_000) break;
    }
    return performance.now() - began;
  }, `#/${address}`);

/** @type {{ address: string, median: number, worst: number }[]} */
const rows = [];
for (const address of views) {
  const times = [];
  // Its files are fetched before: what is measured is the answer.
  await step(address);
  await settled(page);
  for (let run = 0; run < RUNS; run += 1) {
    await step("bench");
    times.push(await step(address));
  }
  times.sort((a, b) => a - b);
  rows.push({ address: address || "home", median: times[Math.floor(RUNS / 2)] ?? 0, worst: times.at(-1) ?? 0 });
}
rows.sort((a, b) => b.median - a.median);
console.log(`\n${"view".padEnd(72)} ${"median ms".padStart(10)} ${"worst ms".padStart(9)}`);
for (const { address, median, worst } of rows) {
  console.log(`${address.slice(0, 72).padEnd(72)} ${median.toFixed(0).padStart(10)} ${worst.toFixed(0).padStart(9)}${median > BOUND ? "  above" : ""}`);
}
console.log(`${rows.length} views, ${rows.filter(({ median }) => median > BOUND).length} with a median above ${BOUND} ms`);
for (const complaint of watched.complaints) console.log(`the browser complains: ${complaint}`);
await browser.close();

// A year of ten-minute counts, answered to the page in place of the fixture's month: every bin that it asks for, and no other.
const YEAR = 365 * 86_400_000;
/** @type {Record<string, number>} */
const LENGTHS = { "10m": 600_000, "1h": 3_600_000, "12h": 43_200_000, "1d": 86_400_000 };

/** Answers each series from a made-up year that ends with the fixture's month. @param {import("playwright-core").Page} page
 * @returns {Promise<number[]>} how many bins each request was answered with */
export async function yearOfSeries(page) {
  /** @type {number[]} */
  const asked = [];
  let last = 0;
  await page.route("**/api/v1/status", async (route) => {
    const answer = await route.fetch();
    const status = await answer.json();
    last = Date.parse(status.store.last);
    status.store.first = new Date(last - YEAR).toISOString();
    await route.fulfill({ json: status });
  });
  await page.route("**/api/v1/series?*", async (route) => {
    const query = new URL(route.request().url()).searchParams;
    const length = LENGTHS[query.get("bin") ?? "12h"] ?? 0;
    const whole = (/** @type {number} */ time) => Math.floor(time / length) * length;
    const since = whole(Math.max(Date.parse(query.get("since") ?? ""), last - YEAR));
    const until = Math.min(query.has("until") ? Date.parse(query.get("until") ?? "") : last, last);
    const points = [];
    for (let start = since; start < until; start += length) {
      const events = Math.round((length / 60_000) * (1 + Math.sin(start / 9e8)) + (start / 600_000) % 7);
      points.push({ start: new Date(start).toISOString(), events, sources: Math.ceil(events / 3), outlier: 1, changefinder: 1 + Math.sin(start / 3e8), rank: null, days: null });
    }
    asked.push(points.length);
    await route.fulfill({ json: { key: query.get("key"), label: "a year", bin_seconds: length / 1000, points, signs: [], complete: true } });
  });
  // The live feed would tell of the month again.
  await page.addInitScript(() => {
    window.EventSource = /** @type {any} */ (class extends EventTarget {
      constructor() {
        super();
        setTimeout(() => this.dispatchEvent(new Event("open")), 0);
      }
    });
  });
  // The page knew the month already: it shall know the year.
  await page.reload();
  await page.waitForSelector(".connection.live");
  return asked;
}

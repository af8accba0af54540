// One thing that is counted, whatever it is: totals, course, who came with it, what else they did, events, sessions, signs.
import { html } from "../html.js";
import { getSeries, from } from "../api.js";
import { countryName, portInWords, words } from "../language.js";
import { kindName, more } from "../more.js";
import { address, choose, chosen, place } from "../router.js";
import { end, useAnswer } from "../state.js";
import { bytes, count, moment, second } from "../format.js";
import { Chart } from "../chart.js";
import { Choice, Empty, Failure, Hostile, Loading, Moment, safe } from "../parts.js";
import { getItem, itemAddress } from "../things.js";
import { Content } from "./content.js";
import { actionName } from "./feed.js";
import { ItemLink } from "./who.js";
import { address as signAddress, title } from "./signs.js";

/** @typedef {import("../things.js").ItemPage} ItemPage */
/** @typedef {"1h" | "12h" | "1d"} Bin */
/** @type {readonly [Bin, ...Bin[]]} */
const BINS = ["12h", "1h", "1d"];
/** Days that each bin shows. @type {Record<Bin, number>} */
const DAYS = { "1h": 15, "12h": 90, "1d": 730 };
const DAY = 86_400_000;

/** The key's text as it is shown. @param {{ kind: string, text: string }} props */
function Shown({ kind, text }) {
  if (kind === "country") return html`${countryName(text)}`;
  if (kind === "port") {
    const { label } = portInWords(text, text);
    return html`<code>${safe(text)}</code>${label !== text && html` ${safe(label)}`}`;
  }
  return html`<${Hostile} text=${text} />`;
}

/** @param {{ name: string }} props the key as the API takes it */
function Course({ name }) {
  const bin = chosen("bin", BINS);
  const said = words().port;
  const { data, error } = useAnswer(async (signal) => {
    const until = await end();
    const start = until - DAYS[bin] * DAY;
    // Scores settle on what came before; it is read and not shown.
    return from(await getSeries(name, bin, { since: new Date(start - (DAYS[bin] / 2) * DAY).toISOString() }, signal), start);
  }, `${name} ${bin}`);
  return html`<section class="panel" aria-labelledby="course-title">
    <div class="head"><h2 id="course-title">${more().item.course}</h2>
      <span class="end"><${Choice} label=${said.length} chosen=${bin} choose=${(/** @type {Bin} */ value) => choose({ bin: value })} choices=${BINS.map((value) => [value, said.bins[value]])} /></span></div>
    ${error && !data && html`<${Failure} error=${error} />`}
    ${!data && !error && html`<${Loading} lines=${5} />`}
    ${data && (data.points.length === 0 ? html`<p class="note">${more().who.nothing}</p>` : html`<${Chart} series=${data} height=${220} measure="events" />`)}
  </section>`;
}

/** @param {{ page: ItemPage }} props */
function Facts({ page }) {
  const said = words().facts;
  const totals = page.totals;
  if (!totals) return html`<p class="note">${more().item.never}</p>`;
  return html`<dl class="facts">
    <div><dt>${said.events}</dt><dd>${count(totals.events)}</dd></div>
    ${page.kind !== "source" && totals.sources > 0 && html`<div><dt>${said.sources}</dt><dd>${count(totals.sources)}</dd></div>`}
    ${totals.sessions > 0 && html`<div><dt>${said.sessions}</dt><dd>${count(totals.sessions)}</dd></div>`}
    <div><dt>${said.first}</dt><dd class="time"><${Moment} at=${totals.first} /></dd></div>
    <div><dt>${said.last}</dt><dd class="time"><${Moment} at=${totals.last} /></dd></div>
  </dl>`;
}

/** Where a visitor is registered. @param {{ where: import("../things.js").Place }} props */
function Where({ where }) {
  const said = more().item;
  return html`<section class="panel" aria-labelledby="place-title"><h2 id="place-title">${said.place}</h2>
    <dl class="pairs">
      ${where.country && html`<dt>${said.country}</dt><dd><a href=${itemAddress("country", where.country)}>${countryName(where.country)}</a></dd>`}
      <dt>${said.network}</dt><dd><a href=${itemAddress("network", where.network)}><bdi>${safe(where.network)}</bdi></a>${where.network_name && html` <${Hostile} text=${where.network_name} />`}</dd>
      ${where.scanner && html`<dt>${said.scanner}</dt><dd><${ItemLink} kind="scanner" text=${where.scanner} /></dd>`}
    </dl><p class="fine">${said.caution}</p></section>`;
}

/** What can be said of captured content. @param {{ it: import("../things.js").Captured }} props */
function About({ it }) {
  const said = more();
  const command = `kizashi payload export ${it.sha256}`;
  return html`<section class="panel" aria-labelledby="content-title"><h2 id="content-title">${said.item.facts}</h2>
    <dl class="pairs">
      <dt>${said.who.looks}</dt><dd>${it.looks_like}</dd>
      <dt>${said.who.size}</dt><dd>${bytes(it.size)}</dd>
      <dt>${said.item.hash}</dt><dd><code class="whole">${it.sha256}</code></dd>
      <dt>${said.item.head}</dt><dd><code class="whole">${it.head.match(/../g)?.join(" ") ?? ""}</code>
        <p><a href=${address("bench", { text: it.head, steps: "hex" })}>${said.item.bench}</a></p></dd>
    </dl>
    <p class="fine">${it.kept ? html`${said.item.kept} <code class="whole">${command}</code>` : said.item.gone}</p></section>`;
}

/** @param {{ rows: import("../api.js").TopRow[] }} props */
function Sources({ rows }) {
  const said = more().list;
  return html`<div class="wide-table"><table class="plain things">
    <thead><tr><th scope="col" class="left">${said.name}</th><th scope="col">${said.events}</th><th scope="col">${said.first}</th><th scope="col">${said.last}</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.key}><td class="left"><${ItemLink} kind="source" text=${row.key} />${row.label !== row.key && html` <span class="quiet">${safe(row.label)}</span>`}</td>
      <td>${count(row.events)}</td><td><${Moment} at=${row.first} /></td><td><${Moment} at=${row.last} /></td></tr>`)}</tbody></table></div>`;
}

/** What else the latest events did. @param {{ page: ItemPage }} props */
function Beside({ page }) {
  const kinds = page.beside.filter(({ rows }) => rows.length > 0);
  return html`<div class="columns">${kinds.map(({ kind, rows }) => {
    const most = Math.max(1, ...rows.map(([, events]) => events));
    return html`<section key=${kind} aria-label=${kindName(kind)}><h3 class="kind">${kindName(kind)}</h3><ol class="bars">${rows.map(([text, events]) => html`<li key=${text}>
      <span class="bar" style=${{ width: `${Math.max(0.5, (events / most) * 100).toFixed(1)}%` }}></span>
      <a class="text" href=${itemAddress(kind, text)}><${Shown} kind=${kind} text=${text} /></a><span class="number">${count(events)}</span></li>`)}</ol></section>`;
  })}</div>`;
}

/** Events as the feed has them. @param {{ rows: import("../api.js").FeedItem[] }} props */
export function Events({ rows }) {
  return html`<ol class="events">${rows.map((row, at) => html`<li key=${`${row.time} ${at}`}>
    <time datetime=${row.time} title=${row.time}>${moment(row.time)}<small>${second(row.time).slice(-3)}</small></time>
    <a href=${itemAddress("source", row.source)}><bdi>${safe(row.source)}</bdi></a>
    <a href=${`#/port/${row.port}`}><code>${safe(row.port)}</code></a>
    <span class="action">${actionName(row.action)}</span>
    <span class="said">${row.text !== "" && html`<${Hostile} text=${row.text} />`}</span></li>`)}</ol>`;
}

/** @param {{ rows: import("../api.js").SessionRow[] }} props */
export function Sessions({ rows }) {
  const said = words().sessions;
  return html`<ul class="lead-list">${rows.map((row) => html`<li key=${row.session}><a href=${`#/session/${row.session}`}><${Moment} at=${row.first} /> <b>${said.from(safe(row.service), safe(row.source))}</b> <span class="quiet">${said.lines(row.commands)}${row.files > 0 && said.files(row.files)}</span></a></li>`)}</ul>`;
}

/** @param {{ rows: import("../things.js").MarkedSign[] }} props */
export function SignList({ rows }) {
  return html`<ul class="lead-list">${rows.map((sign) => html`<li key=${sign.id}><a href=${signAddress(sign)}><${Moment} at=${sign.detected} /> <b>${title(sign)}</b> <span class=${sign.open ? "state now" : "state"}>${words().signs.state[sign.open ? "open" : "over"]}</span></a></li>`)}</ul>`;
}

/** A search that finds this. @param {ItemPage} page */
const asSearch = (page) => `${page.kind === "payload" ? "hash" : page.kind}:${/^[^\s"\\]+$/.test(page.text) ? page.text : `"${page.text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`}`;

export function Item() {
  const said = more().item;
  const key = place.value.query.get("key") ?? "";
  const { data, error } = useAnswer(async (signal) => (key === "" ? null : getItem(key, signal)), key);
  if (key === "") return html`<article class="page"><a class="back" href="#/who">${said.back}</a><h1>${said.none}</h1><${Empty}>${said.choose}<//></article>`;
  if (error && !data) return html`<article class="page"><a class="back" href="#/who">${said.back}</a><h1><${Hostile} text=${key} /></h1><${Failure} error=${error} /></article>`;
  if (!data) return html`<article class="page"><a class="back" href="#/who">${said.back}</a><${Loading} lines=${8} /></article>`;
  return html`<article class="page item">
    <a class="back" href="#/who">${said.back}</a>
    <header class="title"><span class="kind">${kindName(data.kind)}</span><h1><${Shown} kind=${data.kind} text=${data.text} /></h1>
      <a class="button" href=${address("search", { q: asSearch(data) })}>${said.search}</a></header>
    ${data.lists.map((name) => html`<p key=${name} class="note">${said.list(more().who.names[/** @type {"mirai"} */ (name)] ?? name)}</p>`)}
    <${Facts} page=${data} />
    ${data.place && html`<${Where} where=${data.place} />`}
    ${data.captured && html`<${About} it=${data.captured} />${data.captured.kept && html`<${Content} sha256=${data.captured.sha256} size=${data.captured.size} />`}`}
    ${data.totals && html`<${Course} name=${key} />`}
    ${data.sources.length > 0 && html`<section aria-labelledby="sources-title"><div class="head"><h2 id="sources-title">${said.who}</h2></div><${Sources} rows=${data.sources} /></section>`}
    ${data.beside.length > 0 && html`<section aria-labelledby="beside-title"><div class="head"><h2 id="beside-title">${said.beside}</h2><p>${said.besideTold(200)}</p></div><${Beside} page=${data} /></section>`}
    ${data.sessions.length > 0 && html`<section aria-labelledby="sessions-title"><div class="head"><h2 id="sessions-title">${said.sessions}</h2></div><${Sessions} rows=${data.sessions} /></section>`}
    <section aria-labelledby="signs-title"><div class="head"><h2 id="signs-title">${said.signs}</h2></div>${data.signs.length > 0 ? html`<${SignList} rows=${data.signs} />` : html`<p class="note">${said.noSigns}</p>`}</section>
    ${data.events.length > 0 && html`<section aria-labelledby="events-title"><div class="head"><h2 id="events-title">${said.events}</h2></div><${Events} rows=${data.events} /></section>`}
  </article>`;
}

// The page: a rail with the navigation, and one view by the address (router.js, pages.js).
import { html } from "./html.js";
import { render } from "./vendor/preact.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.js";
import { Icon } from "./icons.js";
import { language, speak, words } from "./language.js";
import { PAGES, pageOf } from "./pages.js";
import { address, follow, place } from "./router.js";
import { enabled, listenToKeys, shortcuts, useShortcuts } from "./shortcuts.js";
import "./desktop.js";
import { connection, isMuted, now, signs, start, status } from "./state.js";
import { isDark, paint } from "./theme.js";
import { moment } from "./format.js";
import { Failure, Loading } from "./parts.js";

/** @typedef {import("./pages.js").Page} Page */

function Navigation() {
  const here = pageOf(place.value.path);
  const open = (signs.value ?? []).filter((sign) => sign.open && !isMuted(sign)).length;
  const said = words();
  const sensor = place.value.query.get("sensor");
  const isHere = (/** @type {Page} */ page) => here !== undefined && (here === page || here.under === page.id);
  return html`<nav aria-label=${said.frame.navigation}><ul>
    ${PAGES.filter((page) => page.icon).map((page) => html`<li key=${page.id}>
      <a href=${address(page.id, page.bySensor ? { sensor } : {})} aria-current=${isHere(page) ? "page" : undefined}>
        <${Icon} name=${page.icon} /><span>${said.navigation[/** @type {keyof typeof said.navigation} */ (page.icon)]}</span>
        ${page.id === "signs" && open > 0 && html`<span class="number"><span aria-hidden="true">${open}</span><span class="hidden">${said.signs.open(open)}</span></span>`}
      </a>
    </li>`)}
  </ul></nav>`;
}

function Standing() {
  const said = words();
  const name = language.value === "en" ? "ja" : "en";
  const state = connection.value;
  return html`<div class="standing">
    <span class="connection ${state}" role="status">${said.connection[state]}</span>
    ${status.value && html`<time>${moment(now())}</time>`}
    <span class="switches">
      <button type="button" class="language" lang=${name} title=${said.language.switch} onClick=${() => speak(name)}>${said.language.other}</button>
      <button type="button" class="keys" onClick=${openHelp}>${said.keys.title}</button>
    </span>
  </div>`;
}

function Rail() {
  return html`<header class="rail">
    <a class="brand" href="#/"><img src="/icon.svg" alt="" width="28" height="28" /><b>Kizashi</b>
      ${status.value?.demo && html`<span class="demo" title=${words().demoTold}>${words().demo}</span>`}</a>
    <${Navigation} />
    <${Standing} />
  </header>`;
}

function Trouble() {
  const state = connection.value;
  const said = words().trouble;
  if (state === "offline") return html`<p class="banner" role="alert">${said.offline}</p>`;
  if (state === "signed-out") return html`<p class="banner" role="alert"><span>${said.signedOut((text) => html`<a href="/sign-in">${text}</a>`)}</span></p>`;
  return null;
}

const openHelp = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("keys"))?.showModal();

/** What the keys do. */
function Help() {
  const said = words().keys;
  const close = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("keys"))?.close();
  return html`<dialog id="keys" aria-labelledby="keys-title">
    <h2 id="keys-title">${said.title}</h2>
    ${!enabled.value && html`<p class="note">${said.off}</p>`}
    <dl>${shortcuts.value.map(({ keys, told }) => html`<dt key=${`${keys}-keys`}>${keys.split(" ").map((each) => html`<kbd>${each}</kbd> `)}</dt><dd key=${keys}>${told()}</dd>`)}</dl>
    <button type="button" class="button" onClick=${close}>${said.close}</button>
  </dialog>`;
}

/** The shortcuts that are there on every page. @type {import("./shortcuts.js").Shortcut[]} */
const EVERYWHERE = [
  ...PAGES.filter((page) => page.key && page.icon).map((page) => ({
    keys: `g ${page.key}`,
    told: () => words().keys.go(words().navigation[/** @type {keyof import("./language.js").Words["navigation"]} */ (page.icon)]),
    act: () => {
      location.hash = `#/${page.id}`;
    },
  })),
  { keys: "d", told: () => words().keys.theme, act: () => paint(isDark() ? "light" : "dark") },
  { keys: "?", told: () => words().keys.help, act: openHelp },
];

/** Sheets that are in the page already. */
const sheets = new Set(["/views/home.css"]);

/** Adds a view's sheet and waits for it, so that nothing is shown without its form. @param {string} path */
function dress(path) {
  if (sheets.has(path)) return Promise.resolve();
  sheets.add(path);
  return new Promise((done) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: path });
    link.addEventListener("load", () => done(undefined));
    link.addEventListener("error", () => done(undefined));
    document.head.append(link);
  });
}

/** The view of the address, once its file is here. While another one comes the last stays. */
function View() {
  const { path } = place.value;
  const page = pageOf(path);
  const [shown, setShown] = useState(/** @type {{ page: Page, component: any } | null} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  useEffect(() => {
    let wanted = true;
    if (!page) return undefined;
    Promise.all([page.load(), ...(page.styles ?? []).map(dress)]).then(
      ([module]) => {
        if (!wanted) return;
        setShown({ page, component: module[page.component] });
        setError(null);
      },
      () => wanted && setError(new Error(words().trouble.noView)),
    );
    return () => {
      wanted = false;
    };
  }, [page]);
  if (!page) return html`<article class="page"><header class="page-head"><h1>${words().frame.nowhere}</h1><p><a href="#/">${words().frame.home}</a></p></header></article>`;
  if (error) return html`<${Failure} error=${error} again=${() => location.reload()} />`;
  if (!shown) return html`<${Loading} lines=${6} />`;
  // A page whose file is still on its way leaves the last one standing, with what that one was about.
  if (shown.page !== page) return html`<div aria-busy="true"><${Loading} lines=${6} /></div>`;
  const name = path.slice(1).join("/");
  return html`<${shown.component} key=${`${page.id}/${name}`} name=${name} id=${name} />`;
}

/** Where one is, in the title and, after a step to another page, under the focus: a screen reader then reads on from there. */
function useArrival() {
  const here = place.value.path.join("/");
  const first = useRef(true);
  const page = pageOf(place.value.path);
  const top = PAGES.find((some) => some.icon && (some === page || some.id === page?.under));
  const name = top?.icon && top.id !== "" ? words().navigation[/** @type {keyof import("./language.js").Words["navigation"]} */ (top.icon)] : "";
  useEffect(() => {
    document.title = name === "" ? "Kizashi" : `${name} · Kizashi`;
  }, [name]);
  useEffect(() => {
    if (!first.current) {
      scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [here]);
}

function App() {
  useArrival();
  useShortcuts(EVERYWHERE);
  const skip = (/** @type {Event} */ event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>${words().frame.skip}</a>
    <${Rail} />
    <main id="main" tabindex="-1"><${Trouble} /><${View} />
      <footer>${words().footer(status.value?.version ?? "")}</footer></main>
    <${Help} />`;
}

follow();
listenToKeys();
start();
const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  render(html`<${App} />`, root);
}

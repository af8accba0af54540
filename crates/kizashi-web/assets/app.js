// The page: a header, and one view by the address after `#`.
import { html } from "./html.js";
import { render } from "./vendor/preact.js";
import { useEffect } from "./vendor/preact-hooks.js";
import { signal } from "./vendor/signals.js";
import { language, speak, words } from "./language.js";
import { connection, now, start, status } from "./state.js";
import { moment } from "./format.js";
import { Answer } from "./views/answer.js";
import { Feed } from "./views/feed.js";
import { Port } from "./views/port.js";
import { Ports } from "./views/ports.js";
import { SessionView } from "./views/session.js";
import { Sessions } from "./views/sessions.js";
import { SignView } from "./views/sign.js";
import { Signs } from "./views/signs.js";
import { Words } from "./views/words.js";

const route = signal(location.hash);

function Languages() {
  const { other, switch: told } = words().language;
  const name = language.value === "en" ? "ja" : "en";
  return html`<button type="button" class="language" lang=${name} title=${told} onClick=${() => speak(name)}>${other}</button>`;
}

function Header() {
  const state = connection.value;
  const known = status.value;
  return html`<header class="top">
    <a class="brand" href="#/"><b>Kizashi</b> <span lang="ja">兆し</span></a>
    ${known?.demo && html`<span class="demo" title=${words().demoTold}>${words().demo}</span>`}
    <span class="clock">${known && moment(now())}</span>
    <span class="connection ${state}" role="status">${words().connection[state]}</span>
    <${Languages} />
  </header>`;
}

function Trouble() {
  const state = connection.value;
  const said = words().trouble;
  if (state === "offline") return html`<p class="banner">${said.offline}</p>`;
  if (state === "signed-out") return html`<p class="banner">${said.signedOut((text) => html`<a href="/sign-in">${text}</a>`)}</p>`;
  return null;
}

function Overview() {
  return html`<${Answer} />
    <div class="columns">
      <div class="main"><${Signs} /><${Ports} /></div>
      <div class="side">
        <${Feed} />
        <${Sessions} />
        <${Words} kind="countries" />
        <${Words} kind="users" />
        <${Words} kind="passwords" />
      </div>
    </div>`;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function View() {
  const [, kind, ...rest] = route.value.split("/");
  const name = rest.join("/");
  if (kind === "port" && name) return html`<${Port} key=${name} name=${decoded(name)} />`;
  if (kind === "sign" && name) return html`<${SignView} key=${name} id=${decoded(name)} />`;
  if (kind === "session" && name) return html`<${SessionView} key=${name} id=${decoded(name)} />`;
  if (kind === "sessions") return html`<article class="page"><a class="back" href="#/">${words().overview}</a><${Sessions} all=${true} /></article>`;
  if (kind === "signs") return html`<article class="page"><a class="back" href="#/">${words().overview}</a><${Signs} all=${true} /></article>`;
  return html`<${Overview} />`;
}

function App() {
  const here = route.value;
  useEffect(() => {
    const moved = () => {
      route.value = location.hash;
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  useEffect(() => {
    scrollTo(0, 0);
  }, [here]);
  return html`<${Header} /><main><${Trouble} /><${View} /></main>
    <footer>${words().footer(status.value?.version ?? "")}</footer>`;
}

start();
const place = document.getElementById("app");
if (place) render(html`<${App} />`, place);

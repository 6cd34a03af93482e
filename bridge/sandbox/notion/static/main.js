// The page: which view its address asks for, the list of databases at the side, and when to look again.

import { listen, read } from "./api.js";
import { button, element, icon, words } from "./dom.js";
import { showHome } from "./home.js";
import { TableView } from "./table.js";

const asked = location.pathname.match(/^\/d\/([^/]+)$/);
const subject = asked ? decodeURIComponent(asked[1]) : null;
const main = document.getElementById("main");
const table = subject === null ? null : new TableView(main, document.getElementById("activity"), subject, refresh);
// A bridge that writes ten pages a second need not have the table drawn ten times.
const PAUSE_MS = 120;

let running = null;
let again = false;
let sideShown = "";

function showSide(data) {
  const shown = JSON.stringify([data.workspace, data.sources]);
  if (shown === sideShown) return;
  sideShown = shown;
  const items = data.sources.map((source) => element("li", {}, element("a",
    { href: "/d/" + encodeURIComponent(source.id), "aria-current": source.id === subject ? "page" : null },
    icon("table"), words(source.title), element("span", { class: "count" }, String(source.rows)))));
  document.getElementById("side").replaceChildren(
    element("a", { class: "workspace", href: "/" }, element("span", { class: "mark" }, icon("table")),
      element("span", {}, words(data.workspace), element("small", {}, "Notion sandbox"))),
    element("h2", {}, "Databases"), element("ul", {}, ...items),
    element("div", { class: "foot" }, element("span", { id: "link", class: "live" }, "live"),
      button("Light or dark", { class: "quiet", onclick: switchTheme }, icon("sun"))));
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}

function tell(text, live) {
  const place = document.getElementById("link");
  if (place === null) return;
  place.textContent = text;
  place.className = live ? "live" : "lost";
}

async function look() {
  try {
    const data = await (table ? table.read() : read("home"));
    showSide(data);
    if (table) table.show(data);
    else showHome(main, data);
    tell("live", true);
  } catch (error) {
    if (!(error instanceof TypeError)) return showProblem(error);
    if (await reachable()) throw error; // a mistake of this page
    tell("no answer", false);
  }
}

async function reachable() {
  try {
    return (await fetch("/_sandbox/home")).ok;
  } catch {
    return false;
  }
}

function showProblem(error) {
  main.replaceChildren(element("h1", {}, "Not here"), element("p", { class: "faint" }, words(error.message)),
    element("p", {}, element("a", { href: "/" }, "All databases")));
  if (table) table.forget();
}

// One look at a time: an old answer must not overwrite a newer one. Who asks meanwhile gets a later look.
function refresh() {
  if (running) {
    again = true;
    return running;
  }
  running = (async () => {
    do {
      again = false;
      await look();
      if (again) await new Promise((done) => setTimeout(done, PAUSE_MS));
    } while (again);
  })().finally(() => { running = null; });
  return running;
}

refresh();
listen(refresh, () => tell("no answer", false));

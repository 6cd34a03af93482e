// The list of databases.

import { element, icon, words } from "./dom.js";

let shown = "";

export function showHome(main, data) {
  // Drawn anew only when something changed: a link must not lose the focus under somebody's hand.
  const next = JSON.stringify(data.sources);
  if (next === shown) return;
  shown = next;
  const items = data.sources.map((source) => element("li", {},
    element("a", { href: "/d/" + encodeURIComponent(source.id) },
      element("span", { class: "mark" }, icon("table")),
      element("strong", {}, words(source.title)),
      element("span", { class: "faint" }, source.rows === 1 ? "1 row" : source.rows + " rows"))));
  main.replaceChildren(
    element("h1", {}, "A Notion to try things in"),
    element("p", { class: "faint lead" }, "Edit here as a person would. Programs meet the same databases through " +
      "Notion's API at this address; what they change shows up by itself. Nothing is kept when the sandbox ends."),
    items.length ? element("ul", { class: "cards" }, ...items)
      : element("p", { class: "faint" }, "There is no database yet."));
}

// What happened while this page looked on: who changed what, people and programs.

import { avatar, inWords } from "./cells.js";
import { button, element, icon, words } from "./dom.js";

const KEPT = 60;
const SHORT = 60;

function short(text) {
  const signs = [...text];
  return signs.length > SHORT ? signs.slice(0, SHORT - 1).join("") + "…" : text;
}

function value(text) {
  return text ? element("b", {}, words(short(text))) : element("i", {}, "empty");
}

export class Activity {
  constructor(place) {
    this.place = place;
    this.list = element("ol");
    this.nothing = element("p", { class: "faint" }, "Nothing happened since this page was opened.");
    place.replaceChildren(element("header", {}, element("h2", {}, "Activity"),
      button("Close", { class: "quiet", onclick: () => this.toggle(false) }, icon("close"))), this.nothing, this.list);
    this.toggle(localStorage.getItem("activity") === "open");
  }

  button() {
    this.switch = button("Activity", { "aria-expanded": String(!this.place.hidden), "data-tab": "activity",
      onclick: () => this.toggle(this.place.hidden) }, icon("bolt"), "Activity");
    return this.switch;
  }

  toggle(visible) {
    this.place.hidden = !visible;
    document.body.classList.toggle("with-activity", visible);
    localStorage.setItem("activity", visible ? "open" : "closed");
    if (this.switch) this.switch.setAttribute("aria-expanded", String(visible));
  }

  changed(title, property, before, after, user) {
    const [from, to] = [before, after].map((one) => inWords(property, one));
    const how = from === to ? ["its formatting"] : [value(from), " → ", value(to)];
    this.note(user, title, element("span", {}, words(property.name), " ", ...how));
  }

  note(user, title, what) {
    const at = new Date().toLocaleTimeString("en", { hourCycle: "h23" });
    this.nothing.hidden = true;
    this.list.prepend(element("li", { class: user && user.bot ? "bot" : null },
      user ? avatar(user) : element("span", { class: "avatar" }),
      element("div", {}, element("p", {}, user ? words(user.name) : null, element("time", {}, at)),
        element("p", { class: "title" }, words(short(title))), element("p", {}, what))));
    while (this.list.children.length > KEPT) this.list.lastChild.remove();
  }
}

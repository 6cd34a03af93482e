// How a value of each type is shown in its cell, and in words.

import { element, icon, safeAddress, words } from "./dom.js";
import { plain, shown } from "./richtext.js";

const CURRENCIES = {
  dollar: "USD", euro: "EUR", pound: "GBP", yen: "JPY", rupee: "INR", won: "KRW", yuan: "CNY", real: "BRL",
  franc: "CHF", lira: "TRY", krona: "SEK", zloty: "PLN", canadian_dollar: "CAD", australian_dollar: "AUD",
};

export function isEmpty(value) {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
}

export function number(value, format = "number") {
  if (typeof value !== "number") return String(value);
  // As exact as it is kept: digits are never rounded away.
  const digits = { maximumFractionDigits: 20 };
  if (CURRENCIES[format]) {
    const style = { style: "currency", currency: CURRENCIES[format], currencyDisplay: "narrowSymbol" };
    return value.toLocaleString("en", { ...style, ...digits, minimumFractionDigits: 2 });
  }
  if (format === "percent") return value.toLocaleString("en", { style: "percent", ...digits });
  return format === "number" ? String(value) : value.toLocaleString("en", digits);
}

const DAY = { year: "numeric", month: "short", day: "numeric" };
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

export function moment(text) {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    return new Date(text + "T00:00:00Z").toLocaleDateString("en", { ...DAY, timeZone: "UTC" });
  }
  const at = new Date(text);
  return Number.isNaN(at.valueOf()) ? text : at.toLocaleString("en", { ...DAY, ...TIME });
}

export function span(value) {
  return moment(value.start) + (value.end ? " → " + moment(value.end) : "");
}

export function pill(option) {
  return element("span", { class: "pill c-" + (/^[a-z]+$/.test(option.color) ? option.color : "default") },
    words(option.name));
}

export function avatar(user) {
  if (user.bot) return element("span", { class: "avatar bot", "aria-hidden": "true" }, icon("bot"));
  const first = [...user.name.trim()][0] || "?";
  const tint = [...user.name].reduce((sum, sign) => sum + sign.codePointAt(0), 0) % 6;
  return element("span", { class: "avatar a" + tint, "aria-hidden": "true" }, first.toUpperCase());
}

export function person(user) {
  return element("span", { class: "person" }, avatar(user), words(user.name));
}

function link(text, address) {
  const safe = safeAddress(address);
  if (safe === null) return words(text);
  const anchor = { href: safe, class: "address", target: "_blank", rel: "noopener noreferrer", tabindex: "-1" };
  return element("a", anchor, words(text));
}

const CHIP = {
  relation: (page) => element("span", { class: "chip page" }, icon("rich_text"), words(page.title || "Untitled")),
  files: (file) => element("span", { class: "chip" }, icon("files"), file.url ? link(file.name, file.url) : words(file.name)),
};

const LONG = 300; // signs; of a longer text the first lines are shown, and its editor shows all

function text(value) {
  const nodes = shown(value);
  return plain(value).length > LONG ? [element("div", { class: "clamp" }, ...nodes)] : nodes;
}

const SHOW = {
  title: text,
  rich_text: text,
  number: (value, property) => [number(value, property.format)],
  checkbox: (value) => [element("span", { class: value ? "box on" : "box", "aria-hidden": "true" })],
  select: (value) => [pill(value)],
  status: (value) => [pill(value)],
  multi_select: (value) => value.map(pill),
  date: (value) => [span(value)],
  people: (value) => value.map(person),
  relation: (value) => value.map(CHIP.relation),
  files: (value) => value.map(CHIP.files),
  url: (value) => [link(value.replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, ""), value)],
  email: (value) => [link(value, "mailto:" + value)],
  phone_number: (value) => [link(value, "tel:" + value.replace(/[^\d+]/g, ""))],
  list: (value) => value.flatMap((item) => content(item, item.value)),
};
Object.assign(SHOW, {
  created_time: SHOW.date, last_edited_time: SHOW.date, created_by: SHOW.people, last_edited_by: SHOW.people,
  formula: computed, rollup: computed,
});

function computed(value) {
  if (value.type === "date" && typeof value.value === "string") return [moment(value.value)];
  return content({ type: value.type }, value.value);
}

// The nodes of a cell. A checkbox is never empty.
export function content(property, value) {
  if (isEmpty(value)) return [];
  const show = Object.hasOwn(SHOW, property.type) ? SHOW[property.type] : (other) => [words(String(other))];
  return show(value, property);
}

// A value in a few words, for the clipboard and for what is told of a change.
export function inWords(property, value) {
  if (isEmpty(value)) return "";
  switch (property.type) {
    case "title": case "rich_text": return plain(value);
    case "checkbox": return value ? "yes" : "no";
    case "select": case "status": return value.name;
    case "multi_select": case "people": case "files": case "created_by": case "last_edited_by":
      return value.map((one) => one.name).join(", ");
    case "relation": return value.map((one) => one.title || "Untitled").join(", ");
    case "number": return number(value, property.format);
    case "date": case "created_time": case "last_edited_time":
      return typeof value === "string" ? moment(value) : span(value);
    case "list": return value.map((one) => inWords(one, one.value)).join(", ");
    case "formula": case "rollup": return inWords(value, value.value);
    default: return String(value);
  }
}

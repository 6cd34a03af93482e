// Making elements. Whatever comes from the server only ever becomes text or an attribute that cannot run.

const SVG = "http://www.w3.org/2000/svg";

// Drawn on a grid of 16 by 16, in lines.
const PATHS = {
  title: "M2.5 12.5 6 3.5l3.5 9M3.8 9.5h4.4M10.5 12.5v-3a1.7 1.7 0 0 1 3.4 0v3m0-2.3c-2.3-.3-3.6.2-3.6 1.4",
  rich_text: "M2.5 4h11M2.5 8h11M2.5 12h6.5",
  number: "M6.3 2.5 5 13.5M11 2.5 9.7 13.5M2.8 5.8h10.7M2.5 10.2h10.7",
  checkbox: "M3 3h10v10H3zM5.3 8l2 2 3.6-4",
  select: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2M5.6 7l2.4 2.4L10.4 7",
  multi_select: "M6 4h8M6 8h8M6 12h8M2.6 4h.5M2.6 8h.5M2.6 12h.5",
  status: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2M8 5.2v2.9l2 1.5",
  date: "M2.5 3.8h11v9.7h-11zM2.5 6.8h11M5.3 2.3v2.6M10.7 2.3v2.6",
  people: "M8 3a2.4 2.4 0 1 0 0 4.8A2.4 2.4 0 0 0 8 3M3.2 13.2c.3-2.5 2-3.7 4.8-3.7s4.5 1.2 4.8 3.7",
  files: "M12.8 7.3 8 12.1a2.9 2.9 0 0 1-4.1-4.1l5-5a2 2 0 0 1 2.8 2.8l-4.9 4.9a1 1 0 0 1-1.4-1.4L9.8 4.9",
  url: "M6.7 9.3a2.6 2.6 0 0 0 3.7 0l2.2-2.2a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.3 6.7a2.6 2.6 0 0 0-3.7 0L3.4 8.9a2.6 2.6 0 0 0 3.7 3.7l.8-.8",
  email: "M2.5 4h11v8.5h-11zM2.8 4.5 8 8.8l5.2-4.3",
  phone_number: "M4 2.6h2l1 3-1.4 1a7 7 0 0 0 3.8 3.8l1-1.4 3 1v2c0 .8-.6 1.4-1.4 1.4A9.4 9.4 0 0 1 2.6 4c0-.8.6-1.4 1.4-1.4",
  relation: "M4 12 12 4M6.5 4H12v5.5",
  rollup: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3l3.2 3.2",
  formula: "M12 3.5H4.5L8.5 8l-4 4.5H12",
  unique_id: "M3 4.5v7M6 4.5v7h1a3.5 3.5 0 0 0 0-7zM12.5 11h.4",
  created_time: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2M8 4.8V8l2.3 1.4",
  plus: "M8 3v10M3 8h10",
  trash: "M3 4.5h10M6.5 4.3V2.8h3v1.5M4.3 4.7l.6 8.5h6.2l.6-8.5",
  restore: "M3 8a5 5 0 1 0 1.7-3.8L3 5.8M3 2.5v3.3h3.3",
  table: "M2.5 3.5h11v9h-11zM2.5 6.8h11M6.5 6.8v5.7",
  sun: "M8 5.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
  bolt: "M9 2 3.5 9H8l-1 5 5.5-7H8z",
  open: "M6 3.5H3.5v9h9V10M9 3.5h3.5V7M12.3 3.7 7.5 8.5",
  bot: "M3.5 6h9v6.5h-9zM8 6V3.5M6.2 8.8v.8M9.8 8.8v.8M6.5 3.3h3",
  close: "M4 4l8 8M12 4l-8 8",
  down: "M4 6.3 8 10.3l4-4",
};
const SAME = {
  last_edited_time: "created_time", created_by: "people", last_edited_by: "people", verification: "checkbox",
};

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key === "value") made.value = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] || PATHS[SAME[name]] || PATHS.rich_text);
  svg.append(path);
  return svg;
}

export function button(label, attributes = {}, ...children) {
  const shown = children.length ? { "aria-label": label, title: label } : {};
  return element("button", { type: "button", ...shown, ...attributes }, ...(children.length ? children : [label]));
}

// An address that a click may follow: anything else (javascript:, data:) stays mere text.
export function safeAddress(text) {
  try {
    const address = new URL(text);
    return ["http:", "https:", "mailto:", "tel:"].includes(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
}

// Text from elsewhere, whose direction must not turn around what stands beside it.
export function words(text, attributes = {}) {
  return element("bdi", attributes, text);
}

let noticeTimer = 0;

export function notify(text) {
  const place = document.getElementById("notices");
  place.replaceChildren(words(text));
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => place.replaceChildren(), 8000);
}

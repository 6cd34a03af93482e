// A day or a time, with an end or without. Times are shown and typed in the zone of this browser.

import { button, element } from "../dom.js";

function two(number) {
  return String(number).padStart(2, "0");
}

function parts(text) {
  if (!text) return { day: "", time: "" };
  if (!text.includes("T")) return { day: text, time: "" };
  const at = new Date(text);
  const day = String(at.getFullYear()).padStart(4, "0") + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate());
  return { day, time: two(at.getHours()) + ":" + two(at.getMinutes()) };
}

function stamp(day, time) {
  if (!time) return day;
  const ahead = -new Date(day + "T" + time).getTimezoneOffset();
  const size = Math.abs(ahead);
  return day + "T" + time + ":00" + (ahead < 0 ? "-" : "+") + two(Math.floor(size / 60)) + ":" + two(size % 60);
}

export function dateEditor({ property, value, typed, done }) {
  const fields = [parts(value && value.start), parts(value && value.end)].map((start, number) => {
    const which = number === 0 ? "Start" : "End";
    const day = element("input", { type: "date", "aria-label": which + " date", value: start.day, max: "9999-12-31" });
    const time = element("input", { type: "time", "aria-label": which + " time", value: start.time });
    return { day, time, line: element("div", { class: "when" }, day, time) };
  });
  const [start, end] = fields;
  const withEnd = element("input", { type: "checkbox", role: "switch" });
  const withTime = element("input", { type: "checkbox", role: "switch" });
  withEnd.checked = end.day.value !== "";
  withTime.checked = start.time.value !== "";
  const node = element("div", { class: "menu date" }, start.line, end.line,
    element("label", {}, "End date", withEnd), element("label", {}, "Include time", withTime),
    button("Clear", { onclick: () => { start.day.value = ""; done("done"); } }));

  function arrange() {
    end.line.hidden = !withEnd.checked;
    if (withEnd.checked && !end.day.value) end.day.value = start.day.value;
    for (const { time } of fields) {
      time.hidden = !withTime.checked;
      if (withTime.checked && !time.value) time.value = "09:00";
    }
  }

  function stated() {
    if (!start.day.value) return null;
    const time = (field) => (withTime.checked ? field.time.value || "00:00" : "");
    const first = stamp(start.day.value, time(start));
    if (!withEnd.checked || !end.day.value) return { start: first, end: null };
    return { start: first, end: stamp(end.day.value, time(end)) };
  }

  withEnd.addEventListener("change", arrange);
  withTime.addEventListener("change", arrange);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.nodeName === "BUTTON") return;
    event.preventDefault();
    done("done");
  });
  arrange();
  // Compared with what the fields said at first: seconds or a zone that they cannot show are no change.
  const before = JSON.stringify(stated());
  if (typed !== undefined && /\d/.test(typed)) start.day.value = "";
  return {
    node,
    focus() {
      start.day.focus();
    },
    result() {
      const now = stated();
      return JSON.stringify(now) === before ? undefined : now;
    },
  };
}

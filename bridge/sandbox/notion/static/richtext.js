// Rich text: runs of text with formats, as the API shows them, to elements and back.

import { element, safeAddress } from "./dom.js";

export const FORMATS = { b: "bold", i: "italic", u: "underline", e: "code" };
const PLAIN = { bold: false, italic: false, strikethrough: false, underline: false, code: false, color: "default" };

export function plain(runs) {
  return runs.map((run) => run.plain_text).join("");
}

function classes(run) {
  const on = Object.entries(run.annotations).filter(([, value]) => value === true).map(([name]) => "f-" + name);
  if (/^[a-z_]+$/.test(run.annotations.color) && run.annotations.color !== "default") {
    on.push("t-" + run.annotations.color);
  }
  if (run.type !== "text") on.push(run.type);
  if (run.href) on.push("link");
  return on.join(" ");
}

// For a cell: links can be followed.
export function shown(runs) {
  return runs.map((run) => {
    const address = run.type === "text" && run.href ? safeAddress(run.href) : null;
    if (address === null) return element("span", { class: classes(run), title: run.href }, run.plain_text);
    return element("a", { class: classes(run), href: address, title: address, target: "_blank",
      rel: "noopener noreferrer", tabindex: "-1" }, run.plain_text);
  });
}

// For the editor: each element remembers its run, and what is no plain text is kept in one piece.
export function fill(field, runs, origin) {
  origin.clear();
  field.replaceChildren(...runs.map((run) => {
    const span = element("span", { class: classes(run), contenteditable: run.type === "text" ? null : "false" },
      run.plain_text);
    origin.set(span, run);
    return span;
  }));
}

export function runsIn(field, origin) {
  const runs = [];

  function add(node, run) {
    if (run && run.type !== "text") {
      runs.push(run);
    } else if (node.nodeType === Node.TEXT_NODE) {
      if (node.data) runs.push(textRun(node.data, run));
    } else if (node.nodeName === "BR") {
      runs.push(textRun("\n", run));
    } else {
      // A browser wraps a new line into an element of its own.
      if (node.nodeName === "DIV" && runs.length) runs.push(textRun("\n", run));
      for (const child of node.childNodes) add(child, origin.get(child) || run);
    }
  }

  for (const child of field.childNodes) add(child, origin.get(child));
  const last = runs.at(-1);
  // The line break that keeps an empty last line open is not part of the text.
  if (last && last.type === "text" && field.lastChild && field.lastChild.nodeName === "BR") runs.pop();
  return merged(runs);
}

export function textRun(content, like) {
  const link = like && like.type === "text" ? like.text.link : null;
  const annotations = { ...(like ? like.annotations : PLAIN) };
  return { type: "text", text: { content, link }, annotations, plain_text: content, href: link ? link.url : null };
}

export function merged(runs) {
  const result = [];
  for (const run of runs) {
    const last = result.at(-1);
    if (last && last.type === "text" && run.type === "text" && look(last) === look(run)) {
      result[result.length - 1] = textRun(last.text.content + run.text.content, last);
    } else {
      result.push(run);
    }
  }
  return result;
}

function look(run) {
  return JSON.stringify([run.href, Object.keys(PLAIN).map((name) => run.annotations[name])]);
}

// The same text with a format switched over for the characters from `start` to `end`.
export function toggled(runs, start, end, format) {
  const pieces = [];
  let at = 0;
  for (const run of runs) {
    const length = run.plain_text.length;
    const from = Math.max(start - at, 0);
    const to = Math.min(end - at, length);
    if (run.type !== "text" || from >= to) {
      pieces.push([run, from < to]);
    } else {
      const text = run.plain_text;
      pieces.push([textRun(text.slice(0, from), run), false], [textRun(text.slice(from, to), run), true],
        [textRun(text.slice(to), run), false]);
    }
    at += length;
  }
  const chosen = pieces.filter(([run, inside]) => inside && run.plain_text);
  const on = !chosen.every(([run]) => run.annotations[format]);
  return merged(pieces.filter(([run]) => run.plain_text).map(([run, inside]) =>
    inside ? { ...run, annotations: { ...run.annotations, [format]: on } } : run));
}

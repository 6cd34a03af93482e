// Text with its formatting. What is typed takes the format of what stands there; Ctrl+B, I, U and E switch formats.

import { element } from "../dom.js";
import { FORMATS, fill, runsIn, textRun, toggled } from "../richtext.js";

export function textEditor({ property, value, typed, done }) {
  const before = value || [];
  const origin = new Map();
  const field = element("div", {
    class: "text " + property.type, role: "textbox", "aria-multiline": "true", "aria-label": property.name,
    contenteditable: "plaintext-only", spellcheck: "false",
  });
  // A browser that does not know "plaintext-only" still must not let formats of other pages in.
  if (field.contentEditable !== "plaintext-only") field.contentEditable = "true";
  fill(field, typed === undefined ? before : [textRun(typed)], origin);

  field.addEventListener("paste", (event) => {
    event.preventDefault();
    insert(event.clipboardData.getData("text/plain"));
  });
  field.addEventListener("drop", (event) => event.preventDefault());
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const format = (event.ctrlKey || event.metaKey) && !event.altKey ? FORMATS[event.key.toLowerCase()] : undefined;
    if (format) switchFormat(format);
    else if (event.key === "Enter" && event.shiftKey) insert("\n");
    else if (event.key === "Enter") done("done");
    else return;
    event.preventDefault();
  });

  function insert(text) {
    const range = getSelection().getRangeAt(0);
    range.deleteContents();
    const node = document.createTextNode(text);
    range.insertNode(node);
    // A line break at the very end shows no line until something follows it.
    if (text.endsWith("\n") && !restAfter(node)) node.after(element("br"));
    getSelection().collapse(node, text.length);
  }

  function restAfter(node) {
    const rest = document.createRange();
    rest.selectNodeContents(field);
    rest.setStartAfter(node);
    return rest.toString() !== "" || field.lastChild.nodeName === "BR";
  }

  function offset(node, at) {
    const range = document.createRange();
    range.selectNodeContents(field);
    range.setEnd(node, at);
    return range.toString().length;
  }

  function switchFormat(format) {
    const { anchorNode, anchorOffset, focusNode, focusOffset, isCollapsed } = getSelection();
    if (isCollapsed || !field.contains(anchorNode) || !field.contains(focusNode)) return;
    const ends = [offset(anchorNode, anchorOffset), offset(focusNode, focusOffset)].sort((one, other) => one - other);
    fill(field, toggled(runsIn(field, origin), ...ends, format), origin);
    getSelection().setBaseAndExtent(...point(ends[0]), ...point(ends[1]));
  }

  // The place in the field before the character with that number.
  function point(count) {
    const texts = document.createTreeWalker(field, NodeFilter.SHOW_TEXT);
    let left = count;
    let last = null;
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      if (left <= node.length) return [node, left];
      left -= node.length;
      last = node;
    }
    // Nothing can be typed into a mention, only behind it.
    const open = last && last.parentElement.isContentEditable;
    return open ? [last, last.length] : [field, field.childNodes.length];
  }

  return {
    node: field,
    focus() {
      field.focus();
      getSelection().setBaseAndExtent(...point(Infinity), ...point(Infinity));
    },
    result() {
      const runs = runsIn(field, origin);
      return JSON.stringify(runs) === JSON.stringify(before) ? undefined : runs;
    },
  };
}

// A box beside a cell or a button: one at a time, closed by Escape, by a click elsewhere, or by moving on.

import { element } from "./dom.js";

const GAP = 4;
const EDGE = 8;
let current = null;

// The anchor may be drawn anew while the box is open, so it is looked up each time.
// `closed` is told how: "cancel", "away", "done", "next" or "previous".
export function open({ anchor, node, label, cover = false, closed = () => {} }) {
  if (current) current.close("away");
  const box = element("div", { class: cover ? "popover cover" : "popover", role: "dialog", "aria-label": label }, node);
  const popover = { close, place };

  function place() {
    const at = anchor();
    if (!at || !at.isConnected) return close("cancel");
    const rect = at.getBoundingClientRect();
    box.style.minWidth = (cover ? rect.width + 1 : Math.min(rect.width, 320)) + "px";
    const { offsetWidth: width, offsetHeight: height } = box;
    const left = Math.min(rect.left, innerWidth - width - EDGE);
    const below = cover ? rect.top : rect.bottom + GAP;
    // Above, where there is more room than below.
    const above = Math.max(EDGE, (cover ? rect.bottom : rect.top - GAP) - height);
    const top = below + height <= innerHeight - EDGE || rect.top < innerHeight / 2 ? below : above;
    box.style.left = Math.max(EDGE, left) + "px";
    box.style.top = Math.max(EDGE, Math.min(top, innerHeight - height - EDGE)) + "px";
  }

  function close(how) {
    if (current !== popover) return;
    current = null;
    document.removeEventListener("pointerdown", elsewhere, true);
    removeEventListener("scroll", place, true);
    removeEventListener("resize", place);
    box.remove();
    closed(how);
  }

  function elsewhere(event) {
    if (!box.contains(event.target)) close("away");
  }

  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Escape") close("cancel");
    else if (event.key === "Tab" && cover) close(event.shiftKey ? "previous" : "next");
    else return;
    event.preventDefault();
  });
  document.addEventListener("pointerdown", elsewhere, true);
  addEventListener("scroll", place, true);
  addEventListener("resize", place);
  new ResizeObserver(() => current === popover && place()).observe(box);
  current = popover;
  document.body.append(box);
  place();
  return popover;
}

export function replace() {
  if (current) current.place();
}

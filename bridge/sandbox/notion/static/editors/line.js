// A line of text: numbers, addresses, telephone numbers.

import { element } from "../dom.js";

const MODES = { number: "decimal", url: "url", email: "email", phone_number: "tel" };

export function lineEditor({ property, value, typed, done }) {
  const before = value === null ? "" : String(value);
  const input = element("input", {
    class: "line " + property.type, "aria-label": property.name, autocomplete: "off", spellcheck: "false",
    inputmode: MODES[property.type], value: typed ?? before,
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    done("done");
  });
  return {
    node: input,
    focus() {
      input.focus();
      if (typed === undefined) input.select();
    },
    result() {
      let text = input.value.trim();
      // Sent as it was typed: the sandbox reads it, so that no digit is lost on the way. Only groups are closed up.
      if (property.type === "number") text = text.replace(/[\s_']/g, "").replace(/,(?=\d{3}(\D|$))/g, "");
      if (text === before) return undefined;
      return text === "" ? null : text;
    },
  };
}

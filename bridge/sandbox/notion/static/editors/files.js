// Files: links, and names of files that Notion keeps.

import { button, element, icon, words } from "../dom.js";

export function filesEditor({ property, value, typed, done }) {
  const files = [...(value || [])];
  const list = element("ul", { class: "files" });
  const input = element("input", { "aria-label": property.name, autocomplete: "off", spellcheck: "false",
    placeholder: "Paste a link, or name a file", value: typed ?? "" });

  function draw() {
    list.replaceChildren(...files.map((file) => element("li", {}, icon(file.url ? "url" : "files"), words(file.name),
      button("Remove " + file.name, { class: "quiet", onclick: () => remove(file) }, icon("close")))));
  }

  function remove(file) {
    files.splice(files.indexOf(file), 1);
    draw();
    input.focus();
  }

  function add() {
    const text = input.value.trim();
    if (!text) return false;
    input.value = "";
    files.push({ name: text.split("/").filter(Boolean).pop() || text, url: text.includes("://") ? text : null, typed: text });
    draw();
    return true;
  }

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !add()) done("done");
    else if (event.key === "Backspace" && !input.value && files.length) remove(files.at(-1));
    else if (event.key !== "Enter") return;
    event.preventDefault();
  });
  draw();
  return {
    node: element("div", { class: "menu" }, list, input),
    focus() {
      input.focus();
    },
    result() {
      add();
      const same = files.length === (value || []).length && files.every((file, number) => file === value[number]);
      return same ? undefined : files.map((file) => file.typed ?? { id: file.id, name: file.name, url: file.url });
    },
  };
}

// Choosing from a list: options, people, rows of another table.

import { read } from "../api.js";
import { person, pill } from "../cells.js";
import { button, element, icon, notify, words } from "../dom.js";

let made = 0;

// `load(text)` finds the choices as [{ key, name, node() }]; `create(name)` makes a new one, where that is possible.
// `change(chosen)` is told at once: nothing is lost when the box is closed in whatever way.
function picker({ label, kind, typed, multiple, chosen, load, create, change, done }) {
  const listId = "choices-" + ++made;
  const chips = element("ul", { class: "chosen" });
  const input = element("input", { role: "combobox", "aria-label": label, "aria-expanded": "true", autocomplete: "off",
    "aria-controls": listId, spellcheck: "false", placeholder: create ? "Find or make one" : "Find", value: typed ?? "" });
  const list = element("ul", { id: listId, role: "listbox", "aria-label": label, class: "choices",
    "aria-multiselectable": String(multiple) });
  let items = [];
  let itemsFor = null;
  let active = 0;

  async function offered(text) {
    let found = [];
    try {
      found = await load(text);
    } catch (error) {
      notify(error.message);
    }
    if (!create || !text || found.some((item) => item.name.toLowerCase() === text.toLowerCase())) return found;
    const fresh = () => element("span", {}, "Make ", pill({ name: text, color: "default" }));
    return [...found, { key: null, name: text, node: fresh }];
  }

  async function find() {
    const text = input.value.trim();
    const found = await offered(text);
    if (text !== input.value.trim()) return; // a later question was asked meanwhile
    items = found;
    itemsFor = text;
    active = Math.min(active, Math.max(items.length - 1, 0));
    draw();
  }

  function isChosen(item) {
    return chosen.some((other) => other.key === item.key);
  }

  function draw() {
    chips.replaceChildren(...chosen.map((item) => element("li", {}, item.node(),
      button("Remove " + item.name, { class: "quiet", tabindex: "-1", onclick: () => toggle(item) }, icon("close")))));
    list.replaceChildren(...items.map((item, number) => element("li", {
      role: "option", id: listId + "-" + number, class: number === active ? "active" : "",
      "aria-selected": String(isChosen(item)), onclick: () => { input.value = ""; pick(item); },
    }, item.node())));
    if (!items.length) list.append(element("li", { class: "faint" }, "Nothing found"));
    input.setAttribute("aria-activedescendant", items.length ? listId + "-" + active : "");
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function pick(item) {
    if (item.key !== null) return toggle(item);
    create(item.name);
    if (!multiple) return done("done");
    chosen = [...chosen, { key: item.name, name: item.name, node: () => pill({ name: item.name, color: "default" }) }];
    return find();
  }

  function toggle(item) {
    const without = chosen.filter((other) => other.key !== item.key);
    chosen = without.length < chosen.length ? without : multiple ? [...chosen, item] : [item];
    change(chosen);
    if (!multiple && chosen.length) return done("done");
    input.focus();
    return find();
  }

  // Who types fast means what is found for the typed text, not what the list still shows.
  async function enter() {
    const text = input.value.trim();
    if (multiple && !text && !active && chosen.length) return done("done");
    input.value = "";
    const item = text === itemsFor ? items[active] : (await offered(text))[0];
    return item ? pick(item) : done("done");
  }

  input.addEventListener("input", () => { active = 0; find(); });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") active = Math.max(Math.min(active + 1, items.length - 1), 0);
    else if (event.key === "ArrowUp") active = Math.max(active - 1, 0);
    else if (event.key === "Enter") enter();
    else if (event.key === "Backspace" && !input.value && chosen.length) toggle(chosen.at(-1));
    else return;
    event.preventDefault();
    if (event.key.startsWith("Arrow")) draw();
  });
  find();
  return {
    node: element("div", { class: "menu picker " + (kind || "") }, element("div", { class: "search" }, chips, input), list),
    focus() {
      input.focus();
    },
  };
}

function matching(items, text) {
  return items.filter((item) => item.name.toLowerCase().includes(text.toLowerCase()));
}

export function choiceEditor({ property, value, typed, view, save, done }) {
  const multiple = property.type === "multi_select";
  const item = (option) => ({ key: option.name, name: option.name, node: () => pill(option) });
  const now = () => (view.property(property.id) || property).options.map(item);
  const values = multiple ? value : value ? [value] : [];
  let names = values.map((option) => option.name);

  async function create(name) {
    if (property.type === "status") {
      const named = (view.property(property.id) || property).name;
      await view.do("add_option", { data_source_id: view.subject, name: named, option: name });
    }
    names = [...names, name];
    save(multiple ? names : name);
  }

  function change(chosen) {
    names = chosen.map((one) => one.name);
    save(multiple ? names : names[0] ?? null);
  }

  return picker({ label: property.name, kind: property.type, typed, multiple, done, create, change, chosen: values.map(item),
    load: (text) => matching(now(), text) });
}

export function peopleEditor({ property, value, typed, view, save, done }) {
  const item = (user) => ({ key: user.id, name: user.name, node: () => person(user) });
  return picker({ label: property.name, typed, multiple: true, done, chosen: (value || []).map(item),
    change: (chosen) => save(chosen.map((one) => one.key)),
    load: (text) => matching(view.data.people.map(item), text) });
}

export function relationEditor({ property, value, typed, save, done }) {
  const item = (page) => ({ key: page.id, name: page.title,
    node: () => element("span", { class: "chip page" }, icon("rich_text"), words(page.title || "Untitled")) });
  return picker({ label: property.name, typed, multiple: true, done, chosen: (value || []).map(item),
    change: (chosen) => save(chosen.map((one) => one.key)),
    load: async (text) => (await read("choices", { data_source_id: property.target, find: text })).map(item) });
}

// What can be done to a property: rename it, add and rename options, take it away, make a new one.

import { pill } from "./cells.js";
import { button, element, icon } from "./dom.js";
import { open } from "./popover.js";

const NEW_TYPES = [
  "rich_text", "number", "select", "multi_select", "status", "date", "checkbox", "people", "files", "url", "email",
  "phone_number", "unique_id", "created_time", "last_edited_time", "created_by", "last_edited_by",
];

function field(label, attributes) {
  return element("input", { "aria-label": label, autocomplete: "off", spellcheck: "false", ...attributes });
}

// Does `act` with what was typed, on Enter.
function onEnter(input, run) {
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (input.value.trim()) run(input.value.trim());
  });
}

export function propertyMenu(anchor, view, id) {
  const property = view.property(id);
  const source = { data_source_id: view.subject };
  const name = () => (view.property(id) || property).name;
  const input = field("Name of the property", { value: property.name, class: "name" });
  let popover = null;

  function rename() {
    const wanted = input.value.trim();
    if (wanted && wanted !== name()) view.do("rename_property", { ...source, name: name(), new_name: wanted });
  }

  onEnter(input, () => popover.close("done"));
  const kind = element("p", { class: "kind" }, icon(property.type), property.type.replaceAll("_", " "));
  const parts = [input, kind];
  if (property.options) parts.push(optionList(view, id, name));
  if (property.type !== "title") {
    parts.push(button("Delete property", { class: "danger", onclick: () => {
      popover.close("cancel");
      view.do("delete_property", { ...source, name: name() });
    } }, icon("trash"), "Delete property"));
  }
  popover = open({
    anchor: () => anchor, node: element("div", { class: "menu" }, ...parts),
    label: "Property " + property.name,
    closed: (how) => {
      if (how !== "cancel") rename();
      if (how !== "away") anchor.focus();
    },
  });
  input.select();
}

function optionList(view, id, name) {
  const list = element("ul", { class: "options" });
  const add = field("New option", { placeholder: "Add an option", class: "add-option" });
  const source = { data_source_id: view.subject };

  function draw() {
    const { options } = view.property(id);
    list.replaceChildren(...options.map((option) => element("li", {},
      button("Rename " + option.name, { onclick: (event) => rename(event.currentTarget, option) }, pill(option)),
      button("Remove " + option.name, { class: "quiet", onclick: async () => {
        await view.do("remove_option", { ...source, name: name(), option: option.name });
        draw();
      } }, icon("close")))));
  }

  function rename(shown, option) {
    const input = field("New name of " + option.name, { value: option.name });
    onEnter(input, async (wanted) => {
      if (wanted !== option.name) {
        await view.do("rename_option", { ...source, name: name(), option: option.name, new_name: wanted });
      }
      draw();
      add.focus();
    });
    shown.replaceWith(input);
    input.select();
  }

  onEnter(add, async (wanted) => {
    add.value = "";
    await view.do("add_option", { ...source, name: name(), option: wanted });
    draw();
  });
  draw();
  return element("div", {}, element("h3", {}, "Options"), list, add);
}

export function addPropertyMenu(anchor, view) {
  const input = field("Name of the new property", { placeholder: "Name", class: "name" });
  const kind = element("select", { "aria-label": "Type" },
    ...NEW_TYPES.map((type) => element("option", { value: type }, type.replaceAll("_", " "))));
  let popover = null;
  const add = (name) => {
    popover.close("done");
    view.do("add_property", { data_source_id: view.subject, name, kind: kind.value });
  };
  onEnter(input, add);
  const make = button("Add", { class: "main", onclick: () => input.value.trim() && add(input.value.trim()) });
  popover = open({
    anchor: () => anchor, label: "New property",
    node: element("div", { class: "menu" }, input, kind, make),
    closed: (how) => how !== "away" && anchor.focus(),
  });
  input.focus();
}

// Which editor a cell of a type is given. Each is made with what it edits and says:
// `node`, `focus()`, and `result()`, the value to save when it is closed (undefined = as it was), if any.

import { dateEditor } from "./date.js";
import { filesEditor } from "./files.js";
import { lineEditor } from "./line.js";
import { choiceEditor, peopleEditor, relationEditor } from "./pickers.js";
import { textEditor } from "./text.js";

export const EDITORS = {
  title: textEditor,
  rich_text: textEditor,
  number: lineEditor,
  url: lineEditor,
  email: lineEditor,
  phone_number: lineEditor,
  select: choiceEditor,
  status: choiceEditor,
  multi_select: choiceEditor,
  date: dateEditor,
  people: peopleEditor,
  relation: relationEditor,
  files: filesEditor,
};

const LISTS = ["multi_select", "people", "relation", "files", "title", "rich_text"];

// What an empty cell of that type is saved as.
export function emptied(property) {
  if (property.type === "checkbox") return false;
  return LISTS.includes(property.type) ? [] : null;
}

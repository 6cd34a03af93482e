// One data source as a table. What changed is redrawn cell by cell, so that nothing moves under somebody's hand.

import { Activity } from "./activity.js";
import { PERSON, act, read } from "./api.js";
import { avatar, content, inWords, isEmpty } from "./cells.js";
import { button, element, icon, notify, words } from "./dom.js";
import { EDITORS, emptied } from "./editors/all.js";
import { Grid } from "./grid.js";
import { addPropertyMenu, propertyMenu } from "./menus.js";
import { open, replace } from "./popover.js";

const MORE = 200;
const META = "edited";
const MINUTE_MS = 60_000; // the grain of a row's time
const TRASHED = "moved to the trash";
const RESTORED = "taken out of the trash";
// They change with every edit, which is no news.
const SILENT = ["created_time", "last_edited_time", "created_by", "last_edited_by"];

export class TableView {
  constructor(main, aside, subject, refresh) {
    this.main = main;
    this.subject = subject;
    this.refresh = refresh;
    this.activity = new Activity(aside);
    this.trash = false;
    this.limit = 100;
    this.data = null;
    this.drawn = "";
    this.rows = new Map();
    this.moved = new Map();
    this.since = null;
    this.saving = Promise.resolve();
  }

  // The table is not on the page any more.
  forget() {
    this.drawn = "";
    replace();
  }

  read() {
    return read("table", { data_source_id: this.subject, trash: this.trash ? 1 : 0, limit: this.limit });
  }

  show(data) {
    // An answer that was on its way when the view was switched shows the other one.
    if (data.rows.some((row) => row.in_trash !== this.trash)) return;
    this.data = data;
    document.title = data.title;
    const drawn = JSON.stringify([this.trash, data.properties.map((property) => [property.id, property.type])]);
    const anew = drawn !== this.drawn;
    if (anew) this.build(drawn);
    this.since ??= Date.parse(data.now);
    this.showFrame();
    this.showRows(anew);
    this.grid.settle();
    replace();
  }

  property(id) {
    return this.data.properties.find((property) => property.id === id);
  }

  // ---- the frame: heading, tabs, column heads

  build(drawn) {
    this.drawn = drawn;
    this.rows.clear();
    this.heading = element("h1", {});
    this.counts = [element("span", { class: "count" }), element("span", { class: "count" })];
    const tab = (label, symbol, count, trash) => button(label, {
      "aria-pressed": String(this.trash === trash), "data-tab": label.toLowerCase(), onclick: () => this.switchTo(trash),
    }, icon(symbol), label, count);
    const tabs = element("div", { class: "tabs" }, tab("Table", "table", this.counts[0], false),
      tab("Trash", "trash", this.counts[1], true), element("span", { class: "space" }), this.activity.button());
    this.heads = new Map(this.data.properties.map((property) => [property.id, this.makeHead(property)]));
    this.earlier = button("", { class: "earlier", onclick: () => { this.limit += MORE; this.refresh(); } });
    this.nothing = element("p", { class: "nothing faint" });
    const head = element("tr", {}, ...[...this.heads.values()].map((one) => one.th),
      element("th", { scope: "col", class: "meta" }, "Last edited"),
      element("th", { scope: "col", class: "add" }, this.trash ? null : button("Add a property",
        { onclick: (event) => addPropertyMenu(event.currentTarget, this) }, icon("plus"))));
    const table = element("table", { role: "grid", class: this.trash ? "trashed" : null }, element("thead", {}, head), element("tbody"));
    this.grid = new Grid(table, {
      open: (td, typed) => this.open(td, typed), clear: (td) => this.clear(td), copied: (td) => this.copied(td),
    });
    this.body = table.tBodies[0];
    this.main.replaceChildren(element("header", { class: "head" }, this.heading, tabs), this.earlier,
      element("div", { class: "scroll" }, table, this.nothing,
        this.trash ? "" : button("New row", { class: "new", onclick: () => this.add() }, icon("plus"), "New")));
    this.table = table;
  }

  makeHead(property) {
    const label = words(property.name);
    const open = (event) => propertyMenu(event.currentTarget, this, property.id);
    const inside = [icon(property.type), label];
    const th = element("th", { scope: "col", class: property.type, "data-column": property.id },
      this.trash ? element("span", {}, ...inside)
        : element("button", { type: "button", onclick: open, "aria-haspopup": "dialog" }, ...inside));
    return { th, label };
  }

  showFrame() {
    const { data } = this;
    this.heading.replaceChildren(words(data.title));
    this.table.setAttribute("aria-label", data.title);
    for (const property of data.properties) {
      const { label, th } = this.heads.get(property.id);
      if (label.textContent !== property.name) label.textContent = property.name;
      th.title = property.name + " (" + property.type.replaceAll("_", " ") + ")";
    }
    const hidden = data.total - data.rows.length;
    this.earlier.hidden = hidden === 0;
    this.earlier.textContent = "Show earlier rows (" + hidden + ")";
    this.nothing.hidden = data.total > 0;
    this.nothing.textContent = this.trash ? "The trash is empty." : "No rows yet.";
    this.showTabs(data.sources.find((source) => source.id === data.id) || { rows: 0, trashed: 0 });
  }

  showTabs(counts) {
    this.counts[0].textContent = String(counts.rows);
    this.counts[1].textContent = String(counts.trashed);
  }

  switchTo(trash) {
    if (trash === this.trash) return;
    this.trash = trash;
    this.refresh();
  }

  // ---- rows

  showRows(quiet) {
    const present = new Set(this.data.rows.map((row) => row.id));
    const moved = new Map(this.data.moved.map((row) => [row.id, row.edited_by]));
    for (const [id, shown] of this.rows) {
      if (present.has(id)) continue;
      const what = !moved.has(id) ? "went elsewhere" : this.trash ? RESTORED : TRASHED;
      this.activity.note(moved.get(id) || null, shown.title, what);
      shown.line.remove();
      this.rows.delete(id);
    }
    let before = null;
    for (const row of this.data.rows) {
      const shown = this.rows.get(row.id) || this.makeRow(row, quiet);
      const place = before ? before.nextSibling : this.body.firstChild;
      if (shown.line !== place) this.body.insertBefore(shown.line, place);
      before = shown.line;
      this.fillRow(shown, row);
    }
    this.moved = moved;
  }

  makeRow(row, quiet) {
    const line = element("tr", { "data-row": row.id, class: quiet ? "" : this.mark(row) });
    const shown = { line, cells: new Map(), meta: this.makeMeta(row), title: "", fresh: !quiet };
    for (const property of this.data.properties) {
      const editable = property.editable && !this.trash;
      const td = element("td", { class: property.type + (editable ? " editable" : ""), tabindex: "-1",
        role: "gridcell", "data-column": property.id, "aria-readonly": editable ? null : "true" });
      shown.cells.set(property.id, { td, shown: undefined, value: null });
      line.append(td);
    }
    line.append(shown.meta.td);
    this.rows.set(row.id, shown);
    return shown;
  }

  mark(row) {
    if (row.edited_by.name === PERSON && !row.edited_by.bot) return "";
    return row.edited_by.bot ? "flash bot" : "flash";
  }

  fillRow(shown, row) {
    shown.title = inWords({ type: "title" }, row.cells.title) || "Untitled";
    if (shown.fresh) this.tellNew(row, shown.title);
    for (const property of this.data.properties) {
      const cell = shown.cells.get(property.id);
      const value = row.cells[property.id];
      const print = JSON.stringify([value, property.format]);
      if (cell.shown === print) continue;
      const news = cell.shown !== undefined && !SILENT.includes(property.type);
      const before = cell.value;
      Object.assign(cell, { shown: print, value });
      cell.td.replaceChildren(...content(property, value));
      if (property.type === "checkbox") cell.td.setAttribute("aria-label", value ? "checked" : "not checked");
      if (!news) continue;
      this.flash(cell.td, this.mark(row));
      this.activity.changed(shown.title, property, before, value, row.edited_by);
    }
    shown.fresh = false;
    this.showMeta(shown.meta, row);
  }

  tellNew(row, title) {
    // An earlier row that is shown now was there before this page was.
    if (Date.parse(row.edited) + MINUTE_MS < this.since) return;
    this.activity.note(row.edited_by, title, this.trash ? TRASHED : this.moved.has(row.id) ? RESTORED : "added");
  }

  flash(td, mark) {
    td.classList.remove("flash", "bot");
    void td.offsetWidth; // restarts the animation
    if (mark) td.classList.add(...mark.split(" "));
  }

  makeMeta(row) {
    const what = row.in_trash ? "restore" : "trash";
    const label = row.in_trash ? "Restore" : "Move to trash";
    const parts = { face: element("span"), who: element("span", { class: "who" }), time: element("time"), shown: "" };
    parts.td = element("td", { class: "meta", tabindex: "-1", role: "gridcell", "data-column": META },
      element("div", { class: "edited" }, parts.face, parts.who, parts.time,
        button(label, { tabindex: "-1", class: what, onclick: () => this.do(what, { page_id: row.id }) }, icon(what), row.in_trash ? label : null)));
    return parts;
  }

  showMeta(meta, row) {
    const print = JSON.stringify([row.edited, row.edited_by, this.data.now.slice(0, 10)]);
    if (print === meta.shown) return;
    meta.shown = print;
    const at = new Date(row.edited);
    const today = new Date(this.data.now).toDateString() === at.toDateString();
    meta.face.replaceChildren(avatar(row.edited_by));
    meta.who.replaceChildren(words(row.edited_by.name));
    meta.who.title = (row.edited_by.bot ? "by a program, " : "by a person, ") + at.toLocaleString("en");
    meta.time.dateTime = row.edited;
    meta.time.textContent = today ? at.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
      : at.toLocaleDateString("en", { month: "short", day: "numeric" });
  }

  // ---- acting

  cellOf(td) {
    const shown = this.rows.get(td.parentElement.dataset.row);
    const property = this.property(td.dataset.column);
    if (!shown || !property) return null;
    return { row: td.parentElement.dataset.row, property, value: shown.cells.get(property.id).value };
  }

  open(td, typed) {
    if (td.dataset.column === META) {
      if (typed === undefined) td.querySelector("button").click();
      return;
    }
    const cell = this.cellOf(td);
    if (!cell || !cell.property.editable || this.trash) return;
    const { row, property, value } = cell;
    if (property.type === "checkbox") {
      if (typed === undefined) this.save(row, property, !value);
      return;
    }
    let popover = null;
    const editor = EDITORS[property.type]({
      property, value, typed, view: this,
      save: (next) => this.save(row, property, next),
      done: (how) => popover.close(how),
    });
    popover = open({
      anchor: () => this.grid.at(row, property.id), node: editor.node, cover: true, label: property.name,
      closed: (how) => {
        const result = how === "cancel" || !editor.result ? undefined : editor.result();
        if (result !== undefined) this.save(row, property, result);
        this.back(row, property.id, how);
      },
    });
    editor.focus();
  }

  back(row, column, how) {
    if (how === "away") return;
    this.grid.focus(row, column);
    if (how === "next") this.grid.along(1);
    if (how === "previous") this.grid.along(-1);
  }

  clear(td) {
    const cell = this.cellOf(td);
    if (!cell || !cell.property.editable || this.trash || isEmpty(cell.value)) return;
    this.save(cell.row, cell.property, emptied(cell.property));
  }

  copied(td) {
    const cell = this.cellOf(td);
    return cell ? inWords(cell.property, cell.value) : td.textContent;
  }

  // By its present name, which may not be the one that it had when the editor was opened.
  save(row, property, value) {
    const { name } = this.property(property.id) || property;
    return this.do("edit", { page_id: row, values: { [name]: value } });
  }

  // In the order in which they were made, for two requests may overtake each other. The result, or nothing on failure.
  do(what, args) {
    this.saving = this.saving.then(async () => {
      try {
        return await act(what, args);
      } catch (error) {
        notify(error instanceof TypeError ? "The sandbox does not answer; nothing was saved." : error.message);
        return undefined;
      } finally {
        await this.refresh();
      }
    });
    return this.saving;
  }

  async add() {
    const row = await this.do("create_row", { data_source_id: this.subject });
    const td = row && this.grid.at(row, "title");
    if (!td) return;
    td.focus();
    td.scrollIntoView({ block: "nearest" });
    this.open(td);
  }
}

// Moving through the table by keys and by clicks: one cell has the focus, and Tab leaves the table at its ends.

const STEP = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0],
};

export class Grid {
  // `actions`: open(td, typed), clear(td), copied(td).
  constructor(table, actions) {
    this.table = table;
    this.actions = actions;
    this.row = null;
    this.column = null;
    table.addEventListener("keydown", (event) => this.onKey(event));
    table.addEventListener("click", (event) => this.onClick(event));
    table.addEventListener("focusin", (event) => this.onFocus(event));
    table.addEventListener("copy", (event) => this.onCopy(event));
  }

  lines() {
    return [...this.table.tBodies[0].rows];
  }

  cells(line) {
    return [...line.cells];
  }

  at(row, column) {
    const line = this.lines().find((candidate) => candidate.dataset.row === row);
    return line ? this.cells(line).find((cell) => cell.dataset.column === column) : undefined;
  }

  get current() {
    return this.at(this.row, this.column);
  }

  // After the table was drawn: exactly one cell can be reached by Tab.
  settle() {
    const cell = this.current || this.lines()[0]?.cells[0];
    for (const other of this.table.querySelectorAll('td[tabindex="0"]')) {
      if (other !== cell) other.tabIndex = -1;
    }
    if (cell) cell.tabIndex = 0;
  }

  onFocus(event) {
    const cell = event.target.closest("td");
    if (!cell) return;
    this.row = cell.parentElement.dataset.row;
    this.column = cell.dataset.column;
    this.settle();
  }

  focus(row, column) {
    const cell = this.at(row, column);
    if (!cell) return;
    cell.tabIndex = 0;
    cell.focus();
  }

  move(down, right) {
    const lines = this.lines();
    const cell = this.current;
    if (!cell) return;
    const at = Math.max(0, Math.min(lines.length - 1, lines.indexOf(cell.parentElement) + down));
    const row = this.cells(lines[at]);
    const target = row[Math.max(0, Math.min(row.length - 1, cell.cellIndex + right))];
    target.focus();
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // To the next or the previous cell, over the end of a line; false at the end of the table.
  along(step) {
    const all = this.lines().flatMap((line) => this.cells(line));
    const target = all[all.indexOf(this.current) + step];
    if (!target) return false;
    target.focus();
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
    return true;
  }

  onKey(event) {
    const cell = event.target;
    if (cell.nodeName !== "TD" || event.isComposing) return;
    const control = event.ctrlKey || event.metaKey;
    const line = this.cells(cell.parentElement);
    if (STEP[event.key] && !control && !event.shiftKey) this.move(...STEP[event.key]);
    else if (event.key === "Home" && !control) line[0].focus();
    else if (event.key === "End" && !control) line.at(-1).focus();
    else if (event.key === "Home") this.move(-Infinity, -Infinity);
    else if (event.key === "End") this.move(Infinity, Infinity);
    else if (event.key === "Tab") {
      if (!this.along(event.shiftKey ? -1 : 1)) return;
    } else if (event.key === "Enter" || event.key === "F2" || event.key === " ") this.actions.open(cell);
    else if (event.key === "Delete" || event.key === "Backspace") this.actions.clear(cell);
    else if (event.key.length === 1 && !control && !event.altKey) this.actions.open(cell, event.key);
    else return;
    event.preventDefault();
  }

  onClick(event) {
    const cell = event.target.closest("td");
    if (!cell || event.target.closest("a, button")) return;
    // A selection made with the mouse is for copying.
    if (!getSelection().isCollapsed) return;
    cell.focus();
    this.actions.open(cell);
  }

  onCopy(event) {
    if (event.target.nodeName !== "TD" || !getSelection().isCollapsed) return;
    event.clipboardData.setData("text/plain", this.actions.copied(event.target));
    event.preventDefault();
  }
}

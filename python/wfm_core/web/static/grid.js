// SPDX-License-Identifier: GPL-3.0-or-later
// A table whose rows change in place, so that the one that is chosen stays chosen: arrows, Home, End, Page keys, Enter.

const PAGE = 10;

export class Grid {
  // cells: of an item, a list of texts or { text, swatch }; open: called with an item by Enter or a click.
  constructor(id, cells, open) {
    this.table = document.getElementById(`${id}-table`);
    this.body = this.table.tBodies[0];
    this.none = document.getElementById(`${id}-none`);
    this.heads = [...this.table.tHead.rows[0].cells].map((head) => head.className);
    this.cells = cells;
    this.open = open;
    this.rows = new Map(); // key -> { row, item, texts }
    this.body.addEventListener("keydown", (event) => this.onKey(event));
    this.body.addEventListener("click", (event) => this.onClick(event));
    this.body.addEventListener("focusin", (event) => this.choose(event.target.closest("tr")));
  }

  show(items) {
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, { row }] of this.rows) {
      if (wanted.has(key)) continue;
      if (row === focused) this.leave(row);
      row.remove();
      this.rows.delete(key);
    }
    items.forEach((item, place) => {
      const row = this.rowOf(item);
      if (this.body.rows[place] !== row) this.body.insertBefore(row, this.body.rows[place] ?? null);
    });
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    this.none.hidden = items.length > 0;
    if (!this.body.querySelector('tr[tabindex="0"]')) this.choose(this.body.rows[0]);
  }

  // The chosen row goes: the one beside it is chosen.
  leave(row) {
    (row.nextElementSibling ?? row.previousElementSibling)?.focus({ preventScroll: true });
  }

  rowOf(item) {
    let kept = this.rows.get(item.key);
    if (!kept) {
      kept = { row: document.createElement("tr"), texts: [] };
      kept.row.tabIndex = -1;
      kept.row.dataset.key = item.key;
      for (const name of this.heads) kept.row.insertCell().className = name;
      this.rows.set(item.key, kept);
    }
    kept.item = item;
    kept.row.classList.toggle("open", item.open === true);
    this.cells(item).forEach((cell, place) => {
      const { text, swatch } = typeof cell === "string" ? { text: cell } : cell;
      if (kept.texts[place] === text) return;
      kept.texts[place] = text;
      const shown = kept.row.cells[place];
      shown.textContent = text;
      if (swatch) {
        const mark = document.createElement("span");
        mark.className = "swatch";
        mark.style.background = swatch;
        shown.prepend(mark);
      }
    });
    return kept.row;
  }

  choose(row) {
    if (!row) return;
    for (const other of this.body.querySelectorAll('tr[tabindex="0"]')) other.tabIndex = -1;
    row.tabIndex = 0;
  }

  onKey(event) {
    const row = event.target.closest("tr");
    if (!row || event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.body.rows.length - 1;
    const at = row.sectionRowIndex;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + PAGE, PageUp: at - PAGE, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      const next = this.body.rows[Math.min(Math.max(to, 0), last)];
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" || event.key === " ") {
      this.open(this.rows.get(row.dataset.key).item);
    } else {
      return;
    }
    event.preventDefault();
  }

  onClick(event) {
    const row = event.target.closest("tr");
    if (!row) return;
    row.focus();
    this.open(this.rows.get(row.dataset.key).item);
  }
}

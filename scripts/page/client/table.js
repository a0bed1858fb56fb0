/** Tables that can be sorted, and whose rows keep their elements when their numbers change. */
import { element, setText } from "./dom.js";

/**
 * @template Item
 * @typedef {object} Column
 * @property {string} title
 * @property {(item: Item) => string} text
 * @property {(item: Item) => string | number} [sortBy] a table is not sorted by a column without it
 * @property {boolean} [isNumber] aligned to the right, and sorted from high to low first
 * @property {(item: Item) => string} [className]
 * @property {(cell: HTMLElement, item: Item) => void} [draw] draws something that is no text
 */

/**
 * @template Item
 * @typedef {object} TableOptions
 * @property {string} name the table's name for screen readers
 * @property {string} empty what is shown instead of an empty table
 * @property {(item: Item) => string} keyOf identifies a row among all rows
 * @property {Column<Item>[]} columns the first is the row's header
 * @property {(item: Item) => void} [choose] makes the row's header a button
 * @property {(item: Item) => boolean} [isChosen]
 * @property {string} [caption] a visible caption
 */

/**
 * A table within `container`. Returns a function that shows other items; they are in the given order until the user sorts.
 * @template Item
 * @param {HTMLElement} container
 * @param {TableOptions<Item>} options
 * @returns {(items: Item[]) => void}
 */
export function createTable(container, { name, empty, keyOf, columns, choose, isChosen, caption }) {
  /** @type {Item[]} */
  let items = [];
  /** @type {{ column: Column<Item>, direction: 1 | -1 } | undefined} */
  let sorting;
  /** @type {Map<string, { row: HTMLTableRowElement, item: Item }>} */
  const rows = new Map();

  const body = element("tbody");
  const headers = columns.map((column) => headerOf(column));
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...headers)), body);
  if (caption !== undefined) table.prepend(element("caption", {}, caption));
  else table.setAttribute("aria-label", name);
  const scroller = element(
    "div",
    { class: "scroller", role: "region", "aria-label": `${name}: table`, tabindex: "0" },
    table,
  );
  const nothing = element("p", { class: "hint" }, empty);
  container.replaceChildren(scroller, nothing);
  show([]);

  /** @param {Column<Item>} column */
  function headerOf(column) {
    const header = element("th", { scope: "col" });
    if (column.isNumber) header.className = "number";
    if (column.sortBy === undefined) {
      header.append(column.title);
      return header;
    }
    const button = element("button", { type: "button" }, column.title);
    button.addEventListener("click", () => {
      const first = column.isNumber ? -1 : 1;
      const isAgain = sorting?.column === column;
      sorting = { column, direction: isAgain && sorting?.direction === first ? (first === 1 ? -1 : 1) : first };
      for (const each of headers) each.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", sorting.direction === 1 ? "ascending" : "descending");
      order();
    });
    header.append(button);
    return header;
  }

  /** @param {Item} item */
  function newRow(item) {
    const key = keyOf(item);
    const row = element("tr");
    for (const [index, column] of columns.entries()) {
      const cell = index === 0 ? element("th", { scope: "row" }) : element("td");
      if (column.isNumber) cell.className = "number";
      if (index === 0 && choose !== undefined) {
        const button = element("button", { type: "button" }, element("bdi"));
        button.addEventListener("click", () => choose(rows.get(key)?.item ?? item));
        cell.append(button);
      } else if (column.draw === undefined) {
        cell.append(element("bdi"));
      }
      row.append(cell);
    }
    return row;
  }

  /**
   * @param {HTMLTableRowElement} row
   * @param {Item} item
   */
  function fill(row, item) {
    for (const [index, column] of columns.entries()) {
      const cell = row.cells[index];
      const text = cell.querySelector("bdi");
      if (text !== null) setText(text, column.text(item));
      column.draw?.(cell, item);
      if (column.className !== undefined) {
        cell.className = `${column.isNumber ? "number " : ""}${column.className(item)}`;
      }
    }
    const isPressed = isChosen?.(item);
    if (isPressed !== undefined) row.querySelector("button")?.setAttribute("aria-pressed", String(isPressed));
  }

  function order() {
    const sorted = [...items];
    if (sorting !== undefined) {
      const { column, direction } = sorting;
      const value = /** @type {(item: Item) => string | number} */ (column.sortBy);
      sorted.sort((a, b) => {
        const [left, right] = [value(a), value(b)];
        return direction * (left < right ? -1 : left > right ? 1 : 0);
      });
    }
    const wanted = sorted.flatMap((item) => rows.get(keyOf(item))?.row ?? []);
    if (wanted.some((row, index) => body.rows[index] !== row)) body.replaceChildren(...wanted);
  }

  /** @param {Item[]} shown */
  function show(shown) {
    items = shown;
    const keys = new Set(items.map(keyOf));
    for (const [key, { row }] of rows) {
      if (keys.has(key)) continue;
      row.remove();
      rows.delete(key);
    }
    for (const item of items) {
      const key = keyOf(item);
      const row = rows.get(key)?.row ?? newRow(item);
      rows.set(key, { row, item });
      fill(row, item);
      if (!row.isConnected) body.append(row);
    }
    // Rows do not move away from under the pointer or the focus.
    if (!body.matches(":hover, :focus-within")) order();
    scroller.hidden = items.length === 0;
    nothing.hidden = items.length > 0;
  }

  return show;
}

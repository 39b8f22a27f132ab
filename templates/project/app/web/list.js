/** The list of reports, newest first. */

import { explain, get } from "./api.js";
import { Card } from "./card.js";

const PAGE = "/reports?limit=20";

export class List {
  #cards = new Map();
  #cursor;

  constructor(list, empty, older, message) {
    Object.assign(this, { list, empty, older, message });
    older.addEventListener("click", () => this.#loadOlder());
  }

  /** Show the newest page, and whether there is anything at all. */
  async load() {
    const page = await get(PAGE);
    page.items.forEach((report) => this.show(report));
    if (this.#cursor === undefined) this.#setCursor(page.next_cursor);
    this.empty.hidden = this.#cards.size > 0;
    this.message.textContent = "";
  }

  /** Show a report as it stands, unless something newer is shown already. */
  show(report) {
    const known = this.#cards.get(report.id);
    if (known) known.show(report);
    else this.#add(report);
  }

  #add(report) {
    const card = new Card(report, (changed) => this.show(changed));
    const cards = [...this.#cards.values()];
    const next = cards
      .filter((other) => other.createdAt < report.created_at)
      .reduce((a, b) => (a && a.createdAt > b.createdAt ? a : b), undefined);
    this.list.insertBefore(card.element, next?.element ?? null);
    this.#cards.set(report.id, card);
    this.empty.hidden = true;
  }

  async #loadOlder() {
    try {
      const page = await get(`${PAGE}&cursor=${encodeURIComponent(this.#cursor)}`);
      page.items.forEach((report) => this.show(report));
      this.#cards.get(page.items[0]?.id)?.focus();
      this.#setCursor(page.next_cursor);
    } catch (error) {
      this.message.textContent = explain(error);
    }
  }

  #setCursor(cursor) {
    this.#cursor = cursor;
    this.older.hidden = !cursor;
  }
}

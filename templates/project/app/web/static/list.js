/** The list of jobs, newest first. */

import { explain, get, here } from "./api.js";
import { Card } from "./card.js";

const PAGE = "jobs?limit=20";

export class List {
  #cards = new Map();
  #cursor;
  #kinds;

  constructor(list, empty, older, message, kinds) {
    Object.assign(this, { list, empty, older, message });
    this.#kinds = kinds;
    older.addEventListener("click", () => this.#loadOlder());
  }

  /** Show the newest page, and whether there is anything at all. */
  async load() {
    const page = await get(PAGE);
    page.items.forEach((job) => this.show(job));
    if (this.#cursor === undefined) this.#setCursor(page.next_cursor);
    this.empty.hidden = this.#cards.size > 0;
    this.message.textContent = "";
  }

  /** Show a job as it stands, unless something newer is shown already; its element. */
  show(job) {
    const known = this.#cards.get(job.id);
    if (known) known.show(job);
    else this.#add(job);
    return this.#cards.get(job.id).element;
  }

  #add(job) {
    const kind = this.#kinds.get(job.kind) ?? { title: job.kind, prefix: here(`jobs/${job.kind}`) };
    const card = new Card(job, kind, (changed) => this.show(changed));
    const next = [...this.#cards.values()]
      .filter((other) => other.id < job.id) // the ids rise with time
      .reduce((a, b) => (a && a.id > b.id ? a : b), undefined);
    this.list.insertBefore(card.element, next?.element ?? null);
    this.#cards.set(job.id, card);
    this.empty.hidden = true;
  }

  async #loadOlder() {
    try {
      const page = await get(`${PAGE}&cursor=${encodeURIComponent(this.#cursor)}`);
      page.items.forEach((job) => this.show(job));
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

/** A report on the page. */

import { call, explain } from "./api.js";
import { element, say } from "./dom.js";
import { duration, number, time } from "./format.js";
import { key } from "./key.js";
import { result } from "./result.js";

const MOVING = new Set(["queued", "running"]);
const OPENING = 60_000; // milliseconds in which a tab has read what it shows

export class Card {
  #report = { version: 0 };
  #onChange;
  #parts;

  constructor(report, onChange) {
    this.createdAt = report.created_at;
    this.#onChange = onChange;
    const heading = `report-${report.id}`;
    this.#parts = {
      status: element("span", { class: "status" }),
      progress: element("progress", { max: 1, "aria-label": `Progress of ${report.title}` }),
      done: element("span", { class: "done" }),
      facts: element("p", { class: "facts" }),
      message: element("p", { class: "message", role: "alert" }),
      cancel: this.#action("Cancel", "cancel"),
      retry: this.#action("Try again", "retry"),
      pdf: this.#pdf(report),
      details: element("details", { toggle: () => this.#showResult() },
        element("summary", {}, "Numbers and histogram")),
    };
    const { status, progress, done, facts, message, cancel, retry, pdf, details } = this.#parts;
    this.element = element("li", { class: "card", tabindex: -1, "aria-labelledby": heading },
      element("div", { class: "top" }, element("h3", { id: heading }, report.title), status),
      facts,
      element("div", { class: "bar" }, progress, done, cancel),
      message,
      element("div", { class: "actions" }, pdf, retry),
      details);
    this.show(report);
  }

  /** Show the report as it stands, unless a newer version is shown. */
  show(report) {
    if (report.version <= this.#report.version) return;
    const before = this.#report;
    this.#report = report;
    const { status, progress, done, facts, cancel, retry, pdf, details } = this.#parts;
    const isMoving = MOVING.has(report.status);
    status.textContent = report.cancel_requested && isMoving ? "cancelling" : report.status;
    this.element.dataset.status = report.status;
    facts.textContent = describe(report);
    progress.value = report.progress;
    done.textContent = report.status === "queued" ? "waiting" : `${Math.floor(report.progress * 100)} %`;
    progress.parentElement.hidden = !isMoving;
    this.#showMessage(report.error ? `${report.error.message} (${report.error.code})` : "");
    const hadFocus = this.element.contains(document.activeElement);
    cancel.hidden = !isMoving || report.cancel_requested;
    retry.hidden = !["failed", "cancelled"].includes(report.status);
    pdf.hidden = details.hidden = report.status !== "succeeded";
    if (hadFocus && !document.activeElement.checkVisibility()) this.focus();
    if (before.status && before.status !== report.status) say(`${report.title}: ${report.status}`);
  }

  /** Put the keyboard here. */
  focus() {
    this.element.focus();
  }

  #action(words, name) {
    return element("button", { type: "button", click: () => this.#act(name) }, words);
  }

  async #act(name) {
    try {
      const answer = await call("POST", `/reports/${this.#report.id}/${name}`);
      this.#onChange(await answer.json());
    } catch (error) {
      this.#showMessage(explain(error));
    }
  }

  #pdf({ id, title }) {
    return element("a", {
      class: "button primary",
      href: `/reports/${id}/pdf`,
      target: "_blank",
      "aria-label": `Open the PDF of ${title}`,
      click: (event) => key() && this.#openWithKey(event),
    }, "Open PDF");
  }

  /** A link cannot send the key: the PDF is fetched, then shown. */
  async #openWithKey(event) {
    event.preventDefault();
    const tab = window.open("", "_blank"); // now, while the click allows it
    try {
      const answer = await call("GET", event.currentTarget.pathname);
      const url = URL.createObjectURL(await answer.blob());
      if (tab) tab.location = forgetLater(url);
      else this.#offer(url);
    } catch (error) {
      tab?.close();
      this.#showMessage(explain(error));
    }
  }

  /** Browsers that let no script open a tab let a person do so. */
  #offer(url) {
    const attributes = { href: url, target: "_blank", click: () => forgetLater(url) };
    this.#showMessage("The browser opened no tab. ", element("a", attributes, "Here is the PDF."));
  }

  #showMessage(...parts) {
    this.#parts.message.replaceChildren(...parts);
  }

  #showResult() {
    const { details } = this.#parts;
    if (details.open && !details.querySelector("table")) details.append(result(this.#report.result));
  }
}

function forgetLater(url) {
  setTimeout(() => URL.revokeObjectURL(url), OPENING);
  return url;
}

function describe(report) {
  const facts = [
    report.dataset,
    `${number(report.resamples)} resamples`,
    `seed ${report.seed}`,
    `requested ${time(report.created_at)}`,
  ];
  if (report.attempts > 1) facts.push(`try ${report.attempts}`);
  if (report.finished_at && report.started_at) {
    facts.push(`took ${duration(report.started_at, report.finished_at)}`);
  }
  return facts.join(" · ");
}

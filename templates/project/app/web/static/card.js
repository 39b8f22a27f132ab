/** A job on the page. */

import { call, explain } from "./api.js";
import { element, say } from "./dom.js";
import { duration, size, time, words } from "./format.js";
import { key } from "./key.js";
import { table, text } from "./result.js";

const MOVING = new Set(["delayed", "queued", "running"]);
const WAITING = { delayed: "delayed", queued: "waiting" };
const OPENING = 60_000; // milliseconds in which a tab has read what it shows
const LONGEST_FACT = 60; // characters

export class Card {
  #job = { version: 0 };
  #kind;
  #onChange;
  #parts;

  constructor(job, kind, onChange) {
    this.id = job.id;
    this.#kind = kind;
    this.#onChange = onChange;
    const heading = `job-${job.id}`;
    this.name = job.params.title ?? job.params.name ?? kind.title;
    this.#parts = {
      status: element("span", { class: "status" }),
      progress: element("progress", { max: 1, "aria-label": `Progress of ${this.name}` }),
      done: element("span", { class: "done" }),
      facts: element("p", { class: "facts" }),
      message: element("p", { class: "message", role: "alert" }),
      cancel: this.#action("Cancel", "cancel"),
      retry: this.#action("Try again", "retry"),
      artifacts: element("span", { class: "artifacts" }),
      details: element("details", { toggle: () => this.#showResult() }, element("summary", {}, "Result")),
    };
    const { status, progress, done, facts, message, cancel, retry, artifacts, details } = this.#parts;
    this.element = element("li", { class: "card", tabindex: -1, "aria-labelledby": heading },
      element("div", { class: "top" }, element("h2", { id: heading }, this.name), status),
      facts,
      element("div", { class: "bar" }, progress, done, cancel),
      message,
      element("div", { class: "actions" }, artifacts, retry),
      details);
    this.show(job);
  }

  /** Show the job as it stands, unless a newer version is shown. */
  show(job) {
    if (job.version <= this.#job.version) return;
    const before = this.#job;
    this.#job = job;
    const { status, progress, done, facts, cancel, retry, artifacts, details } = this.#parts;
    const isMoving = MOVING.has(job.status);
    status.textContent = job.cancel_requested && isMoving ? "cancelling" : job.status;
    this.element.dataset.status = job.status;
    facts.textContent = describe(job, this.#kind);
    progress.value = job.progress;
    done.textContent = WAITING[job.status] ?? `${Math.floor(job.progress * 100)} %`;
    progress.parentElement.hidden = !isMoving;
    this.#showMessage(job.error ? `${job.error.message} (${job.error.code})` : "");
    const hadFocus = this.element.contains(document.activeElement);
    cancel.hidden = !isMoving || job.cancel_requested;
    retry.hidden = !["failed", "cancelled"].includes(job.status);
    artifacts.replaceChildren(...job.artifacts.map((artifact) => this.#link(artifact)));
    details.hidden = job.status !== "succeeded";
    if (hadFocus && !document.activeElement.checkVisibility()) this.focus();
    if (before.status && before.status !== job.status) say(`${this.name}: ${job.status}`);
  }

  /** Put the keyboard here. */
  focus() {
    this.element.focus();
  }

  #action(label, name) {
    return element("button", { type: "button", click: () => this.#act(name) }, label);
  }

  async #act(name) {
    try {
      const answer = await call("POST", `${this.#kind.prefix}/${this.#job.id}/${name}`);
      this.#onChange(await answer.json());
    } catch (error) {
      this.#showMessage(explain(error));
    }
  }

  #link({ name, href, size: bytes }) {
    return element("a", {
      class: "button primary",
      href,
      target: "_blank",
      title: size(bytes),
      "aria-label": `${name} of ${this.name}`,
      click: (event) => key() && this.#openWithKey(event, name),
    }, name);
  }

  /** A link cannot send the key: the artifact is fetched, then shown. */
  async #openWithKey(event, name) {
    event.preventDefault();
    const tab = window.open("", "_blank"); // now, while the click allows it
    try {
      const answer = await call("GET", event.currentTarget.href);
      const url = URL.createObjectURL(await answer.blob());
      if (tab) tab.location = forgetLater(url);
      else this.#offer(url, name);
    } catch (error) {
      tab?.close();
      this.#showMessage(explain(error));
    }
  }

  /** Browsers that let no script open a tab let a person do so. */
  #offer(url, name) {
    const attributes = { href: url, target: "_blank", click: () => forgetLater(url) };
    this.#showMessage("The browser opened no tab. ", element("a", attributes, `Here is ${name}.`));
  }

  #showMessage(...parts) {
    this.#parts.message.replaceChildren(...parts);
  }

  #showResult() {
    const { details } = this.#parts;
    if (!details.open || details.querySelector(".result")) return;
    const show = this.#kind.own?.result ?? table;
    details.append(element("div", { class: "result" }, show(this.#job.result)));
  }
}

function forgetLater(url) {
  setTimeout(() => URL.revokeObjectURL(url), OPENING);
  return url;
}

function describe(job, kind) {
  const facts = Object.entries(job.params)
    .filter(([name, value]) => value !== null && name !== "title" && name !== "name")
    .map(([name, value]) => `${words(name).toLowerCase()} ${short(text(value))}`);
  const when = [`requested ${time(job.created_at)}`];
  if (job.status === "delayed") when.push(`not before ${time(job.run_at)}`);
  if (job.attempts > 1) when.push(`try ${job.attempts}`);
  if (job.finished_at && job.started_at) when.push(`took ${duration(job.started_at, job.finished_at)}`);
  const title = (job.params.title ?? job.params.name) ? [kind.title] : [];
  return [...title, ...facts, ...when].join(" · ");
}

const short = (fact) => (fact.length > LONGEST_FACT ? `${fact.slice(0, LONGEST_FACT)}…` : fact);

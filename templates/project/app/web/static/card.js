/** A job on the page. */

import { call, explain } from "./api.js";
import { isShown, link, preview } from "./artifacts.js";
import { element, say } from "./dom.js";
import { duration, time, words } from "./format.js";
import { table, text } from "./result.js";

const MOVING = new Set(["delayed", "queued", "running"]);
const WAITING = { delayed: "delayed", queued: "waiting" };
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
    this.name = titleOf(job) ?? kind.title;
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
    const tell = (...parts) => this.#showMessage(...parts);
    artifacts.replaceChildren(...job.artifacts.map((artifact) => link(artifact, this.name, tell)));
    details.hidden = job.status !== "succeeded" || !this.#hasResult();
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

  #showMessage(...parts) {
    this.#parts.message.replaceChildren(...parts);
  }

  #hasResult() {
    return Object.keys(this.#job.result ?? {}).length > 0 || this.#job.artifacts.some(isShown);
  }

  #showResult() {
    const { details } = this.#parts;
    if (!details.open || details.querySelector(".result")) return;
    const show = this.#kind.own?.result ?? table;
    const seen = this.#job.artifacts.filter(isShown).map(preview);
    details.append(element("div", { class: "result" }, ...seen, show(this.#job.result)));
  }
}

/** What a person has called it, if anything. */
const titleOf = ({ params }) => [params.title, params.name].find((one) => typeof one === "string" && one);

function describe(job, kind) {
  const facts = Object.entries(job.params)
    .filter(([, value]) => value !== null && value !== titleOf(job))
    .map(([name, value]) => `${words(name).toLowerCase()} ${short(text(value))}`);
  const when = [`requested ${time(job.created_at)}`];
  if (job.status === "delayed") when.push(`not before ${time(job.run_at)}`);
  if (job.attempts > 1) when.push(`try ${job.attempts}`);
  if (job.finished_at && job.started_at) when.push(`took ${duration(job.started_at, job.finished_at)}`);
  const title = titleOf(job) ? [kind.title] : [];
  return [...title, ...facts, ...when].join(" · ");
}

const short = (fact) => (fact.length > LONGEST_FACT ? `${fact.slice(0, LONGEST_FACT)}…` : fact);

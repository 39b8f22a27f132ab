/** A form for a kind of job, made from the JSON schema of its parameters and from its inputs. */

import { call, explain, Refused, upload } from "./api.js";
import { element, say } from "./dom.js";
import { fieldsOf, valuesOf } from "./fields.js";
import { filesOf } from "./files.js";
import { size } from "./format.js";

const STEP = 0.25; // of an upload, after which those who listen are told

/** The form; `onJob` gets the job that it starts. */
export function form(kind, onJob) {
  const [params, files] = [fieldsOf(kind.params), filesOf(kind.inputs)];
  const fields = [...params, ...files];
  const leaves = fields.flatMap(function inner(field) {
    return field.fields ? field.fields.flatMap(inner) : [field];
  });
  const message = element("p", { class: "message", role: "alert" });
  const button = element("button", { class: "primary" }, `Start: ${kind.title}`);
  const bar = uploadBar();
  const made = element("form", {}, ...fields.map((field) => field.row), button, bar.row, message);
  submits(made, button, message, async () => {
    leaves.forEach((field) => field.fault(""));
    try {
      const answer = await send(kind, params, files, bar);
      if (!answer) return;
      const job = await answer.json();
      onJob(job);
      say(`${kind.title} is ${job.status}.`);
    } catch (error) {
      tell(error, leaves);
    }
  });
  made.refresh = () => Promise.all(leaves.map((field) => field.refresh?.()));
  return made;
}

/** Do a form's work once at a time, and show beside it what went wrong. */
export function submits(made, button, message, work) {
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    message.textContent = "";
    try {
      await work();
    } catch (error) {
      message.textContent = explain(error);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

async function send(kind, params, files, bar) {
  const values = JSON.stringify(valuesOf(params));
  if (!files.length) return call("POST", kind.prefix, values, "application/json");
  const body = new FormData();
  body.set("params", new Blob([values], { type: "application/json" }));
  let bytes = 0;
  for (const field of files) {
    for (const file of field.value()) {
      body.append(field.path[0], file);
      bytes += file.size;
    }
  }
  return bar.during(bytes, (onSent, signal) => upload(kind.prefix, body, onSent, signal));
}

/** Show what was refused at the fields that it is of. Throws what has none. */
function tell(error, fields) {
  const faults = error.faults ?? [];
  const homes = faults.map((fault) => homeOf(fault.path, fields));
  homes.forEach((home, number) => home?.fault(faults[number].message));
  homes.find(Boolean)?.focus();
  const rest = faults.filter((_, number) => !homes[number]);
  if (!faults.length) throw error;
  if (rest.length) throw new Refused({ detail: rest.map((fault) => fault.message).join("; ") });
}

/** The field that a path leads to, or into. */
function homeOf(path, fields) {
  const wanted = `${path.join(".")}.`;
  return fields
    .filter((field) => wanted.startsWith(`${field.path.join(".")}.`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** How far an upload is, and the way to end it. */
function uploadBar() {
  const progress = element("progress", { max: 1, "aria-label": "Upload" });
  const done = element("span", { class: "done" });
  const cancel = element("button", { type: "button" }, "Cancel upload");
  const row = element("div", { class: "bar", hidden: "" }, progress, done, cancel);
  const show = (sent, bytes) => {
    const before = progress.value;
    progress.value = bytes ? Math.min(sent / bytes, 1) : 1;
    done.textContent = progress.value < 1 ? `${size(sent)} of ${size(bytes)}` : "sent, being stored …";
    if (Math.floor(progress.value / STEP) > Math.floor(before / STEP)) {
      say(`Upload: ${Math.floor(progress.value * 100)} %`);
    }
  };
  /** The answer to `work`; none when it was cancelled. */
  const during = async (bytes, work) => {
    const control = new AbortController();
    cancel.onclick = () => control.abort();
    progress.value = 0;
    show(0, bytes);
    row.hidden = false;
    try {
      return await work((sent) => show(sent, bytes), control.signal);
    } catch (error) {
      if (error !== control.signal.reason) throw error;
      say("The upload is cancelled, and nothing of it is kept.");
      return undefined;
    } finally {
      const hadFocus = row.contains(document.activeElement);
      row.hidden = true;
      if (hadFocus) row.previousElementSibling.focus();
    }
  };
  return { row, during };
}

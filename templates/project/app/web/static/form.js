/** A form for a kind of job, made from the JSON schema of its parameters and from its inputs. */

import { call, explain, get } from "./api.js";
import { element, say } from "./dom.js";
import { size, words } from "./format.js";

const DATES = { date: "date", "date-time": "datetime-local", time: "time" };

/** The form; `onJob` gets the job that it starts. */
export function form(kind, onJob) {
  const fields = [...parameters(kind.params), ...files(kind.inputs)];
  const message = element("p", { class: "message", role: "alert" });
  const button = element("button", { class: "primary" }, `Start: ${kind.title}`);
  const made = element("form", {}, ...fields.map((field) => field.row), button, message);
  submits(made, button, message, async () => {
    const answer = await send(kind, fields);
    const job = await answer.json();
    onJob(job);
    say(`${kind.title} is ${job.status}.`);
  });
  made.refresh = () => Promise.all(fields.map((field) => field.refresh?.()));
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
      message.textContent = error instanceof RangeError ? error.message : explain(error);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

function send(kind, fields) {
  const given = fields.map((field) => [field.name, field.value()]);
  const params = Object.fromEntries(
    given.filter(([, value], number) => !fields[number].isFile && value !== undefined),
  );
  if (!Object.keys(kind.inputs).length) {
    return call("POST", kind.prefix, JSON.stringify(params), "application/json");
  }
  const body = new FormData();
  body.set("params", new Blob([JSON.stringify(params)], { type: "application/json" }));
  for (const [number, [name, value]] of given.entries()) {
    if (fields[number].isFile) for (const file of value) body.append(name, file);
  }
  return call("POST", kind.prefix, body);
}

function parameters(schema) {
  return Object.entries(schema.properties ?? {})
    .map(([name, found]) => [name, plain(found, schema.$defs ?? {})])
    .filter(([, found]) => !found["x-hidden"])
    .map(([name, found]) => parameter(name, found, (schema.required ?? []).includes(name)));
}

/** A property without references, and without the null that makes it optional. */
function plain(found, definitions) {
  const target = found.$ref ?? found.allOf?.[0]?.$ref;
  if (target) {
    const { $ref, allOf, ...own } = found;
    return plain({ ...definitions[target.split("/").pop()], ...own }, definitions);
  }
  const choices = found.anyOf?.filter((choice) => choice.type !== "null");
  if (choices?.length !== 1) return found;
  const { anyOf, ...own } = found;
  return plain({ ...choices[0], ...own }, definitions);
}

function parameter(name, found, required) {
  const label = found.title ?? words(name);
  const common = { name, required: required ? "" : undefined };
  if (found["x-options"]) return options(name, label, found, common);
  if (found.enum) return choice(name, label, found, common);
  if (found.type === "boolean") return checkbox(name, label, found);
  if (found.type === "integer" || found.type === "number") return number(name, label, found, common);
  if (found.type === "string") return text(name, label, found, common);
  return json(name, label, found, common);
}

const row = (label, input, hint) =>
  element("label", {}, label, input, ...(hint ? [element("span", { class: "hint" }, hint)] : []));

function options(name, label, found, common) {
  const select = element("select", common);
  const refresh = async () => {
    const chosen = select.value;
    const names = (await get(`${found["x-options"]}?limit=1000`)).map((one) => one.name);
    const none = element("option", { value: "" }, "none yet");
    select.replaceChildren(...(names.length ? names.map((one) => element("option", {}, one)) : [none]));
    if (names.includes(chosen)) select.value = chosen;
  };
  select.append(element("option", { value: "" }, "none yet"));
  return { name, row: row(label, select, found.description), value: () => select.value || undefined, refresh };
}

function choice(name, label, found, common) {
  const empty = common.required === undefined ? [element("option", { value: "" }, "–")] : [];
  const select = element("select", common, ...empty,
    ...found.enum.map((one, number) => element("option", { value: number }, String(one))));
  if (found.default !== undefined) select.value = found.enum.indexOf(found.default);
  const value = () => (select.value === "" ? undefined : found.enum[Number(select.value)]);
  return { name, row: row(label, select, found.description), value };
}

function checkbox(name, label, found) {
  const input = element("input", { name, type: "checkbox" });
  input.checked = found.default === true;
  const line = element("label", { class: "check" }, input, label);
  return { name, row: line, value: () => input.checked };
}

function number(name, label, found, common) {
  const whole = found.type === "integer" ? 1 : 0;
  const input = element("input", {
    ...common,
    type: "number",
    min: found.minimum ?? (whole ? add(found.exclusiveMinimum, 1) : found.exclusiveMinimum),
    max: found.maximum ?? (whole ? add(found.exclusiveMaximum, -1) : found.exclusiveMaximum),
    step: found.multipleOf ?? (whole || "any"),
    value: found.default ?? undefined,
  });
  const value = () => (input.value === "" ? undefined : Number(input.value));
  return { name, row: row(label, input, found.description), value };
}

const add = (bound, change) => (bound === undefined ? undefined : bound + change);

function text(name, label, found, common) {
  const input = element("input", {
    ...common,
    type: DATES[found.format] ?? "text",
    maxlength: found.maxLength,
    minlength: found.minLength,
    autocomplete: "off",
    value: found.default ?? undefined,
  });
  const asTime = () => input.value && new Date(input.value).toISOString();
  const value = () => (found.format === "date-time" ? asTime() : input.value) || undefined;
  return { name, row: row(label, input, found.description), value };
}

function json(name, label, found, common) {
  const area = element("textarea", { ...common, rows: 3, spellcheck: "false" });
  if (found.default !== undefined && found.default !== null) area.value = JSON.stringify(found.default);
  const value = () => {
    if (!area.value.trim()) return undefined;
    try {
      return JSON.parse(area.value);
    } catch (error) {
      throw new RangeError(`${label} is not JSON: ${error.message}`);
    }
  };
  return { name, row: row(`${label} (JSON)`, area, found.description), value };
}

function files(inputs) {
  return Object.entries(inputs ?? {}).map(([name, input]) => {
    const any = input.media_types.includes("*/*");
    const field = element("input", {
      name,
      type: "file",
      accept: any ? undefined : input.media_types.join(","),
      multiple: input.many > 1 ? "" : undefined,
      required: input.required ? "" : undefined,
    });
    const value = () => {
      const long = [...field.files].find((file) => file.size > input.max_bytes);
      if (long) throw new RangeError(`${long.name} is longer than ${size(input.max_bytes)}.`);
      if (field.files.length > input.many) throw new RangeError(`${words(name)}: at most ${input.many} files.`);
      return [...field.files];
    };
    return { name, isFile: true, row: row(words(name), field, `at most ${size(input.max_bytes)}`), value };
  });
}

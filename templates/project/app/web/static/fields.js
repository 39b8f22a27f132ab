/** Fields of a form, made from a JSON schema as Pydantic writes it. */

import { get } from "./api.js";
import { element } from "./dom.js";
import { number as format, words } from "./format.js";
import { example, plain } from "./schema.js";

const TIMES = { date: "date", "date-time": "datetime-local", time: "time" };
const TYPES = { ...TIMES, email: "email", uri: "url", password: "password" };
const LONGEST_LINE = 200; // characters; a text that may be longer gets an area
const DEEPEST = 2; // objects within objects that have fields of their own

let count = 0; // of fields, for ids

/** What was given in a field cannot be sent. */
export class Invalid extends Error {
  constructor(path, message) {
    super(message);
    this.faults = [{ path, message }];
  }
}

/**
 * The fields for the properties of a schema. Each has a `path`, a `row` to be shown, `value()`,
 * which may throw Invalid, and `fault(message)`; one for an object has `fields` instead.
 */
export function fieldsOf(schema, definitions = schema.$defs ?? {}, path = []) {
  return Object.entries(schema.properties ?? {})
    .map(([name, found]) => [name, plain(found, definitions)])
    .filter(([, found]) => !found["x-hidden"])
    .map(([name, found]) => {
      const label = found.title ?? words(name);
      const required = (schema.required ?? []).includes(name);
      return make({ path: [...path, name], label, found, required, definitions });
    });
}

/** What fields hold, by their names. Throws Invalid. */
export const valuesOf = (fields) =>
  Object.fromEntries(
    fields.map((field) => [field.path.at(-1), field.value()]).filter(([, value]) => value !== undefined),
  );

/** A row with a label, its input, help, and room for what is wrong with it. */
export function labelled(path, label, input, hint, more = {}) {
  count += 1;
  const [id, hintId, faultId] = ["field", "hint", "fault"].map((what) => `${what}-${count}`);
  input.id = id;
  input.setAttribute("aria-describedby", hint ? `${hintId} ${faultId}` : faultId);
  const message = element("span", { id: faultId, class: "fault", role: "alert" });
  const fault = (text) => {
    message.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => fault(""));
  const parts = [element("label", { for: id }, label), input];
  if (input.type === "checkbox") parts.reverse();
  const row = element("div", { class: input.type === "checkbox" ? "field check" : "field" }, ...parts,
    ...(hint ? [element("span", { id: hintId, class: "hint" }, hint)] : []), message);
  return { path, row, fault, focus: () => input.focus(), ...more };
}

function make(given) {
  const { found } = given;
  if (found["x-options"]) return options(given);
  if (found.enum || "const" in found) return choice(given, found.enum ?? [found.const]);
  if (found.type === "boolean") return found.nullable ? choice(given, [true, false]) : checkbox(given);
  if (found.type === "integer" || found.type === "number") return number(given);
  if (found.type === "string") return text(given);
  const isFlat = found.type === "object" && found.properties && !found.nullable;
  return isFlat && given.path.length < DEEPEST ? object(given) : json(given);
}

/** What an empty field stands for: nothing is sent, and the default holds, or null. */
const whenEmpty = ({ found, required }) =>
  found.nullable && (required || (found.default ?? null) !== null) ? null : undefined;

/** Whether a field cannot be left empty: then there would be no way to say what is meant. */
const isNeeded = ({ found, required }) => !found.nullable && (required || (found.default ?? null) !== null);

const common = (given) => ({ name: given.path.join("."), required: isNeeded(given) ? "" : undefined });

const withLabel = (given, input, more, limit) =>
  labelled(given.path, given.label, input, [given.found.description, limit].filter(Boolean).join(" · "), more);

function options(given) {
  const select = element("select", common(given), element("option", { value: "" }, "none yet"));
  const refresh = async () => {
    const chosen = select.value;
    const found = await get(`${given.found["x-options"]}?limit=1000`);
    const names = found.map((one) => one.name);
    const none = element("option", { value: "" }, "none yet");
    select.replaceChildren(...(names.length ? names.map((one) => element("option", {}, one)) : [none]));
    if (names.includes(chosen)) select.value = chosen;
    select.dispatchEvent(new CustomEvent("options", { bubbles: true, detail: found }));
  };
  return withLabel(given, select, { value: () => select.value || undefined, refresh });
}

function choice(given, choices) {
  const { found } = given;
  const hasDefault = (found.default ?? null) !== null;
  const select = element("select", common(given),
    ...(hasDefault && !found.nullable ? [] : [element("option", { value: "" }, "–")]),
    ...choices.map((one, number) => element("option", { value: number }, spoken(one))));
  if (hasDefault) select.value = choices.indexOf(found.default);
  else if (isNeeded(given) && choices.length === 1) select.value = 0;
  const value = () => (select.value === "" ? whenEmpty(given) : choices[Number(select.value)]);
  return withLabel(given, select, { value });
}

const spoken = (value) => ({ true: "yes", false: "no" })[value] ?? String(value);

function checkbox(given) {
  const input = element("input", { name: given.path.join("."), type: "checkbox" });
  input.checked = given.found.default === true;
  return withLabel(given, input, { value: () => input.checked });
}

function number(given) {
  const { found, path } = given;
  const whole = found.type === "integer";
  const bounds = limits(found, whole);
  const input = element("input", { ...common(given), ...bounds, type: "number" });
  input.value = found.default ?? "";
  const value = () => {
    if (input.value === "") return whenEmpty(given);
    if (found.asText && String(Number(input.value)) !== input.value) return input.value; // all its digits
    if (whole && !Number.isSafeInteger(Number(input.value))) {
      throw new Invalid(path, "A page cannot send so long a number; the API can.");
    }
    return Number(input.value);
  };
  return withLabel(given, input, { value }, spelled(found, bounds));
}

/** The limits of a number in words. */
function spelled(found, { min, max }) {
  const words = [
    min !== undefined && (min === found.exclusiveMinimum ? `more than ${format(min)}` : `at least ${format(min)}`),
    max !== undefined && (max === found.exclusiveMaximum ? `less than ${format(max)}` : `at most ${format(max)}`),
    found.multipleOf && `in steps of ${format(found.multipleOf)}`,
  ];
  return words.filter(Boolean).join(", ");
}

/** A browser counts steps from the minimum on, a schema from zero on. */
function limits(found, whole) {
  const step = found.multipleOf ?? (whole ? 1 : undefined);
  const { exclusiveMinimum: above, exclusiveMaximum: below } = found;
  let min = found.minimum ?? above;
  let max = found.maximum ?? below;
  if (step && min !== undefined) min = Math.ceil(min / step) * step;
  if (step && min !== undefined && min === above) min += step;
  if (step && max !== undefined && max === below) max -= step;
  return { min, max, step: step ?? "any" };
}

function text(given) {
  const { found } = given;
  const isLine = found.format || found.pattern || found.maxLength <= LONGEST_LINE;
  const attributes = { ...common(given), maxlength: found.maxLength, minlength: found.minLength, autocomplete: "off" };
  if (!given.required && !TIMES[found.format]) delete attributes.required; // no text is a text, too
  const input = isLine
    ? element("input", { ...attributes, type: TYPES[found.format] ?? "text", step: TIMES[found.format] && "any" })
    : element("textarea", { ...attributes, rows: 1, class: "long" });
  const isMoment = found.format === "date-time";
  input.value = (isMoment ? local(found.default) : found.default) ?? "";
  if (found.pattern) input.addEventListener("input", () => input.setCustomValidity(mismatch(found.pattern, input.value)));
  const value = () => {
    if (input.value) return isMoment ? new Date(input.value).toISOString() : input.value;
    const isText = !found.nullable && found.default && !TIMES[found.format];
    return isText ? "" : whenEmpty(given);
  };
  return withLabel(given, input, { value });
}

/** A moment as an input for local times takes it. */
function local(moment) {
  if (!moment) return undefined;
  const date = new Date(moment);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
}

/** What to say of a text that does not match; nothing where only the service can tell. */
function mismatch(pattern, value) {
  try {
    const wanted = new RegExp(pattern, "u");
    return !value || wanted.test(value) || wanted.test(value.trim()) ? "" : `This must match ${pattern}`;
  } catch {
    return ""; // a pattern that is none in JavaScript
  }
}

function object(given) {
  const { path, label, found, definitions } = given;
  const fields = fieldsOf(found, definitions, path);
  const hint = found.description ? [element("span", { class: "hint" }, found.description)] : [];
  const row = element("fieldset", {}, element("legend", {}, label), ...hint, ...fields.map((field) => field.row));
  return { path, row, fields, value: () => valuesOf(fields) };
}

function json(given) {
  const { path, label, found, definitions } = given;
  const area = element("textarea", {
    ...common(given), rows: 3, spellcheck: "false", class: "code",
    placeholder: JSON.stringify(example(found, definitions)),
  });
  if ((found.default ?? null) !== null) area.value = JSON.stringify(found.default);
  const value = () => {
    if (!area.value.trim()) return whenEmpty(given);
    try {
      return JSON.parse(area.value);
    } catch (error) {
      throw new Invalid(path, `This is not JSON: ${error.message}`);
    }
  };
  return labelled(path, `${label} (JSON)`, area, found.description, { value });
}

/** What came of a job, of any kind: a table. */

import { element } from "./dom.js";
import { moment, number, words } from "./format.js";

const MOST_ITEMS = 8; // of a list that are written out on one line
const MOST_ROWS = 200; // of a table
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/;

/** All that a result holds, by name. */
export const table = (found) =>
  element("table", {}, element("tbody", {}, ...Object.entries(found ?? {}).map(row)));

const row = ([name, value]) =>
  element("tr", {}, element("th", { scope: "row" }, words(name)), element("td", {}, shown(value)));

/** A value on one line. */
export function text(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) {
    return value.length > MOST_ITEMS ? `${value.length} items` : value.map(text).join(", ") || "none";
  }
  if (typeof value === "object") {
    return Object.entries(value).map(([name, part]) => `${words(name)} ${text(part)}`.toLowerCase()).join(" · ");
  }
  return MOMENT.test(value) ? moment(value) : String(value);
}

/** A value in full. */
function shown(value) {
  if (Array.isArray(value)) return value.some(isObject) ? records(value) : list(value);
  if (isObject(value)) return Object.keys(value).length ? table(value) : "–";
  if (typeof value === "string" && MOMENT.test(value)) return element("time", { datetime: value }, moment(value));
  return element("span", { class: "value" }, text(value));
}

const isObject = (value) => value !== null && typeof value === "object";

function list(values) {
  if (values.length <= MOST_ITEMS) return text(values);
  const all = element("div", { class: "value" }, values.map(text).join(", "));
  return element("details", {}, element("summary", {}, `${number(values.length)} values`), all);
}

/** A list of objects: a row for each, a column for each of their names. */
function records(values) {
  const rows = values.slice(0, MOST_ROWS);
  const names = [...new Set(rows.flatMap((one) => (isObject(one) ? Object.keys(one) : [])))];
  const cells = (one) => names.map((name) => element("td", {}, isObject(one) ? shown(one[name]) : text(one)));
  const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, words(name))));
  const body = rows.map((one) => element("tr", {}, ...cells(one)));
  const found = element("table", { class: "records" }, element("thead", {}, head), element("tbody", {}, ...body));
  const label = `${number(values.length)} rows`;
  const rest = values.length > rows.length ? [`The first ${rows.length} of ${number(values.length)}.`] : [];
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, found, ...rest);
}

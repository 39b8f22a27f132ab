/** What came of a job, of any kind: a table. */

import { element } from "./dom.js";
import { number, words } from "./format.js";

const MOST_ITEMS = 8; // of a list that are written out

/** All that a result holds, by name. */
export const table = (found) =>
  element("table", {}, element("tbody", {}, ...Object.entries(found ?? {}).map(row)));

const row = ([name, value]) =>
  element("tr", {}, element("th", { scope: "row" }, words(name)), element("td", {}, text(value)));

/** A value on one line. */
export function text(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return number(value);
  if (Array.isArray(value)) {
    return value.length > MOST_ITEMS ? `${value.length} items` : value.map(text).join(", ") || "none";
  }
  if (typeof value === "object") {
    return Object.entries(value).map(([name, part]) => `${words(name)} ${text(part)}`.toLowerCase()).join(" · ");
  }
  return String(value);
}

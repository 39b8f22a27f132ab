/** The numbers of a report: a table and a histogram. */

import { element, svg } from "../../dom.js";
import { number } from "../../format.js";

const WIDTH = 640;
const HEIGHT = 244;
const BASE = 208; // where the bars stand
const LEFT = 8;

/** All numbers of a result. */
export function result(found) {
  const interval = ({ low, high, confidence }) =>
    `${number(low)} to ${number(high)} (${number(confidence * 100)} %)`;
  const rows = [
    ["Readings", number(found.count)],
    ["Mean", number(found.mean), interval(found.mean_interval)],
    ["Median", number(found.median), interval(found.median_interval)],
    ["Standard deviation", number(found.standard_deviation)],
    ["Quartiles", `${number(found.lower_quartile)} and ${number(found.upper_quartile)}`],
    ["Range", `${number(found.minimum)} to ${number(found.maximum)}`],
  ];
  return element("div", { class: "report" },
    element("table", {}, element("tbody", {}, ...rows.map(row))), histogram(found.histogram));
}

const row = ([name, value, interval = ""]) =>
  element("tr", {}, element("th", { scope: "row" }, name),
    element("td", {}, value, " ", element("span", { class: "interval" }, interval)));

function histogram({ edges, counts }) {
  const [low, high] = [edges[0], edges.at(-1)];
  const most = Math.max(...counts);
  const at = (value) => LEFT + ((value - low) / (high - low || 1)) * (WIDTH - 2 * LEFT);
  const bars = counts.map((count, bin) => {
    const height = (count / most) * (BASE - 28);
    const label = `${number(edges[bin])} to ${number(edges[bin + 1])}: ${count}`;
    return svg("rect", {
      x: at(edges[bin]) + 1,
      y: BASE - height,
      width: Math.max(at(edges[bin + 1]) - at(edges[bin]) - 2, 1),
      height,
      rx: 2,
    }, svg("title", {}, label));
  });
  const words = `Histogram: ${counts.length} bins from ${number(low)} to ${number(high)}, ` +
    `the highest has ${most} readings.`;
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words, class: "histogram" },
    ...bars,
    svg("path", { d: `M${LEFT} ${BASE}H${WIDTH - LEFT}` }),
    ...ticks(low, high).map((value) =>
      svg("text", { x: at(value), y: BASE + 28, "text-anchor": "middle" }, number(value))),
    svg("text", { x: LEFT, y: 18 }, `readings, at most ${most} in a bin`));
}

/** About five round numbers strictly between two. */
function ticks(low, high) {
  if (!(high > low)) return [low];
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  const margin = (high - low) / 40; // a number at the very edge would be cut off
  for (let count = Math.ceil((low + margin) / step); count * step <= high - margin; count += 1) {
    found.push(count * step);
  }
  return found;
}

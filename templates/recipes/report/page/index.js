/** What reports bring along for the page: their data sets, and a histogram. */

import { call, explain, here } from "../../api.js";
import { element, say } from "../../dom.js";
import { submits } from "../../form.js";
import { number } from "../../format.js";
import { span } from "./span.js";

export { result } from "./histogram.js";

const OWN = new URL(".", import.meta.url).href;
const NAME = "[A-Za-z0-9][A-Za-z0-9._\\-]*";

/** A part of the page where data sets are put, listed and deleted. */
export function panel({ kind, form, refresh }) {
  const datasets = kind.params.properties.dataset["x-options"];
  document.head.append(element("link", { rel: "stylesheet", href: `${OWN}style.css` }));
  const file = element("input", { type: "file", accept: ".csv,text/csv", required: "", change: showFile });
  const fileName = element("strong", {}, "Drop or choose a CSV");
  const expected = element("span", {}, "Its first line is ", element("code", {}, "taken_at,value"));
  const name = element("input", {
    required: "", maxlength: 100, autocomplete: "off", pattern: NAME,
    title: "Letters, digits, dots, hyphens and underscores",
  });
  const button = element("button", {}, "Upload");
  const message = element("p", { class: "message", role: "alert" });
  const drop = element("label", { class: "drop" }, fileName, expected, file);
  const upload = element("form", {}, drop,
    element("div", { class: "row" }, element("label", {}, "Name", name), button), message);
  const sample = element("button", { type: "button", hidden: "", click: loadSample }, "Load the sample data");
  const list = element("ul", { class: "datasets", "aria-label": "Data sets" });
  form.addEventListener("options", ({ detail }) => show(detail)); // the field of the data set is the only one
  letFilesBeDropped();
  submits(upload, button, message, async () => {
    await put(name.value, file.files[0]);
    upload.reset();
    fileName.textContent = "Drop or choose a CSV";
  });

  async function put(title, csv) {
    await call("PUT", here(`${datasets}/${encodeURIComponent(title)}`), csv, "text/csv");
    await refresh();
    choose(title);
    say(`Data set ${title} is there.`);
  }

  function show(found) {
    list.replaceChildren(...found.map(row));
    sample.hidden = found.length > 0;
  }

  function choose(title) {
    form.elements.dataset.value = title;
    form.elements.title.focus();
  }

  const row = ({ name: title, count, first_reading, last_reading }) =>
    element("li", {},
      element("button", { type: "button", class: "link", click: () => choose(title) }, title),
      element("button", { type: "button", class: "link", "aria-label": `Delete ${title}`, click: () => remove(title) }, "Delete"),
      element("span", { class: "facts" }, `${number(count)} readings, ${span(first_reading, last_reading)}`));

  async function remove(title) {
    if (!window.confirm(`Delete the data set ${title}?`)) return;
    await told(async () => {
      await call("DELETE", here(`${datasets}/${encodeURIComponent(title)}`));
      await refresh();
      say(`Data set ${title} is deleted.`);
    });
  }

  async function loadSample() {
    await told(async () => {
      await put("nile", await (await fetch(`${OWN}nile.csv`)).blob());
      form.elements.title.value ||= "The Nile at Aswan";
    });
  }

  async function told(work) {
    message.textContent = "";
    try {
      await work();
    } catch (error) {
      message.textContent = explain(error);
    }
  }

  function showFile() {
    const chosen = file.files[0];
    if (!chosen) return;
    fileName.textContent = chosen.name;
    const stem = chosen.name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9._-]+/g, "-");
    name.value = stem.replace(/^[^A-Za-z0-9]+/, "").slice(0, 100);
    message.textContent = "";
  }

  function letFilesBeDropped() {
    const mark = (isOver) => (event) => {
      event.preventDefault();
      drop.classList.toggle("over", isOver);
    };
    drop.addEventListener("dragover", mark(true));
    drop.addEventListener("dragleave", mark(false));
    drop.addEventListener("drop", (event) => {
      mark(false)(event);
      if (!event.dataTransfer.files.length) return;
      file.files = event.dataTransfer.files;
      showFile();
    });
  }

  return element("section", { "aria-label": `Data: ${kind.title}` },
    element("h2", {}, "Data"), upload, sample, list);
}

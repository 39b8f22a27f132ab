/** The page: wires the forms and the list to the API. */

import { call, explain, follow, get } from "./api.js";
import { byId, element, say } from "./dom.js";
import { List } from "./list.js";
import { number, span } from "./format.js";
import { watchStalls } from "./stalls.js";

const upload = byId("upload");
const start = byId("start");
const file = byId("file");
const list = new List(byId("list"), byId("empty"), byId("older"), byId("list-message"));

/** Do a form's work once at a time, and show beside it what went wrong. */
function onSubmit(form, work) {
  const message = form.querySelector(".message");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
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

async function putDataset(name, csv) {
  await call("PUT", `/datasets/${encodeURIComponent(name)}`, csv, "text/csv");
  await showDatasets(name);
  say(`Data set ${name} is there.`);
}

async function showDatasets(chosen = start.elements.dataset.value) {
  const found = await get("/datasets");
  byId("datasets").replaceChildren(...found.map(datasetRow));
  const options = found.map(({ name }) => element("option", {}, name));
  start.elements.dataset.replaceChildren(
    ...(options.length ? options : [element("option", { value: "" }, "none yet")]),
  );
  if (found.some(({ name }) => name === chosen)) start.elements.dataset.value = chosen;
}

const datasetRow = ({ name, count, first_reading, last_reading }) =>
  element(
    "li",
    {},
    element("button", { type: "button", class: "link", click: () => choose(name) }, name),
    element("span", {}, `${number(count)} readings, ${span(first_reading, last_reading)}`),
  );

function choose(name) {
  start.elements.dataset.value = name;
  start.elements.title.focus();
}

function showFile() {
  const chosen = file.files[0];
  if (!chosen) return;
  byId("file-name").textContent = chosen.name;
  const stem = chosen.name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9._-]+/g, "-");
  upload.elements.name.value = stem.replace(/^[^A-Za-z0-9]+/, "").slice(0, 100);
  upload.querySelector(".message").textContent = "";
}

function letFilesBeDropped(area) {
  const mark = (isOver) => (event) => {
    event.preventDefault();
    area.classList.toggle("over", isOver);
  };
  area.addEventListener("dragover", mark(true));
  area.addEventListener("dragleave", mark(false));
  area.addEventListener("drop", (event) => {
    mark(false)(event);
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    showFile();
  });
}

async function loadSample() {
  try {
    const csv = await (await fetch("/web/nile.csv")).blob();
    await putDataset("nile", csv);
    start.elements.title.value ||= "The Nile at Aswan";
    start.querySelector("button").focus();
  } catch (error) {
    byId("list-message").textContent = explain(error);
  }
}

function showConnection(state) {
  const words = { live: "live", lost: "connection lost, trying again …" };
  byId("connection").dataset.state = state;
  byId("connection").textContent = words[state];
  if (state === "live") refresh();
}

async function refresh() {
  try {
    await Promise.all([showDatasets(), list.load()]);
  } catch (error) {
    byId("list-message").textContent = explain(error);
  }
}

file.addEventListener("change", showFile);
letFilesBeDropped(upload.querySelector(".drop"));
byId("sample").addEventListener("click", loadSample);

onSubmit(upload, async () => {
  await putDataset(upload.elements.name.value, file.files[0]);
  upload.reset();
  byId("file-name").textContent = "Drop or choose a CSV";
  start.elements.title.focus();
});

onSubmit(start, async () => {
  const { title, dataset, resamples, seed } = Object.fromEntries(new FormData(start));
  const asked = { title, dataset, resamples: Number(resamples), seed: Number(seed) };
  const answer = await call("POST", "/reports", JSON.stringify(asked));
  list.show(await answer.json());
  say(`Report ${title} is queued.`);
});

follow((report) => list.show(report), showConnection);
watchStalls();

/** The page: a form for each kind of job, and the list of jobs. */

import { explain, follow, get, here } from "./api.js";
import { byId, element } from "./dom.js";
import { form } from "./form.js";
import { List } from "./list.js";
import { watchStalls } from "./stalls.js";

const kinds = new Map(); // by name
const forms = new Map(); // by the name of the kind
const panels = new Map(); // what a kind brings along, by its name
const list = new List(byId("list"), byId("empty"), byId("older"), byId("list-message"), kinds);

/** Ask for the kinds until there is an answer, and make a form for each. */
async function setUp() {
  const [found, facts] = await Promise.all([get("kinds"), get("web/page.json")]);
  byId("docs").hidden = !facts.docs;
  for (const kind of found) {
    const own = facts.kinds[kind.name]; // a module that the kind brings along for this page
    kinds.set(kind.name, { ...kind, own: own && (await import(here(own))) });
  }
  for (const kind of kinds.values()) addForm(kind);
  byId("empty-hint").hidden = !kinds.size;
  byId("kinds").hidden = kinds.size < 2;
  byId("kind").addEventListener("change", (event) => choose(event.target.value));
  choose(found[0]?.name);
}

function addForm(kind) {
  const made = form(kind, (job) => list.show(job).scrollIntoView({ block: "nearest" }));
  forms.set(kind.name, made);
  byId("forms").append(made);
  byId("kind").append(element("option", { value: kind.name }, kind.title));
  const panel = kind.own?.panel?.({ kind, form: made, refresh: made.refresh });
  if (!panel) return;
  panels.set(kind.name, panel);
  document.querySelector(".side").append(panel);
}

function choose(name) {
  for (const [other, made] of [...forms, ...panels]) made.hidden = other !== name;
}

function showConnection(state) {
  const words = { live: "live", lost: "connection lost, trying again …" };
  byId("connection").dataset.state = state;
  byId("connection").textContent = words[state];
  if (state === "live") refresh();
}

async function refresh() {
  try {
    await Promise.all([list.load(), ...[...forms.values()].map((made) => made.refresh())]);
  } catch (error) {
    byId("list-message").textContent = explain(error);
  }
}

for (let ready = false; !ready; ) {
  try {
    await setUp();
    ready = true;
  } catch (error) {
    byId("list-message").textContent = explain(error);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}
follow((job) => list.show(job), showConnection);
watchStalls();

/** The files that a job has made: links, and those that a browser shows in place. */

import { call, explain } from "./api.js";
import { element } from "./dom.js";
import { size } from "./format.js";
import { key } from "./key.js";

const OPENING = 60_000; // milliseconds in which a tab has read what it shows
const MOST_IN_MEMORY = 100_000_000; // bytes of what is shown in place with a key
// What cannot run a script. HTML and SVG can, and would do so in the name of this page.
const OPENED = /^(application\/pdf|text\/plain|image\/(?!svg)[\w.+-]+|(audio|video)\/[\w.+-]+)$/;
const SAVED = "application/octet-stream";

/** A link to a file of the job that is called `of`; `tell` shows what went wrong. */
export function link(artifact, of, tell) {
  const { name, href, size: bytes } = artifact;
  const open = (event) => key() && openWithKey(event, artifact, tell);
  const attributes = { class: "button primary", href, target: "_blank", title: size(bytes) };
  return element("a", { ...attributes, "aria-label": `${name} of ${of}`, click: open }, name);
}

const typeOf = ({ media_type }) => media_type.split(";")[0].trim().toLowerCase();
const isOpened = (artifact) => OPENED.test(typeOf(artifact));

/** Whether a file can be shown in place. */
export const isShown = (artifact) => isOpened(artifact) && !typeOf(artifact).startsWith("text/");

/** A file as a browser shows it, with its name. */
export function preview(artifact) {
  const make = MAKERS[typeOf(artifact).split("/")[0]];
  const caption = element("figcaption", {}, `${artifact.name}, ${size(artifact.size)}`);
  const figure = element("figure", {}, caption);
  const fail = (why) => (caption.textContent = `${artifact.name}: ${why}`);
  placeOf(artifact).then(
    (place) => {
      const made = make(place, artifact.name);
      made.addEventListener("error", () => {
        made.remove();
        fail("this browser cannot show it. Save it by its link.");
      });
      figure.prepend(made);
    },
    (error) => fail(error instanceof TooMuch ? error.message : explain(error)),
  );
  return figure;
}

class TooMuch extends Error {}

const media = (kind) => (src, name) =>
  element(kind, { src, controls: "", preload: "metadata", playsinline: "", "aria-label": name });

const MAKERS = {
  image: (src, alt) => element("img", { src, alt, loading: "lazy" }),
  audio: media("audio"),
  video: media("video"),
  application: (src, title) => element("iframe", { src, title, loading: "lazy" }), // a PDF
};

/** Where a file is. An element cannot send the key: then the file is fetched as a whole. */
async function placeOf(artifact) {
  if (!key()) return artifact.href;
  if (artifact.size > MOST_IN_MEMORY) {
    throw new TooMuch(`${size(artifact.size)} are not shown in place with an API key.`);
  }
  return URL.createObjectURL(await fetched(artifact)); // kept, for one may seek in it
}

/** The content under a type that the page has chosen: a Blob is of the page's own origin. */
async function fetched(artifact) {
  const answer = await call("GET", artifact.href);
  return new Blob([await answer.blob()], { type: isOpened(artifact) ? typeOf(artifact) : SAVED });
}

/** A link cannot send the key: the file is fetched, then opened or saved. */
async function openWithKey(event, artifact, tell) {
  event.preventDefault();
  const tab = isOpened(artifact) ? window.open("", "_blank") : null; // now, while the click allows it
  try {
    const url = URL.createObjectURL(await fetched(artifact));
    if (tab) tab.location = forgetLater(url);
    else if (isOpened(artifact)) offer(url, artifact.name, tell);
    else element("a", { href: forgetLater(url), download: artifact.name }).click();
  } catch (error) {
    tab?.close();
    tell(explain(error));
  }
}

/** Browsers that let no script open a tab let a person do so. */
function offer(url, name, tell) {
  const attributes = { href: url, target: "_blank", click: () => forgetLater(url) };
  tell("The browser opened no tab. ", element("a", attributes, `Here is ${name}.`));
}

function forgetLater(url) {
  setTimeout(() => URL.revokeObjectURL(url), OPENING);
  return url;
}

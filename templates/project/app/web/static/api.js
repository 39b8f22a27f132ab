/** Calls to the API, and its stream of jobs. Paths are relative to the page, wherever that is. */

import { key, askForKey } from "./key.js";

const LONGEST_PAUSE = 10_000; // milliseconds between two tries to connect

/** What the API refused, in its own words, and where the faults are. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title ?? "The service gave no reason.");
    this.faults = (problem.errors ?? []).map(({ at, message }) => ({
      path: at.split(".").slice(1), // after where in the request it is: `body`, `params`, `files`
      message: message.replace(/^(Value|Assertion) error, /, ""), // Pydantic's own words
    }));
  }
}

/** A path of the API, as the page has to call it. */
export const here = (path) => new URL(path.replace(/^\//, ""), document.baseURI).href;

/** The answer to a call. Throws Refused, or TypeError when the service does not answer. */
export const call = (method, url, body, type) =>
  withKey((headers) => {
    if (type) headers["Content-Type"] = type;
    return fetch(url, { method, headers, body, cache: "no-store" });
  });

/** The same for a form with files: `onSent` gets how many bytes of it have gone out. */
export const upload = (url, body, onSent, signal) =>
  withKey((headers) => post(url, headers, body, onSent, signal));

async function withKey(ask) {
  for (;;) {
    const used = key();
    const answer = await ask({ Accept: "application/json", ...(used && { Authorization: `Bearer ${used}` }) });
    if (answer.ok) return answer;
    if (answer.status !== 401) throw new Refused(await answer.json().catch(() => ({})));
    await askForKey(used);
  }
}

/** What fetch does, which cannot say how much it has sent. */
const post = (url, headers, body, onSent, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => onSent(event.loaded));
    request.addEventListener("load", () => resolve(new Response(request.response, { status: request.status })));
    request.addEventListener("error", () => reject(new TypeError("The connection was lost.")));
    signal.addEventListener("abort", () => {
      request.abort();
      reject(signal.reason);
    });
    request.send(body);
  });

/** The JSON of an answer. */
export const get = async (path) => (await call("GET", here(path))).json();

/** What went wrong, for a person. */
export const explain = (error) =>
  error instanceof Refused ? error.message : "The service does not answer. Try again in a moment.";

/**
 * Follow all jobs for ever: `onJob` gets each as it stands, then each change.
 *
 * One stream for all: over HTTP/1.1 a browser opens six connections at a time to a host. It is read
 * with fetch, because an EventSource cannot send the key.
 */
export async function follow(onJob, onConnection) {
  for (let pause = 500; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      const answer = await call("GET", here("jobs/events"));
      onConnection("live");
      pause = 500;
      for await (const data of events(answer.body)) onJob(JSON.parse(data));
    } catch (error) {
      console.debug("The stream of jobs ended:", error);
    }
    onConnection("lost");
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (text + value).split("\n");
    text = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice(6);
  }
}

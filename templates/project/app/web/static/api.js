/** Calls to the API, and its stream of jobs. Paths are relative to the page, wherever that is. */

import { key, askForKey } from "./key.js";

const LONGEST_PAUSE = 10_000; // milliseconds between two tries to connect

/** What the API refused, in its own words. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title ?? "The service gave no reason.");
  }
}

/** A path of the API, as the page has to call it. */
export const here = (path) => new URL(path.replace(/^\//, ""), document.baseURI).href;

/** The answer to a call. Throws Refused, or TypeError when the service does not answer. */
export async function call(method, url, body, type) {
  for (;;) {
    const used = key();
    const headers = { Accept: "application/json", ...(type && { "Content-Type": type }) };
    if (used) headers.Authorization = `Bearer ${used}`;
    const answer = await fetch(url, { method, headers, body, cache: "no-store" });
    if (answer.ok) return answer;
    if (answer.status !== 401) throw new Refused(await answer.json().catch(() => ({})));
    await askForKey(used);
  }
}

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

/** In development the service tells what has kept its event loop standing still. */

import { here } from "./api.js";
import { byId } from "./dom.js";
import { key } from "./key.js";

const PATH = "dev/stalls";
const PAUSE = 5_000; // milliseconds

/** Show the newest stall, and go on looking while the service tells. */
export async function watchStalls() {
  for (;;) {
    if (key()) return; // not in development
    const answer = await fetch(here(PATH), { cache: "no-store" }).catch(() => undefined);
    if (answer && !answer.ok) return;
    if (answer) show((await answer.json())[0]);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

function show(stall) {
  const banner = byId("stall");
  banner.hidden = !stall;
  if (!stall) return;
  const { file, line, function: name } = stall.look;
  const words =
    `The event loop stood still for ${stall.seconds.toFixed(2)} s: ${file}:${line} in ${name}`;
  if (banner.textContent !== words) banner.textContent = words;
}

/** The API key, when the service wants one: kept in this tab until it is closed. */

import { byId } from "./dom.js";

const NAME = "api-key";
let asking; // one dialog, however many calls were refused

/** The key that was given, if any. */
export const key = () => sessionStorage.getItem(NAME);

/** Wait for another key than the one that was refused. */
export async function askForKey(refused) {
  if (key() !== refused) return; // given meanwhile
  asking ??= ask(refused).finally(() => (asking = undefined));
  await asking;
}

async function ask(refused) {
  const dialog = byId("key");
  const field = dialog.querySelector("input");
  dialog.querySelector(".message").textContent = refused ? "That key is not the right one." : "";
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => {
    // There is nothing behind it to go back to. To prevent its end is no use: a second Esc ends it.
    dialog.onclose = () => (dialog.returnValue ? resolve() : dialog.showModal());
  });
  sessionStorage.setItem(NAME, field.value);
}

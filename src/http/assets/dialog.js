// Asks how a task is to be run.

import { call } from "./net.js";
import { refusal } from "./notice.js";
import { run } from "./actions.js";

let modes;

export async function openRun(task, mode) {
  try {
    modes ??= (await call("GET", "/api/modes")).modes;
  } catch (error) {
    refusal(error);
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", `Run ${task}`);
  const list = document.createElement("div");
  list.className = "modes";
  for (const { name, description } of modes) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name, title: description ?? "" });
    button.autofocus = name === mode;
    button.onclick = async () => { dialog.close(); await run(name, task); };
    list.append(button);
  }
  dialog.append(Object.assign(document.createElement("h2"), { textContent: `Run ${task}` }), list);
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}

// The page of one task.

import { run } from "./actions.js";
import { toast } from "./notice.js";

export const path = (page) => `/ui/tasks/${page.id}`;

// A change of any shown task updates the whole page.
export const rowsOf = (task) => document.querySelector(`#page[data-task="${CSS.escape(task)}"], #page [data-task="${CSS.escape(task)}"]`) ? "page" : [];

export function mount(page) {
  page.main.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-act=run-all]");
    if (!button || button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    const mode = page.main.querySelector("select[name=all-mode]").value;
    const task = document.getElementById("page").dataset.task;
    const done = await run(mode, task, { subtasks: true });
    button.removeAttribute("aria-busy");
    if (done?.runs) toast(`${mode}: ${done.runs.length} subtask${done.runs.length === 1 ? "" : "s"} of ${task}, in order.`);
    page.refresh();
  });
}

// The board's shortcuts act on the task.
const press = (act) => {
  const button = document.querySelector(`.about .acts [data-act=${act}]`);
  if (!button || button.disabled) return false;
  button.click();
  return true;
};

export const keys = {
  r: () => press("run"),
  s: () => press("stop"),
  a: () => press("attach"),
  l: () => press("log"),
  y: () => press("approve"),
};

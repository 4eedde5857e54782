// The page of one task.

import { run } from "./actions.js";
import { press, subtaskKeys, subtasks } from "./subtasks.js";

export const path = (page) => `/ui/tasks/${page.id}`;

// A change of any shown task updates the whole page.
export const rowsOf = (task) => document.querySelector(`#page[data-task="${CSS.escape(task)}"], #page [data-task="${CSS.escape(task)}"]`) ? "page" : [];

export function mount(page) {
  subtasks(page, run);
}

// The board's shortcuts act on the chosen subtask, else on the task.
const about = (act) => {
  if (press(act)) return true;
  const button = document.querySelector(`.about .acts [data-act=${act}]`);
  if (!button || button.disabled) return false;
  button.click();
  return true;
};

export const keys = {
  r: () => about("run"),
  s: () => about("stop"),
  a: () => about("attach"),
  l: () => about("log"),
  y: () => about("approve"),
  E: () => {
    const link = document.querySelector(".about a[href^='/edit/']");
    link?.click();
    return Boolean(link);
  },
  ...subtaskKeys,
};

export const help = {
  j: ["j / k", "next, previous subtask"],
  f: ["f", "run from this subtask on"],
  A: ["A", "run all subtasks"],
  S: ["S", "stop all subtasks"],
  M: ["M / J", "save the results as Markdown, as JSON"],
  E: ["E", "edit the file that lists the task"],
};

// The subtasks on the page of a task: run all, run from one on, stop all, the changes of their worktrees, export.

import { make } from "./element.js";
import { ask, call } from "./net.js";
import { refusal, toast } from "./notice.js";
import { selection } from "./selection.js";

const section = () => document.querySelector(".subtasks");
const rows = () => [...document.querySelectorAll(".subtasks .sub")];
const top = () => document.getElementById("page").dataset.task;

// The mode that the person has chosen for subtasks without one of their own; else the first one proposed. It stays,
// whatever runs meanwhile.
let choice = null;

function keepChoice() {
  const select = document.querySelector("select[name=all-mode]");
  if (!select) return;
  if (choice !== null && [...select.options].some(({ value }) => value === choice)) select.value = choice;
  else choice = select.value;
}

let page;
let run;

export function subtasks(own, start) {
  page = own;
  run = start;
  page.drawn = () => { keepChoice(); showChanges(); };
  page.main.addEventListener("change", ({ target }) => {
    if (target.name === "all-mode") choice = target.value;
  });
  const acts = {
    "run-all": () => runAll(),
    "run-from": (button) => runAll(button.closest(".sub").dataset.task),
    "stop-all": () => askStop(),
    export: (button) => save(button.dataset.format),
  };
  page.main.addEventListener("click", async (event) => {
    const row = event.target.closest(".sub");
    if (row) tree.select(row, false);
    const button = event.target.closest("[data-act]");
    const act = acts[button?.dataset.act];
    if (!act || button.disabled || button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    await act(button);
    button.removeAttribute("aria-busy");
  });
}

// Runs all subtasks in order, or those from `from` on. The mode is for those without one of their own.
async function runAll(from) {
  const task = top();
  const mode = document.querySelector("select[name=all-mode]")?.value ?? section().dataset.anyMode;
  const done = await run(mode, task, from ? { subtasks: true, from } : { subtasks: true });
  if (done?.runs) {
    const modes = new Map();
    for (const { mode: own } of done.runs) modes.set(own, (modes.get(own) ?? 0) + 1);
    const parts = [...modes].map(([own, count]) => `${count} in ${own}`);
    const what = `${done.runs.length} subtask${done.runs.length === 1 ? "" : "s"} of ${task}`;
    toast(done.runs.length ? `${what}, in order: ${parts.join(", ")}.` : `${task}: all subtasks are up to date.`);
  }
  page.refresh();
}

// The active runs in the rows, queued ones first: a stop of the others would start them.
function active() {
  const badges = [...document.querySelectorAll(".subtasks .badge[data-active]")];
  const queued = ({ dataset }) => dataset.state === "queued" || dataset.state === "gate";
  return [...badges.filter(queued), ...badges.filter((badge) => !queued(badge))].map(({ dataset }) => ({ pair: dataset.pair, queued: queued({ dataset }) }));
}

function askStop() {
  const runs = active();
  if (!runs.length || document.querySelector("dialog[open]")) return;
  const cancel = make("button", { type: "button", textContent: "Cancel" });
  const go = make("button", { type: "button", className: "main bad-main", textContent: `Stop ${runs.length}` });
  const list = make("ul", { className: "plan-list", tabIndex: 0, "aria-label": "What is stopped" }, ...runs.map(({ pair }) => make("li", { textContent: pair.replace("/", " ") })));
  const dialog = make("dialog", { className: "plan-dialog", "aria-labelledby": "stop-ask" },
    make("h2", { id: "stop-ask", textContent: `Stop the subtasks of ${top()}` }), list,
    make("div", { className: "buttons" }, make("span", { className: "gap" }), cancel, go));
  cancel.onclick = () => dialog.close();
  go.onclick = async () => {
    dialog.close();
    await stopAll(runs);
  };
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
  cancel.focus();
}

async function stopAll(runs) {
  const stop = async ({ pair }) => {
    try {
      await call("POST", `/stop/${pair}`);
    } catch (error) {
      refusal(error);
    }
  };
  await Promise.all(runs.filter(({ queued }) => queued).map(stop));
  await Promise.all(runs.filter(({ queued }) => !queued).map(stop));
  page.refresh();
}

// Saves the results of the whole tree as a file.
async function save(format) {
  try {
    const answer = await ask("GET", `/api/results/${top()}?format=${format}`);
    const link = make("a", { href: URL.createObjectURL(await answer.blob()), download: `${top()}-results.${format}` });
    link.click();
    toast(`${link.download} is saved.`);
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    refusal(error);
  }
}

// Milliseconds until the changes are requested again after an error.
const AGAIN = 2000;

// The runs, with their states, that the shown changes belong to.
let asked = "";
let known;

// Fills in the changed files of each row's worktree. They are requested again only when a run has begun or ended.
async function showChanges() {
  if (!section()?.dataset.worktrees) return;
  const now = [...document.querySelectorAll(".subtasks .badge[data-run]")].map(({ dataset }) => `${dataset.run} ${dataset.active ?? ""}`).join("\n");
  if (!now) return;
  if (now !== asked) {
    asked = now;
    try {
      known = await call("GET", `/api/results/${top()}`);
    } catch {
      asked = "";
      setTimeout(showChanges, AGAIN);
      return;
    }
  }
  // A row may have been drawn anew since.
  if (known) fillChanges(known);
}

function fillChanges(results) {
  const words = ({ count, added, removed, error }) => error ? "changes not known" : `${count} file${count === 1 ? "" : "s"} +${added} −${removed}`;
  for (const { task, worktree } of results.steps) {
    const place = document.querySelector(`.sub[data-task="${CSS.escape(task)}"] .stat`);
    const changes = results.worktrees[worktree];
    if (!place || !changes) continue;
    place.textContent = words(changes);
    const shared = results.steps.filter((step) => step.worktree === worktree).length;
    place.title = `on branch ${changes.branch}${shared > 1 ? `, shared by ${shared} subtasks` : ""}${changes.error ? `: ${changes.error}` : ""}\n${changes.files.map(({ path }) => path).join("\n")}`;
    place.hidden = false;
  }
}

const tree = selection(rows, ".sub[aria-current]");

// Presses the button of the selected subtask. False: none is selected, or it has no such button.
export const press = (act) => {
  if (act !== "log") return tree.press(act);
  const last = tree.selected()?.querySelector("a.badge");
  last?.click();
  return Boolean(last);
};

const ofTree = (act, which = "") => {
  const button = document.querySelector(`.subtasks > :is(.bar, .tree-acts) [data-act=${act}]${which}`);
  if (!button || button.disabled) return false;
  button.click();
  return true;
};

export const subtaskKeys = {
  j: () => tree.step(1),
  k: () => tree.step(-1),
  Enter: (event) => {
    if (!event.target.matches(".sub")) return false;
    event.target.querySelector("a.title")?.click();
    return true;
  },
  f: () => press("run-from"),
  A: () => ofTree("run-all"),
  S: () => ofTree("stop-all"),
  M: () => ofTree("export", "[data-format=md]"),
  J: () => ofTree("export", "[data-format=json]"),
};

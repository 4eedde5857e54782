// Two dialogs on the pages of tasks and runs: the diff of a task's worktree, and its removal.

import { make } from "./element.js";
import { Refused, call, fragment } from "./net.js";
import { toast } from "./notice.js";

// A dialog with a heading and buttons; the first one closes it.
function open(className, title, close, ...buttons) {
  const body = make("div", { className: "work-body" });
  const away = make("button", { type: "button", textContent: close });
  const dialog = make("dialog", { className, "aria-labelledby": "work-title" },
    make("h2", { id: "work-title", textContent: title }), body,
    make("div", { className: "buttons" }, make("span", { className: "gap" }), away, ...buttons));
  away.onclick = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
  away.focus();
  return { dialog, body };
}

const said = (error) => [
  make("p", { className: "said", role: "alert", textContent: error.message }),
  ...(error.hint ? [make("p", { className: "hint", textContent: error.hint })] : []),
];

const isUp = () => document.querySelector("dialog[open]");

export async function openDiff(task) {
  if (isUp()) return;
  const { dialog, body } = open("diff-dialog", `What was done on ${task}`, "Close");
  body.append(make("p", { className: "quiet", textContent: "git compares…" }));
  try {
    const [page, { Review }] = await Promise.all([fragment(`/ui/diff/${task}`), import("./review.js")]);
    const shown = page.getElementById("diff");
    if (!dialog.open) return;
    const root = document.importNode(shown, true);
    body.replaceChildren(root);
    new Review({ root, bar: dialog.querySelector(".buttons"), close: () => dialog.close() });
  } catch (error) {
    body.replaceChildren(...said(error));
  }
}

// Describes what `clean` would remove or has removed.
function ends(done) {
  const lines = [];
  if (done.removed) lines.push(["Worktree", done.path]);
  if (done.removed && done.ignoredCount) lines.push(["With it, ignored by git", done.ignored.join(", ") + (done.ignoredCount > done.ignored.length ? ", …" : "")]);
  if (done.branchState === "deleted") lines.push(["Branch", done.branch]);
  const list = make("dl", {});
  for (const [what, text] of lines) list.append(make("dt", { textContent: what }), make("dd", {}, make("code", { textContent: text })));
  const kept = done.branchState === "kept" ? [make("p", { className: "quiet", textContent: `Branch ${done.branch} stays: ${done.branchReason}` })] : [];
  return lines.length ? [list, ...kept] : [make("p", { textContent: "There is nothing to remove." }), ...kept];
}

export async function openClean(task) {
  if (isUp()) return;
  const go = make("button", { type: "button", className: "main bad-main", textContent: "Remove", disabled: true });
  const { dialog, body } = open("clean-dialog", `Clean up after ${task}`, "Cancel", go);
  body.append(make("p", { className: "quiet", textContent: "git looks…" }));
  const refuse = (error) => {
    go.disabled = true;
    const words = error instanceof Refused && error.code === "conflict" ? [make("p", { textContent: "Something would be lost, or is in use:" })] : [];
    body.replaceChildren(...words, ...said(error));
  };
  go.onclick = async () => {
    go.disabled = true;
    go.setAttribute("aria-busy", "true");
    try {
      const done = await call("POST", `/api/clean/${task}`, {});
      dialog.close();
      toast(done.branchState === "kept" ? `The worktree of ${task} is removed; branch ${done.branch} stays.` : `${task} is cleaned up.`, { hint: done.branchReason ?? "" });
    } catch (error) {
      refuse(error);
    }
    go.removeAttribute("aria-busy");
  };
  try {
    const plan = await call("POST", `/api/clean/${task}`, { dryRun: true });
    body.replaceChildren(make("p", { textContent: "This removes:" }), ...ends(plan));
    if (!plan.removed && plan.branchState !== "deleted") body.firstChild.remove();
    else go.disabled = false;
  } catch (error) {
    refuse(error);
  }
}

// The page of the plan: applies all of it or one entry, marks what changed, and shows how far it has come.
//
// Rows keep their places while the page is open, so that nothing moves under the pointer.

import { make } from "./element.js";
import { morph } from "./morph.js";
import { call } from "./net.js";
import { refusal, toast } from "./notice.js";
import { selection } from "./selection.js";

export const title = "Plan";

// The pairs that were applied here: their rows stay, also where the plan no longer has them.
const applied = new Set();

// Characters of the pairs in the request's path.
const LONGEST = 6000;

export function path() {
  let also = "";
  for (const pair of applied) if (also.length + pair.length < LONGEST) also += also ? `,${pair}` : pair;
  return also ? `/ui/plan?also=${also}` : "/ui/plan";
}

let page;
let busy = false;
let again = false;

// Planning takes a while: at most one request is under way.
async function renew() {
  again = true;
  if (busy) return;
  busy = true;
  try {
    while (again) {
      again = false;
      await page.refresh();
    }
  } finally {
    // Also after a request that failed, so that the next change starts a new one.
    busy = false;
  }
}

// Any change of a run may change the plan.
export const rowsOf = () => {
  if (page) renew();
  return [];
};

const rows = (root = document) => [...root.querySelectorAll(".plan-rows > .step")];
const nameOf = (row) => `${row.dataset.mode} ${row.dataset.task}`;

// Pair → what its row showed when a person last decided.
let seen = null;
const remember = () => { seen = new Map(rows().map((row) => [row.dataset.pairRow, { ...row.dataset }])); };

// Puts the rows of a new plan in the order of the shown ones, and marks what changed.
function arrange(wanted) {
  const list = wanted.querySelector(".plan-rows");
  if (!list || !document.querySelector(".plan-rows")) return;
  const fresh = new Map(rows(wanted).map((row) => [row.dataset.pairRow, row]));
  const before = rows().map(({ dataset }) => fresh.get(dataset.pairRow)).filter(Boolean);
  for (const row of before) fresh.delete(row.dataset.pairRow);
  list.replaceChildren(...before, ...fresh.values());
  mark(wanted);
}

export function merge(have, wanted) {
  arrange(wanted);
  morph(have, wanted);
}

function mark(wanted) {
  if (!seen) return;
  for (const row of rows(wanted)) {
    const was = seen.get(row.dataset.pairRow);
    if (applied.has(row.dataset.pairRow) || was?.print === row.dataset.print) continue;
    row.classList.add("changed");
    row.querySelector(".step-head").append(make("span", { className: "mark", textContent: was ? `changed, was ${was.action}` : "new" }));
  }
}

// The entries that a person has seen and that the plan no longer has.
const gone = () => [...seen ?? []].filter(([pair]) => !document.querySelector(`[data-pair-row="${CSS.escape(pair)}"]`)).map(([pair]) => pair.replace("/", " "));

// Says that the plan changed, until the person has looked.
function note(words) {
  const box = document.getElementById("plan-note");
  if (!box) return;
  box.hidden = !words;
  if (!words) { box.replaceChildren(); return; }
  const left = gone();
  const away = make("button", { type: "button", textContent: "I have seen it" });
  away.dataset.planAct = "seen";
  box.replaceChildren(
    make("p", { className: "banner warn", role: "alert" }, words, left.length ? ` No longer in it: ${left.join(", ")}.` : "", " ", away));
}

let refused = false;

function drawn() {
  seen ?? remember();
  const changed = document.querySelectorAll(".step.changed").length + gone().length;
  if (changed) note(refused ? "The plan had changed: nothing was applied. This is the new plan; what changed is marked." : "The plan has changed; what changed is marked.");
  else note("");
  sum();
}

// How far the applied entries have come; else how much there is to do.
function sum() {
  const box = document.getElementById("plan-sum");
  if (!box) return;
  const own = rows().filter((row) => applied.has(row.dataset.pairRow));
  const changes = Number(document.getElementById("page").dataset.changes);
  let text = changes === 0 ? "Nothing to do." : `${changes} change${changes === 1 ? "" : "s"}.`;
  if (own.length) {
    const active = ["queued", "gate", "starting", "running", "working", "waiting", "idle", "stopping"];
    const count = (states) => own.filter((row) => states.includes(row.dataset.state)).length;
    const queued = count(["queued", "gate"]);
    const succeeded = count(["succeeded", "fresh"]);
    const parts = [[count(active) - queued, "running"], [queued, "queued"], [succeeded, "succeeded"], [own.length - count(active) - succeeded, "ended otherwise"]];
    text = `Applied ${own.length}: ${parts.filter(([number]) => number).map(([number, word]) => `${number} ${word}`).join(", ")}. ${text}`;
  }
  if (box.textContent !== text) box.textContent = text;
}

// Applies the plan with this id, or some entries of it.
async function apply(planId, entries, only) {
  try {
    const done = await call("POST", "/api/up", only ? { planId, only: entries.map(({ mode, task }) => ({ mode, task })) } : { planId });
    refused = false;
    const steps = done.steps.filter(({ action }) => ["start", "restart", "recreate", "stop"].includes(action));
    for (const { mode, task } of steps) applied.add(`${mode}/${task}`);
    for (const { mode, task, error } of steps) if (error) toast(`${mode} ${task}: ${error}`, { bad: true });
    if (!steps.length) toast("There was nothing to do.");
    seen = null;
  } catch (error) {
    if (error.code === "plan_changed") refused = true;
    else refusal(error);
  }
  await renew();
}

// Asks before everything is applied. What is applied is the plan that the dialog shows.
function ask() {
  if (document.querySelector("dialog[open]")) return;
  const { plan } = document.getElementById("page").dataset;
  const todo = rows().filter((row) => row.querySelector("[data-plan-act=one]"));
  if (!todo.length) return;
  const shown = todo.slice(0, 30).map((row) => make("li", {}, make("b", { textContent: row.dataset.action }), ` ${nameOf(row)}`));
  if (todo.length > shown.length) shown.push(make("li", { textContent: `and ${todo.length - shown.length} more` }));
  const cancel = make("button", { type: "button", textContent: "Cancel" });
  const go = make("button", { type: "button", className: "main", textContent: `Apply ${todo.length}` });
  const list = make("ul", { className: "plan-list", tabIndex: 0, "aria-label": "What is applied" }, ...shown);
  const dialog = make("dialog", { className: "plan-dialog", "aria-labelledby": "plan-ask" },
    make("h2", { id: "plan-ask", textContent: "Apply the plan" }), list,
    make("div", { className: "buttons" }, make("span", { className: "gap" }), cancel, go));
  cancel.onclick = () => dialog.close();
  go.onclick = async () => {
    dialog.close();
    await apply(plan, [], false);
  };
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
  go.focus();
}

async function one(row) {
  const button = row?.querySelector("[data-plan-act=one]");
  if (!button || button.getAttribute("aria-busy")) return false;
  button.setAttribute("aria-busy", "true");
  await apply(document.getElementById("page").dataset.plan, [row.dataset], true);
  button.removeAttribute("aria-busy");
  return true;
}

export function mount(own) {
  document.head.append(make("link", { rel: "stylesheet", href: "/assets/plan.css" }));
  page = own;
  page.drawn = drawn;
  page.main.addEventListener("click", async (event) => {
    const row = event.target.closest(".step");
    if (row) select(row, false);
    const button = event.target.closest("[data-plan-act]");
    if (!button || button.disabled) return;
    if (button.dataset.planAct === "all") ask();
    else if (button.dataset.planAct === "one") await one(row);
    else if (button.dataset.planAct === "seen") { refused = false; remember(); await renew(); }
    else if (button.dataset.planAct === "copy") copy(button);
  });
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    toast("Copied.");
  } catch {
    getSelection().selectAllChildren(code);
  }
}

const { selected, select, step, press } = selection(rows, ".step[aria-current]");

export const keys = {
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  // The run of the chosen row, else its task.
  Enter: (event) => {
    if (!event.target.matches(".step")) return false;
    (event.target.querySelector("a.badge") ?? event.target.querySelector("a.title")).click();
    return true;
  },
  a: () => { if (!selected()?.querySelector("[data-plan-act=one]")) return false; one(selected()); return true; },
  A: () => ask(),
  s: () => press("stop"),
  y: () => press("approve"),
};

export const help = {
  j: ["j / k", "next, previous entry"],
  Enter: ["Enter", "open its run or task"],
  a: ["a", "apply this entry"],
  A: ["A", "apply the plan"],
  s: ["s", "stop an orphan"],
};

// The dialog that starts a run: options, and a preview of command and prompt.

import { make } from "./element.js";
import { call } from "./net.js";
import { refusal, toast } from "./notice.js";
import { run } from "./actions.js";
import { commandLine } from "./shell.js";

// The built-in mode without a prompt comes last.
const PLAIN = "none";
const PATIENCE = 250;

// Opens the dialog for `task`, with `mode` preselected and, where `like` is a run, its extra prompt and arguments.
export async function openRun(task, mode, like) {
  if (document.querySelector("dialog[open]")) return;
  let modes;
  let about;
  let before;
  try {
    [{ modes }, about, before] = await Promise.all([
      call("GET", "/api/modes"), call("GET", `/api/tasks/${task}`), like ? call("GET", `/api/runs/${like}/prompt`) : {},
    ]);
  } catch (error) {
    refusal(error);
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  modes.sort((a, b) => (a.name === PLAIN) - (b.name === PLAIN));
  const form = layOut(about, modes, mode);
  fill(form, before);
  const dialog = make("dialog", { className: "run-dialog", "aria-labelledby": "run-title" }, form);
  const preview = watch(form, about.id);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await start(dialog, form, about.id);
  });
  show(dialog, form, preview.end);
  (form.querySelector("input[name=mode]:checked") ?? form.querySelector("input[name=mode]"))?.focus();
  preview.look();
}

// Fills in what was given for an earlier run. An argument may hold line ends: those that are left as they are, are sent
// as they were.
function fill(form, { given = "", extras = [] }) {
  form.elements.prompt.value = given;
  form.elements.extras.value = extras.join("\n");
  kept.set(form, { text: form.elements.extras.value, extras });
}

const kept = new WeakMap();

function layOut(about, modes, mode) {
  const chosen = modes.find(({ name }) => name === (mode || about.mode)) ?? (modes.length === 1 ? modes[0] : null);
  const list = make("fieldset", { className: "choices" }, make("legend", { textContent: "Mode" }));
  for (const { name, description, interactive } of modes) {
    const radio = make("input", { type: "radio", name: "mode", value: name, required: true, checked: name === chosen?.name });
    const words = make("span", {}, make("b", { textContent: name }), " ", make("span", { className: "quiet", textContent: interactive ? "interactive" : "headless" }));
    if (description) words.append(make("span", { className: "quiet says", textContent: description }));
    list.append(make("label", { className: "choice" }, radio, words));
  }
  const prompt = make("textarea", { name: "prompt", rows: 3, spellcheck: true });
  const extras = make("textarea", { name: "extras", rows: 2, spellcheck: false, className: "code", "aria-describedby": "extras-hint" });
  const boxes = [["force", "run even if up to date"], ["resume", "resume the last conversation"]];
  if (about.subtasks?.length) boxes.push(["subtasks", "with its subtasks, in order"]);
  const checks = make("div", { className: "checks" });
  for (const [name, words] of boxes) {
    checks.append(make("label", { className: "check" }, make("input", { type: "checkbox", name }), ` ${words}`));
  }
  return make("form", { method: "dialog", noValidate: true },
    make("h2", { id: "run-title", textContent: `Run ${about.id}` }),
    make("p", { className: "quiet", textContent: about.title }),
    list,
    make("label", { className: "field" }, "Extra instructions", prompt),
    make("label", { className: "field" }, "Extra arguments for the agent", extras,
      make("span", { className: "quiet", id: "extras-hint", textContent: "one a line, handed over as they stand" })),
    checks,
    make("section", { className: "preview", "aria-label": "What the agent would get" }, make("p", { className: "quiet", textContent: "Choose a mode." })),
    make("p", { className: "said", "role": "alert" }),
    make("div", { className: "buttons" },
      make("span", { className: "quiet gap", textContent: "Ctrl+Enter runs it" }),
      make("button", { type: "button", className: "cancel", textContent: "Cancel" }),
      make("button", { type: "submit", className: "main go", textContent: "Run" })));
}

const modeOf = (form) => form.querySelector("input[name=mode]:checked")?.value ?? "";

// The options that were typed, without empty ones.
function words(form) {
  const said = {};
  const { prompt, extras } = form.elements;
  if (prompt.value) said.prompt = prompt.value;
  const before = kept.get(form);
  const lines = before?.extras.length && before.text === extras.value ? before.extras : extras.value.split("\n");
  if (lines !== before?.extras && lines.at(-1) === "") lines.pop();
  if (lines.length) said.extras = lines;
  return said;
}

function wishes(form) {
  const asked = words(form);
  for (const name of ["force", "resume", "subtasks"]) if (form.elements[name]?.checked) asked[name] = true;
  return asked;
}

async function start(dialog, form, task) {
  const mode = modeOf(form);
  const button = form.querySelector(".go");
  if (button.disabled) return;
  if (!mode) {
    tell(form, "Choose a mode first.");
    form.querySelector("input[name=mode]")?.focus();
    return;
  }
  button.disabled = true;
  tell(form, "");
  const done = await run(mode, task, wishes(form), (error) => tell(form, error.message, error.hint));
  button.disabled = false;
  if (!done) return;
  dialog.close();
  if (done.runs) {
    const isThere = location.pathname === `/tasks/${task}`;
    toast(`${mode}: ${done.runs.length} subtask${done.runs.length === 1 ? "" : "s"} of ${task}, in order.`, { href: isThere ? "" : `/tasks/${task}` });
  }
}

// Asks what to say in the conversation of the pair's last run, and resumes it.
export function openResume(task, mode) {
  if (document.querySelector("dialog[open]")) return;
  const words = make("textarea", { name: "prompt", rows: 6, spellcheck: true, required: true });
  const form = make("form", { method: "dialog", noValidate: true },
    make("h2", { id: "resume-title", textContent: `Resume ${mode} ${task}` }),
    make("p", { className: "quiet", textContent: "A new run goes on in the conversation of the last one. What is said here is its prompt." }),
    make("label", { className: "field" }, "What to say", words),
    make("p", { className: "said", "role": "alert" }),
    make("div", { className: "buttons" },
      make("span", { className: "quiet gap", textContent: "Ctrl+Enter sends it" }),
      make("button", { type: "button", className: "cancel", textContent: "Cancel" }),
      make("button", { type: "submit", className: "main go", textContent: "Resume" })));
  const dialog = make("dialog", { className: "run-dialog", "aria-labelledby": "resume-title" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector(".go");
    if (button.disabled) return;
    if (!words.value.trim()) {
      tell(form, "Say something first: a headless run ends with its answer.");
      words.focus();
      return;
    }
    button.disabled = true;
    tell(form, "");
    const done = await run(mode, task, { resume: true, prompt: words.value }, (error) => tell(form, error.message, error.hint));
    button.disabled = false;
    if (done) dialog.close();
  });
  show(dialog, form);
  words.focus();
}

// Opens the dialog; Ctrl+Enter submits its form.
function show(dialog, form, closed = () => {}) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
    if (event.key === "Tab") keepInside(dialog, event);
  });
  form.querySelector(".cancel").onclick = () => dialog.close();
  dialog.onclose = () => { closed(); dialog.remove(); };
  document.body.append(dialog);
  dialog.showModal();
}

// Shows the server's error in the dialog.
function tell(form, message, hint = "") {
  const said = form.querySelector(".said");
  said.replaceChildren(message);
  if (hint) said.append(make("span", { className: "hint", textContent: hint }));
}

// Updates the preview shortly after the last change. Of overlapping requests the last one wins.
function watch(form, task) {
  const place = form.querySelector(".preview");
  let wait;
  let turn = 0;
  const look = async () => {
    const mine = ++turn;
    const mode = modeOf(form);
    if (!mode) return;
    place.setAttribute("aria-busy", "true");
    let shown;
    try {
      const said = words(form);
      shown = rendered(await call("POST", `/api/render/${mode}/${task}`, said), said.prompt);
    } catch (error) {
      shown = refused(error);
    }
    if (mine !== turn) return;
    place.replaceChildren(...shown);
    showMark(place);
    place.removeAttribute("aria-busy");
  };
  const later = () => { clearTimeout(wait); wait = setTimeout(look, PATIENCE); };
  form.addEventListener("input", ({ target }) => {
    if (target.name === "mode") look();
    else if (target.type !== "checkbox") later();
  });
  return { look, end: () => { turn++; clearTimeout(wait); } };
}

const REACHES = {
  arg: "The prompt is its last argument.",
  stdin: "The prompt comes by standard input.",
  file: "The prompt waits in a file that is named to it.",
  none: "It gets no prompt.",
};

function rendered({ argv, cwd, delivery, prompt, worktree }, typed) {
  const facts = make("dl", {},
    make("dt", { textContent: "Command" }), make("dd", {}, make("code", { textContent: commandLine(argv) })),
    make("dt", { textContent: "Folder" }), make("dd", {}, make("code", { textContent: cwd })));
  if (worktree) {
    facts.append(make("dt", { textContent: "Worktree" }), make("dd", {}, "is made: branch ", make("code", { textContent: worktree.branch }), " from ", make("code", { textContent: worktree.base })));
  }
  const shown = [make("h3", { textContent: "What the agent gets" })];
  if (prompt === undefined) shown.push(make("p", { className: "quiet", textContent: REACHES.none }));
  else {
    shown.push(make("pre", { className: "prompt", tabIndex: 0, "aria-label": "Prompt", "role": "region" }, ...marked(prompt, typed)),
      make("p", { className: "quiet", textContent: REACHES[delivery] ?? delivery }));
  }
  return [...shown, facts];
}

// The prompt with the typed part marked.
function marked(prompt, typed) {
  const at = typed ? prompt.lastIndexOf(typed) : -1;
  if (at < 0) return [prompt];
  return [prompt.slice(0, at), make("mark", { textContent: typed }), prompt.slice(at + typed.length)];
}

// Scrolls the prompt alone, not the dialog.
function showMark(place) {
  const mark = place.querySelector("mark");
  if (mark) mark.parentElement.scrollTop = mark.offsetTop - mark.parentElement.offsetTop - 40;
}

function refused(error) {
  const shown = [make("h3", { textContent: "It cannot be run so" }), make("p", { className: "bad", textContent: error.message })];
  if (error.hint) shown.push(make("p", { className: "hint", textContent: error.hint }));
  for (const { path, line, message, hints = [] } of error.problems ?? []) {
    const place = path ? `${path}${line ? `:${line}` : ""}: ` : "";
    shown.push(make("pre", { tabIndex: 0, textContent: [`${place}${message}`, ...hints.map((hint) => `  ${hint}`)].join("\n") }));
  }
  return shown;
}

// Keeps Tab inside the dialog.
function keepInside(dialog, event) {
  const all = [...dialog.querySelectorAll("input, textarea, button, [tabindex='0']")].filter((field) => !field.disabled && field.checkVisibility());
  // Tab reaches one radio button of a group.
  const stops = all.filter((field) => field.type !== "radio" || field.checked || !modeOf(field.form));
  const [first, last] = event.shiftKey ? [stops.at(-1), stops[0]] : [stops[0], stops.at(-1)];
  if (document.activeElement !== last && dialog.contains(document.activeElement)) return;
  event.preventDefault();
  first?.focus();
}

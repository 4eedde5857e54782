// The actions of all buttons: requests to the public API.

import { attempt, refusal, toast } from "./notice.js";
import { openResume, openRun } from "./dialog.js";

const at = (element, name) => element.closest(`[data-${name}]`)?.dataset[name];

// Actions on a pair.
export const stop = (mode, task) => attempt("POST", `/stop/${mode}/${task}`);
export const approve = (mode, task, reject = false) => attempt("POST", `/api/approve/${mode}/${task}`, { reject });

// Shows the run's window: in the user's terminal, else on the run's page.
export async function attach(mode, task) {
  const done = await attempt("POST", `/api/attach/${mode}/${task}`);
  if (!done) return;
  if (done.attached === "none") {
    const why = done.attachNote ? `: ${done.attachNote}.` : ".";
    toast(`No terminal could be opened here${why} Attach by hand, or use the terminal on the run's page.`, { line: done.attachCommand, href: `/runs/${done.runId}` });
  } else if (done.attached === "focused") {
    toast(done.attachNote ? `Your terminal: ${done.attachNote}.` : "Your terminal shows it.");
  } else toast("Opened in your terminal.");
}

// Opens a file in the user's editor on the server's machine; `line` is optional.
export async function openFile(path, line, against = refusal) {
  const done = await attempt("POST", "/api/open", line ? { path, line: Number(line) } : { path }, against);
  if (done) toast(`Opened in ${done.editor}${done.terminal ? ` (${done.terminal})` : ""}.`);
}

// Starts the pair. On failure calls `against(error)` and returns null.
export async function run(mode, task, wishes = {}, against = refusal) {
  const done = await attempt("POST", `/dispatch/${mode}/${task}`, { attach: false, ...wishes }, against);
  if (!done) return null;
  const href = `/runs/${done.runId}`;
  if (done.state === "skipped") toast(`${task} ${mode} is up to date: nothing to do.`, { hint: "“Run even if up to date” starts it all the same.", href });
  else if (!done.runs) lead(done, href, `${task} ${mode}`);
  return done;
}

// Leads to a run: from the page of another run to its page, from every other page by a link.
function lead({ created }, href, pair) {
  if (location.pathname.startsWith("/runs/") && location.pathname !== href) location.href = href;
  else toast(created ? `${pair} was started.` : `${pair} runs already; nothing new was started.`, { href: location.pathname === href ? "" : href });
}

// One listener for all buttons with `data-act`. `later(task)` is called when a run may have changed.
export function listen(later) {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-act]");
    if (!button || button.disabled) return;
    const { act } = button.dataset;
    const mode = at(button, "mode");
    const task = at(button, "task");
    const doings = {
      run: () => openRun(task, mode, button.dataset.like),
      start: () => run(mode, task),
      resume: () => button.dataset.asks ? openResume(task, mode) : run(mode, task, { resume: true }),
      stop: () => stop(mode, task),
      attach: () => attach(mode, task),
      approve: () => approve(mode, task),
      reject: () => approve(mode, task, true),
      diff: async () => (await import("./work.js")).openDiff(task),
      clean: async () => (await import("./work.js")).openClean(task),
      open: () => openFile(button.dataset.path, button.dataset.line),
      log: () => { location.href = `/runs/${button.dataset.run}`; },
    };
    if (!doings[act]) return;
    event.preventDefault();
    button.setAttribute("aria-busy", "true");
    try {
      await doings[act]();
    } catch (error) {
      refusal(error);
    }
    button.removeAttribute("aria-busy");
    if (task) later(task);
  });
}

// Keyboard shortcuts: single letters, ignored in text fields, with a help dialog.

const KEYS = [
  ["j / k", "next, previous task"],
  ["Enter", "open it"],
  ["/", "search"],
  ["r", "run"],
  ["s", "stop"],
  ["a", "attach in your terminal"],
  ["l", "log or terminal of its last run"],
  ["n", "only what needs me"],
  [".", "next run that needs me (Now)"],
  ["[ / ]", "previous, next run; the log or terminal keeps the keyboard (Now)"],
  ["y / x", "approve, reject with a reason"],
  ["R", "resume its conversation (Now)"],
  ["d", "diff of its worktree (Now)"],
  ["e", "answer a waiting window in its row (Now)"],
  ["A", "apply the plan (Plan); run all subtasks (task)"],
  ["f / S", "run from this subtask on; stop all (task)"],
  ["Ctrl+K", "go to a page, task, run or mode"],
  ["b", "the board"],
  ["?", "this list"],
  ["Esc", "leave a field, a dialog, a terminal (with Ctrl+Shift; on Windows Ctrl+Shift+Enter)"],
];

const types = (element) => element.closest("input, textarea, select, [contenteditable], .xterm");

// `bindings`: key → action, which returns false if it does not apply.
export function listen(bindings) {
  document.addEventListener("keydown", (event) => {
    // In a terminal the key is the shell's.
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key === "k" && !event.target.closest(".xterm")) {
      event.preventDefault();
      import("./palette.js").then(({ openPalette }) => openPalette());
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (types(event.target)) {
      if (event.key === "Escape" && !event.target.closest(".xterm")) {
        // The browser would clear a search field without an event.
        if (event.target.type === "search") event.preventDefault();
        event.target.blur();
      }
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const all = { "?": help, b: () => { location.href = "/"; }, ...bindings };
    const does = all[event.key];
    if (does && does(event) !== false) event.preventDefault();
  });
  document.getElementById("help").onclick = help;
}

function help() {
  const dialog = document.createElement("dialog");
  dialog.className = "help";
  dialog.append(Object.assign(document.createElement("h2"), { textContent: "Keyboard" }));
  const list = dialog.appendChild(document.createElement("dl"));
  for (const [key, words] of KEYS) {
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    list.append(term, Object.assign(document.createElement("dd"), { textContent: words }));
  }
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close", autofocus: true });
  close.onclick = () => dialog.close();
  dialog.append(close);
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}

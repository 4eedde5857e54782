// Keyboard shortcuts: single letters, ignored in text fields, with a help dialog.

import KEYS from "./key_table.js";
import { boardAddress } from "./place.js";

// What a key of the same name does on every page; a page's module may say it in its own words (`help`).
const WORDS = Object.fromEntries(KEYS.map(({ key, label, meaning }) => [key, [label, meaning]]));
const EVERYWHERE = [
  ["Ctrl+K", "go to a page, task, run, file or mode"],
  ["b", "the board"],
  ["?", "this list"],
  ["Esc", "leave a field, a dialog, a terminal (with Ctrl+Shift; on Windows Ctrl+Shift+Enter)"],
];

// What is typed while the palette is being loaded is for its field, not for the page; null: it is not being loaded.
let early = null;

const types = (element) => element.closest("input, textarea, select, [contenteditable], .xterm");

// `bindings`: key → action, which returns false if it does not apply. `words`: key → [label, meaning], for the help; also
// of keys that a part of the page handles itself.
export function listen(bindings, words = {}) {
  const known = Object.entries(WORDS).filter(([key]) => key in bindings);
  const help = () => openHelp(Object.values({ ...Object.fromEntries(known), ...words }));
  document.addEventListener("keydown", (event) => {
    // In a terminal the key is the shell's.
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key === "k" && !event.target.closest(".xterm")) {
      event.preventDefault();
      if (early !== null) return;
      early = "";
      import("./palette.js").then(({ openPalette }) => { openPalette(early); }).finally(() => { early = null; });
      return;
    }
    if (early !== null) {
      event.preventDefault();
      if (event.key.length === 1) early += event.key;
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
    const all = { "?": help, b: () => { location.href = boardAddress(); }, ...bindings };
    const does = all[event.key];
    if (does && does(event) !== false) event.preventDefault();
  });
  document.getElementById("help").onclick = help;
}

// Lists the page's own keys and those of every page.
function openHelp(own) {
  const dialog = document.createElement("dialog");
  dialog.className = "help";
  dialog.setAttribute("aria-labelledby", "help-title");
  dialog.append(Object.assign(document.createElement("h2"), { id: "help-title", textContent: "Keyboard" }));
  const list = dialog.appendChild(document.createElement("dl"));
  for (const [key, meaning] of [...own, ...EVERYWHERE]) {
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    list.append(term, Object.assign(document.createElement("dd"), { textContent: meaning }));
  }
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close", autofocus: true });
  close.onclick = () => dialog.close();
  dialog.append(close);
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}

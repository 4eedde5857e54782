// Keyboard shortcuts: single letters, ignored in text fields. The dialogs of all pages are loaded when they are first opened.

import { boardAddress } from "./place.js";

// What is typed while a dialog is being loaded is for it, not for the page; null: none is being loaded.
let early = null;

function openSoon(loading, open) {
  if (early !== null) return;
  early = "";
  loading.then((module) => { open(module, early); }).finally(() => { early = null; });
}

const types = (element) => element.closest("input, textarea, select, [contenteditable], .xterm");

// `bindings`: key → action, which returns false if it does not apply. `words`: key → [label, meaning], for the help; also
// of keys that a part of the page handles itself.
export function listen(bindings, words = {}) {
  const help = () => openSoon(import("./help.js"), ({ openHelp }) => openHelp(bindings, words));
  document.addEventListener("keydown", (event) => {
    // In a terminal the key is the shell's.
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key === "k" && !event.target.closest(".xterm")) {
      event.preventDefault();
      openSoon(import("./palette.js"), ({ openPalette }, typed) => openPalette(typed));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (early !== null) {
      event.preventDefault();
      if (event.key.length === 1) early += event.key;
      return;
    }
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

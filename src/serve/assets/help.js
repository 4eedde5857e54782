// The dialog that lists the keyboard shortcuts of a page.

import KEYS from "./key_table.js";

// What a key of the same name does on every page; a page's module may say it in its own words (`help`).
const WORDS = Object.fromEntries(KEYS.map(({ key, label, meaning }) => [key, [label, meaning]]));
const EVERYWHERE = [
  ["Ctrl+K", "go to a page, task, run, file or mode"],
  ["b", "the board"],
  ["?", "this list"],
  ["Esc", "leave a field, a dialog, a terminal (with Ctrl+Shift; on Windows Ctrl+Shift+Enter)"],
];

// Lists the page's own keys and those of every page; `bindings` and `words` as the page's module has them.
export function openHelp(bindings, words) {
  const known = Object.entries(WORDS).filter(([key]) => key in bindings);
  const own = Object.values({ ...Object.fromEntries(known), ...words });
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

// Marks a failed run as seen: it needs its user until the run was opened.

import { call } from "./net.js";

let seen = "";

// Marks the shown run as seen, if the server lists it as unseen. Not while the tab is hidden.
export async function markSeen(page) {
  const run = document.querySelector("[data-unseen]")?.dataset.unseen;
  if (!run || document.hidden || run === seen) return;
  seen = run;
  try {
    await call("POST", `/api/seen/${run}`);
    await page.refresh();
  } catch {
    seen = "";
  }
}

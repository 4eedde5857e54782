// Marks a failed run as seen: it needs its user until the run was opened.

import { call } from "./net.js";

// On /now a run counts as seen once it was shown for this time, in milliseconds: the keys that choose pass by others.
const SHOWN = 1000;

let seen = "";

// The shown run, if the server lists it as unseen and the tab is not hidden.
const unseen = () => document.hidden ? undefined : document.querySelector("[data-unseen]")?.dataset.unseen;

// Marks the shown run as seen.
export async function markSeen(page) {
  const run = unseen();
  if (!run || run === seen) return;
  seen = run;
  try {
    await call("POST", `/api/seen/${run}`);
    await page.refresh();
  } catch {
    seen = "";
  }
}

let resting = "";
let timer = 0;

// Marks the shown run as seen if it is still shown in a moment. To be called after each rendering.
export function markSeenSoon(page) {
  const run = unseen() ?? "";
  if (run === resting) return;
  resting = run;
  clearTimeout(timer);
  if (run) timer = setTimeout(() => { if (unseen() === run) markSeen(page); resting = ""; }, SHOWN);
}

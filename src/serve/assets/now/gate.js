// What a person decides on at a gate: Approve, Reject with a reason, and the size of the changes so far.

import { make } from "../element.js";
import { call } from "../net.js";
import { attempt } from "../notice.js";

// The keys of a gate; `press(selector)` presses a button of the chosen run.
export const gateKeys = (press) => ({
  y: () => press("[data-act=approve]"),
  x: () => {
    const field = document.querySelector("#now-detail .decide input");
    field?.focus();
    return Boolean(field);
  },
});

// Reject is the submission of its form: Enter in the field of the reason does it too.
export function listenForDecision(main, done) {
  main.addEventListener("submit", async (event) => {
    const form = event.target.closest(".decide");
    if (!form) return;
    event.preventDefault();
    const section = form.closest("#now-detail");
    const { mode, task } = section.dataset;
    const reason = form.elements.reason.value.trim();
    const button = form.querySelector("[type=submit]");
    if (button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    await attempt("POST", `/api/approve/${mode}/${task}`, reason ? { reject: true, reason } : { reject: true });
    button.removeAttribute("aria-busy");
    done();
  });
}

const MOST = 12;

// Fills in the number of changed lines of the task's worktree, once for each gate.
export async function showStats(detail) {
  const place = detail.querySelector("[data-stat]");
  if (!place || place.dataset.asked) return;
  place.dataset.asked = "1";
  let diff;
  try {
    diff = await call("GET", `/api/diff/${place.dataset.stat}`);
  } catch (error) {
    place.replaceChildren(make("p", { className: "quiet", textContent: `No changes are known: ${error.message}` }));
    return;
  }
  const count = diff.files.length;
  const sum = count ? `${count} file${count === 1 ? "" : "s"} +${diff.added} −${diff.removed}` : "Nothing was changed";
  const list = make("ul", {});
  for (const { path, added, removed, binary } of diff.files.slice(0, MOST)) {
    list.append(make("li", {}, make("code", { textContent: path }), make("span", { className: "quiet", textContent: binary ? " binary" : ` +${added} −${removed}` })));
  }
  if (count > MOST) list.append(make("li", { className: "quiet", textContent: `${count - MOST} more` }));
  place.replaceChildren(make("h3", { textContent: "What is changed so far" }), make("p", { textContent: `${sum} on ${diff.branch}` }), list);
}

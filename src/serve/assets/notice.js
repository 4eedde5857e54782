// Notices: the tab's title and icon, the counts in the header, announcements for screen readers, and notifications.

import { make } from "./element.js";
import { call, serverNow } from "./net.js";

const $ = (id) => document.getElementById(id);
const WISH = "dispatch.notify";
let title = "dispatch";
let needs = 0;

export function setTitle(text) {
  title = text;
  showTitle();
}

const showTitle = () => { document.title = `${needs ? `(${needs}) ` : ""}${title} · dispatch`; };

// Shows the counts of runs.
export function showTop(top) {
  if (!top) return;
  needs = Number(top.dataset.needs);
  const running = Number(top.dataset.running);
  const queued = Number(top.dataset.queued);
  $("project").textContent = top.dataset.project;
  const tally = $("tally");
  const parts = [["needs", needs, needs === 1 ? "needs you" : "need you"], ["runs", running, "running"], ["waits", queued, "queued"]];
  tally.replaceChildren(...parts.filter(([, count]) => count).flatMap(([what, count, words], at) => [
    ...(at ? [make("span", { className: "dot", textContent: " · " })] : []),
    make("span", { className: what }, String(count), make("span", { className: "words", textContent: ` ${words}` })),
  ]));
  tally.hidden = !tally.textContent;
  tally.title = tally.textContent;
  tally.classList.toggle("needs", needs > 0);
  tally.href = needs ? "/?needs=1" : "/now";
  showTitle();
  icon(needs);
}

let drawn = 0;
// Draws an icon with the number of waiting runs.
async function icon(count) {
  if (count === drawn) return;
  drawn = count;
  const link = document.querySelector("link[rel=icon]");
  if (!count) { link.href = "/assets/icon.svg"; return; }
  const text = count > 9 ? "9+" : String(count);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3b5bdb"/>` +
    `<circle cx="20" cy="20" r="12" fill="#e8590c"/><text x="20" y="25.5" font-family="sans-serif" font-size="16" font-weight="700" fill="#fff" text-anchor="middle">${text}</text></svg>`;
  link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

// Run id → its last announcement.
const said = new Map();

const wordsOf = (run) => {
  if (run.state === "queued") return run.waitingFor === "gate" ? "waits for approval" : "queued";
  if (run.activity === "waiting") return "waits for you";
  return run.state.replace("_", " ");
};

// Announces a text to screen readers.
export const say = (text) => { $("said").textContent = text; };

// Announces a change of a run, once.
export function announce(run) {
  const words = wordsOf(run);
  const before = said.get(run.runId);
  if (before === words) return;
  said.set(run.runId, words);
  if (run.endedAt) setTimeout(() => said.delete(run.runId), 60_000);
  if (before === undefined && !run.endedAt && serverNow() - Date.parse(run.createdAt) > 60_000) return;
  const text = `${run.task} ${run.mode}: ${words}`;
  $("said").textContent = text;
  if (run.endedAt || words.startsWith("waits")) notify(text, run);
}

const wished = () => localStorage.getItem(WISH) === "1" && "Notification" in window && Notification.permission === "granted";

function notify(text, run) {
  if (!wished() || (document.hasFocus() && !document.hidden)) return;
  const shown = new Notification(text, { tag: run.runId, body: run.reason ?? "" });
  shown.onclick = () => { window.focus(); location.href = `/runs/${run.runId}`; };
}

function showBell() {
  $("bell").setAttribute("aria-pressed", String(wished()));
}

$("bell").addEventListener("click", async () => {
  if (wished()) localStorage.removeItem(WISH);
  else if ("Notification" in window && await Notification.requestPermission() === "granted") localStorage.setItem(WISH, "1");
  else toast("This browser does not allow notifications here.", { bad: true });
  showBell();
});
showBell();

// Shows a message at the edge of the page, with an optional hint and a line to copy.
export function toast(text, { hint = "", line = "", bad = false, href = "" } = {}) {
  const box = document.createElement("div");
  box.className = bad ? "toast bad" : "toast";
  const words = box.appendChild(document.createElement("p"));
  words.textContent = text;
  if (hint) box.appendChild(Object.assign(document.createElement("p"), { className: "hint", textContent: hint }));
  if (line) box.appendChild(copyable(line));
  if (href) box.appendChild(Object.assign(document.createElement("a"), { href, textContent: "Open it" }));
  const away = Object.assign(document.createElement("button"), { type: "button", className: "away", textContent: "×" });
  away.setAttribute("aria-label", "Dismiss");
  away.onclick = () => box.remove();
  box.append(away);
  $("toasts").append(box);
  while ($("toasts").children.length > 4) $("toasts").firstChild.remove();
  if (!bad && !line) setTimeout(() => box.remove(), 6000);
}

// A line of code with a copy button.
export function copyable(line) {
  const box = Object.assign(document.createElement("span"), { className: "copyable" });
  const code = Object.assign(document.createElement("code"), { textContent: line });
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(line);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  box.append(code, button);
  return box;
}

// A message in place of a page's content, or above it.
export function message(words, hint) {
  const box = make("div", { className: "empty" }, make("h2", { textContent: words }));
  if (hint) box.append(make("p", { className: "hint", textContent: hint }));
  return box;
}

export const refusal = (error) => toast(error.message, { hint: error.hint, bad: true });

// Sends a request and shows a refusal.
export async function attempt(method, path, body, against = refusal) {
  try {
    return await call(method, path, body);
  } catch (error) {
    against(error);
    return null;
  }
}

// Loads the page of the address, renders it, and keeps it up to date while it is open.

import { Backoff, Refused, Unreachable, arrived, askTabs, fragment, token } from "./net.js";
import { follow } from "./live.js";
import { morph } from "./morph.js";
import { announce, message, setTitle, showTop } from "./notice.js";
import { tick } from "./time.js";
import * as actions from "./actions.js";
import * as keys from "./keys.js";
import { linkBack } from "./place.js";

const main = document.getElementById("main");
const lost = document.getElementById("lost");

// The page's module, by the first part of the address.
const [place, id] = location.pathname.split("/").slice(1);
const module = await ({
  "": () => import("./board.js"),
  tasks: () => import("./task.js"),
  runs: () => import("./run.js"),
  now: () => import("./now.js"),
  plan: () => import("./plan.js"),
  history: () => import("./past.js"),
  edit: () => import("./edit.js"),
}[place] ?? (() => import("./board.js")))();

if (place) linkBack();

for (const link of document.querySelectorAll("nav a")) {
  // `/edit/NAME` and `/now/ID` belong to the pages `/edit` and `/now`.
  if (link.pathname === `/${place}`) link.setAttribute("aria-current", "page");
}

// The context of the page's module.
const page = {
  main,
  id,
  // Called after each rendering.
  drawn: () => {},
  redrawn() {
    tick(main);
    page.drawn();
    retryBroken();
  },
  // Fetches a fragment; on failure shows the error and returns null.
  async fetch(path) {
    try {
      return await fragment(path);
    } catch (error) {
      await wrong(error);
      return null;
    }
  },
  refresh,
  again,
};

let mark = "";
// The newest event number that the header shows.
let shown = 0;
let seq = 0;
let turn = 0;
// Fetches the whole page again. Of overlapping calls the last one wins, and all settle with it. False: the server did not
// answer.
function refresh() {
  latest = fetchPage();
  return latest;
}

let latest;
// Ends the request for the page that is under way: its answer would be dropped.
let asking = new AbortController();
// How often the server has taken the token.
let accepted = 0;
async function fetchPage() {
  const mine = ++turn;
  const path = module.path(page);
  asking.abort();
  asking = new AbortController();
  let next;
  try {
    next = await fragment(path, asking.signal);
  } catch (error) {
    if (mine !== turn) return latest;
    const isUnreachable = error instanceof Unreachable;
    whole ||= isUnreachable;
    await wrong(error);
    return !isUnreachable;
  }
  accepted++;
  document.getElementById("ask-token")?.remove();
  if (mine !== turn) return latest;
  // The page's filter or length has changed since the request.
  if (path !== module.path(page)) return refresh();
  const wanted = next.getElementById("page");
  const have = document.getElementById("page");
  ({ mark, seq } = next.getElementById("top").dataset);
  showTop(next.getElementById("top"));
  if (have && have.className === wanted.className) (module.merge ?? morph)(have, wanted);
  else main.replaceChildren(document.importNode(wanted, true));
  setTitle(wanted.dataset.title ?? module.title ?? "");
  page.redrawn();
  again(next);
  return true;
}

// Tasks whose rows must be fetched again; null: the whole page.
let stale = new Set();
let whole = false;
let waiting = false;
// Recent events with their numbers.
let heard = [];

// Fetches again what has changed since the rendered data was requested.
function again(laid) {
  const known = Number(laid.getElementById("top").dataset.seq);
  heard = heard.filter(([number]) => number > known);
  for (const [, task] of heard) touch(task);
}

// Notes a change of `task`.
function touch(task) {
  const rows = module.rowsOf?.(task) ?? "page";
  if (rows === "page") whole = true;
  else rows.forEach((row) => stale.add(row));
  soon();
}

function soon() {
  if (waiting) return;
  waiting = true;
  setTimeout(async () => {
    waiting = false;
    const [tasks, all] = [[...stale].slice(0, 200), whole];
    stale = new Set([...stale].slice(200));
    whole = false;
    if (all) await refresh();
    else if (!await rows(tasks)) return;
    if (stale.size) soon();
  }, 40);
}

// Fetches single rows and the header. False: the server did not answer.
async function rows(tasks) {
  let next;
  try {
    next = await fragment(`/ui/rows?tasks=${tasks.join(",")}`);
  } catch (error) {
    // They are fetched when the server is back.
    tasks.forEach((task) => stale.add(task));
    await wrong(error);
    return false;
  }
  const top = next.getElementById("top");
  const known = Number(top.dataset.seq);
  // A response older than what the page shows is dropped.
  if (known < Number(seq)) return true;
  if (known >= shown) showTop(top);
  shown = Math.max(shown, known);
  // The page has other modes or tasks, or is not rendered yet: fetch it again.
  if (top.dataset.mark !== mark || main.querySelector("#page.error")) { whole = true; soon(); return true; }
  for (const wanted of next.querySelectorAll(".row")) {
    const have = document.querySelector(`.row[data-task="${CSS.escape(wanted.dataset.task)}"]`);
    if (!have || have.known > known) continue;
    have.known = known;
    // The row keeps its indentation.
    wanted.style.setProperty("--depth", have.style.getPropertyValue("--depth"));
    wanted.classList.toggle("context", have.classList.contains("context"));
    wanted.className = have.className;
    wanted.setAttribute("style", have.getAttribute("style"));
    morph(have, wanted);
    tick(have);
  }
  return true;
}

// Milliseconds until a page that shows errors of the manifest is fetched again.
const BROKEN_RETRY = 3000;
let retry = 0;
// While the page shows errors of the manifest, fetches it again now and then: a manifest that was broken only for a moment
// may be repaired without an event.
function retryBroken() {
  clearTimeout(retry);
  if (main.querySelector("[data-broken]")) retry = setTimeout(() => { whole = true; soon(); }, BROKEN_RETRY);
}

function say(text) {
  lost.textContent = text;
  lost.hidden = !text;
}

// Shows an error above the page, or instead of it.
async function wrong(error) {
  if (error instanceof Refused && error.status === 401) {
    if (await askTabs()) { refresh(); return; }
    needToken();
    return;
  }
  // The page holds what was typed.
  if (module.steady && document.getElementById("editor")) return;
  if (!(error instanceof Refused)) {
    if (!document.getElementById("page")) main.replaceChildren(message("The server does not answer", "It may have been stopped: `dispatch serve` starts it. This page tries again by itself."));
    return;
  }
  const box = message(error.message, error.hint);
  box.id = "page";
  box.className = "empty error";
  for (const problem of error.problems) {
    const place = problem.path ? `${problem.path}${problem.line ? `:${problem.line}` : ""}: ` : "";
    const lines = [`${place}${problem.message}`, ...(problem.hints ?? []).map((hint) => `  ${hint}`)];
    box.append(Object.assign(document.createElement("pre"), { tabIndex: 0, textContent: lines.join("\n") }));
  }
  if (error.code === "bad_manifest") {
    box.dataset.broken = "";
    box.append(Object.assign(document.createElement("a"), { href: "/edit", textContent: "Open the editor" }));
  }
  main.replaceChildren(box);
  retryBroken();
}

// The page has no token, or that of an earlier server. `age`: how old its content is.
async function needToken(age) {
  const before = accepted;
  const backoff = new Backoff();
  for (;;) {
    try {
      const { askToken } = await import("./ask_token.js");
      // Another tab may have handed over a token meanwhile.
      if (accepted === before) askToken(age);
      return;
    } catch {
      // The server has gone again.
      await backoff.wait();
    }
  }
}

actions.listen(touch);
keys.listen(module.keys ?? {}, module.help);
module.mount?.(page);

await arrived;
if (token() || await askTabs()) {
  await refresh();
  // Retry until the page is loaded.
  const backoff = new Backoff();
  while (!document.getElementById("page") && !document.getElementById("token")) { await backoff.wait(); await refresh(); }
} else needToken();

// Since when the page is not connected; null: it is.
let since = null;
let changes = 0;

// Until the page is fetched again, what it shows is from before.
async function catchUp() {
  const mine = ++changes;
  module.reconnected?.();
  const backoff = new Backoff();
  while (!await refresh()) {
    await backoff.wait();
    if (mine !== changes) return;
  }
  if (mine !== changes) return;
  since = null;
  say("");
  document.getElementById("ask-token")?.remove();
  document.documentElement.dataset.link = "connected";
  // What could not be fetched meanwhile.
  if (stale.size) soon();
  tick();
}

function disconnected(what, at) {
  changes += 1;
  since ??= at;
  document.documentElement.dataset.link = what;
  const when = since.toLocaleTimeString();
  say(what === "lost" ? `Disconnected since ${when}: what you see is as it was then. Trying again…` : "");
  if (what === "expired") needToken(document.getElementById("page") ? `What you see is as it was at ${when}.` : "");
}

follow({
  seq,
  heard(frame) {
    module.heard?.(frame);
    if (frame.event === "run") {
      heard.push([frame.seq, frame.run.task]);
      // Older events arrived before any pending request.
      if (heard.length > 2000) heard.splice(0, 1000);
      announce(frame.run);
      touch(frame.run.task);
    } else if (frame.event === "tasks") { whole = true; soon(); }
    else if (frame.event === "plan") soon();
  },
  anew() { whole = true; soon(); },
  state(what, at = new Date()) {
    if (what !== "connected") disconnected(what, at);
    // A token may have arrived while the page asked for one.
    else if (since || !document.getElementById("page")) catchUp();
    else document.documentElement.dataset.link = what;
  },
});

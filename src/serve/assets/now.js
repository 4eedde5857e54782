// The page to steer runs from: a list of runs, and beside it the chosen run with its log or terminal. The address is
// /now/RUN. Views that were opened stay alive, so that a switch keeps their scrollback and search.

import { stop } from "./actions.js";
import { openAnswer, placeAnswer, refreshAnswers } from "./now/answer.js";
import { gateKeys, listenForDecision, showStats } from "./now/gate.js";
import { Arrangement } from "./now/arrange.js";
import { StopTwice } from "./now/stop.js";
import { Views } from "./now/views.js";
import { morph } from "./morph.js";
import { markSeenSoon } from "./seen.js";

export const title = "Now";

const $ = (selector) => document.querySelector(selector);
const items = () => [...document.querySelectorAll(".now-item")].filter((item) => item.checkVisibility());
const itemOf = (run) => run && $(`.now-item[data-run="${CSS.escape(run)}"]`);
const narrow = matchMedia("(max-width: 799px)");

// The data of a row that its view and the buttons need.
const FACTS = ["mode", "task", "headless", "running", "active", "state"];

let page = null;
let chosen = "";
let pending = 0;
const arrangement = new Arrangement();
const views = new Views({ left: () => focusItem(itemOf(chosen)) });
const stopping = new StopTwice(async (section) => {
  const { mode, task } = section.dataset;
  const run = chosen;
  const next = successor(run);
  const done = await stop(mode, task);
  // The stopped run stays on the page; the keyboard goes on with the next one.
  if (done && (document.activeElement === document.body || section.contains(document.activeElement) || document.activeElement === rowOf(itemOf(run)))) focusItem(next);
  page.refresh();
});

// What ended meanwhile goes to its place.
export const reconnected = () => arrangement.settle(chosen);

export const path = () => chosen ? `/ui/now?run=${encodeURIComponent(chosen)}` : "/ui/now";

const rowOf = (item) => item?.querySelector(".now-row");
const focusItem = (item) => { const row = rowOf(item); row?.focus({ preventScroll: true }); item?.scrollIntoView({ block: "nearest" }); };
// The row that follows, if possible one of an unfinished run.
function successor(run) {
  const all = items();
  const at = all.indexOf(itemOf(run));
  const others = [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0)).reverse()];
  return others.find((item) => item.dataset.active) ?? others[0];
}

// The item that keys act on: the focused one, else the chosen one.
const target = () => document.activeElement?.closest(".now-item") ?? itemOf(chosen);

// Shows `run` at once; the server's fragment follows. `push`: the browser's Back returns from it.
function choose(run, { push = narrow.matches, later = false } = {}) {
  if (!run || run === chosen) return;
  chosen = run;
  history[push ? "pushState" : "replaceState"](null, "", `/now/${run}${location.search}`);
  arrangement.settle(run);
  show(later);
  page.refresh();
}

function show(later = false) {
  const section = $("#page.now");
  const detail = $("#now-detail");
  if (!section || !detail) return;
  section.dataset.chosen = chosen;
  for (const item of document.querySelectorAll(".now-item")) mark(item);
  stopping.disarm();
  const item = itemOf(chosen);
  const inView = document.activeElement.closest("#views");
  const inDetail = document.activeElement.closest("#now-detail");
  if (detail.dataset.run !== chosen) {
    detail.dataset.run = chosen;
    // What belongs to the run before must not be pressed for this one.
    for (const part of [...detail.childNodes]) if (part.id !== "views") part.remove();
    for (const name of FACTS) if (item) detail.dataset[name] = item.dataset[name]; else delete detail.dataset[name];
    if (item) detail.prepend(headOf(item));
  }
  clearTimeout(pending);
  pending = 0;
  const facts = factsOf(chosen);
  if (!facts) { views.hide(); return; }
  // A run that only passes by is not connected to.
  if (later && !views.has(chosen)) { views.hide(); pending = setTimeout(() => { pending = 0; views.show(facts); }, 60); } else views.show(facts);
  // From a log the focus goes on to the next one; a terminal would take the keys that choose.
  if (inView && facts.headless) toView("focus");
  else if (inDetail && document.activeElement === document.body) focusItem(item);
}

// The data of a run's row; of the chosen run, which may not be listed any more, also that of the detail.
function factsOf(run) {
  const detail = $("#now-detail");
  return itemOf(run)?.dataset ?? (run && detail?.dataset.run === run && detail.dataset.mode ? detail.dataset : null);
}

function mark(item) {
  const row = rowOf(item);
  if (item.dataset.run === chosen) row.setAttribute("aria-current", "true");
  else row.removeAttribute("aria-current");
}

// The head of the detail until the server's is there.
function headOf(item) {
  const head = document.createElement("header");
  head.className = "now-head";
  head.dataset.key = `head-${item.dataset.run}`;
  const name = document.createElement("h2");
  const mode = Object.assign(document.createElement("span"), { className: "run-mode", textContent: item.dataset.mode });
  name.append(`${item.dataset.task} `, mode, " ", item.querySelector(".badge").cloneNode(true));
  head.append(name);
  if (item.dataset.active) {
    const acts = Object.assign(document.createElement("div"), { className: "run-acts" });
    acts.dataset.key = "acts";
    const button = Object.assign(document.createElement("button"), { type: "button", className: "bad", textContent: "Stop" });
    Object.assign(button.dataset, { key: "stop", stop: "" });
    acts.append(button);
    head.append(acts);
  }
  return head;
}

// Replaces the morph of the whole page: rows keep their places while they are looked at.
export function merge(have, wanted) {
  const list = wanted.querySelector("#now-list");
  arrangement.apply(have.querySelector("#now-list"), list, page.refresh);
  for (const item of list.querySelectorAll(".now-item")) placeAnswer(have, item);
  wanted.querySelector("#now-detail").dataset.run = chosen;
  const inDetail = document.activeElement.closest("#now-detail");
  morph(have, wanted);
  // The button or field that had the focus is gone.
  if (inDetail && document.activeElement === page.main) focusItem(itemOf(chosen));
}

function drawn() {
  const root = $("#views");
  if (!root) return;
  views.adopt(root);
  const detail = $("#now-detail");
  detail.dataset.run ??= chosen;
  const facts = factsOf(chosen);
  views.update([...document.querySelectorAll(".now-item")].map(({ dataset }) => dataset));
  if (facts) views.update([facts]);
  for (const item of document.querySelectorAll(".now-item")) mark(item);
  const save = $(".now-summary")?.dataset.save;
  if (save) views.note(chosen, save);
  if (facts && views.current !== chosen && !pending) views.show(facts);
  stopping.drawn();
  showStats(detail);
  markSeenSoon(page);
  refreshAnswers();
}

const step = (by, focus) => {
  const all = items();
  const at = all.indexOf(target());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (!next) return;
  choose(next.dataset.run, { push: false, later: true });
  if (focus) focusItem(next);
};

// The next run that needs the user, after the chosen one; from the last it goes to the first.
function nextNeed() {
  const needs = items().filter((item) => item.dataset.group === "needs" && !item.classList.contains("stays"));
  if (!needs.length) return false;
  const next = needs[(needs.indexOf(target()) + 1) % needs.length];
  choose(next.dataset.run);
  focusItem(next);
  return true;
}

function onlyNeeds() {
  const asked = new URLSearchParams(location.search);
  if (asked.has("needs")) asked.delete("needs"); else asked.set("needs", "1");
  history.replaceState(null, "", `${location.pathname}${asked.size ? `?${asked}` : ""}`);
  filter();
}

const filter = () => document.documentElement.toggleAttribute("data-only-needs", new URLSearchParams(location.search).has("needs"));

// Acts on the chosen run, after choosing the focused one.
function press(selector) {
  const item = target();
  if (item && item.dataset.run !== chosen) choose(item.dataset.run, { push: false });
  const button = $(`#now-detail ${selector}`);
  button?.click();
  return Boolean(button);
}

function enter(event) {
  // A link or button other than a row keeps its own action.
  if (!event.target.closest(".now-row") && event.target.closest("a, button, summary")) return false;
  const item = target();
  if (!item) return false;
  choose(item.dataset.run);
  return toView("focus");
}

// Lets the view of the chosen run do something, also if it is only being opened.
function toView(what) {
  const facts = factsOf(chosen);
  if (!facts) return false;
  clearTimeout(pending);
  pending = 0;
  if (views.current !== chosen) views.show(facts);
  return views.do(what);
}

export const keys = {
  j: () => step(1, true),
  ArrowDown: (event) => scrolls(event) ? false : step(1, true),
  k: () => step(-1, true),
  ArrowUp: (event) => scrolls(event) ? false : step(-1, true),
  "]": () => step(1, false),
  "[": () => step(-1, false),
  ".": nextNeed,
  n: onlyNeeds,
  Enter: enter,
  l: () => toView("focus"),
  s: () => press("[data-stop]"),
  r: () => press("[data-act=run]"),
  R: () => press("[data-act=resume]"),
  d: () => press("[data-act=diff]"),
  a: () => press("[data-act=attach]"),
  i: () => { const item = target(); return Boolean(item?.querySelector("[data-answer]")) && openAnswer(item); },
  "/": () => toView("find"),
  f: () => toView("follow"),
  Escape: () => { if (narrow.matches && chosen) history.back(); else focusItem(itemOf(chosen)); },
  ...gateKeys(press),
};

const scrolls = (event) => Boolean(event.target.closest(".log-lines, pre"));

function fromAddress() {
  const run = location.pathname.split("/")[2] ?? "";
  filter();
  if (run === chosen) return;
  chosen = run;
  arrangement.settle(run);
  show();
  if (!run) focusItem(items()[0]);
  page.refresh();
}

export function mount(context) {
  page = context;
  chosen = location.pathname.split("/")[2] ?? "";
  for (const href of ["/assets/run.css", "/assets/now.css"]) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  }
  filter();
  page.drawn = drawn;
  document.addEventListener("visibilitychange", () => markSeenSoon(page));
  addEventListener("popstate", fromAddress);
  page.main.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a[href^='/now']");
    if (link) {
      event.preventDefault();
      const run = link.pathname.split("/")[2] ?? "";
      if (run && run === chosen) { if (event.detail === 0) enter(event); return; }
      if (run) { choose(run); return; }
      history.pushState(null, "", `/now${location.search}`);
      fromAddress();
      return;
    }
    const answer = event.target.closest("[data-answer]");
    if (answer) openAnswer(answer.closest(".now-item"));
    const button = event.target.closest("[data-stop]");
    if (button) stopping.press(button, button.closest("#now-detail"));
  });
  page.main.addEventListener("pointermove", (event) => { if (event.target.closest("#now-list")) arrangement.touched(); });
  listenForDecision(page.main, () => page.refresh());
}

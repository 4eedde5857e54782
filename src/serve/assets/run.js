// The page of one run: adds its log or terminal to the server's fragment.

import { make } from "./element.js";
import { copyable } from "./notice.js";
import { markSeen } from "./seen.js";

export const path = (page) => `/ui/runs/${encodeURIComponent(page.id)}`;

// A change of this pair updates the page, any other change only the header.
export function rowsOf(task) {
  const shown = document.querySelector(".run-page")?.dataset.task;
  return shown === undefined || shown === task ? "page" : [];
}

// Shows one of the tabs; the address keeps which.
function choose(page, name, focus = false) {
  const section = document.querySelector(".run-page");
  if (!section) return;
  section.dataset.tab = name;
  for (const tab of section.querySelectorAll("[role=tab]")) {
    const isChosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    if (isChosen && focus) tab.focus();
  }
  history.replaceState(null, "", name === "output" ? location.pathname : `${location.pathname}?tab=${name}`);
  if (name === "prompt") fillPrompt(section.querySelector("#prompt"));
}

async function fillPrompt(place) {
  if (place.childElementCount) return;
  place.replaceChildren(make("p", { className: "quiet", textContent: "Loading…" }));
  try {
    const { promptOf } = await import("./run/prompt.js");
    place.replaceChildren(...await promptOf(place.dataset.run));
  } catch (error) {
    place.replaceChildren(make("p", { className: "bad", role: "alert", textContent: error.message }));
  }
}

function wireTabs(page) {
  page.main.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(page, tab.id.slice(4));
  });
  page.main.addEventListener("keydown", (event) => {
    if (!event.target.matches("[role=tab]") || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    choose(page, event.target.id === "tab-output" ? "prompt" : "output", true);
  });
}

let view = null;

const click = (selector) => {
  const button = document.querySelector(selector);
  button?.click();
  return Boolean(button);
};

const press = (act) => {
  const button = document.querySelector(`.run-acts [data-act=${act}]`);
  button?.click();
  return Boolean(button);
};

export const help = {
  e: ["e", "first error in the log"],
  o: ["o", "unfold or fold the whole log"],
  r: ["r", "run again"],
  p: ["p", "its prompt"],
  f: ["f", "follow the log"],
};

export const keys = {
  r: () => press("run"),
  R: () => press("resume"),
  e: () => click(".first-error"),
  o: () => click(".fold:not([hidden])"),
  p: () => { document.getElementById("tab-prompt")?.click(); },
  s: () => press("stop"),
  a: () => press("attach"),
  y: () => press("approve"),
  "/": () => { const field = document.querySelector(".find input"); field?.focus(); field?.select(); return Boolean(field); },
  f: () => { const button = document.querySelector(".follow:not([hidden])"); button?.click(); return Boolean(button); },
  l: () => { document.querySelector(".log-lines, .xterm textarea")?.focus(); },
};

export async function mount(page) {
  style("/assets/run.css");
  document.addEventListener("visibilitychange", () => markSeen(page));
  wireTabs(page);
  page.drawn = async () => {
    markSeen(page);
    const section = page.main.querySelector(".run-page");
    if (section && !section.dataset.tab) choose(page, new URLSearchParams(location.search).get("tab") === "prompt" ? "prompt" : "output");
    for (const place of page.main.querySelectorAll(".attach-line")) {
      if (place.textContent.startsWith(place.dataset.line)) continue;
      place.replaceChildren(copyable(place.dataset.line));
    }
    const host = page.main.querySelector("#log, #terminal");
    if (view && view.host === host) { view.update?.(); return; }
    view?.dispose?.();
    view = host ? { host } : null;
    if (!host) return;
    const mine = view;
    const Made = host.id === "log" ? (await import("./run/log.js")).LogView : (await import("./run/terminal.js")).TerminalView;
    if (view === mine) view = new Made(host);
  };
}

function style(href) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}

// The page of one run: adds its log or terminal to the server's fragment.

import { copyable } from "./notice.js";

export const path = (page) => `/ui/runs/${encodeURIComponent(page.id)}`;

// A change of this pair updates the page, any other change only the header.
export function rowsOf(task) {
  const shown = document.querySelector(".run-page")?.dataset.task;
  return shown === undefined || shown === task ? "page" : [];
}

let view = null;

const press = (act) => {
  const button = document.querySelector(`.run-acts [data-act=${act}]`);
  button?.click();
  return Boolean(button);
};

export const keys = {
  r: () => press("run"),
  s: () => press("stop"),
  a: () => press("attach"),
  y: () => press("approve"),
  "/": () => { const field = document.querySelector(".find input"); field?.focus(); field?.select(); return Boolean(field); },
  f: () => { const button = document.querySelector(".follow:not([hidden])"); button?.click(); return Boolean(button); },
  l: () => { document.querySelector(".log-lines, .xterm textarea")?.focus(); },
};

export async function mount(page) {
  style("/assets/run.css");
  page.drawn = async () => {
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

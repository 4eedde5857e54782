// The board: filters, order and groups, loading of further rows, and keyboard selection.

import { leaveBoard, returned } from "./place.js";
import { selection } from "./selection.js";

// The form's values without those that are the default.
const query = (form) => {
  const asked = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...asked]) if (!value) asked.delete(name);
  return asked;
};

export const title = "Board";

const rows = () => [...document.querySelectorAll(".rows .row")];

// Rows that were shown when the board was left: as many are fetched again.
let before = returned();

// Rows of the answer to a changed filter: more than a screen; the others follow when they are scrolled to.
const FIRST = 25;
// The filter was changed and its answer is not shown yet.
let filtering = false;

// The request's path with the filters, which are also in the address.
export function path() {
  const asked = new URLSearchParams(location.search);
  const shown = Math.max(rows().length, before?.count ?? 0);
  if (filtering) asked.set("count", FIRST);
  else if (shown > 100) asked.set("count", Math.min(shown, 2000));
  const text = asked.toString();
  return text ? `/ui/board?${text}` : "/ui/board";
}

// A change of a run affects its task's row; with a filter on runs or an order by them it may affect any row.
export function rowsOf(task) {
  const asked = new URLSearchParams(location.search);
  const isByRuns = ["needs", "mode", "state"].some((name) => asked.get(name)) || asked.get("sort") === "needs" || ["mode", "agent"].includes(asked.get("group"));
  if (isByRuns) return "page";
  return document.querySelector(`.row[data-task="${CSS.escape(task)}"]`) ? [task] : [];
}

export function mount(page) {
  const filter = async (form) => {
    const asked = query(form).toString();
    history.replaceState(null, "", asked ? `/?${asked}` : "/");
    before = null;
    // What was found is shown from its beginning.
    scrollTo(0, 0);
    filtering = true;
    await page.refresh();
    filtering = false;
  };
  page.main.addEventListener("input", (event) => {
    const form = event.target.closest("form.tools");
    if (form) filter(form);
  });
  page.main.addEventListener("submit", (event) => { event.preventDefault(); });
  page.main.addEventListener("click", (event) => {
    if (event.target.closest("[data-act=clear]")) {
      history.replaceState(null, "", "/");
      page.refresh();
    }
    const more = event.target.closest("[data-act=more]");
    if (more) further(page, more);
    const row = event.target.closest(".row");
    if (row) select(row, false);
  });
  addEventListener("pagehide", () => leaveBoard({ count: rows().length, task: selected()?.dataset.task ?? "" }));
  // A failed run whose page was opened in another tab no longer needs its user.
  document.addEventListener("visibilitychange", () => { if (!document.hidden && document.getElementById("page")) page.refresh(); });
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) further(page, entry.target);
  }, { rootMargin: "300px" });
  page.drawn = () => {
    seen.disconnect();
    const more = page.main.querySelector(".more");
    if (more) seen.observe(more);
    if (before && rows().length) comeBack();
  };
}

// Shows the part of the board that was visible when it was left.
function comeBack() {
  const { top, task } = before;
  before = null;
  const row = task && document.querySelector(`.row[data-task="${CSS.escape(task)}"]`);
  if (row) select(row, false);
  scrollTo(0, top);
  // Rows outside the screen had estimated heights.
  requestAnimationFrame(() => scrollTo(0, top));
}

// Appends the next rows.
async function further(page, more) {
  if (more.getAttribute("aria-busy")) return;
  more.setAttribute("aria-busy", "true");
  const asked = new URLSearchParams(location.search);
  asked.set("from", more.dataset.next);
  const next = await page.fetch(`/ui/board?${asked}`);
  const list = page.main.querySelector(".rows");
  if (!next || !more.isConnected || !list) return;
  for (const line of next.querySelectorAll(".rows > li")) {
    const known = [...list.children].some((own) => own.dataset.key === line.dataset.key);
    if (!known) list.append(document.importNode(line, true));
  }
  const another = next.querySelector(".more");
  if (another) more.replaceWith(document.importNode(another, true));
  else more.remove();
  page.redrawn();
  page.again(next);
}

const { selected, select, step, press } = selection(rows, ".row[aria-current]");

// Moves within the row: Tab stops only at its name and its main button.
function inside(by) {
  const row = document.activeElement.closest?.(".row") ?? selected();
  if (!row) return false;
  const stops = [...row.querySelectorAll("a, button")].filter((stop) => !stop.disabled && stop.checkVisibility({ visibilityProperty: true }));
  const at = stops.indexOf(document.activeElement) + by;
  (at < 0 ? row : stops[Math.min(at, stops.length - 1)])?.focus();
  select(row, false);
  return true;
}

export const help = {
  j: ["j / k", "next, previous task"],
  ArrowRight: ["← / →", "the row's runs and buttons"],
  l: ["l", "log or terminal of its last run"],
};

export const keys = {
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  ArrowRight: () => inside(1),
  ArrowLeft: () => inside(-1),
  Enter: (event) => {
    if (!event.target.matches(".row")) return false;
    event.target.querySelector("a.title")?.click();
    return true;
  },
  "/": () => { const field = document.querySelector("input[name=text]"); field?.focus(); field?.select(); },
  r: () => press("run"),
  s: () => press("stop"),
  a: () => press("attach"),
  l: () => press("log"),
  y: () => press("approve"),
  n: () => document.querySelector("input[name=needs]")?.click(),
};

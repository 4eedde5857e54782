// The board: filters, loading of further rows, and keyboard selection.

const query = (form) => {
  const asked = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...asked]) if (!value) asked.delete(name);
  return asked;
};

export const title = "Board";

// The request's path with the filters, which are also in the address.
export function path() {
  const asked = new URLSearchParams(location.search);
  const shown = document.querySelectorAll(".rows .row").length;
  if (shown > 100) asked.set("count", Math.min(shown, 2000));
  const text = asked.toString();
  return text ? `/ui/board?${text}` : "/ui/board";
}

// A change of a run affects its task's row; with a filter on runs it may affect any row.
export function rowsOf(task) {
  const asked = new URLSearchParams(location.search);
  if (["needs", "mode", "state"].some((name) => asked.get(name))) return "page";
  return document.querySelector(`.row[data-task="${CSS.escape(task)}"]`) ? [task] : [];
}

export function mount(page) {
  let wait;
  const filter = (form) => {
    const asked = query(form).toString();
    history.replaceState(null, "", asked ? `/?${asked}` : "/");
    page.refresh();
  };
  page.main.addEventListener("input", (event) => {
    const form = event.target.closest("form.tools");
    if (!form) return;
    clearTimeout(wait);
    wait = setTimeout(() => filter(form), event.target.type === "search" ? 120 : 0);
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
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) further(page, entry.target);
  }, { rootMargin: "600px" });
  page.drawn = () => {
    seen.disconnect();
    const more = page.main.querySelector(".more");
    if (more) seen.observe(more);
  };
}

// Appends the next rows.
async function further(page, more) {
  if (more.getAttribute("aria-busy")) return;
  more.setAttribute("aria-busy", "true");
  const asked = new URLSearchParams(location.search);
  asked.set("from", more.dataset.next);
  const next = await page.fetch(`/ui/board?${asked}`);
  const rows = page.main.querySelector(".rows");
  if (!next || !more.isConnected || !rows) return;
  for (const line of next.querySelectorAll(".rows > li")) {
    const known = [...rows.children].some((own) => own.dataset.key === line.dataset.key);
    if (!known) rows.append(document.importNode(line, true));
  }
  const another = next.querySelector(".more");
  if (another) more.replaceWith(document.importNode(another, true));
  else more.remove();
  page.redrawn();
  page.again(next);
}

const selected = () => document.querySelector(".row[aria-current]");

function select(row, focus = true) {
  if (selected() !== row) selected()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  if (focus) {
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
}

function step(by) {
  const rows = [...document.querySelectorAll(".rows .row")];
  const at = rows.indexOf(selected());
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  if (next) select(next);
}

const press = (act) => {
  const button = selected()?.querySelector(`.acts [data-act=${act}]`);
  if (!button || button.disabled) return false;
  button.click();
  return true;
};

export const keys = {
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
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

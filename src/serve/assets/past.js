// The page of past runs: filters, which are also in the address, loading of further rows, keyboard selection, and
// saving what is selected as a file.

import { ask, call } from "./net.js";
import { morph } from "./morph.js";
import { refusal } from "./notice.js";
import { selection } from "./selection.js";

const FIELDS = ["q", "task", "mode", "outcome", "agent", "since", "from", "to"];

export const title = "History";

const rows = () => [...document.querySelectorAll(".past-runs tbody tr")];

// The request's path: the first rows.
export function path() {
  const asked = new URLSearchParams();
  const given = new URLSearchParams(location.search);
  for (const name of FIELDS) if (given.get(name)) asked.set(name, given.get(name));
  const text = asked.toString();
  return text ? `/ui/history?${text}` : "/ui/history";
}

// Takes over a page that was fetched again, and keeps the rows that were loaded after its last one.
export function merge(have, wanted) {
  keep(have, wanted);
  morph(have, wanted);
}

// An ended run never changes: the rows behind the last one of `wanted` stay as they are, and so does what loads more.
function keep(have, wanted) {
  const last = wanted.querySelector(".past-runs tbody")?.lastElementChild;
  const known = last && have.querySelector(`.past-runs tr[data-key="${CSS.escape(last.dataset.key)}"]`);
  if (!known?.nextElementSibling) return;
  for (let row = known.nextElementSibling; row; row = row.nextElementSibling) last.parentElement.append(row.cloneNode(true));
  wanted.querySelector(".more")?.remove();
  const more = have.querySelector(".more");
  if (more) wanted.append(more.cloneNode(true));
}

export function mount(page) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/assets/history.css" }));
  let wait;
  const go = (asked) => {
    history.replaceState(null, "", asked ? `/history?${asked}` : "/history");
    // A new filter starts at the first row.
    page.main.querySelector(".past-runs tbody")?.replaceChildren();
    page.refresh();
  };
  page.main.addEventListener("input", (event) => {
    const form = event.target.closest("form.tools");
    if (!form) return;
    clearTimeout(wait);
    wait = setTimeout(() => {
      const asked = new URLSearchParams(new FormData(form));
      for (const [name, value] of [...asked]) if (!value) asked.delete(name);
      go(asked.toString());
    }, event.target.matches("select") ? 0 : 200);
  });
  page.main.addEventListener("submit", (event) => { event.preventDefault(); });
  page.main.addEventListener("click", (event) => {
    if (event.target.closest("[data-act=clear]")) {
      for (const field of page.main.querySelector("form.tools").elements) field.value = "";
      go("");
    }
    const more = event.target.closest("[data-act=more]");
    if (more) further(page, more);
    const link = event.target.closest("[data-save]");
    if (link) {
      event.preventDefault();
      save(link);
    }
    const row = event.target.closest(".past-runs tbody tr");
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
  asked.set("cursor", more.dataset.next);
  const next = await page.fetch(`/ui/history?${asked}`);
  const body = page.main.querySelector(".past-runs tbody");
  if (!next || !more.isConnected || !body) return;
  const known = new Set([...body.children].map((row) => row.dataset.key));
  for (const row of next.querySelectorAll(".past-runs tbody tr")) {
    if (!known.has(row.dataset.key)) body.append(document.importNode(row, true));
  }
  const another = next.querySelector(".more");
  if (another) more.replaceWith(document.importNode(another, true));
  else more.remove();
  page.redrawn();
}

// Fetches with the token, which a plain link cannot send. JSON comes in pages.
async function save(link) {
  if (link.getAttribute("aria-busy")) return;
  link.setAttribute("aria-busy", "true");
  try {
    const address = new URL(link.href);
    const text = link.dataset.save.endsWith(".json") ? JSON.stringify(await whole(address), null, 2)
      : await (await ask("GET", address.pathname + address.search)).text();
    const href = URL.createObjectURL(new Blob([text]));
    Object.assign(document.createElement("a"), { href, download: link.dataset.save }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  } catch (error) {
    refusal(error);
  }
  link.removeAttribute("aria-busy");
}

async function whole(address) {
  address.searchParams.set("limit", 1000);
  const runs = [];
  let part;
  do {
    if (part) address.searchParams.set("cursor", part.next);
    part = await call("GET", address.pathname + address.search);
    runs.push(...part.runs);
  } while (part.next);
  return { runs, totals: part.totals };
}

const { selected, select, step } = selection(rows, ".past-runs tr[aria-current]");

const next = () => step(1, () => document.querySelector(".past .more")?.click());

export const keys = {
  j: () => next(),
  ArrowDown: () => next(),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  Enter: (event) => {
    if (!event.target.matches(".past-runs tr")) return false;
    event.target.querySelector("a.badge")?.click();
    return true;
  },
  "/": () => { const field = document.querySelector("input[name=q]"); field?.focus(); field?.select(); },
};

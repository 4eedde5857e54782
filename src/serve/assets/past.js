// The page of past runs: filters, which are also in the address, and loading of further rows.

const FIELDS = ["task", "mode", "outcome", "since"];
const PIECE = 100;

export const title = "History";

// The request's path; rows that were loaded are requested again.
export function path() {
  const asked = new URLSearchParams();
  const given = new URLSearchParams(location.search);
  for (const name of FIELDS) if (given.get(name)) asked.set(name, given.get(name));
  const shown = document.querySelectorAll(".past tbody tr").length;
  if (shown > PIECE) asked.set("count", Math.min(Math.ceil(shown / PIECE) * PIECE, 1000));
  const text = asked.toString();
  return text ? `/ui/history?${text}` : "/ui/history";
}

export function mount(page) {
  let wait;
  const go = (asked) => {
    history.replaceState(null, "", asked ? `/history?${asked}` : "/history");
    // A new filter starts at the first row.
    page.main.querySelector(".past tbody")?.replaceChildren();
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
    }, event.target.type === "search" ? 200 : 0);
  });
  page.main.addEventListener("submit", (event) => { event.preventDefault(); });
  page.main.addEventListener("click", (event) => {
    if (event.target.closest("[data-act=clear]")) {
      page.main.querySelector("form.tools").reset();
      go("");
    }
    const more = event.target.closest("[data-act=more]");
    if (more) further(page, more);
  });
}

// Appends the next rows.
async function further(page, more) {
  if (more.getAttribute("aria-busy")) return;
  more.setAttribute("aria-busy", "true");
  const asked = new URLSearchParams(location.search);
  asked.set("from", more.dataset.next);
  const next = await page.fetch(`/ui/history?${asked}`);
  const body = page.main.querySelector(".past tbody");
  if (!next || !more.isConnected || !body) return;
  const known = new Set([...body.children].map((row) => row.dataset.key));
  for (const row of next.querySelectorAll(".past tbody tr")) {
    if (!known.has(row.dataset.key)) body.append(document.importNode(row, true));
  }
  const another = next.querySelector(".more");
  if (another) more.replaceWith(document.importNode(another, true));
  else more.remove();
  page.redrawn();
}

export const keys = {
  "/": () => { const field = document.querySelector("input[name=task]"); field?.focus(); field?.select(); },
};

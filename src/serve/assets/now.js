// The page of unfinished runs, with keyboard selection. Any change of a run may move a row.

export const title = "Now";
export const path = () => "/ui/now";

const rows = () => [...document.querySelectorAll(".goings .row")];
const selected = () => document.querySelector(".goings .row[aria-current]");

function step(by) {
  const all = rows();
  const at = all.indexOf(selected());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (!next) return;
  selected()?.removeAttribute("aria-current");
  next.setAttribute("aria-current", "true");
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

const press = (act) => {
  const button = selected()?.querySelector(`[data-act=${act}]`);
  button?.click();
  return !!button;
};

export const keys = {
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  Enter: (event) => event.target.matches(".row") && press("log"),
  l: () => press("log"),
  s: () => press("stop"),
  a: () => press("attach"),
  y: () => press("approve"),
};

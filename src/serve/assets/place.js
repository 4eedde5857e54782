// Remembers in this tab where the board was left: its filters, how far it was scrolled, the chosen task. Other pages link
// back to there.

const KEY = "dispatch.board";

const read = () => {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? null;
  } catch {
    return null;
  }
};

export function leaveBoard({ count, task }) {
  sessionStorage.setItem(KEY, JSON.stringify({ search: location.search, top: scrollY, count, task, away: true }));
}

// The place to come back to, once, if another page of the server was shown meanwhile.
export function returned() {
  const left = read();
  if (!left) return null;
  sessionStorage.setItem(KEY, JSON.stringify({ ...left, away: false }));
  return left.away && left.visited && left.search === location.search ? left : null;
}

// On every other page: links to the board lead to where it was left.
export function linkBack() {
  const left = read();
  if (left?.away) sessionStorage.setItem(KEY, JSON.stringify({ ...left, visited: true }));
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href="/"]');
    if (link) link.href = boardAddress();
  }, { capture: true });
}

export const boardAddress = () => `/${read()?.search ?? ""}`;

// Notices that the computer slept or the browser froze the page: the clock went on, and the page did not. Renders nothing.

// Milliseconds without a call of the page's timers. Browsers call those of a hidden page once a minute.
const GAP = 90_000;

const listeners = new Set();
let last = Date.now();
let frozen = false;

// Calls `woke(since)` when the page wakes; until `since` it was awake. Returns what ends this.
export function onWake(woke) {
  listeners.add(woke);
  return () => listeners.delete(woke);
}

// Compares the clock with the time of the last call. To be called before anything is shown that depends on the clock, since the
// order of timers after a sleep is not known.
export function noticeSleep() {
  const [before, now, slept] = [last, Date.now(), frozen];
  last = now;
  frozen = false;
  if (slept || Math.abs(now - before) > GAP) for (const woke of [...listeners]) woke(new Date(before));
}

setInterval(noticeSleep, 1000);
document.addEventListener("visibilitychange", noticeSleep);
document.addEventListener("freeze", () => { last = Date.now(); frozen = true; });
document.addEventListener("resume", noticeSleep);

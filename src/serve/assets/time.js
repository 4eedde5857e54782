// Formats times, by the clock of the server, which made them. Fills every <time data-tick>: `for` is a growing duration, `ago` a past time, `at` and `clock` a moment.

import { serverNow } from "./net.js";
import { noticeSleep } from "./wake.js";

// In at most two units, as the server formats it.
export function short(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${Math.floor(s / 60) % 60}m`;
  return `${Math.floor(s / 86400)}d ${Math.floor(s / 3600) % 24}h`;
}

// In one unit.
function ago(seconds) {
  if (seconds < 5) return "now";
  return `${short(seconds).split(" ")[0]} ago`;
}

// Formats a time; the format is made when it is first used.
const formatter = (style) => {
  let made;
  return (at) => (made ??= new Intl.DateTimeFormat(undefined, style)).format(at);
};

export const moment = formatter({ dateStyle: "medium", timeStyle: "medium" });
const clock = formatter({ timeStyle: "short" });
export const toTheSecond = formatter({ timeStyle: "medium" });
// The first format of a page takes the browser 15 ms and more: it is made in a task of its own, while the page waits for its
// content.
setTimeout(() => moment(0));

// The connection to the server was lost.
const cut = () => ["lost", "expired"].includes(document.documentElement.dataset.link);

// Fills in the times below `root`.
export function tick(root = document) {
  const now = serverNow();
  for (const time of root.querySelectorAll("time[data-tick]")) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    const seconds = (now - at) / 1000;
    const { tick: how } = time.dataset;
    // Without a connection to the server it is unknown whether the state still lasts.
    if (how === "for" && time.textContent && cut()) continue;
    const text = how === "for" ? short(seconds) : how === "at" ? moment(at) : how === "clock" ? clock(at) : ago(seconds);
    if (time.textContent !== text) time.textContent = text;
    if (!time.title) time.title = moment(at);
  }
}

function tickShown() {
  noticeSleep();
  if (!document.hidden) tick();
}

setInterval(tickShown, 1000);
document.addEventListener("visibilitychange", tickShown);

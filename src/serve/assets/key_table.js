// The keyboard shortcuts of the pages and of the terminal view (`dispatch ui`), which reads this file too: a key means the same
// in both. `key`: as browsers name it; `label`: in the help; `short`: in the line of keys. The table is JSON.
export default [
  { "key": "j", "label": "j / k", "short": "", "meaning": "next, previous", "frontEnds": "both" },
  { "key": "g", "label": "g / G", "short": "", "meaning": "first, last", "frontEnds": "terminal" },
  { "key": "/", "label": "/", "short": "filter", "meaning": "search", "frontEnds": "both" },
  { "key": "n", "label": "n", "short": "", "meaning": "only what needs me", "frontEnds": "both" },
  { "key": ".", "label": ".", "short": "next need", "meaning": "next run that needs me", "frontEnds": "both" },
  { "key": "Enter", "label": "Enter", "short": "open", "meaning": "open it", "frontEnds": "both" },
  { "key": "a", "label": "a", "short": "attach", "meaning": "attach in your terminal", "frontEnds": "both" },
  { "key": "r", "label": "r", "short": "run", "meaning": "run", "frontEnds": "both" },
  { "key": "R", "label": "R", "short": "resume", "meaning": "resume", "frontEnds": "both" },
  { "key": "B", "label": "B", "short": "restart", "meaning": "stop it, and start it again as the manifest is now", "frontEnds": "terminal" },
  { "key": "s", "label": "s", "short": "stop", "meaning": "stop", "frontEnds": "both" },
  { "key": "y", "label": "y", "short": "approve", "meaning": "approve what waits at its gate", "frontEnds": "both" },
  { "key": "x", "label": "x", "short": "reject", "meaning": "reject with a reason", "frontEnds": "both" },
  { "key": "i", "label": "i", "short": "answer", "meaning": "type a line to a waiting window", "frontEnds": "both" },
  { "key": "l", "label": "l", "short": "log", "meaning": "log or terminal", "frontEnds": "both" },
  { "key": "d", "label": "d", "short": "diff", "meaning": "diff", "frontEnds": "both" },
  { "key": "w", "label": "w", "short": "why", "meaning": "why it is in its state", "frontEnds": "terminal" },
  { "key": "[", "label": "[ / ]", "short": "", "meaning": "previous, next run; the log or terminal keeps the keyboard", "frontEnds": "pages" },
  { "key": "Tab", "label": "Tab", "short": "", "meaning": "log or screen, diff, why, task", "frontEnds": "terminal" },
  { "key": "→", "label": "→ / ←", "short": "", "meaning": "into the log or screen, and back to the list", "frontEnds": "terminal" },
  { "key": "p", "label": "p", "short": "plan", "meaning": "the plan, and apply it", "frontEnds": "terminal" },
  { "key": "o", "label": "o", "short": "", "meaning": "the pages, in the browser", "frontEnds": "terminal" },
  { "key": "q", "label": "q", "short": "quit", "meaning": "leave; nothing is stopped", "frontEnds": "terminal" }
];

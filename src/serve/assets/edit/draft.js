// Unsaved texts, kept in the browser: by the file's path on disk, which names the project too, and the ETag that they are
// based on. This tab's own draft is also kept apart, so that tabs on one file do not take each other's.

const PREFIX = "dispatch.draft ";
const OWN = "dispatch.draft.tab ";
// Drafts and characters that are kept at most; the oldest are dropped.
const COUNT = 8;
const SIZE = 3 << 20;

const keyOf = (path, base) => `${PREFIX}${path} ${base}`;

function read(store, key) {
  try {
    const draft = JSON.parse(store.getItem(key));
    return typeof draft?.text === "string" && typeof draft.base === "string" && typeof draft.at === "number" ? draft : null;
  } catch {
    return null;
  }
}

const all = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => ({ key, size: localStorage.getItem(key).length, at: read(localStorage, key)?.at ?? 0 }));

// Keeps a text. False: the browser has no room for it.
export function keep(path, base, text) {
  const value = JSON.stringify({ path, base, text, at: Date.now() });
  const key = keyOf(path, base);
  const others = all().filter((one) => one.key !== key).sort((a, b) => a.at - b.at);
  let sum = value.length + others.reduce((sum, { size }) => sum + size, 0);
  const drop = () => { const old = others.shift(); sum -= old.size; localStorage.removeItem(old.key); };
  while (others.length && (sum > SIZE || others.length >= COUNT)) drop();
  try { sessionStorage.setItem(OWN + path, value); } catch { sessionStorage.removeItem(OWN + path); }
  for (;;) {
    try {
      if (value.length > SIZE) throw new Error("too long");
      localStorage.setItem(key, value);
      return true;
    } catch {
      if (!others.length) { localStorage.removeItem(key); return false; }
      drop();
    }
  }
}

// The draft to go on with: this tab's, else the newest one, rather one of this version of the file.
export function find(path, etag) {
  const own = read(sessionStorage, OWN + path);
  if (own) return own;
  const drafts = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${path} `)).map((key) => read(localStorage, key)).filter((draft) => draft?.path === path);
  return drafts.sort((a, b) => (b.base === etag) - (a.base === etag) || b.at - a.at)[0] ?? null;
}

// Drops the drafts of a file, after it was saved or its draft was given up.
export function drop(path) {
  sessionStorage.removeItem(OWN + path);
  for (const key of Object.keys(localStorage)) if (key.startsWith(`${PREFIX}${path} `)) localStorage.removeItem(key);
}

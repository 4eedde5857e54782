// Comments on a task's diff that were not sent yet, in this browser's storage: bounded, so that no text can fill it.

const KEY = "dispatch.review.";
// Comments on one task, characters of one comment, tasks with comments.
const MOST = 200;
export const MOST_WORDS = 4000;
const MOST_TASKS = 20;

const isDraft = (draft) => draft && ["file", "side", "text", "words"].every((name) => typeof draft[name] === "string") && Number.isInteger(draft.line);

export class Drafts {
  constructor(task) {
    // One browser may show several projects at one address, one after the other.
    this.key = `${KEY}${document.getElementById("project").textContent}/${task}`;
    this.all = this.#read();
  }

  #read() {
    try {
      const { drafts } = JSON.parse(localStorage.getItem(this.key)) ?? {};
      return Array.isArray(drafts) ? drafts.filter(isDraft).slice(0, MOST) : [];
    } catch {
      return [];
    }
  }

  get written() {
    return this.all.filter(({ words }) => words.trim());
  }

  find({ file, side, line, text }) {
    return this.all.find((draft) => draft.file === file && draft.side === side && draft.line === line && draft.text === text);
  }

  // Null: there are too many.
  add(at) {
    if (this.all.length >= MOST) return null;
    const draft = { ...at, words: "" };
    this.all.push(draft);
    return draft;
  }

  change(draft, words) {
    draft.words = words.slice(0, MOST_WORDS);
    this.#write();
  }

  remove(draft) {
    this.all = this.all.filter((other) => other !== draft);
    this.#write();
  }

  clear() {
    this.all = [];
    this.#write();
  }

  #write() {
    const drafts = this.written;
    try {
      if (!drafts.length) { localStorage.removeItem(this.key); return; }
      localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), drafts }));
      const others = Object.keys(localStorage).filter((key) => key.startsWith(KEY) && key !== this.key);
      const age = (key) => { try { return JSON.parse(localStorage.getItem(key)).at || 0; } catch { return 0; } };
      if (others.length < MOST_TASKS) return;
      others.sort((a, b) => age(a) - age(b));
      for (const key of others.slice(0, others.length + 1 - MOST_TASKS)) localStorage.removeItem(key);
    } catch {
      // The browser keeps nothing: the comments last as long as the page.
    }
  }
}

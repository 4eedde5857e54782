// One file in the editor: what is typed, what is on disk, and what becomes of both.

import { Refused, Unreachable, ask } from "../net.js";
import { make } from "../element.js";
import { Code, Compared } from "./code.js";
import { Problems, placed } from "./problems.js";
import { Preview } from "./preview.js";
import { describe, keysAt, namesAt, rootOf, valuesAt } from "./schema.js";
import { wordAt } from "./place.js";
import * as drafts from "./draft.js";

// Milliseconds without a key before the text is checked, and before it is kept.
const CHECK = 100;
const KEEP = 200;

const MARK = "\ufeff";

export class Editor {
  constructor({ name, path, kind }) {
    Object.assign(this, { name, path, kind, schema: {}, etag: "", saved: null, disk: null, checked: null, compared: null, turn: 0 });
    this.address = `/api/files/${name.split("/").map(encodeURIComponent).join("/")}`;
    this.build();
  }

  build() {
    this.state = make("p", { className: "edit-state", "role": "status" });
    this.discardButton = make("button", { type: "button", textContent: "Discard changes", hidden: true, onclick: () => this.discard() });
    this.saveButton = make("button", { type: "button", className: "main", textContent: "Save", title: "Save ( Ctrl+S )", onclick: () => this.save() });
    this.bar = make("div", { className: "edit-bar" }, this.state, make("span", { className: "gap" }), this.discardButton, this.saveButton);
    this.notes = make("div", { className: "edit-notes" });
    this.host = make("div", { className: "edit-host" });
    this.about = make("p", { className: "edit-about quiet" });
    this.hint = make("p", { className: "edit-hint quiet" }, ...hints());
    this.pane = make("section", { className: "edit-pane card", "aria-label": "Text" }, this.host, this.about, this.hint);
    this.problems = new Problems(this);
    this.preview = new Preview(this);
    this.side = make("div", { className: "edit-side" }, this.problems.element, this.preview.element);
    this.panes = make("div", { className: "edit-panes" }, this.pane, this.side);
    this.conflict = make("section", { className: "edit-conflict card", "aria-label": "Two versions", hidden: true });
    this.element = make("div", { className: "edit-box" }, this.bar, this.notes, this.panes, this.conflict);
  }

  async start() {
    if (this.started) return;
    this.started = true;
    this.tell("Loading…");
    try {
      [this.schema, this.disk] = await Promise.all([ask("GET", "/api/schema").then((answer) => answer.json()), this.read()]);
    } catch (error) {
      this.started = false;
      this.tell("");
      this.note("load", error.message, { bad: true, hint: error.hint, acts: [["Try again", () => this.start()]] });
      return;
    }
    this.note("load", "");
    const { text, etag } = this.disk;
    const draft = drafts.find(this.path, etag);
    const other = draft && draft.text !== text;
    this.root = rootOf(this.schema, this.kind);
    this.bom = (other ? draft.text : text).startsWith(MARK);
    this.code = new Code(this.host, {
      label: `Text of ${this.name}. Escape leaves it, Control and M let Tab leave it.`, text: this.inner(other ? draft.text : text),
      knows: this.knows(), changed: () => this.changed(), moved: () => this.moved(), left: () => this.saveButton.focus(),
    });
    [this.etag, this.saved] = [etag, text];
    if (draft && !other) drafts.drop(this.path);
    if (other) this.restore(draft);
    else this.disk = null;
    this.show();
    this.check();
    this.toPlace();
    addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      if (this.compared) this.saveMine();
      else this.save();
    });
    addEventListener("pagehide", () => this.keep());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.keep(); else this.lookSoon(); });
  }

  restore(draft) {
    const when = new Date(draft.at).toLocaleString();
    if (draft.base === this.etag) {
      this.disk = null;
      this.note("draft", `Your draft of ${when} is restored. It is not saved yet.`, { acts: [["Discard it", () => this.discard()]] });
      return;
    }
    // The text that the draft is based on is not known.
    [this.etag, this.saved] = [draft.base, null];
    this.note("draft", `Your draft of ${when} is restored.`);
    this.beneath();
    this.compare();
  }

  // The cursor goes where the address points.
  toPlace() {
    const asked = new URLSearchParams(location.search);
    const line = Number(asked.get("line"));
    if (line > 0) this.code.go(line, Number(asked.get("column")) || 1);
    else if (asked.get("task")) {
      const id = asked.get("task");
      const entry = this.code.plain.split("\n").findIndex((text) => /\bid:\s*["']?([\w.-]+)/.exec(text)?.[1] === id);
      if (entry >= 0) this.code.go(entry + 1);
    }
  }

  knows() {
    return {
      keys: (path) => keysAt(this.schema, this.root, path),
      values: (path) => valuesAt(this.schema, this.root, path),
      names: (path) => {
        const what = namesAt(this.schema, this.root, path);
        if (what === "modes") return (this.checked?.modes ?? []).map(({ name, description }) => ({ name, about: description }));
        return what === "tasks" ? (this.checked?.tasks ?? []).map(({ id, title }) => ({ name: id, about: title })) : [];
      },
      aboutAt: (text, at) => this.aboutAt(text, at),
    };
  }

  aboutAt(text, at) {
    const word = wordAt(text, at);
    const found = word && describe(this.schema, this.root, word.path);
    if (!found) return null;
    const value = word.key ? null : found.words.find(({ value }) => String(value) === word.word);
    if (!word.key && !value) return null;
    return { from: word.from, to: word.to, name: word.word, type: word.key ? found.type : "", about: value ? value.about : found.about };
  }

  // The file on disk; without text and tag if there is none.
  async read() {
    try {
      const answer = await ask("GET", this.address);
      return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(await answer.arrayBuffer()), etag: answer.headers.get("ETag") };
    } catch (error) {
      if (error instanceof Refused && error.code === "unknown_file" && (this.etag || !document.querySelector("#page[data-exists]"))) return { text: "", etag: "" };
      throw error;
    }
  }

  // A byte order mark is not part of the text that is edited.
  inner(text) { return text.startsWith(MARK) ? text.slice(1) : text; }

  // The text as it is saved: that of the comparison while it is open.
  get text() { return (this.bom ? MARK : "") + (this.compared ?? this.code).text; }

  get dirty() { return this.saved === null || this.text !== this.saved; }

  changed() {
    clearTimeout(this.checking);
    this.checking = setTimeout(() => this.check(), CHECK);
    this.keepSoon();
    this.show();
  }

  keepSoon() {
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keep(), KEEP);
  }

  moved() {
    clearTimeout(this.describing);
    this.describing = setTimeout(() => {
      const about = this.aboutAt(this.code.plain, this.code.head);
      this.about.textContent = about ? `${about.name}${about.type ? ` (${about.type})` : ""}${about.about ? `: ${about.about}` : ""}` : "";
    }, 100);
  }

  keep() {
    clearTimeout(this.keeping);
    if (!this.code) return;
    if (!this.dirty) { drafts.drop(this.path); this.note("room", ""); return; }
    const kept = drafts.keep(this.path, this.etag, this.text);
    this.note("room", kept ? "" : "This text is too long to be kept as a draft: a reload loses it.", { bad: true });
  }

  show(words = "") {
    this.discardButton.hidden = !this.dirty || this.saved === null;
    this.element.classList.toggle("dirty", this.dirty);
    this.tell(words || (this.dirty ? "Not saved yet" : this.etag ? "Saved" : "A new file"));
  }

  tell(words) { if (this.state.textContent !== words) this.state.textContent = words; }

  // A message above the text, one of each kind; without words it goes away.
  note(kind, words, { bad = false, hint = "", acts = [] } = {}) {
    const old = this.notes.querySelector(`[data-note=${kind}]`);
    if (!words) { old?.remove(); return; }
    if (old?.dataset.words === words) return;
    const box = make("div", { className: `banner ${bad ? "bad" : "warn"}`, "data-note": kind, "data-words": words, "role": bad ? "alert" : "status" }, make("span", { textContent: words }));
    if (hint) box.append(" ", make("span", { className: "hint", textContent: hint }));
    for (const [label, act] of acts) box.append(" ", make("button", { type: "button", textContent: label, onclick: act }));
    if (!bad) box.append(" ", make("button", { type: "button", className: "edit-away", "aria-label": "Dismiss", textContent: "×", onclick: () => { box.remove(); this.code?.focus(); } }));
    old?.remove();
    this.notes.append(box);
  }

  async check() {
    clearTimeout(this.checking);
    const mine = ++this.turn;
    this.asked?.abort();
    this.asked = new AbortController();
    const text = this.text;
    try {
      const answer = await ask("POST", "/api/check", { body: { files: { [this.name]: text } }, signal: this.asked.signal });
      const checked = await answer.json();
      if (mine !== this.turn) return;
      // While the text is unusable, names are completed from the last usable one.
      if (checked.modes.length) this.checked = checked;
      this.marked(checked.problems, checked.problemCount);
      this.preview.show(checked);
      this.element.dataset.checked = String(mine);
    } catch (error) {
      if (error.name === "AbortError" || mine !== this.turn) return;
      this.problems.failed(error);
    }
  }

  marked(problems, count = problems.length) {
    this.code.mark(placed(this.code, problems.filter(({ path }) => path === this.path)));
    this.problems.show(problems, count);
  }

  async save() {
    if (this.saving || !this.code || this.compared) return;
    if (!this.dirty && this.etag) { this.tell("Nothing to save"); return; }
    await this.write(this.text);
  }

  async write(text) {
    this.saving = true;
    this.saveButton.setAttribute("aria-busy", "true");
    this.note("save", "");
    this.tell("Saving…");
    let said = "";
    try {
      const headers = { "Content-Type": "text/yaml; charset=utf-8", ...this.etag ? { "If-Match": this.etag } : { "If-None-Match": "*" } };
      const answer = await ask("PUT", this.address, { text, headers });
      this.etag = answer.headers.get("ETag");
      [this.saved, this.disk] = [text, null];
      drafts.drop(this.path);
      for (const kind of ["draft", "beneath"]) this.note(kind, "");
      // What was typed meanwhile.
      if (this.dirty) this.keep();
      else said = "Saved";
      return true;
    } catch (error) {
      await this.refused(error);
      said = "Not saved";
      return false;
    } finally {
      this.saving = false;
      this.saveButton.removeAttribute("aria-busy");
      this.show(said);
    }
  }

  async refused(error) {
    this.keep();
    if (error.status === 412) {
      this.disk = await this.read().catch(() => this.disk);
      if (this.disk && this.disk.etag !== this.etag) { this.beneath(); this.compare(); return; }
    }
    if (error.status === 422 && error.problems.length) {
      this.closeCompare();
      this.turn++;
      this.marked(error.problems);
      const first = error.problems.find(({ path, line, severity }) => path === this.path && line && severity === "error");
      if (first) this.code.go(first.line, first.column);
      this.note("save", `Not saved: ${error.message}. Nothing was written.`, { bad: true });
      return;
    }
    const kept = error instanceof Unreachable ? " Your text is kept in this browser." : "";
    this.note("save", `Not saved: ${error.message}.${kept}`, { bad: true, hint: error.hint });
  }

  discard() {
    const { text, etag } = this.disk ?? { text: this.saved, etag: this.etag };
    if (text === null) return;
    this.closeCompare();
    [this.etag, this.saved, this.disk] = [etag, text, null];
    this.bom = text.startsWith(MARK);
    this.code.replace(this.inner(text));
    drafts.drop(this.path);
    for (const kind of ["draft", "beneath", "save"]) this.note(kind, "");
    this.show();
    this.tell("This is the file's text. Ctrl+Z brings yours back.");
    this.code.focus();
  }

  lookSoon() {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => this.look(), 60);
  }

  // Whether another tab or program changed the file.
  async look() {
    if (!this.code || this.saving) return;
    const disk = await this.read().catch(() => null);
    if (!disk || this.saving || disk.etag === (this.disk?.etag ?? this.etag)) return;
    const typed = this.text;
    if (disk.etag && (!this.dirty || typed === disk.text)) {
      this.closeCompare();
      [this.etag, this.saved, this.disk] = [disk.etag, disk.text, null];
      if (typed !== disk.text) {
        this.bom = disk.text.startsWith(MARK);
        this.code.replace(this.inner(disk.text));
        this.note("beneath", `${this.name} was changed by another program or tab: this is its new text.`);
      } else this.note("beneath", "");
      drafts.drop(this.path);
      this.show();
      return;
    }
    this.disk = disk;
    this.keep();
    this.beneath();
    if (this.compared) this.compare();
  }

  beneath() {
    const words = this.disk.etag ? `${this.name} was changed by another program or tab since you opened it.` : `${this.name} was removed from disk.`;
    this.note("beneath", `${words} Your text is kept.`, { bad: true, acts: [["Compare both", () => this.compare()]] });
  }

  // Both versions, and what to do with them.
  compare() {
    if (!this.disk) return;
    const mine = this.compared ? this.compared.text : this.code.text;
    this.compared?.end();
    const host = make("div", { className: "edit-host" });
    const button = (label, act, kind = "") => make("button", { type: "button", className: kind, textContent: label, onclick: act });
    const heads = make("div", { className: "edit-heads" }, make("h2", { textContent: this.disk.etag ? "On disk now" : "On disk: no file" }), make("h2", { textContent: "Yours" }));
    this.conflict.replaceChildren(heads, host, make("div", { className: "edit-bar" },
      button("Back to editing", () => this.closeCompare(true)), make("span", { className: "gap" }),
      button("Use the file's text", () => this.discard()), button("Save mine over it", () => this.saveMine(), "main")));
    [this.panes.hidden, this.conflict.hidden, this.bar.hidden] = [true, false, true];
    const labels = { theirs: `${this.name} on disk`, mine: `Your text of ${this.name}` };
    this.compared = new Compared(host, { theirs: this.inner(this.disk.text), mine, labels, changed: () => this.keepSoon(), left: () => this.conflict.querySelector("button").focus() });
    this.compared.focus();
  }

  closeCompare(focus = false) {
    if (!this.compared) return;
    const mine = this.compared.text;
    this.compared.end();
    this.compared = null;
    [this.panes.hidden, this.conflict.hidden, this.bar.hidden] = [false, true, false];
    if (mine !== this.code.text) this.code.replace(mine);
    this.code.measure();
    if (focus) this.code.focus();
  }

  // The person has seen the other version and writes over it.
  async saveMine() {
    this.etag = this.disk.etag;
    this.saved = this.disk.text;
    if (await this.write(this.text)) this.closeCompare(true);
  }
}

const hints = () => [["Ctrl+S", "saves"], ["Ctrl+Space", "completes"], ["F8", "next problem"], ["Ctrl+F", "finds"], ["Esc", "leaves the text"]].flatMap(([key, words], at) => [
  ...at ? [" · "] : [], make("kbd", { textContent: key }), ` ${words}`,
]);

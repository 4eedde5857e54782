// Comments on the lines of a diff, and the message that is made of them. Drafts stay in this browser until they are sent.
// All of it is text.

import { make } from "./element.js";
import { attempt, toast } from "./notice.js";
import { openFile, run } from "./actions.js";
import { Drafts, MOST_WORDS } from "./drafts.js";

// Characters of a commented line that are quoted.
const QUOTED = 200;

export class Review {
  // `root` holds the diff, `bar` the dialog's buttons.
  constructor({ root, bar, close }) {
    Object.assign(this, { root, bar, close, task: root.dataset.task });
    this.drafts = new Drafts(this.task);
    this.boxes = new Map();
    this.#layOut();
    for (const file of root.querySelectorAll(".diff-file")) this.#wire(file);
    for (const draft of this.drafts.all) this.#restore(draft);
    this.#show();
  }

  #layOut() {
    this.target = make("select", { "aria-label": "Send the comments to" });
    for (const { dataset, textContent } of this.root.querySelectorAll(".review-targets li")) {
      this.target.append(make("option", { value: `${dataset.way}/${dataset.mode}`, textContent }));
    }
    this.count = make("span", { className: "quiet", role: "status" });
    this.go = make("button", { type: "button", className: "main", textContent: "Send to agent" });
    this.go.onclick = () => this.send();
    this.said = make("p", { className: "said", role: "alert", hidden: true });
    this.lost = make("div", { className: "review-lost", hidden: true }, make("p", { className: "quiet", textContent: "Comments on lines that have changed:" }));
    this.root.prepend(this.said, this.lost);
    if (this.target.options.length) this.bar.prepend(this.count, this.target, this.go);
    else this.bar.prepend(this.count, make("span", { className: "quiet", textContent: "No agent to send to: none of the task's runs has a window or a conversation." }));
  }

  // The lines of a file become elements when it is first touched: a long diff is thousands of lines.
  #wire(file) {
    const { opens } = file.dataset;
    if (opens) file.querySelector("summary").after(make("p", { className: "diff-acts" }, this.#opener(opens, nameOf(file))));
    const pre = file.querySelector("pre");
    if (!pre) return;
    const split = () => lines(pre);
    pre.addEventListener("pointerover", split, { once: true });
    pre.addEventListener("focusin", split, { once: true });
    pre.addEventListener("click", (event) => {
      const line = event.target.closest(".d-line[data-line]");
      if (line && getSelection().isCollapsed) this.#open(file, line);
    });
    pre.addEventListener("keydown", (event) => this.#key(event, file, pre));
  }

  // A button that opens a file in the user's editor. A toast would be behind the dialog, so a refusal is said in it.
  #opener(path, name, line = 0) {
    const place = line ? `${name} at line ${line}` : name;
    const button = make("button", { type: "button", className: "open-file" }, "Open in editor", make("span", { className: "sr", textContent: ` ${place}` }));
    button.onclick = () => this.#openAt(path, line);
    return button;
  }

  #openAt(path, line) {
    this.said.hidden = true;
    return openFile(path, line, (error) => this.#refuse(error));
  }

  #refuse(error) {
    this.said.hidden = false;
    this.said.textContent = [error.message, error.hint].filter(Boolean).join("\n");
    this.said.scrollIntoView({ block: "nearest" });
  }

  #key(event, file, pre) {
    if (event.target.matches("textarea, button") || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    const line = event.target.closest(".d-line");
    if (by) {
      const all = [...pre.querySelectorAll(".d-line[data-line]")];
      const next = all[Math.max(0, all.indexOf(line) + by)];
      if (!next) return;
      event.preventDefault();
      next.focus();
    } else if (line && ["Enter", "c"].includes(event.key)) {
      event.preventDefault();
      this.#open(file, line);
    } else if (line?.dataset.at && event.key === "o" && file.dataset.opens) {
      event.preventDefault();
      this.#openAt(file.dataset.opens, line.dataset.at);
    }
  }

  #restore(draft) {
    const file = [...this.root.querySelectorAll(".diff-file")].find((file) => nameOf(file) === draft.file);
    const pre = file?.querySelector("pre");
    if (pre) lines(pre);
    const line = pre && [...pre.querySelectorAll(".d-line[data-line]")].find((line) => line.dataset.side === draft.side && Number(line.dataset.line) === draft.line && quote(line) === draft.text);
    const box = this.#box(draft, line);
    if (line) {
      file.open = true;
      line.after(box);
    } else {
      this.lost.hidden = false;
      this.lost.append(make("p", {}, make("code", { textContent: `${draft.file}:${draft.line} ${draft.text}` })), box);
    }
  }

  // Opens the comment on a line.
  #open(file, line) {
    const at = { file: nameOf(file), side: line.dataset.side, line: Number(line.dataset.line), text: quote(line) };
    const known = this.drafts.find(at);
    if (known) { this.boxes.get(known)?.querySelector("textarea").focus(); return; }
    const draft = this.drafts.add(at);
    if (!draft) { toast("There are too many comments already: send these first.", { bad: true }); return; }
    const box = this.#box(draft, line);
    line.after(box);
    box.querySelector("textarea").focus();
    this.#show();
  }

  #box(draft, line) {
    const words = make("textarea", { rows: 3, maxLength: MOST_WORDS, value: draft.words, "aria-label": `Comment on ${draft.file} line ${draft.line}`, placeholder: "What the agent should know about this line" });
    const away = make("button", { type: "button", textContent: "Remove" });
    const opens = line?.closest(".diff-file").dataset.opens;
    const box = make("span", { className: "d-comment" }, words, away, ...(opens ? [this.#opener(opens, draft.file, line.dataset.at)] : []));
    const remove = () => {
      this.drafts.remove(draft);
      this.boxes.delete(draft);
      box.remove();
      line?.focus();
      this.#show();
    };
    words.oninput = () => { this.drafts.change(draft, words.value); this.#show(); };
    away.onclick = remove;
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        // The dialog stays open.
        event.preventDefault();
        event.stopPropagation();
        if (words.value.trim()) line?.focus();
        else remove();
      }
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.send(); }
    });
    this.boxes.set(draft, box);
    return box;
  }

  #show() {
    const count = this.drafts.written.length;
    this.count.textContent = count ? `${count} comment${count === 1 ? "" : "s"}` : "Choose a line to comment on it";
    this.go.disabled = !count || this.sending;
  }

  // The comments as one message.
  message() {
    const { branch } = this.root.dataset;
    const written = this.drafts.written;
    const parts = written.map(({ file, side, line, text, words }) => `${file}:${line}${side === "old" ? " (removed)" : ""}\n> ${text}\n${words.trim()}`);
    return `Review of ${this.task} on branch ${branch}: ${written.length} comment${written.length === 1 ? "" : "s"} on your changes.\n\n${parts.join("\n\n")}\n`;
  }

  async send() {
    if (this.sending || !this.drafts.written.length || !this.target.value) return;
    const [way, mode] = this.target.value.split("/");
    const refuse = (error) => this.#refuse(error);
    this.said.hidden = true;
    this.sending = true;
    this.#show();
    const text = this.message();
    const done = way === "send" ? await attempt("POST", `/api/send/${mode}/${this.task}`, { text }, refuse)
      : await run(mode, this.task, { resume: true, prompt: text }, refuse);
    this.sending = false;
    this.#show();
    if (!done) return;
    this.drafts.clear();
    this.close();
    if (way === "send") toast(`Sent to ${mode} of ${this.task}.`, { href: location.pathname === `/runs/${done.runId}` ? "" : `/runs/${done.runId}` });
  }
}

const nameOf = (file) => file.dataset.path;
const quote = (line) => line.textContent.replace(/\n$/, "").slice(0, QUOTED);

// Makes each line of a file an element, with its number in the new file, or in the old one if it was removed.
function lines(pre) {
  if (pre.querySelector(".d-line")) return;
  let [old, next] = [0, 0];
  const made = [];
  for (const section of pre.children) {
    const kind = section.className.slice("d-".length);
    for (const text of section.textContent.replace(/\n$/, "").split("\n")) {
      const line = make("span", { className: `d-${kind} d-line`, textContent: `${text}\n` });
      const hunk = kind === "hunk" && /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(text);
      if (hunk) [old, next] = [Number(hunk[1]), Number(hunk[2])];
      else if (["added", "removed", "same"].includes(kind) && !text.startsWith("\\")) {
        const isOld = kind === "removed";
        // `at` is the line of the new file that is there, also for a removed line.
        Object.assign(line.dataset, { side: isOld ? "old" : "new", line: isOld ? old : next, at: Math.max(1, next) });
        line.tabIndex = -1;
        if (kind !== "added") old++;
        if (kind !== "removed") next++;
      }
      made.push(line);
    }
  }
  pre.replaceChildren(...made);
}

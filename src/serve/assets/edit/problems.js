// The problems of the text: marks in it, and a list beside it.

import { make } from "../element.js";

// The list shows this many.
const SHOWN = 200;

const words = ({ message, hints = [] }) => [message, ...hints].join("\n");

// Marks for the problems of the open file. Columns count characters from 1.
export function placed(code, problems) {
  return problems.filter(({ line }) => line).map((problem) => {
    const { line, column, endLine = line, endColumn = column, severity } = problem;
    const from = code.offset(line, column);
    let to = Math.max(from, code.offset(endLine, endColumn));
    // A mark has at least one character; at the end of a line, the one before it.
    const all = code.plain;
    if (to === from) to = all[from] === "\n" || from === all.length ? from : from + 1;
    const start = to === from ? Math.max(all.lastIndexOf("\n", from - 1) + 1, from - 1) : from;
    return { from: start, to, severity, message: words(problem), actions: fixes(problem, all.slice(start, to)) };
  }).sort((a, b) => a.from - b.from);
}

// A hint that names the right word can be applied.
function fixes({ hints = [] }, word) {
  if (!/^[\w.-]+$/.test(word)) return [];
  const better = hints.map((hint) => /^did you mean `([\w.-]+)`\?$/.exec(hint)?.[1]).find(Boolean);
  return better ? [{ name: `Write ${better}`, apply: (view, from, to) => view.dispatch({ changes: { from, to, insert: better } }) }] : [];
}

export class Problems {
  constructor(editor) {
    this.editor = editor;
    this.head = make("h2", { textContent: "Problems", id: "edit-problems" });
    this.said = make("p", { className: "quiet", "role": "status", textContent: "Checking…" });
    this.list = make("ul", { className: "edit-problems", tabIndex: -1, "aria-labelledby": "edit-problems" });
    this.element = make("section", { className: "card edit-part", "aria-labelledby": "edit-problems" }, this.head, this.said, this.list);
  }

  show(problems, count) {
    const of = (severity) => problems.filter((problem) => problem.severity === severity).length;
    const part = (number, word) => number ? [`${number} ${word}${number === 1 ? "" : "s"}`] : [];
    this.tell(count > problems.length ? `${count} problems, the first ${problems.length} are read` : [...part(of("error"), "error"), ...part(of("warning"), "warning")].join(", ") || "No problems");
    this.element.classList.toggle("has-errors", of("error") > 0);
    this.list.replaceChildren(...problems.slice(0, SHOWN).map((problem) => this.row(problem)));
    // An empty list is no stop of Tab.
    this.list.tabIndex = problems.length ? 0 : -1;
    if (problems.length > SHOWN) this.list.append(make("li", { className: "quiet", textContent: `and ${problems.length - SHOWN} more` }));
  }

  failed(error) { this.tell(`The text could not be checked: ${error.message}`); }

  tell(words) { if (this.said.textContent !== words) this.said.textContent = words; }

  row(problem) {
    const { path, line, column, severity, message, hints = [] } = problem;
    const item = make("li", { className: `edit-problem is-${severity}` }, make("b", { textContent: severity === "error" ? "error" : "warning" }), " ");
    item.append(this.place(path, line, column), " ", make("span", { textContent: message }));
    for (const hint of hints) item.append(make("span", { className: "hint", textContent: hint }));
    return item;
  }

  place(path, line, column) {
    const { editor } = this;
    if (!path) return "";
    if (path === editor.path) {
      if (!line) return "";
      return make("button", { type: "button", className: "edit-line", textContent: `line ${line}`, onclick: () => editor.code.go(line, column) });
    }
    const root = editor.path.slice(0, -editor.name.length);
    const name = path.startsWith(root) ? path.slice(root.length) : path;
    const words = line ? `${name}:${line}` : name;
    const address = `/edit/${name.split("/").map(encodeURIComponent).join("/")}`;
    const editable = [...document.querySelectorAll(".edit-files a")].some((link) => decodeURIComponent(link.pathname) === decodeURIComponent(address));
    return editable ? make("a", { href: line ? `${address}?line=${line}` : address, textContent: words }) : make("code", { textContent: words });
  }
}

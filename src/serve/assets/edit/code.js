// The text field: CodeMirror in a shadow root, where its styles are adopted sheets and no style element is needed. Knows
// neither the server nor the file.

import {
  EditorState, EditorView, HighlightStyle, MergeView, StreamLanguage, autocompletion, bracketMatching, closeBrackets,
  closeBracketsKeymap, completionKeymap, defaultKeymap, drawSelection, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  history, historyKeymap, hoverTooltip, indentService, indentUnit, indentWithTab, isolateHistory, keymap, lineNumbers, lintGutter, lintKeymap,
  search, searchKeymap, setDiagnostics, syntaxHighlighting, tags, unifiedMergeView, yaml,
} from "/assets/vendor/codemirror.mjs";
import { completions } from "./complete.js";
import { make } from "../element.js";

// The colours are those of the page: custom properties reach into a shadow root.
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.atom, tags.definition(tags.propertyName)], color: "var(--blue)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--green)" },
  { tag: [tags.number, tags.bool, tags.keyword, tags.meta], color: "var(--orange)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
]);

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--card)", fontSize: "13px" },
  // The pane shows the focus: the gutter would lie over an outline.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)", paddingBottom: "4em" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "light-dark(#cfdcff, #33416b)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "light-dark(#3b5bdb12, #91a7ff14)" },
  ".cm-gutters": { backgroundColor: "var(--card)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--blue-ground)", color: "inherit" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--text)", border: "1px solid var(--line)", borderRadius: "8px", boxShadow: "0 6px 24px #0004", maxWidth: "min(440px, 90vw)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionDetail": { color: "var(--quiet)", fontStyle: "normal" },
  ".cm-completionInfo": { padding: "8px 10px", fontFamily: "system-ui, sans-serif" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-about": { padding: "8px 10px", fontFamily: "system-ui, sans-serif", overflowWrap: "anywhere" },
  ".cm-about .type": { color: "var(--quiet)" },
  ".cm-diagnostic": { padding: "6px 10px", fontFamily: "system-ui, sans-serif", whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--red)" },
  ".cm-diagnostic-warning": { borderLeft: "4px solid var(--orange)" },
  ".cm-diagnosticAction": { font: "inherit", padding: "2px 8px", marginLeft: "8px", border: "1px solid var(--line)", borderRadius: "6px", backgroundColor: "var(--raised)", color: "var(--text)" },
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { textDecorationColor: "var(--red)" },
  ".cm-lintRange-warning": { textDecorationColor: "var(--orange)" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search input, .cm-panel.cm-search button": { font: "inherit", fontSize: "13px" },
  ".cm-panel.cm-search label": { fontSize: "13px" },
  ".cm-textfield": { backgroundColor: "var(--card)", border: "1px solid var(--line)", borderRadius: "6px" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--card)", border: "1px solid var(--line)", borderRadius: "6px", padding: "2px 8px" },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "var(--blue-ground)" },
  ".cm-panel.cm-panel-lint ul [aria-selected] u": { textDecoration: "none" },
  ".cm-searchMatch": { backgroundColor: "var(--orange-ground)", outline: "1px solid var(--orange)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--blue-ground)" },
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--red-ground)" },
  "&.cm-merge-b .cm-changedLine, .cm-insertedLine": { backgroundColor: "var(--green-ground)" },
  "&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText": { background: "none", textDecoration: "underline", textDecorationColor: "var(--red)" },
  "&.cm-merge-b .cm-changedText": { background: "none", textDecoration: "underline", textDecorationColor: "var(--green)" },
  ".cm-collapsedLines": { background: "var(--raised)", color: "var(--text)", "&:before, &:after": { content: "none" } },
  ".cm-chunkButtons button": { font: "12px system-ui, sans-serif", backgroundColor: "var(--card)", color: "var(--text)", border: "1px solid var(--line)", borderRadius: "6px" },
});

// A new line keeps the indentation and goes deeper behind a key without value.
const indentation = indentService.of((context, at) => {
  const line = context.lineAt(at, -1);
  const before = line.text.slice(0, Math.max(0, at - line.from));
  if (at === line.from) {
    const last = context.state.doc.lineAt(Math.max(0, at - 1)).text;
    return width(last);
  }
  return width(before);
});
function width(text) {
  const indent = /^\s*/.exec(text)[0].length;
  const items = /^\s*((?:-\s+)*)/.exec(text)[1].length;
  return /(^|[\s\]}"'\w]):\s*([|>][-+0-9]*)?\s*(#.*)?$/.test(text) && text.trim() ? indent + items + 2 : indent + items;
}

// The line end of a text: a mixed text keeps its carriage returns as characters.
const lineEnd = (text) => /\r\n/.test(text) && !/(^|[^\r])\n|\r(?!\n)/.test(text) ? "\r\n" : "\n";

function basis({ label, text, extra = [] }) {
  return [
    EditorState.lineSeparator.of(lineEnd(text)), EditorState.tabSize.of(4), indentUnit.of("  "), indentation, lineNumbers(), history(),
    drawSelection(), highlightSpecialChars(), bracketMatching(), StreamLanguage.define(yaml), syntaxHighlighting(colours), search(),
    EditorView.lineWrapping, theme, EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }), ...extra,
  ];
}

const shadowOf = (host) => host.shadowRoot ?? host.attachShadow({ mode: "open" });

// Keys that are typed here are not the page's shortcuts.
function enclose(host) {
  host.addEventListener("keydown", (event) => { if (!(event.ctrlKey || event.metaKey)) event.stopPropagation(); });
}

// `knows`: { completeAt(text, offset), aboutAt(text, offset) }; `left` is called for Escape, `changed` after each change.
export class Code {
  constructor(host, { label, text, knows, changed, moved, left }) {
    enclose(host);
    const parent = shadowOf(host);
    parent.replaceChildren();
    const keys = [
      ...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab,
      { key: "Escape", run: () => { left(); return true; } },
    ];
    const update = EditorView.updateListener.of((update) => {
      if (update.docChanged) changed();
      if (update.docChanged || update.selectionSet) moved();
    });
    const hover = hoverTooltip((view, at) => {
      const about = knows.aboutAt(view.state.doc.toString(), at);
      return about && { pos: about.from, end: about.to, above: true, create: () => ({ dom: shown(about) }) };
    });
    const extra = [
      highlightActiveLine(), highlightActiveLineGutter(), closeBrackets(), lintGutter(), hover, update,
      autocompletion({ override: [completions(knows)], icons: false }), keymap.of(keys),
    ];
    const state = EditorState.create({ doc: text, extensions: basis({ label, text, extra }) });
    this.view = new EditorView({ state, parent, root: parent });
  }

  // The text as it is saved, with its line ends.
  get text() { return this.view.state.sliceDoc(); }

  // With line feeds, as positions count.
  get plain() { return this.view.state.doc.toString(); }

  get head() { return this.view.state.selection.main.head; }

  // Replaces the text, so that undo brings the old one back. The cursor stays where it can.
  replace(text) {
    const { state } = this.view;
    const doc = state.toText(text);
    const head = Math.min(state.selection.main.head, doc.length);
    this.view.dispatch({ changes: { from: 0, to: state.doc.length, insert: doc }, selection: { anchor: head }, annotations: isolateHistory.of("full") });
  }

  mark(diagnostics) { this.view.dispatch(setDiagnostics(this.view.state, diagnostics)); }

  // Puts the cursor at a line and column, which count from 1, the column in characters.
  go(line, column = 1) {
    const at = offsetOf(this.view.state.doc, line, column);
    this.view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    this.view.focus();
  }

  focus() { this.view.focus(); }

  offset(line, column) { return offsetOf(this.view.state.doc, line, column); }

  measure() { this.view.requestMeasure(); }
}

function offsetOf(doc, line, column) {
  const { from, text } = doc.line(Math.min(Math.max(1, line), doc.lines));
  // Columns count characters, offsets count UTF-16 units.
  return from + [...text].slice(0, Math.max(0, column - 1)).join("").length;
}

export function shown({ name, about, type }) {
  const box = make("div", { className: "cm-about" }, make("b", { textContent: name }));
  if (type) box.append(" ", make("span", { className: "type", textContent: type }));
  if (about) box.append(make("div", { textContent: about }));
  return box;
}

// Two versions: `theirs` cannot be changed, `mine` can. Side by side, or in one column where that is too narrow.
export class Compared {
  constructor(host, { theirs, mine, labels, changed, left }) {
    enclose(host);
    const parent = shadowOf(host);
    parent.replaceChildren();
    const update = EditorView.updateListener.of((update) => { if (update.docChanged) changed(); });
    const keys = keymap.of([...searchKeymap, ...historyKeymap, ...defaultKeymap, { key: "Escape", run: () => { left(); return true; } }]);
    if (host.clientWidth < 700) {
      const merge = unifiedMergeView({ original: theirs.replaceAll("\r\n", "\n"), mergeControls: (type, action) => control(type === "reject" ? "Take the file's" : "Keep mine", action) });
      const state = EditorState.create({ doc: mine, extensions: basis({ label: `${labels.mine}, with what the file has instead`, text: mine, extra: [keys, merge, update] }) });
      this.view = new EditorView({ state, parent, root: parent });
      this.mine = this.view;
      return;
    }
    this.view = new MergeView({
      parent, root: parent, gutter: true, revertControls: "a-to-b", collapseUnchanged: { margin: 4, minSize: 8 },
      renderRevertControl: () => control("→", null, "Take this change from the file"),
      a: { doc: theirs, extensions: basis({ label: labels.theirs, text: theirs, extra: [EditorState.readOnly.of(true), keys] }) },
      b: { doc: mine, extensions: basis({ label: labels.mine, text: mine, extra: [keys, update] }) },
    });
    this.mine = this.view.b;
  }

  get text() { return this.mine.state.sliceDoc(); }

  focus() { this.mine.focus(); }

  end() { this.view.destroy(); }
}

function control(words, action, label = "") {
  const button = make("button", { type: "button", textContent: words, title: label });
  if (label) button.setAttribute("aria-label", label);
  if (action) button.onmousedown = action;
  return button;
}

// An agent's message in Markdown → elements, made one by one: all text is set as text, nothing is loaded, and only http
// addresses are links. What is not understood stays as it was written.

import { coloured } from "./ansi.js";

// Longer lines are not searched for emphasis, so that no text takes long.
const LONGEST = 4000;
// The deepest indentation of a list.
const DEEPEST = 6;

const make = (name, className, ...children) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
};

// The blocks of `text`.
export function prose(text) {
  const lines = text.split("\n");
  const blocks = [];
  let open = [];
  const close = () => {
    if (open.length) blocks.push(make("p", "", ...inline(open.join("\n"))));
    open = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence) {
      close();
      let end = at + 1;
      while (end < lines.length && !lines[end].trimStart().startsWith(fence)) end++;
      blocks.push(code(lines.slice(at + 1, end)));
      at = end;
    } else if (/^\s*\|.*\|\s*$/.test(line)) {
      close();
      let end = at;
      while (end < lines.length && /^\s*\|/.test(lines[end])) end++;
      blocks.push(code(lines.slice(at, end)));
      at = end - 1;
    } else {
      const block = single(line);
      if (block || !line.trim()) close();
      if (block) blocks.push(block);
      else if (line.trim()) open.push(line);
    }
  }
  close();
  return blocks;
}

const code = (lines) => make("pre", "md-code", coloured(lines.join("\n")));

// A block that is one line: a heading, an item, a quote, a rule.
function single(line) {
  const heading = /^ {0,3}#{1,6} +(.*)$/.exec(line);
  if (heading) return make("p", "md-head", ...inline(heading[1]));
  if (/^ {0,3}([-*_])( *\1){2,} *$/.test(line)) return make("hr", "");
  const quote = /^ {0,3}> ?(.*)$/.exec(line);
  if (quote) return make("p", "md-quote", ...inline(quote[1]));
  const item = /^( *)(?:[-*+]|(\d{1,9}[.)])) +(.*)$/.exec(line);
  if (!item) return null;
  const box = make("p", "md-item", make("span", "md-mark", item[2] ?? "•"), " ", make("span", "", ...inline(item[3])));
  box.style.setProperty("--depth", Math.min(Math.floor(item[1].length / 2), DEEPEST));
  return box;
}

const MARKS = /(`+)(?!`)(.+?)(?<!`)\1(?!`)|\*\*(?=\S)([^*]+)\*\*|(?<![\w*])\*(?=\S)([^*]+)\*(?![\w*])|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"')\]]+)/g;

function inline(text) {
  if (text.length > LONGEST) return [coloured(text)];
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(MARKS)) {
    if (found.index > done) nodes.push(coloured(text.slice(done, found.index)));
    done = found.index + found[0].length;
    const [all, , literal, strong, soft, words, address, bare] = found;
    if (literal !== undefined) nodes.push(make("code", "", coloured(literal)));
    else if (strong !== undefined) nodes.push(make("strong", "", coloured(strong)));
    else if (soft !== undefined) nodes.push(make("em", "", coloured(soft)));
    else nodes.push(...link(words, address ?? bare, all));
  }
  if (done < text.length) nodes.push(coloured(text.slice(done)));
  return nodes;
}

// The address stays visible.
function link(words, address, all) {
  if (!URL.canParse(address)) return [coloured(all)];
  const element = make("a", "", coloured(address));
  Object.assign(element, { href: address, rel: "noopener noreferrer", target: "_blank" });
  return words === undefined ? [element] : [coloured(words), " (", element, ")"];
}

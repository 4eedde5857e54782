// Where a position stands in a YAML text: the keys that lead to it, and whether a key or a value is written there. Reads
// lines by their indentation, so that unfinished text has a place too. Pure.

// A key at the start of a line: its name, and the colon behind it.
const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#&*!|>%@`{}[\],-][^#{}[\],]*?|-[^\s#{}[\],][^#{}[\],]*?)\s*:(?=\s|$)/;
// A value that goes on in the lines below, which hold no keys.
const BLOCK = /^[|>][-+0-9]*\s*(#.*)?$/;

export const ITEM = "[]";

const plain = (name) => /^["']/.test(name) ? name.slice(1, -1) : name;

// The place of the offset `at`: { path, kind: "key" | "value", from, word, flow, indent, used }. `from` and `word` are the
// text before the offset that belongs to the key or value; `used` are the keys that the mapping has already. Null inside
// comments and block texts.
export function placeAt(text, at) {
  const stack = [];
  const root = { keys: new Set() };
  let found = null;
  // The indentation of the key whose block text is being read, and an unfinished `{` or `[`.
  let block = null;
  let flow = null;
  let start = 0;
  for (const line of text.split("\n")) {
    const end = start + line.length;
    const here = !found && at >= start && at <= end;
    const shown = here ? line.slice(0, at - start) : line;
    if (flow) {
      if (here) found = flowPlace(flow.text + shown, flow.start, at, flow.path);
      flow.text += `${line}\n`;
      if (!open(flow.text)) flow = null;
    } else {
      const blank = /^\s*(#|$)/.test(line);
      const indent = line.length - line.trimStart().length;
      if (block !== null && (!blank || here) && indent <= block) block = null;
      const comment = here && /^\s*#|\s#/.test(outsideQuotes(shown));
      if (here && (block !== null && (!blank || indent > block) || comment)) return null;
      if (block === null && (here || !blank)) ({ flow, block, found } = read({ line, shown, start, here, at, stack, root, found }));
    }
    start = end + 1;
    if (found && !found.parent) return found;
  }
  if (!found) return null;
  const { parent, ...place } = found;
  return { ...place, used: [...parent.keys] };
}

// One line outside block texts and flows.
function read({ line, shown, start, here, at, stack, root, found }) {
  let col = shown.length - shown.trimStart().length;
  let rest = shown.slice(col);
  const pop = (fits) => { while (stack.length && fits(stack.at(-1))) stack.pop(); };
  const path = () => stack.map(({ name }) => name);
  for (let item; (item = /^-(\s+|$)/.exec(rest)); ) {
    pop((top) => top.col > col || top.col === col && top.name === ITEM);
    stack.push({ col, name: ITEM, keys: new Set() });
    col += item[0].length;
    rest = rest.slice(item[0].length);
  }
  const key = KEY.exec(rest);
  // What is typed now may not have its colon yet; the line behind the cursor may.
  if (!key) {
    if (here && !/^[{[]/.test(rest)) {
      pop((top) => top.col >= col);
      found = { path: path(), kind: "key", from: start + col, word: rest, flow: false, indent: col, parent: stack.at(-1) ?? root };
      const whole = KEY.exec(line.slice(col));
      if (whole) stack.push({ col, name: plain(whole[1]), keys: new Set() });
      return { flow: null, block: null, found };
    }
    if (/^[{[]/.test(rest)) return value({ text: rest, from: start + col, path: path(), here, at, found, rest: line.slice(col), col });
    return { flow: null, block: null, found };
  }
  pop((top) => top.col >= col);
  const parent = stack.at(-1) ?? root;
  const name = plain(key[1]);
  if (!here) parent.keys.add(name);
  stack.push({ col, name, keys: new Set() });
  const after = rest.slice(key[0].length);
  const gap = after.length - after.trimStart().length;
  const from = start + col + key[0].length + gap;
  if (here && !gap) {
    found = { path: path().slice(0, -1), kind: "key", from: start + col, word: rest, flow: false, indent: col, parent };
    return { flow: null, block: null, found };
  }
  return value({ text: after.slice(gap), from, path: path(), here, at, found, rest: line.slice(from - start), col });
}

// The value behind a key or an item.
function value({ text, from, path, here, at, found, rest, col }) {
  if (/^[{[]/.test(rest)) {
    if (here) found = flowPlace(text, from, at, path);
    return { flow: open(rest) ? { text: `${rest}\n`, start: from, path } : null, block: null, found };
  }
  if (here) found = { path, kind: "value", from, word: text, flow: false, indent: col };
  return { flow: null, block: BLOCK.test(rest) ? col : null, found };
}

const outsideQuotes = (text) => text.replace(/"(?:[^"\\]|\\.)*"?|'[^']*'?/g, (quoted) => "q".repeat(quoted.length));

// Whether brackets are left open.
function open(text) {
  let depth = 0;
  for (const sign of outsideQuotes(text)) {
    if (sign === "{" || sign === "[") depth++;
    if (sign === "}" || sign === "]") depth--;
  }
  return depth > 0;
}

// The place at the end of a flow text such as `{ a: [b, c`. The text starts at the offset `start`.
function flowPlace(text, start, at, base) {
  const levels = [];
  let from = 0;
  const quoted = outsideQuotes(text);
  for (let n = 0; n < text.length; n++) {
    const sign = quoted[n];
    const top = levels.at(-1);
    if (sign === "{" || sign === "[") levels.push({ map: sign === "{", key: null, keys: new Set() });
    else if (sign === "}" || sign === "]") levels.pop();
    else if (sign === "," && top) top.key = null;
    else if (sign === ":" && top?.map && top.key === null && /[\s,}\]]|$/.test(quoted[n + 1] ?? "")) {
      top.key = plain(text.slice(from, n).trim());
      top.keys.add(top.key);
    } else continue;
    from = n + 1;
  }
  const top = levels.at(-1);
  const word = text.slice(from).trimStart();
  const path = [...base];
  for (const { map, key } of levels.slice(0, -1)) path.push(map ? key : ITEM);
  const place = { from: start + text.length - word.length, word, flow: true, indent: 0 };
  if (!top) return { ...place, path, kind: "value" };
  if (!top.map) return { ...place, path: [...path, ITEM], kind: "value" };
  if (top.key === null) return { ...place, path, kind: "key", used: [...top.keys] };
  return { ...place, path: [...path, top.key], kind: "value" };
}

// The place and the whole word around an offset: for its description. `key`: the word is a key.
export function wordAt(text, at) {
  const lineStart = text.lastIndexOf("\n", at - 1) + 1;
  const lineEnd = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at);
  const behind = /^[^\s:,{}[\]"'#]*/.exec(text.slice(at, lineEnd))[0].length;
  const end = at + behind;
  const before = /[^\s:,{}[\]"'#]*$/.exec(text.slice(lineStart, end))[0].length;
  if (!before) return null;
  const from = end - before;
  const word = text.slice(from, end);
  const place = placeAt(text, end);
  if (!place) return null;
  if (place.kind === "key" && plain(place.word.trim()) === word) return { from, to: end, path: [...place.path, word], word, key: true };
  return { from, to: end, path: place.path, word, key: false };
}

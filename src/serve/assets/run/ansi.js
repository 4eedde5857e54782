// Agent output → text with colours. All other escape sequences are dropped, so that a log can make no link, title or
// script.

// Escape sequences, OSC-like strings with their content, and single control characters.
// oxlint-disable-next-line no-control-regex
const ESCAPE = /\x1b\[([0-?]*)[ -/]*([@-~])|\x9b([0-?]*)[ -/]*([@-~])|(?:\x1b[\]P^_X]|[\x9d\x90\x9e\x9f\x98])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]|[\u202a-\u202e\u2066-\u2069]/g;

const PLAIN = { fg: "", bg: "", flags: "" };

// Collects text: consecutive plain lines become one text node.
export class Ink {
  constructor(into) {
    this.into = into;
    this.style = PLAIN;
    this.text = "";
  }

  // `line` may contain escapes, which also apply to later lines.
  write(line) {
    let at = 0;
    for (const found of line.matchAll(ESCAPE)) {
      if (found.index > at) this.put(line.slice(at, found.index));
      at = found.index + found[0].length;
      if ((found[2] ?? found[4]) === "m") this.#restyle(found[1] ?? found[3] ?? "");
    }
    if (at < line.length) this.put(at ? line.slice(at) : line);
  }

  // Text without escapes.
  put(text) {
    if (this.style === PLAIN) { this.text += text; return; }
    this.flush();
    const span = document.createElement("span");
    span.className = this.style.flags;
    if (this.style.fg) span.style.color = this.style.fg;
    if (this.style.bg) span.style.background = this.style.bg;
    span.textContent = text;
    this.into.append(span);
  }

  flush() {
    if (this.text) this.into.append(this.text);
    this.text = "";
  }

  // Appends `node` after the text so far.
  place(node) {
    this.flush();
    this.into.append(node);
  }

  #restyle(codes) {
    const style = { ...this.style };
    const flags = new Set(style.flags.split(" ").filter(Boolean));
    const list = codes.split(/[;:]/).map(Number);
    for (let at = 0; at < list.length; at++) {
      const code = list[at];
      if (code === 0) { style.fg = style.bg = ""; flags.clear(); }
      else if (code === 38 || code === 48) {
        const [colour, used] = extended(list.slice(at + 1));
        at += used;
        if (code === 38) style.fg = colour && readable(colour);
        else style.bg = colour && `color-mix(in srgb, rgb(${colour}) 25%, transparent)`;
      } else if (code >= 30 && code <= 37) style.fg = `var(--ansi-${code - 30})`;
      else if (code >= 90 && code <= 97) style.fg = `var(--ansi-${code - 82})`;
      else if (code === 39) style.fg = "";
      else if (code >= 40 && code <= 47) style.bg = ground(code - 40);
      else if (code >= 100 && code <= 107) style.bg = ground(code - 92);
      else if (code === 49) style.bg = "";
      else flag(flags, code);
    }
    style.flags = [...flags].join(" ");
    this.style = style.fg || style.bg || style.flags ? style : PLAIN;
  }
}

const ON = { 1: "a-bold", 2: "a-dim", 3: "a-italic", 4: "a-under", 7: "a-inverse", 9: "a-strike" };
const OFF = { 22: ["a-bold", "a-dim"], 23: ["a-italic"], 24: ["a-under"], 27: ["a-inverse"], 29: ["a-strike"] };

function flag(flags, code) {
  if (ON[code]) flags.add(ON[code]);
  for (const name of OFF[code] ?? []) flags.delete(name);
}

// Backgrounds are translucent so that text stays readable.
const ground = (index) => `color-mix(in srgb, var(--ansi-${index}) 25%, transparent)`;

// `5;N` or `2;R;G;B`: the colour, and how many numbers it used.
function extended([kind, ...rest]) {
  const byte = (value) => Math.min(255, Math.max(0, value || 0));
  if (kind === 5) return [indexed(byte(rest[0])), 2];
  if (kind === 2) return [rest.slice(0, 3).map(byte), 4];
  return ["", 1];
}

const STANDARD = [[0, 0, 0], [205, 49, 49], [13, 188, 121], [229, 229, 16], [36, 114, 200], [188, 63, 188], [17, 168, 205], [204, 204, 204],
  [102, 102, 102], [241, 76, 76], [35, 209, 139], [245, 245, 67], [59, 142, 234], [214, 112, 214], [41, 184, 219], [242, 242, 242]];

function indexed(index) {
  if (index < 16) return STANDARD[index];
  if (index >= 232) return Array(3).fill(8 + (index - 232) * 10);
  const level = (step) => step ? 55 + step * 40 : 0;
  const cube = index - 16;
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
}

const known = new Map();

// The same hue with enough contrast in both themes.
function readable(rgb) {
  const key = rgb.join();
  if (!known.has(key)) {
    if (known.size > 500) known.clear();
    const light = towards(rgb, 0, (luminance) => luminance <= 0.17);
    const dark = towards(rgb, 255, (luminance) => luminance >= 0.26);
    known.set(key, `light-dark(rgb(${light}), rgb(${dark}))`);
  }
  return known.get(key);
}

function towards(rgb, goal, enough) {
  let now = rgb;
  for (let step = 0; step < 12 && !enough(luminance(now)); step++) now = now.map((value) => Math.round(value + (goal - value) * 0.2));
  return now;
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// A whole text with its colours.
export function coloured(text) {
  const into = document.createDocumentFragment();
  const ink = new Ink(into);
  text.split("\n").forEach((line, at) => {
    if (at) ink.put("\n");
    ink.write(line.slice(line.replace(/\r+$/, "").lastIndexOf("\r") + 1));
  });
  ink.flush();
  return into;
}

// Without escapes.
export const plain = (text) => text.replace(ESCAPE, "");

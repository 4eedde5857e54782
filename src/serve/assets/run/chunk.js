// A chunk of a log: lines of one stream, rendered raw or readable. Its last line may grow. Long lines are cut.

import { Ink } from "./ansi.js";
import { readable } from "./claude.js";

// Bytes of one line that are shown.
const SHOWN = 8 * 1024;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const size = (count) => {
  if (count < 1000) return `${count} B`;
  const [unit, by] = count < 1e6 ? ["kB", 1e3] : count < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(count / by).toFixed(count / by < 10 ? 1 : 0)} ${unit}`;
};

const note = (text) => Object.assign(document.createElement("span"), { className: "cut", textContent: text });

export function joined(first, second) {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

export class Chunk {
  // `hit`: the position of a search hit in this chunk.
  constructor({ stream, from, to, bytes, reads, hit = null, root, when = () => null }) {
    // `when`: position in the document → time, if known.
    Object.assign(this, { stream, from, to, bytes, root, when });
    // Only stdout has events.
    this.reads = reads && stream === "stdout";
    this.element = document.createElement("div");
    this.element.className = `chunk ${stream}${this.reads ? " reads" : ""}`;
    this.element.dataset.from = from;
    if (stream === "stderr") this.element.append(Object.assign(document.createElement("span"), { className: "which", textContent: "stderr" }));
    this.body = this.element.appendChild(document.createElement(this.reads ? "div" : "pre"));
    this.paint(hit);
  }

  // Bytes of an incomplete last line.
  get open() {
    return this.bytes.length - 1 - this.bytes.lastIndexOf(10);
  }

  paint(hit = null) {
    this.body.replaceChildren();
    this.ink = new Ink(this.body);
    this.tail = null;
    this.done = 0;
    this.#lines(hit === null ? -1 : hit - this.from);
  }

  // The position after its last byte.
  append(bytes) {
    this.bytes = joined(this.bytes, bytes);
    this.to += bytes.length;
    this.#lines(-1);
  }

  // It does not grow any more: the text nodes of its pieces become one.
  close() {
    this.body.normalize();
  }

  #lines(hit) {
    this.tail?.remove();
    this.tail = null;
    const { bytes } = this;
    let start = this.done;
    for (let end; (end = bytes.indexOf(10, start)) >= 0; start = end + 1) this.#line(start, end, hit, true);
    this.done = start;
    if (start < bytes.length) {
      this.ink.flush();
      const style = this.ink.style;
      const before = this.body.lastChild;
      this.#line(start, bytes.length, hit, false);
      this.ink.flush();
      this.ink.style = style;
      // The rendered line is replaced when it grows.
      const nodes = [];
      for (let node = before ? before.nextSibling : this.body.firstChild; node; node = node.nextSibling) nodes.push(node);
      this.tail = { remove: () => nodes.forEach((node) => node.remove()) };
    }
    this.ink.flush();
  }

  #line(start, end, hit, ended) {
    const isHit = hit >= start && hit <= end && hit >= 0;
    let box = null;
    if (this.reads) {
      const event = end - start > 1 && this.bytes[start] === 123 ? readable(decoder.decode(this.bytes.subarray(start, end)), [this.body, this.root], this.when(this.from + end)) : null;
      if (event) {
        if (isHit) mark(event);
        this.ink.place(event);
        return;
      }
    }
    if (isHit || this.reads) {
      box = document.createElement(this.reads ? "pre" : "span");
      box.className = `line${isHit ? " hit" : ""}`;
    }
    const ink = this.ink;
    if (box) { ink.place(box); ink.into = box; }
    this.#text(start, end, isHit ? hit : -1);
    if (ended && !this.reads) ink.put("\n");
    if (box) { ink.flush(); ink.into = this.body; }
  }

  #text(start, end, hit) {
    let { from, to } = this.#collapsed(start, end);
    if (hit >= 0 && hit < from) ({ from, to } = { from: start, to: end });
    if (to - from <= SHOWN) { this.ink.write(decoder.decode(this.bytes.subarray(from, to))); return; }
    const first = hit > from + SHOWN ? this.#character(hit - 500) : from;
    const last = this.#character(Math.min(first + SHOWN, to));
    if (first > from) this.ink.place(note(`… ${size(first - from)} of this line … `));
    this.ink.write(decoder.decode(this.bytes.subarray(first, last)));
    if (last < to) this.ink.place(note(` … ${size(to - last)} more of this line`));
  }

  // A line with carriage returns shows its last state.
  #collapsed(from, to) {
    while (to > from && this.bytes[to - 1] === 13) to--;
    const back = this.bytes.subarray(from, to).lastIndexOf(13);
    return { from: from + back + 1, to };
  }

  #character(at) {
    let back = at;
    while (back > 0 && back > at - 3 && (this.bytes[back] & 0xc0) === 0x80) back--;
    return back;
  }
}

function mark(element) {
  element.classList.add("hit");
  for (const folded of [element, ...element.querySelectorAll("details")]) if (folded.nodeName === "DETAILS") folded.open = true;
}

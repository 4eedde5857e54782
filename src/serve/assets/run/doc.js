// The two logs of a job as one document: positions, and bytes by Range requests. What existed when it was opened is
// ordered as stdout, then stderr; later output in order of arrival. Holds no bytes.

import { ask, bytes } from "../net.js";

// At most this many alternations between the two are kept apart.
const TURNS = 2000;

export class Doc {
  // Parts in order: bytes `from` up to `to` of `stream`.
  #parts = [];

  constructor(run) {
    this.run = run;
    this.sizes = { stdout: 0, stderr: 0 };
    this.filter = "all";
  }

  path(stream) {
    return `/api/runs/${this.run}/${stream}`;
  }

  // Reads the lengths; returns the first bytes of stdout.
  async open() {
    const lengths = await Promise.all(["stdout", "stderr"].map(async (stream) => {
      const answer = await ask("HEAD", this.path(stream));
      return Number(answer.headers.get("Content-Length"));
    }));
    this.#parts = [];
    this.sizes = { stdout: 0, stderr: 0 };
    this.grow("stdout", lengths[0]);
    this.grow("stderr", lengths[1]);
    return (await bytes(this.path("stdout"), 0, Math.min(4096, lengths[0]))).bytes;
  }

  // Extends `stream` up to `next`.
  grow(stream, next) {
    const from = this.sizes[stream];
    if (next <= from) return;
    this.sizes[stream] = next;
    const last = this.#parts.at(-1);
    if (last?.stream === stream) last.to = next;
    else this.#parts.push({ stream, from, to: next });
    if (this.#parts.length > TURNS) this.#parts = ["stdout", "stderr"].map((name) => ({ stream: name, from: 0, to: this.sizes[name] }));
  }

  get length() {
    return this.filter === "all" ? this.sizes.stdout + this.sizes.stderr : this.sizes[this.filter];
  }

  // The parts with their positions: `start` up to `end` are the bytes of `stream` from `offset` on.
  *parts() {
    if (this.filter !== "all") {
      yield { stream: this.filter, start: 0, end: this.sizes[this.filter], offset: 0 };
      return;
    }
    let start = 0;
    for (const { stream, from, to } of this.#parts) {
      yield { stream, start, end: start + to - from, offset: from };
      start += to - from;
    }
  }

  // The part that contains position `at`.
  part(at) {
    for (const part of this.parts()) if (at < part.end) return part;
    return null;
  }

  // The bytes of a range within one part.
  async read(part, from, to, signal) {
    const shift = part.offset - part.start;
    const got = await bytes(this.path(part.stream), from + shift, to + shift, signal);
    return got.bytes;
  }
}

// The start of the character at `at`: parts of a very long line begin and end with whole characters.
function startOfCharacter(all, at) {
  let back = at;
  while (back > 0 && back > at - 3 && (all[back] & 0xc0) === 0x80) back--;
  return (all[back] & 0xc0) === 0xc0 ? back : at;
}

const PIECE = 128 * 1024;

// The lines from `from` on, up to `to`; up to `most` bytes are read to complete a line, else it is `broken`.
export async function linesDown(doc, from, most) {
  const part = doc.part(from);
  if (!part) return null;
  for (let want = PIECE; ; want *= 4) {
    const to = Math.min(from + want, part.end);
    const got = await doc.read(part, from, to);
    if (to === part.end) return { ...part, from, to: from + got.length, bytes: got, broken: false };
    let cut = got.lastIndexOf(10) + 1;
    const broken = cut === 0;
    if (broken && want < most) continue;
    if (broken) cut = startOfCharacter(got, got.length - 1) || got.length;
    return { ...part, from, to: from + cut, bytes: got.slice(0, cut), broken };
  }
}

// The lines that end at `to`.
export async function linesUp(doc, to, most) {
  const part = doc.part(to - 1);
  if (!part) return null;
  for (let want = PIECE; ; want *= 4) {
    const from = Math.max(part.start, to - want);
    const got = await doc.read(part, from, to);
    let cut = from === part.start ? 0 : got.indexOf(10) + 1;
    const none = from > part.start && (cut === 0 || cut === got.length);
    if (none && want < most) continue;
    if (none) {
      cut = 0;
      while (cut < 3 && (got[cut] & 0xc0) === 0x80) cut++;
    }
    return { ...part, from: from + cut, to, bytes: got.slice(cut), broken: got.at(-1) !== 10 && to < part.end };
  }
}

// The start of the line at position `at`; for a very long line a position shortly before.
export async function lineStart(doc, at) {
  const part = doc.part(at);
  if (!part) return Math.max(0, doc.length);
  const from = Math.max(part.start, at - PIECE);
  const got = await doc.read(part, from, at);
  const found = got.lastIndexOf(10) + 1;
  if (found || from === part.start) return from + found;
  return from + startOfCharacter(got, Math.max(0, got.length - 2000));
}

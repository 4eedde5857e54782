// The log of a job: shows a bounded part of a document of any length and follows its end while the job runs. Only
// chunks near the visible part are on the page.

import { refusal, toast } from "../notice.js";
import { Chunk, joined, size } from "./chunk.js";
import { Doc, lineStart, linesDown, linesUp } from "./doc.js";
import { feed } from "./feed.js";
import { Find } from "./find.js";
import { Marks } from "./marks.js";
import { save } from "./save.js";
import { Search } from "./search.js";

// Bytes of log on the page, at most, plus one chunk.
const MOST = 1024 * 1024;
// A log is opened this many bytes before its end.
const TAIL = 256 * 1024;
// A growing chunk is closed at this length.
const CLOSED = 64 * 1024;
// More new output than this is skipped: the end is loaded again.
const FLOOD = 512 * 1024;
// Bytes that are read to complete a line: events must be complete, text need not.
const WHOLE = { true: 2 * 1024 * 1024, false: 0 };

const TOOLS = `
<div class="log-tools">
<button type="button" class="follow" aria-pressed="false">Follow</button>
<select class="streams" aria-label="Streams"><option value="all">stdout and stderr</option><option value="stdout">stdout</option><option value="stderr">stderr</option></select>
<span class="ways" role="group" aria-label="View"><button type="button" class="way-readable" aria-pressed="false">Readable</button><button type="button" class="way-raw" aria-pressed="true">Raw</button></span>
<button type="button" class="fold" aria-pressed="false" title="Unfold or fold all ( o )">Unfold all</button>
<button type="button" class="first-error" title="Jump to the first error ( e )">First error</button>
<label class="wrap"><input type="checkbox" checked> Wrap</label>
<form class="find" role="search" aria-label="Search the log"><input type="search" aria-label="Search the whole log" placeholder="Search  ( / )" autocomplete="off" spellcheck="false"><span class="count" role="status"></span><button type="button" class="prev" aria-label="Previous hit" disabled>↑</button><button type="button" class="next" aria-label="Next hit" disabled>↓</button><button type="button" class="cancel" hidden>Cancel</button></form>
<button type="button" class="save">Save</button>
</div>
<div class="log-box"><div class="log-lines" tabindex="0" role="region" aria-label="Log"></div><p class="log-empty quiet" role="status" hidden></p><button type="button" class="to-end" hidden>Jump to end</button></div>
<div class="log-foot"><input type="range" class="where" min="0" max="1000" value="1000" aria-label="Position in the log"><span class="place quiet"></span><span class="link-lost" role="status" hidden>Connection lost; trying again…</span></div>`;

export class LogView {
  constructor(host) {
    this.host = host;
    const { run, mode, task } = host.dataset;
    this.doc = new Doc(run);
    this.marks = new Marks();
    this.chunks = [];
    this.stop = new AbortController();
    this.pending = [];
    this.waiting = 0;
    // One change of the window at a time.
    this.turn = Promise.resolve();
    const parts = document.createRange().createContextualFragment(TOOLS);
    host.replaceChildren(parts);
    this.$ = (selector) => host.querySelector(selector);
    this.lines = this.$(".log-lines");
    this.active = host.dataset.active === "1";
    this.following = this.active;
    // Whether the log has events.
    this.reads = this.streams = false;
    this.find = new Find(this);
    // Settles once the lengths of the log are known: until then there is nothing to search.
    this.opened = this.doc.open();
    this.#wire();
    this.#begin(mode, task).catch(refusal);
  }

  dispose() {
    this.stop.abort();
    this.find.cancel();
  }

  focus() {
    this.lines.focus({ preventScroll: true });
  }

  // Before it is hidden: new output is not rendered until `resume`.
  pause() {
    this.paused = true;
  }

  // After it is shown again.
  resume() {
    if (!this.paused) return;
    this.paused = false;
    this.#flush();
    this.find.repaint();
  }

  // After a rendering of the page: the run may have ended.
  update() {
    this.active = this.host.dataset.active === "1";
    this.#show();
  }

  async #begin(mode, task) {
    const first = await this.opened;
    this.reads = this.streams = isStream(first);
    this.knows = first.length > 0;
    // Without them the log has no times.
    if (this.reads) await this.marks.open(this.doc.run).catch(() => {});
    await this.toEnd();
    if (!this.active) return;
    await feed({
      doc: this.doc, mode, task, signal: this.stop.signal,
      heard: (piece) => this.#heard(piece),
      ended: () => { this.active = false; this.over = true; this.#flush(); },
      state: (what) => { this.$(".link-lost").hidden = what !== "lost"; },
    });
  }

  // ---- the visible part

  do(work) {
    this.turn = this.turn.then(() => this.stop.signal.aborted ? null : work()).catch((error) => { if (error.name !== "AbortError") refusal(error); });
    return this.turn;
  }

  #chunk(piece, hit) {
    const when = (at) => {
      const part = this.doc.part(at);
      return part && this.marks.when(part.stream, part.offset + at - part.start);
    };
    return new Chunk({ ...piece, reads: this.reads, hit, root: this.lines, when });
  }

  #clear() {
    this.chunks = [];
    this.lines.replaceChildren();
  }

  #push(piece, hit) {
    const chunk = this.#chunk(piece, hit);
    this.chunks.push(chunk);
    this.lines.append(chunk.element);
    return chunk;
  }

  get #from() { return this.chunks[0]?.from ?? 0; }
  get #to() { return this.chunks.at(-1)?.to ?? 0; }

  // Shows the end and follows it.
  toEnd() {
    return this.do(async () => {
      this.pending = [];
      this.waiting = 0;
      const pieces = [];
      let from = this.doc.length;
      const end = from;
      while (from > 0 && end - from < TAIL) {
        const piece = await linesUp(this.doc, from, WHOLE[this.reads]);
        if (!piece || piece.to === piece.from) break;
        pieces.unshift(piece);
        ({ from } = piece);
      }
      this.#clear();
      pieces.forEach((piece) => this.#push(piece));
      this.#catchUp();
      this.lines.scrollTop = this.lines.scrollHeight;
      this.#show();
    });
  }

  // Shows position `at`.
  seek(at, hit = null) {
    this.follow(false);
    return this.do(async () => {
      const start = await lineStart(this.doc, Math.min(at, Math.max(0, this.doc.length - 1)));
      const here = await linesDown(this.doc, start, WHOLE[this.reads]);
      const before = start > 0 ? await linesUp(this.doc, start, WHOLE[this.reads]) : null;
      this.#clear();
      if (before) this.#push(before);
      const chunk = here && this.#push(here, hit);
      const goal = (hit === null ? null : chunk?.element.querySelector(".hit")) ?? chunk?.element;
      if (hit === null) this.lines.scrollTop = chunk && start > 0 ? chunk.element.offsetTop : 0;
      else goal?.scrollIntoView({ block: "center", inline: "nearest" });
      await this.#fill();
      this.#show();
    });
  }

  async #fill() {
    const box = this.lines;
    if (box.scrollTop + box.clientHeight > box.scrollHeight - 400 && this.#to < this.doc.length) await this.#down();
    if (box.scrollTop < 400 && this.#from > 0) await this.#up();
  }

  async #down() {
    const last = this.chunks.at(-1);
    const from = this.#to;
    const part = this.doc.part(from);
    const piece = part && await linesDown(this.doc, from, WHOLE[this.reads]);
    if (!piece || !piece.bytes.length) return;
    this.#add(last, piece);
    this.#trim("top");
  }

  // An incomplete last line is continued.
  #add(last, piece) {
    if (!last || last.stream !== piece.stream || !last.open || last.bytes.length > 4 * CLOSED) { this.#push(piece); return; }
    const end = piece.bytes.indexOf(10) + 1 || piece.bytes.length;
    last.append(piece.bytes.subarray(0, end));
    if (end < piece.bytes.length) this.#push({ ...piece, from: piece.from + end, bytes: piece.bytes.slice(end) });
  }

  async #up() {
    const piece = await linesUp(this.doc, this.#from, WHOLE[this.reads]);
    if (!piece || !piece.bytes.length) return;
    const height = this.lines.scrollHeight;
    const chunk = this.#chunk(piece);
    this.chunks.unshift(chunk);
    this.lines.prepend(chunk.element);
    this.#scrollTo(this.lines.scrollTop + this.lines.scrollHeight - height);
    this.#trim("bottom");
  }

  #trim(side) {
    let sum = this.chunks.reduce((all, chunk) => all + chunk.bytes.length, 0);
    while (sum > MOST && this.chunks.length > 2) {
      const chunk = side === "top" ? this.chunks.shift() : this.chunks.pop();
      sum -= chunk.bytes.length;
      const height = side === "top" && !this.following ? this.lines.scrollHeight : 0;
      chunk.element.remove();
      if (height) this.#scrollTo(this.lines.scrollTop - (height - this.lines.scrollHeight));
    }
  }

  #scrollTo(top) {
    this.lines.scrollTop = top;
    this.top = this.lines.scrollTop;
  }

  // ---- new output

  #heard({ stream, next, bytes }) {
    if (!this.knows && stream === "stdout") {
      this.knows = true;
      this.reads = this.streams = isStream(bytes);
    }
    const before = this.doc.length;
    this.doc.grow(stream, next);
    // Without events nothing shows them.
    if (this.streams) this.marks.note(stream, next);
    if (this.doc.filter === "all" || this.doc.filter === stream) {
      this.#keep({ stream, from: before, to: this.doc.length, bytes });
      this.waiting += bytes.length;
    }
    if (this.waiting > FLOOD) { this.pending = []; this.anew = this.following; }
    if (!this.frame && !this.paused) this.frame = requestAnimationFrame(() => { this.frame = 0; this.#flush(); });
  }

  // Keeps `piece` until it is rendered. A hidden log keeps many, so small ones are joined: an array costs far more than a
  // short line in it.
  #keep(piece) {
    const last = this.pending.at(-1);
    if (last?.stream !== piece.stream || last.to !== piece.from || last.bytes.length >= CLOSED) { this.pending.push(piece); return; }
    last.bytes = joined(last.bytes, piece.bytes);
    last.to = piece.to;
  }

  #flush() {
    if (this.anew) {
      this.anew = false;
      this.toEnd();
    } else this.do(() => { if (this.following || !this.chunks.length) this.#catchUp(); else this.pending = []; this.waiting = 0; this.#show(); });
  }

  // Renders new output if it follows the shown end.
  #catchUp() {
    for (const piece of this.pending) {
      if (piece.to <= this.#to) continue;
      if (piece.from !== this.#to) {
        if (piece.from > this.#to) { this.anew = true; break; }
        piece.bytes = piece.bytes.subarray(this.#to - piece.from);
        piece.from = this.#to;
      }
      const last = this.chunks.at(-1);
      if (last?.stream !== piece.stream || (last.bytes.length >= CLOSED && !last.open)) {
        last?.close();
        this.#push({ ...piece, bytes: piece.bytes.slice() });
      } else if (last.bytes.length < CLOSED) last.append(piece.bytes);
      else this.#add(last, piece);
    }
    this.pending = [];
    this.waiting = 0;
    this.#trim("top");
    if (this.following) this.#scrollTo(this.lines.scrollHeight);
    if (this.anew) { this.anew = false; setTimeout(() => this.toEnd(), 100); }
  }

  follow(on) {
    const was = this.following;
    this.following = on && this.active;
    if (on && (!was || !this.active)) this.toEnd();
    this.#show();
  }

  // ---- the tools

  #wire() {
    const { $ } = this;
    $(".follow").onclick = () => this.follow(!this.following);
    $(".to-end").onclick = () => { this.follow(true); this.lines.focus({ preventScroll: true }); };
    $(".streams").onchange = (event) => { this.doc.filter = event.target.value; this.find.begin(""); this.following = this.active; this.toEnd(); };
    $(".fold").onclick = () => { this.unfolded = !this.unfolded; this.#fold(true); };
    $(".first-error").onclick = () => this.firstError();
    $(".way-readable").onclick = () => this.#way(true);
    $(".way-raw").onclick = () => this.#way(false);
    $(".wrap input").onchange = (event) => this.lines.classList.toggle("no-wrap", !event.target.checked);
    $(".save").onclick = () => save({ doc: this.doc, name: `${this.host.dataset.task}-${this.host.dataset.mode}`, line: this.host.dataset.save });
    $(".where").onchange = (event) => this.seek(Math.floor(this.doc.length * event.target.value / 1000));
    this.lines.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.lines.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Home") { event.preventDefault(); this.seek(0); }
      if (event.key === "End") { event.preventDefault(); this.follow(true); }
    });
  }

  // Opens or closes all parts that are on the page, and those that come; `anew`: also those that were opened or closed by
  // hand.
  #fold(anew = false) {
    for (const part of this.lines.querySelectorAll(anew ? "details" : "details:not([data-folded])")) {
      part.dataset.folded = "";
      if (anew || this.unfolded) part.open = this.unfolded;
    }
    this.$(".fold").textContent = this.unfolded ? "Fold all" : "Unfold all";
    this.$(".fold").setAttribute("aria-pressed", String(Boolean(this.unfolded)));
  }

  // Shows the first error: of events, of stderr, or the first line with the word.
  async firstError() {
    await this.opened;
    const stderr = [...this.doc.parts()].find((part) => part.stream === "stderr" && part.end > part.start);
    if (!this.streams && stderr) { await this.seek(stderr.start, stderr.start); return; }
    for (const words of this.streams ? ['"is_error":true', '"is_error": true'] : ["error", "failed", "panicked"]) {
      const search = new Search(this.doc, words);
      this.stop.signal.addEventListener("abort", () => search.cancel(), { once: true });
      await search.run(() => { if (search.hits.length) search.cancel(); });
      if (!search.hits.length) continue;
      await this.seek(search.hits[0], search.hits[0]);
      // The answer of a tool is shown with its call.
      const failed = this.lines.querySelector("details.failed, .result.bad");
      if (this.reads && failed) {
        failed.open = true;
        failed.scrollIntoView({ block: "center" });
        failed.querySelector("summary")?.focus({ preventScroll: true });
      }
      return;
    }
    if (stderr) await this.seek(stderr.start, stderr.start);
    else toast("The log has no error.");
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.lines;
    // Only the user scrolls up by more than a little.
    if (this.following && this.top !== undefined && scrollTop < this.top - 4 && scrollTop + clientHeight < scrollHeight - 4) {
      this.following = false;
    }
    this.top = scrollTop;
    if (!this.filling) {
      this.filling = true;
      this.do(async () => { this.filling = false; if (!this.following) await this.#fill(); this.#show(); });
    }
  }

  #way(reads) {
    if (this.reads === reads) return;
    const at = this.following || this.#atEnd() ? null : this.#place();
    this.reads = reads;
    if (at === null) this.toEnd();
    else this.seek(at);
  }

  #atEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.lines;
    return this.#to >= this.doc.length && scrollTop + clientHeight > scrollHeight - 8;
  }

  // The approximate position at the upper edge.
  #place() {
    const top = this.lines.getBoundingClientRect().top;
    for (const chunk of this.chunks) {
      const box = chunk.element.getBoundingClientRect();
      if (box.bottom <= top) continue;
      const share = box.height ? Math.max(0, (top - box.top) / box.height) : 0;
      return Math.floor(chunk.from + share * (chunk.to - chunk.from));
    }
    return this.#to;
  }

  #show() {
    const { $, doc } = this;
    const { length } = doc;
    $(".follow").setAttribute("aria-pressed", String(this.following));
    $(".follow").hidden = !this.active;
    $(".ways").hidden = !this.streams;
    $(".fold").hidden = !this.reads;
    if (this.reads) this.#fold();
    $(".way-readable").setAttribute("aria-pressed", String(this.reads));
    $(".way-raw").setAttribute("aria-pressed", String(!this.reads));
    const end = this.#atEnd();
    $(".to-end").hidden = this.active ? this.following : end || !length;
    const empty = $(".log-empty");
    empty.hidden = length > 0;
    empty.textContent = this.active ? "Nothing was printed yet." : "Nothing was printed.";
    const at = this.following || end ? length : this.#place();
    const share = length ? at / length : 1;
    if (document.activeElement !== $(".where")) $(".where").value = Math.round(share * 1000);
    $(".where").hidden = length < MOST;
    $(".where").setAttribute("aria-valuetext", `${Math.round(share * 100)} %`);
    $(".place").textContent = length < MOST ? size(length) : `${size(at)} of ${size(length)}`;
  }
}

// Whether the first line is an event of Claude's protocol.
function isStream(bytes) {
  const end = bytes.indexOf(10);
  const line = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  if (!line.startsWith("{")) return false;
  try {
    return typeof JSON.parse(line).type === "string";
  } catch {
    // The first line is incomplete.
    return end < 0 && /^\{\s*"(type|duration_api_ms)"\s*:/.test(line);
  }
}

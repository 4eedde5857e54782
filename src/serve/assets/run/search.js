// Searches a whole log, chunk by chunk, independent of what is on the page.

const PIECE = 1024 * 1024;
// At most this many hits.
export const MOST_HITS = 20_000;

const encoder = new TextEncoder();
const utf8 = new TextDecoder();
// One character for each byte, so that positions in the text are positions in the log.
const narrow = new TextDecoder("latin1");
const lower = (bytes) => narrow.decode(bytes).toLowerCase();

export class Search {
  constructor(doc, words) {
    this.doc = doc;
    this.words = words;
    this.hits = [];
    this.done = 0;
    this.more = false;
    this.running = false;
    // It has reached the end of the log once.
    this.ended = false;
    this.stop = new AbortController();
  }

  cancel() {
    this.stop.abort();
  }

  // Searches up to the log's current end; calls `found` after each chunk.
  async run(found) {
    if (this.running || this.stop.signal.aborted) return;
    this.running = true;
    try {
      while (this.done < this.doc.length && !this.more && !this.stop.signal.aborted) {
        await this.#piece();
        found();
      }
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      this.running = false;
      this.ended = true;
      found();
    }
  }

  // Words may span two chunks.
  #fetch(at, length) {
    const part = this.doc.part(at);
    const from = Math.max(part.start, at - length + 1);
    const to = Math.min(at + PIECE, part.end);
    const bytes = this.doc.read(part, from, to, this.stop.signal);
    // A failure is reported where it is awaited.
    bytes.catch(() => {});
    return { from, to, bytes };
  }

  async #piece() {
    const { doc } = this;
    const needle = encoder.encode(this.words);
    const { from, to, bytes } = this.ahead ?? this.#fetch(this.done, needle.length);
    const all = await bytes;
    // Fetch the next chunk while this one is searched.
    this.ahead = to < doc.length ? this.#fetch(to, needle.length) : null;
    const text = lower(all);
    const wanted = lower(needle);
    const exact = needle.length === this.words.length ? null : this.words.toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      // Bytes of other characters may become equal in lower case.
      if (exact !== null && utf8.decode(all.subarray(at, at + needle.length)).toLowerCase() !== exact) continue;
      if (this.hits.length && from + at <= this.hits.at(-1)) continue;
      if (this.hits.length === MOST_HITS) { this.more = true; break; }
      this.hits.push(from + at);
    }
    this.done = to;
  }
}

// Sends typed and pasted input of a terminal: in order, in messages that the server accepts, and no faster than the
// connection. Renders nothing.

// The server accepts messages of up to 64 KiB.
const PIECE = 16 * 1024;
// Bytes in the browser's queue, at most; the rest is queued here.
const AHEAD = 128 * 1024;
const ESCAPE = 0x1b;

export class Typing {
  #link;
  #waiting = [];
  #sending = false;

  constructor(link) {
    this.#link = link;
  }

  // False: not connected, and nothing is sent.
  add(bytes) {
    if (this.#link.readyState !== WebSocket.OPEN) return false;
    this.#waiting.push(bytes);
    this.#send();
    return true;
  }

  // Bytes that were not sent yet.
  get unsent() {
    return this.#waiting.reduce((sum, { length }) => sum + length, this.#link.bufferedAmount);
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#waiting.length && this.#link.readyState === WebSocket.OPEN) {
      // The browser has no event for a shorter queue.
      if (this.#link.bufferedAmount > AHEAD) { await new Promise((done) => setTimeout(done, 10)); continue; }
      const bytes = this.#waiting[0];
      const end = cut(bytes, PIECE);
      this.#link.send(bytes.subarray(0, end));
      if (end === bytes.length) this.#waiting.shift();
      else this.#waiting[0] = bytes.subarray(end);
    }
    this.#sending = false;
  }
}

// Where to split `bytes`, at `most` or before: not inside a character and not after an escape, since tmux would take
// a late first half for a key.
export function cut(bytes, most) {
  if (bytes.length <= most) return bytes.length;
  let end = most;
  while (end > most - 4 && (bytes[end] & 0xc0) === 0x80) end--;
  const escape = bytes.subarray(end - 8, end).lastIndexOf(ESCAPE);
  return escape < 0 ? end : end - 8 + escape;
}

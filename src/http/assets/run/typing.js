// What is typed or pasted into a terminal, on its way to the server: in order, in pieces that the server
// takes, and no faster than the connection carries them. Shows nothing.

// The server takes messages of up to 64 KiB.
const PIECE = 16 * 1024;
// So much waits in the browser's own queue, in bytes; the rest waits here.
const AHEAD = 128 * 1024;
const ESCAPE = 0x1b;

export class Typing {
  #link;
  #waiting = [];
  #sending = false;

  constructor(link) {
    this.#link = link;
  }

  // False where the connection does not stand: then nothing of it is sent.
  add(bytes) {
    if (this.#link.readyState !== WebSocket.OPEN) return false;
    this.#waiting.push(bytes);
    this.#send();
    return true;
  }

  // Bytes that have not left the browser.
  get unsent() {
    return this.#waiting.reduce((sum, { length }) => sum + length, this.#link.bufferedAmount);
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#waiting.length && this.#link.readyState === WebSocket.OPEN) {
      // The browser tells no other way when its queue is shorter.
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

// Where to divide `bytes`, at most `most` in: neither inside a character nor just behind an escape, since
// the two halves may arrive so far apart that tmux takes the first one for a key.
export function cut(bytes, most) {
  if (bytes.length <= most) return bytes.length;
  let end = most;
  while (end > most - 4 && (bytes[end] & 0xc0) === 0x80) end--;
  const escape = bytes.subarray(end - 8, end).lastIndexOf(ESCAPE);
  return escape < 0 ? end : end - 8 + escape;
}

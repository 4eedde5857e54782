// When the bytes of a log were printed: the log marks of the run, and what arrives while the page is open.

import { call, serverNow } from "../net.js";

// Of more marks than this every second one is dropped: the times of a log that runs for hours get coarser.
const MOST = 8192;

export class Marks {
  #all = [];

  async open(run) {
    const { marks } = await call("GET", `/api/runs/${run}/marks`);
    this.#all = marks.map(([at, stdout, stderr]) => ({ at, stdout, stderr }));
  }

  // `stream` has grown to `next` bytes now.
  note(stream, next) {
    const last = this.#all.at(-1) ?? { stdout: 0, stderr: 0 };
    const now = { ...last, at: serverNow(), [stream]: next };
    if (last.at && now.at - last.at < 1000) Object.assign(last, now, { at: last.at });
    else this.#all.push(now);
    if (this.#all.length > MOST) this.#all = this.#all.filter((_, index) => index % 2);
  }

  // When byte `offset` of `stream` was there; null if unknown.
  when(stream, offset) {
    let [low, high] = [0, this.#all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#all[middle][stream] > offset) high = middle;
      else low = middle + 1;
    }
    return this.#all[low]?.at ?? null;
  }
}

// Follows a job's output: reconnects and continues after the last received byte. Renders nothing.

import { Backoff, Refused, bytes, socket } from "../net.js";

const encoder = new TextEncoder();

// Starts at `doc.sizes`. Calls `heard({stream, next, bytes})` in order, each byte once, `ended(run)` at the end, and
// `state("live" | "lost")`. Stops when `signal` is aborted.
export async function feed({ doc, mode, task, heard, ended, state, signal }) {
  const backoff = new Backoff();
  const next = { ...doc.sizes };
  while (!signal.aborted) {
    try {
      const query = `?run=${doc.run}&stdout=${next.stdout}&stderr=${next.stderr}`;
      const talk = await socket(`/logs/${mode}/${task}`, { query });
      if (await listen(talk, { doc, next, heard, ended, state, signal, backoff })) return;
    } catch (error) {
      // The run no longer exists, or the page must ask for a token.
      if (error instanceof Refused && error.status === 404) return;
    }
    if (signal.aborted) return;
    state("lost");
    await backoff.wait();
  }
}

// Resolves to true once the run has ended.
function listen(talk, { doc, next, heard, ended, state, signal, backoff }) {
  return new Promise((done) => {
    let over = false;
    // In order: a frame may need another request.
    let order = Promise.resolve();
    const stop = () => talk.close();
    signal.addEventListener("abort", stop);
    talk.onopen = () => { backoff.reset(); state("live"); };
    talk.onmessage = ({ data }) => {
      order = order.then(() => take(JSON.parse(data))).catch(stop);
    };
    talk.onclose = () => order.finally(() => { signal.removeEventListener("abort", stop); done(over); });

    async function take(frame) {
      if (signal.aborted) return;
      if (frame.event === "end") {
        over = true;
        ended(frame);
        return;
      }
      const { stream, offset } = frame;
      if (frame.next <= next[stream]) return;
      let all = encoder.encode(frame.data);
      // Invalid UTF-8 was replaced; the bytes are fetched from the log.
      if (all.length !== frame.next - offset) all = (await bytes(doc.path(stream), offset, frame.next, signal)).bytes;
      if (offset < next[stream]) all = all.subarray(next[stream] - offset);
      next[stream] = frame.next;
      heard({ stream, next: frame.next, bytes: all });
    }
  });
}

// What a job prints, as it comes: reconnects by itself and goes on behind the last byte it heard.
// Shows nothing.

import { Backoff, Refused, bytes, socket } from "../net.js";

const encoder = new TextEncoder();

// `doc.sizes` says where to begin. `heard({stream, next, bytes})` in order, each byte once;
// `ended(run)` at the end; `state("live" | "lost")`. Over when `signal` is aborted.
export async function feed({ doc, mode, task, heard, ended, state, signal }) {
  const backoff = new Backoff();
  const next = { ...doc.sizes };
  while (!signal.aborted) {
    try {
      const query = `?run=${doc.run}&stdout=${next.stdout}&stderr=${next.stderr}`;
      const talk = await socket(`/logs/${mode}/${task}`, { query });
      if (await listen(talk, { doc, next, heard, ended, state, signal, backoff })) return;
    } catch (error) {
      // A run that is gone has no log; without a token the page asks for one.
      if (error instanceof Refused && error.status === 404) return;
    }
    if (signal.aborted) return;
    state("lost");
    await backoff.wait();
  }
}

// True once all was said.
function listen(talk, { doc, next, heard, ended, state, signal, backoff }) {
  return new Promise((done) => {
    let over = false;
    // Frames wait for each other: what one says may have to be fetched.
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
      // Bytes that are no text were replaced on the way; the log itself has them.
      if (all.length !== frame.next - offset) all = (await bytes(doc.path(stream), offset, frame.next, signal)).bytes;
      if (offset < next[stream]) all = all.subarray(next[stream] - offset);
      next[stream] = frame.next;
      heard({ stream, next: frame.next, bytes: all });
    }
  });
}

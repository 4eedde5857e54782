// Follows the server's events while the page is open: reconnects, and reports whether events were missed and whether
// it is connected. Renders nothing.

import { Backoff, Refused, ask, askTabs, cutSockets, socket } from "./net.js";
import { onWake } from "./wake.js";

// After this time without an event the server is checked.
const SILENCE = 15_000;

// Calls `heard(frame)` for each event, `anew()` when events may have been missed, and `state(what)` with "connected",
// "lost" or "expired" on each change; with "lost" comes the time until which the connection lived. Events up to `seq` are
// known.
export async function follow({ seq, heard, anew, state }) {
  const backoff = new Backoff();
  let connected = false;
  // At once, so that after a sleep no duration on the page goes on growing.
  onWake((since) => { if (connected) state("lost", since); });
  for (;;) {
    try {
      const feed = await socket("/api/events", { query: `?after=${seq}` });
      await talk(feed, (frame) => {
        seq = frame.seq;
        if (frame.event === "hello") {
          backoff.reset();
          connected = true;
          state("connected");
        } else if (frame.event === "reset") anew();
        else heard(frame);
      });
      state("lost", new Date());
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        if (await askTabs()) continue;
        connected = false;
        state("expired");
        while (!await askTabs(2000));
        continue;
      }
      state("lost", new Date());
    }
    connected = false;
    await backoff.wait();
  }
}

// Resolves when the socket closes or the server stops answering.
function talk(feed, hear) {
  return new Promise((done) => {
    let last = Date.now();
    feed.onmessage = ({ data }) => { last = Date.now(); hear(JSON.parse(data)); };
    feed.onclose = () => { clearInterval(watch); done(); };
    const watch = setInterval(async () => {
      if (Date.now() - last < SILENCE) return;
      last = Date.now();
      // What does not answer here does not answer the other connections either.
      await ask("GET", "/healthz", { signal: AbortSignal.timeout(5000) }).catch(cutSockets);
    }, 5000);
  });
}

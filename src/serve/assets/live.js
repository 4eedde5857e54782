// Follows the server's events while the page is open: reconnects, and reports whether events were missed and whether
// it is connected. Renders nothing.

import { Backoff, Refused, ask, askTabs, socket } from "./net.js";

// After this time without an event the server is checked.
const SILENCE = 15_000;

// Calls `heard(frame)` for each event, `anew()` when events may have been missed, and `state(what)` with "connected",
// "lost" or "expired" on each change. Events up to `seq` are known.
export async function follow({ seq, heard, anew, state }) {
  const backoff = new Backoff();
  for (;;) {
    try {
      const feed = await socket("/api/events", { query: `?after=${seq}` });
      await talk(feed, (frame) => {
        seq = frame.seq;
        if (frame.event === "hello") {
          backoff.reset();
          state("connected");
        } else if (frame.event === "reset") anew();
        else heard(frame);
      });
      state("lost");
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        if (await askTabs()) continue;
        state("expired");
        while (!await askTabs(2000));
        continue;
      }
      state("lost");
    }
    await backoff.wait();
  }
}

// Resolves when the socket closes or the server stops answering.
function talk(feed, hear) {
  return new Promise((done) => {
    let quiet = 0;
    const end = () => { clearInterval(watch); feed.onclose = feed.onmessage = null; feed.close(); done(); };
    feed.onmessage = ({ data }) => { quiet = 0; hear(JSON.parse(data)); };
    feed.onclose = end;
    const watch = setInterval(async () => {
      quiet += 5000;
      if (quiet < SILENCE) return;
      quiet = 0;
      await ask("GET", "/healthz", { signal: AbortSignal.timeout(5000) }).catch(end);
    }, 5000);
  });
}

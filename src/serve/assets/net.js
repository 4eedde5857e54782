// Requests to the server: the token, JSON, fragments and WebSockets. Renders nothing.

import { onWake } from "./wake.js";

const KEY = "dispatch.token";
const channel = new BroadcastChannel("dispatch.token");

// The token arrives in the address's fragment and is kept in this tab's storage. Tabs of this server pass it to each
// other. Since any site can link here with any fragment, a token replaces the stored one only after the server has
// accepted it.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) history.replaceState(null, "", location.pathname + location.search);

const renewals = [];
// Tokens from other tabs that are being checked.
let trials = Promise.resolve();
channel.onmessage = ({ data }) => {
  if (data.ask && token()) channel.postMessage({ token: token() });
  if (data.token) trials = Promise.all([trials, adopt(data.token)]);
};

export const token = () => sessionStorage.getItem(KEY);

// Whether the server accepts this token; null: no answer.
async function works(candidate) {
  try {
    const { ok, status } = await fetch("/api/runs", { method: "HEAD", headers: { Authorization: `Bearer ${candidate}` } });
    return ok ? true : status === 401 ? false : null;
  } catch {
    return null;
  }
}

// Stores the token if the server accepts it; returns the result of `works`.
async function adopt(candidate) {
  if (candidate === token()) return true;
  const good = await works(candidate);
  if (good) {
    sessionStorage.setItem(KEY, candidate);
    for (const renewed of renewals.splice(0)) renewed();
  }
  return good;
}

// A token from the user: as `adopt`, and an accepted one is passed to other tabs.
export async function setToken(text) {
  const good = await adopt(text);
  if (good) channel.postMessage({ token: text });
  return good;
}

// Settles once the fragment's token was checked; no request is sent before.
export const arrived = given ? setToken(given).then((good) => {
  // Not checked: used only if there is no other token.
  if (good === null && !token()) sessionStorage.setItem(KEY, given);
}) : Promise.resolve();

// Asks other tabs for a token; true as soon as a different one has arrived.
export function askTabs(patience = 400) {
  return new Promise((done) => {
    renewals.push(() => done(true));
    setTimeout(() => trials.then(() => done(false)), patience);
    channel.postMessage({ ask: true });
  });
}

// A refusal with the server's message.
export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.code = error?.code ?? "";
    this.hint = error?.hint ?? "";
    this.problems = error?.problems ?? [];
  }
}

// The server does not answer.
export class Unreachable extends Error {}

// Milliseconds by which the server's clock is ahead of the browser's.
let ahead = 0;

// The time by the server's clock, to compare with the times that it sends.
export const serverNow = () => Date.now() + ahead;

// The header `Date` has whole seconds, and the answer was on its way for a time: as long as the two clocks may be equal,
// they are taken as equal.
function measureAhead(answer, sent) {
  const date = Date.parse(answer.headers.get("Date"));
  if (Number.isNaN(date)) return;
  const [least, most] = [date - Date.now(), date + 1000 - sent];
  ahead = least > 0 ? least : most < 0 ? most : 0;
}

// `body` is sent as JSON, `text` as it is.
export async function ask(method, path, { body, text, headers, signal } = {}) {
  const sent = { Authorization: `Bearer ${token()}`, ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const begun = Date.now();
  let answer;
  try {
    answer = await fetch(path, { method, headers: sent, body: body === undefined ? text : JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("the server does not answer");
  }
  measureAhead(answer, begun);
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, said.error);
}

// JSON of the public API.
export const call = async (method, path, body) => (await ask(method, path, { body })).json();

// HTML of the server; inert until it is inserted.
export async function fragment(path, signal) {
  const text = await (await ask("GET", path, { signal })).text();
  return new DOMParser().parseFromString(text, "text/html");
}

// The bytes from `from` up to and without `to` of a long body, and its length.
export async function bytes(path, from, to, signal) {
  if (to <= from) return { bytes: new Uint8Array(), total: to };
  try {
    const answer = await ask("GET", path, { headers: { Range: `bytes=${from}-${to - 1}` }, signal });
    const total = Number(answer.headers.get("Content-Range")?.split("/")[1] ?? answer.headers.get("Content-Length"));
    return { bytes: new Uint8Array(await answer.arrayBuffer()), total };
  } catch (error) {
    if (error.status === 416) return { bytes: new Uint8Array(), total: from };
    throw error;
  }
}

// Milliseconds until a request for a ticket is given up.
const PATIENCE = 10_000;

const open = new Set();

// Opens a WebSocket with a ticket for its path.
export async function socket(path, { query = "", write = false } = {}) {
  const asked = await ask("POST", "/api/ticket", { body: { path, write }, signal: AbortSignal.timeout(PATIENCE) });
  const { ticket } = await asked.json();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const made = new WebSocket(`${scheme}://${location.host}${path}${query}`, ["dispatch.v1", `ticket.${ticket}`]);
  made.binaryType = "arraybuffer";
  open.add(made);
  made.addEventListener("close", () => open.delete(made));
  return made;
}

// Ends all WebSockets at once: the server may have gone without closing them, and a close would wait for its answer.
export function cutSockets() {
  for (const one of open) {
    const { onclose } = one;
    one.onopen = one.onmessage = one.onclose = null;
    one.close();
    onclose?.();
  }
  open.clear();
}

// After a sleep it is not known whether the connections still work.
onWake(cutSockets);

// Waits longer each time, up to 5 s, with a random part.
export class Backoff {
  #next = 250;
  reset() { this.#next = 250; }
  wait() {
    const time = this.#next * (0.75 + Math.random() / 2);
    this.#next = Math.min(this.#next * 2, 5000);
    return new Promise((done) => setTimeout(done, time));
  }
}

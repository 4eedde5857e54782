// How a page speaks with its server: the token, requests, fragments and WebSockets.
// Shows nothing and knows no page.

const KEY = "dispatch.token";
const channel = new BroadcastChannel("dispatch.token");

// The token comes in the fragment, once, and stays in this tab's own storage. Other tabs of this server give
// it to one that has none, and take a newer one. Any page may lead here with any fragment, so a token
// replaces the one that is kept only after the server has taken it.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) history.replaceState(null, "", location.pathname + location.search);

const renewals = [];
// Tokens that other tabs gave and that are being tried.
let trials = Promise.resolve();
channel.onmessage = ({ data }) => {
  if (data.ask && token()) channel.postMessage({ token: token() });
  if (data.token) trials = Promise.all([trials, adopt(data.token)]);
};

export const token = () => sessionStorage.getItem(KEY);

// Whether the server takes this token; null where it gave no answer to that.
async function works(candidate) {
  try {
    const { ok, status } = await fetch("/api/runs", { method: "HEAD", headers: { Authorization: `Bearer ${candidate}` } });
    return ok ? true : status === 401 ? false : null;
  } catch {
    return null;
  }
}

// Keeps this token if the server takes it; says what `works` said.
async function adopt(candidate) {
  if (candidate === token()) return true;
  const good = await works(candidate);
  if (good) {
    sessionStorage.setItem(KEY, candidate);
    for (const renewed of renewals.splice(0)) renewed();
  }
  return good;
}

// A token from a person: the same, and other tabs hear of one that is good.
export async function setToken(text) {
  const good = await adopt(text);
  if (good) channel.postMessage({ token: text });
  return good;
}

// Settled once the fragment's token was tried: nothing is to be asked of the server before.
export const arrived = given ? setToken(given).then((good) => {
  // It could not be tried: where there is no other it does no harm.
  if (good === null && !token()) sessionStorage.setItem(KEY, given);
}) : Promise.resolve();

// Asks other tabs for a token; true as soon as another one than before has come.
export function askTabs(patience = 400) {
  return new Promise((done) => {
    renewals.push(() => done(true));
    setTimeout(() => trials.then(() => done(false)), patience);
    channel.postMessage({ ask: true });
  });
}

// An answer that says no, in the server's words.
export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.code = error?.code ?? "";
    this.hint = error?.hint ?? "";
    this.problems = error?.problems ?? [];
  }
}

// The server cannot be reached.
export class Unreachable extends Error {}

export async function ask(method, path, { body, headers, signal } = {}) {
  const sent = { Authorization: `Bearer ${token()}`, ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("the server does not answer");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, said.error);
}

// JSON from a route of the public API.
export const call = async (method, path, body) => (await ask(method, path, { body })).json();

// HTML that the server laid out; inert until somebody puts it into the page.
export async function fragment(path, signal) {
  const text = await (await ask("GET", path, { signal })).text();
  return new DOMParser().parseFromString(text, "text/html");
}

// The bytes from `from` up to `to` (without it) of a long body, and how long it is.
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

// A WebSocket for one path, by a ticket that is good for it alone.
export async function socket(path, { query = "", write = false } = {}) {
  const { ticket } = await call("POST", "/api/ticket", { path, write });
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const made = new WebSocket(`${scheme}://${location.host}${path}${query}`, ["dispatch.v1", `ticket.${ticket}`]);
  made.binaryType = "arraybuffer";
  return made;
}

// Waits longer each time, up to 5 s, and never in step with other tabs.
export class Backoff {
  #next = 250;
  reset() { this.#next = 250; }
  wait() {
    const time = this.#next * (0.75 + Math.random() / 2);
    this.#next = Math.min(this.#next * 2, 5000);
    return new Promise((done) => setTimeout(done, time));
  }
}

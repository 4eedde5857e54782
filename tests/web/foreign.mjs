// A page of another origin sends every kind of request that a browser offers to a server.
// Argument: {"port", "token", "tickets": {path: [ticket…]}, "routes": [[method, path]…]}; prints
// what it could read, open or frame. With "port": 0 it attacks its own unprotected server, which shows
// that the attack itself works.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { launch } from "./browser.mjs";

const asked = JSON.parse(process.argv[2]);

const listen = (answer) => new Promise((done) => {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1", () => done(server));
});

// The origin of the foreign page.
const stage = await listen((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><body>"));

// The server without guards.
let reached = 0;
const lax = await listen((request, answer) => {
  reached += 1;
  answer.setHeader("Access-Control-Allow-Origin", request.headers.origin ?? "*");
  answer.setHeader("Access-Control-Allow-Credentials", "true");
  answer.setHeader("Access-Control-Allow-Headers", "authorization, content-type");
  answer.setHeader("Access-Control-Allow-Methods", "GET, POST, PUT");
  answer.setHeader("Content-Type", "text/html");
  answer.end("secret");
});
lax.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = createHash("sha1").update(key).digest("base64");
  const protocol = request.headers["sec-websocket-protocol"] ? "Sec-WebSocket-Protocol: dispatch.v1\r\n" : "";
  socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n${protocol}\r\n`);
  socket.on("error", () => {});
});

const port = asked.port || lax.address().port;

// Runs in the page.
async function attack({ bases, routes, token, tickets }) {
  const found = { read: [], opened: [], windows: [], tried: 0 };
  const json = { "Content-Type": "application/json" };
  const bearer = { Authorization: `Bearer ${token}` };
  const attempts = [];
  const attempt = (_way, work) => {
    found.tried += 1;
    attempts.push(Promise.race([
      Promise.resolve().then(work).catch(() => {}),
      // Normally each is decided sooner; the timeout keeps one that hangs from hiding the others.
      new Promise((done) => setTimeout(done, 20_000)),
    ]));
  };
  const load = (tag, fields) => {
    const element = Object.assign(document.createElement(tag), fields);
    document.body.append(element);
    return new Promise((done) => { element.onload = element.onerror = done; });
  };
  for (const base of bases) {
    for (const [method, path] of [...routes, ["GET", "/"], ["GET", "/healthz"]]) {
      const url = base + path;
      const body = method === "GET" ? undefined : "{}";
      const ways = {
        plain: { method, body, credentials: "include" },
        bearer: { method, body, headers: { ...json, ...bearer } },
      };
      for (const [way, options] of Object.entries(ways)) {
        attempt(way, async () => {
          const answer = await fetch(url, options);
          found.read.push({ way, method, url, status: answer.status, text: await answer.text() });
        });
      }
      attempt("no-cors", async () => {
        const blind = await fetch(url, { method: method === "PUT" ? "POST" : method, body, mode: "no-cors", headers: { "Content-Type": "text/plain" } });
        const text = await blind.text();
        if (text) found.read.push({ way: "no-cors", method, url, status: blind.status, text });
      });
      if (method === "GET") {
        attempt("img", () => load("img", { src: url }));
        attempt("script", () => load("script", { src: url }));
        attempt("style", () => load("link", { rel: "stylesheet", href: url }));
        attempt("prefetch", () => load("link", { rel: "prefetch", href: url }));
      }
      if (method === "POST") {
        attempt("beacon", () => navigator.sendBeacon(url, new Blob(["{}"], { type: "text/plain" })));
        // A refused frame costs the browser a process, so each kind is tried only where it could do most.
        const kinds = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];
        for (const enctype of path.startsWith("/dispatch") ? kinds : kinds.slice(0, 1)) {
          const name = `f${Math.random()}`;
          load("iframe", { name });
          const form = Object.assign(document.createElement("form"), { method, action: url, enctype, target: name });
          form.append(Object.assign(document.createElement("input"), { name: "{\"a", value: "\":1}" }));
          document.body.append(form);
          attempt("form", () => form.submit());
        }
      }
    }
    attempt("iframe", () => load("iframe", { src: `${base}/` }));
    attempt("object", () => load("object", { data: `${base}/`, type: "text/html" }));
    for (const [path, known] of Object.entries(tickets)) {
      for (const protocols of [[], ["dispatch.v1"], ...known.map((ticket) => ["dispatch.v1", `ticket.${ticket}`])]) {
        attempt("socket", () => new Promise((done) => {
          const socket = new WebSocket(base.replace("http", "ws") + path, protocols);
          socket.onopen = () => { found.opened.push({ path, protocols }); socket.close(); done(); };
          socket.onclose = socket.onerror = done;
        }));
      }
    }
  }
  await Promise.all(attempts);
  return found;
}

const browser = await launch();
const report = { origins: {}, reached: 0 };
const base = `http://127.0.0.1:${port}`;
const other = stage.address().port;
const pages = {
  "another port": [`http://127.0.0.1:${other}/`, [base, `http://localhost:${port}`]],
  "localhost": [`http://localhost:${other}/`, [base]],
  "another site": [`http://evil.test:${other}/`, [base]],
  // DNS rebinding: the name resolved elsewhere when the page was loaded, and now to the server.
  "rebound": [`http://evil.test:${port}/attack`, [`http://evil.test:${port}`, base]],
};
let turn = 0;
for (const [name, [address, bases]] of Object.entries(pages)) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.route("**/attack", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><body>" }));
  await page.goto(address);
  const tickets = Object.fromEntries(Object.entries(asked.tickets).map(([path, all]) => [path, [all[turn]]]));
  turn += 1;
  const found = await page.evaluate(attack, { bases, routes: asked.routes, token: asked.token, tickets });
  // The content of a frame, once its load is decided.
  found.framed = [];
  for (const frame of page.frames().slice(1)) {
    if (!bases.some((base) => frame.url().startsWith(base))) continue;
    const text = await frame.evaluate(() => document.documentElement.outerHTML).catch(() => "");
    found.framed.push({ url: frame.url(), text });
  }
  const waits = context.waitForEvent("page");
  await page.evaluate((url) => { window.other = window.open(url); }, `${base}/`);
  const popup = await waits;
  await popup.waitForLoadState();
  // It first asks other tabs for a token, and gets none.
  const ready = () => popup.evaluate(() => !document.body.textContent.includes("Loading")).catch(() => true);
  for (const end = Date.now() + 10_000; Date.now() < end && !await ready();) await new Promise((done) => setTimeout(done, 20));
  found.popup = {
    opener: await popup.evaluate(() => window.opener !== null).catch(() => "gone"),
    stored: await popup.evaluate(() => sessionStorage.length).catch(() => "gone"),
    text: await popup.evaluate(() => document.body.textContent),
    reachable: await page.evaluate(() => {
      try { return window.other.document !== null; } catch { return false; }
    }),
  };
  report.origins[name] = found;
  await context.close();
}
report.reached = reached;
await browser.close();
console.log(JSON.stringify(report));
process.exit(0);

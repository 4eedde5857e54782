// A browser that is controlled by lines on standard input; each is answered by one line:
// {"value": …} or {"error": …}. The argument is JSON: {"viewport": [W, H], "scheme": "dark",
// "motion": "reduce"}. A line holds one of
//   {"goto": URL}  {"reload": true}  {"shot": PATH}  {"axe": true}  {"said": true}
//   {"eval": JS}   an expression in the page
//   {"play": JS}   the body of an async function here, with what `stage` below names
// and may name its tab ("tab": N, opened if it does not exist; default: the last one).

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { launch, tools, watchdog } from "./browser.mjs";
import { small } from "./png.mjs";

const wished = JSON.parse(process.argv[2] ?? "{}");
const [width, height] = wished.viewport ?? [1280, 800];
const browser = await launch();
const context = await browser.newContext({
  viewport: { width, height }, colorScheme: wished.scheme ?? "light", reducedMotion: wished.motion ?? "no-preference",
});
context.setDefaultTimeout(10_000);

// Everything that any tab reported: console messages, exceptions, violations of the policy, and requests
// to other hosts than the page's own server.
const said = [];
await context.exposeFunction("noteViolation", (what) => { said.push(`violation: ${what}`); });
await context.addInitScript(() => document.addEventListener("securitypolicyviolation",
  (event) => window.noteViolation(`${event.violatedDirective} ${event.blockedURI}`)));
const noteRequest = (url) => {
  const { protocol, hostname } = new URL(url);
  if (/^(https?|wss?):$/.test(protocol) && hostname !== "127.0.0.1") said.push(`elsewhere: ${url}`);
};
context.on("request", (request) => noteRequest(request.url()));

const tabs = [];
async function tab(number) {
  while (tabs.length <= number) {
    const page = await context.newPage();
    // Messages of the browser's own software renderer do not concern the page.
    page.on("console", (message) => { if (!message.text().includes("GL Driver Message")) said.push(`${message.type()}: ${message.text()} ${message.location().url}`); });
    page.on("pageerror", (error) => said.push(`thrown: ${error}`));
    page.on("websocket", (socket) => noteRequest(socket.url()));
    tabs.push(page);
  }
  return tabs[number];
}
let page = await tab(0);

// Polls until the expression is true in the page. Playwright's own waiting needs `eval`, which the
// pages' policy forbids.
async function until(what, script, argument) {
  const end = Date.now() + 10_000;
  for (;;) {
    const answer = await page.evaluate(script, argument);
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`gave up waiting until ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

// Fails if anything was reported that no pattern of `but` matches.
function expectNoMessages(...but) {
  const bad = said.filter((line) => /^(error|warning|violation|thrown|elsewhere):/.test(line) && !but.some((fits) => fits.test(line)));
  if (bad.length) throw new Error(`the pages said: ${bad.join("\n")}`);
}

function expect(condition, what) {
  if (!condition) throw new Error(`expected: ${what}`);
}

function same(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}

// The serious findings of axe-core, a line each. Evaluated, since the pages let no other script in.
async function axe() {
  if (!await page.evaluate("'axe' in window")) {
    await page.evaluate(`${readFileSync(new URL("node_modules/axe-core/axe.min.js", tools), "utf8")};0`);
  }
  const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
}

const AsyncFunction = (async () => {}).constructor;
const stage = { context, browser, tabs, tab, said, axe, until, expect, same, expectNoMessages };

async function answer(asked) {
  if (asked.tab !== undefined) {
    page = await tab(asked.tab);
    await page.bringToFront();
  }
  if (asked.goto) await page.goto(asked.goto);
  if (asked.reload) await page.reload();
  if (asked.shot) writeFileSync(asked.shot, small(await page.screenshot()));
  if (asked.said) return said;
  if (asked.axe) return axe();
  if (asked.eval) return page.evaluate(asked.eval);
  if (asked.play) return new AsyncFunction("page", ...Object.keys(stage), asked.play)(page, ...Object.values(stage));
  return null;
}

for await (const line of createInterface({ input: process.stdin })) {
  watchdog.refresh();
  const told = await answer(JSON.parse(line)).then((value) => ({ value: value ?? null }), (error) => ({ error: String(error) }));
  console.log(JSON.stringify(told));
}
await browser.close();
process.exit(0);

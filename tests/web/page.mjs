// One page of one browser, told what to do by lines on standard input:
//   {"goto": URL}   {"reload": true}   {"eval": JAVASCRIPT}
// Each is answered by one line: {"value": …} or {"error": …}.

import { createInterface } from "node:readline";
import { launch } from "./browser.mjs";

const browser = await launch();
const page = await browser.newPage();
const said = [];
page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => said.push(`thrown: ${error}`));
await page.exposeFunction("noteViolation", (what) => said.push(`violation: ${what}`));
await page.addInitScript(() => document.addEventListener("securitypolicyviolation",
  (event) => window.noteViolation(`${event.violatedDirective} ${event.blockedURI}`)));

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    if (asked.goto) await page.goto(asked.goto);
    if (asked.reload) await page.reload();
    answer = { value: asked.said ? said : asked.eval ? await page.evaluate(asked.eval) : null };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
process.exit(0);

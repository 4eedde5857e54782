// What the scripts beside this one share: Debian's Chromium, driven by playwright-core.
// Reaches nothing but this machine: every other name leads nowhere.

import { createRequire } from "node:module";

export const tools = new URL("../../target/test-tools/", import.meta.url);
const { chromium } = createRequire(tools)("playwright-core");

// A script that hangs must not keep its test waiting; one that goes on refreshes this.
export const watchdog = setTimeout(() => { console.error("the script took more than 120 s"); process.exit(9); }, 120_000);
watchdog.unref();

export const launch = () => chromium.launch({
  executablePath: "/usr/bin/chromium",
  // Its own fence around this machine is down: what is tested are the server's guards.
  args: ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks", "--host-resolver-rules=MAP evil.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"],
});

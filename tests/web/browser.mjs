// Shared by the scripts in this folder: Debian's Chromium, driven by playwright-core.
// It can reach only this machine: every other host name is blocked.

import { createRequire } from "node:module";

export const tools = new URL("../../target/test-tools/", import.meta.url);
const { chromium } = createRequire(tools)("playwright-core");

// A script that hangs must not block its test; a script that makes progress resets this timer.
export const watchdog = setTimeout(() => { console.error("the script took more than 120 s"); process.exit(9); }, 120_000);
watchdog.unref();

export const launch = () => chromium.launch({
  executablePath: "/usr/bin/chromium",
  // Chromium's own protection of local addresses is off, because the server's guards are tested.
  args: ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks", "--host-resolver-rules=MAP evil.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"],
});

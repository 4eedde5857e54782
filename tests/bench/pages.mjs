// Times the pages as a person sees them: from the press or the event to the frame that shows it.
//   node pages.mjs ADDRESS TOKEN GO PAST WATCHED
// GO is the folder in which a file named like a task ends the task's run; PAST is the count of ended runs;
// WATCHED is the time in seconds for which the memory of the tab is compared.
// Prints a row a line: name, tab, figure, tab, limit.
import { writeFileSync } from "node:fs";
import { launch, watchdog } from "../web/browser.mjs";

const [address, token, go, past, watched] = process.argv.slice(2);
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });

const row = (name, figure, limit) => console.log(`${name}\t${figure.toFixed(1)}\t${limit}`);
const p95 = (times) => times.sort((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1];
const longest = (times) => Math.max(...times);

// In every tab: `shown(condition)` resolves with the time of the first frame in which the condition holds.
await context.addInitScript(() => {
  window.longTasks = [];
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longTasks.push(duration); }).observe({ type: "longtask", buffered: true });
  window.shown = (condition) => new Promise((done, fail) => {
    const end = performance.now() + 20_000;
    const look = () => {
      if (condition()) requestAnimationFrame(() => done(performance.now()));
      else if (performance.now() > end) fail(new Error(`not shown within 20 s: ${condition}`));
      else requestAnimationFrame(look);
    };
    look();
  });
});

async function open(path) {
  const page = await context.newPage();
  await page.goto(`${address}${path}#token=${token}`);
  return page;
}

// The first tab takes the token; the others find it in the browser's storage.
await (await open("/")).close();

// ---- 2,000 tasks
const firsts = [];
for (let round = 0; round < 5; round++) {
  const page = await open("/");
  // From the start of the navigation.
  firsts.push(await page.evaluate(() => window.shown(() => document.querySelector(".row .name, .row a"))));
  await page.close();
}
row("2,000 tasks: first row, longest ms / 1 s", longest(firsts), 1000);

const board = await open("/");
await board.evaluate(() => window.shown(() => document.querySelectorAll(".row").length === 100));
const typed = [];
for (const word of ["number 1234", "area 3", "T-77", "phase 7", "zzz", "task 19", "number 8", "of area 5"]) {
  await board.fill("input[name=text]", "");
  await board.evaluate(() => window.shown(() => document.body.textContent.includes("2000 of 2000")));
  for (let end = 1; end <= word.length; end++) {
    const text = word.slice(0, end);
    if (text.endsWith(" ")) continue;
    typed.push(await board.evaluate(async ([text, fits]) => {
      const field = document.querySelector("input[name=text]");
      const begun = performance.now();
      field.value = text;
      field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
      return await window.shown(() => document.body.textContent.includes(`${fits} of 2000`)) - begun;
    }, [text, matches(text)]));
  }
}
row("2,000 tasks: search as you type, p95 ms / 100", p95(typed), 100);
await board.close();

// What the search finds: the words, in the id or the title.
function matches(text) {
  const words = text.toLowerCase().split(" ").filter(Boolean);
  let count = 0;
  for (let n = 0; n < 2000; n++) {
    const searched = `t-${n} task number ${n} of area ${n % 7} phase ${Math.floor(n / 100)}`;
    if (words.every((word) => searched.includes(word))) count++;
  }
  return count;
}

// ---- history
const opened = [];
for (let round = 0; round < 3; round++) {
  const page = await open("/history");
  opened.push(await page.evaluate(() => window.shown(() => document.querySelectorAll("svg.chart, .chart svg").length >= 3 && document.querySelector("tbody tr, .past-row, .history-row"))));
  await page.close();
}
row(`history of ${past} runs with charts, longest ms / 1 s`, longest(opened), 1000);

// ---- 30 live runs
const now = await open("/now");
await now.evaluate(() => window.shown(() => document.querySelectorAll(".now-item[data-group=running]").length === 30));
row("30 live runs: longest script task of opening, ms / 50", longest([0, ...await now.evaluate(() => window.longTasks)]), 50);
const switched = await now.evaluate(async () => {
  const show = async (task) => {
    const begun = performance.now();
    document.querySelector(`.now-item[data-task="${task}"] .now-row`).click();
    return await window.shown(() => {
      const host = document.querySelector(".view:not(.out) > *");
      return host?.dataset.task === task && host.firstElementChild;
    }) - begun;
  };
  const tasks = Array.from({ length: 10 }, (_, n) => `T-${n}`);
  for (const task of tasks) await show(task);
  const times = [];
  for (let round = 0; round < 5; round++) {
    for (const task of tasks) {
      times.push(await show(task));
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  return times;
});
row("switch among ten live runs, p95 ms / 150", p95(switched), 150);

// Each of the ten open logs gets more than a page keeps of it, while it is shown. What grows from there on is a leak.
const pause = (seconds) => new Promise((done) => { watchdog.refresh(); setTimeout(done, seconds * 1000); });
for (let n = 0; n < 10; n++) {
  const last = `the log of T-${n} is full`;
  await now.evaluate((task) => document.querySelector(`.now-item[data-task="${task}"] .now-row`).click(), `T-${n}`);
  writeFileSync(`${go}/fill-T-${n}`, `${last}\n`);
  await now.evaluate((last) => window.shown(() => document.querySelector(".view:not(.out) .log-lines").textContent.includes(last)), last);
  watchdog.refresh();
}

const session = await context.newCDPSession(now);
// Used bytes of the page's JavaScript heap after everything unused was collected.
async function heap() {
  for (let turn = 0; turn < 3; turn++) await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}
await pause(10);
await now.evaluate(() => { window.longTasks = []; });
const before = await heap();
for (let left = Number(watched); left > 0; left -= 20) await pause(Math.min(left, 20));
const after = await heap();
row(`heap after ${watched} s with 30 live runs, KiB more / 512`, Math.max(0, after - before) / 1024, 512);

// From a run's recorded end to the frame in which its row shows it.
const seen = new Map();
for (let n = 10; n < 30; n++) {
  const task = `T-${n}`;
  const frame = now.evaluate((task) => window.shown(() => !document.querySelector(`.now-item[data-task="${task}"][data-state=running]`)).then((at) => performance.timeOrigin + at), task);
  writeFileSync(`${go}/${task}`, "");
  seen.set(task, await frame);
}
const answer = await fetch(`${address}/api/history?mode=review&limit=100`, { headers: { authorization: `Bearer ${token}` } });
const delays = (await answer.json()).runs.filter(({ task }) => seen.has(task)).map(({ task, endedAt }) => seen.get(task) - Date.parse(endedAt));
if (delays.length !== seen.size) throw new Error(`${delays.length} of ${seen.size} ends are on record`);
row("30 live runs: an end to the screen, p95 ms / 250", p95(delays), 250);
row("30 live runs watched: longest script task, ms / 50", longest([0, ...await now.evaluate(() => window.longTasks)]), 50);
await browser.close();
process.exit(0);

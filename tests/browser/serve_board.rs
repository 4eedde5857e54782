//! The board as a person works with it: by mouse, by keyboard, with its filters, in two tabs.

use std::fs;

use serde_json::{Value, json};

use crate::browser::{OPEN, Page};
use crate::world::World;

/// Chooses a mode in the dialog of Run, and starts it.
const START: &str = r#"
const start = async (mode, closes = true) => {
  const dialog = page.locator("dialog[open]");
  await dialog.waitFor();
  const radio = dialog.locator(`input[type=radio][value="${mode}"]`);
  if (await radio.count()) { await radio.check(); await page.keyboard.press("Control+Enter"); }
  else await dialog.getByRole("button", { name: mode, exact: true }).click();
  // It stays where the server said no.
  if (closes) await dialog.waitFor({ state: "detached" });
};
const row = (task) => page.locator(`.row[data-task="${task}"]`);
const badge = (pair, state) => page.locator(`.badge[data-pair="${pair}"]${state ? `[data-state="${state}"]` : ""}`);
"#;

/// A script that starts a pair from its row, also if the server refuses.
pub(crate) fn start(mode: &str, task: &str) -> String {
    format!("{START} await row('{task}').locator('[data-act=run].run').click(); await start('{mode}', false)")
}

fn demo() -> World {
    let world = World::bare();
    let from = crate::programs::repository().join("examples/demo");
    world.helper("cp", &["-r", &format!("{}/.", from.display()), world.project().to_str().unwrap()]);
    world
}

fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{START}{script}"))
}

#[test]
fn runs_start_are_seen_and_stop_on_the_board() {
    let world = demo();
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    // Slow enough for a person to see it run.
    world.write("dispatch.yaml", manifest + "\n  signed:\n    agent: stand-in\n    prompt: go\n    gate: approve\n");
    world.write("tasks/TASK-3.md", "---\ntitle: Greet the whole world\n---\n\ndemo: hang\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    let document = "window.sameDocument = true";
    page.eval(document);
    // The seed's story: run it from the board, watch its badge, look at its log.
    play(
        &mut page,
        r#"
        await row("TASK-1").getByRole("button", { name: "Run" }).click();
        await start("code-review");
        await badge("code-review/TASK-1", "running").waitFor();
        await badge("code-review/TASK-1", "succeeded").waitFor();
        await row("TASK-3").locator(".rest").click();
        await start("code-review");
        await badge("code-review/TASK-3", "running").waitFor();
        await row("TASK-3").getByRole("button", { name: "Stop" }).click();
        await badge("code-review/TASK-3", "stopped").waitFor();
        expect(await row("TASK-3").locator("[data-act=stop]").isDisabled(), "nothing is left to stop");
        "#,
    );
    assert_eq!(world.status("code-review", "TASK-1")["state"], "succeeded");
    assert_eq!(world.status("code-review", "TASK-3")["state"], "stopped");
    // A waiting run is shown in the tab's title and icon, and to screen readers.
    play(
        &mut page,
        r##"
        same(await page.title(), "Board · dispatch", "the title");
        await row("TASK-1").locator(".rest").click();
        await start("signed");
        await badge("signed/TASK-1", "gate").waitFor();
        await row("TASK-2").locator(".rest").click();
        await start("signed");
        await badge("signed/TASK-2", "gate").waitFor();
        await until("the title counts", "document.title === '(2) Board · dispatch'");
        await until("the icon counts", "decodeURIComponent(document.querySelector('link[rel=icon]').href).includes('>2</text>')");
        await until("the head counts", "document.getElementById('tally').textContent.startsWith('2 need you')");
        await until("it is said", "document.getElementById('said').textContent === 'TASK-2 signed: waits for approval'");
        same(await page.locator("#said").getAttribute("aria-live"), "polite", "it is reported");
        await page.locator("#tally").click();
        await until("only those are shown", "[...document.querySelectorAll('.row')].map((row) => row.dataset.task).sort().join() === 'TASK-1,TASK-2'");
        await row("TASK-1").getByRole("button", { name: "Approve" }).click();
        await row("TASK-1").waitFor({ state: "detached" });
        await until("the title follows", "document.title === '(1) Board · dispatch'");
        await row("TASK-2").getByRole("button", { name: "Stop" }).click();
        await until("nobody is waited for", "document.title === 'Board · dispatch'");
        await until("the icon is plain", "document.querySelector('link[rel=icon]').href.endsWith('/assets/icon.svg')");
        "##,
    );
    world.wait_state("signed", "TASK-1", "succeeded");
    let run = world.status("code-review", "TASK-1")["runId"].as_str().unwrap().to_owned();
    page.go(&server, "/");
    play(
        &mut page,
        r#"await badge("code-review/TASK-1", "succeeded").click(); await page.waitForURL(/\/runs\//); expectNoMessages(/404/);"#,
    );
    assert_eq!(page.eval("location.pathname"), format!("/runs/{run}"));
    drop(page);
    server.assert_alive();
}

/// Waits until an element has the focus: `field(element)`.
const KEYS: &str = r#"
const focused = (what, script) => until(`the focus is on ${what}`, `((at) => ${script})(document.activeElement)`);
const on = (task) => focused(task, `at.matches('.row[aria-current]') && at.dataset.task === '${task}'`);
const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
"#;

#[test]
fn the_keyboard_is_enough() {
    let world = World::new();
    world.task("A", "%until ../go\n%exit 3\n").task("B", "%hang\n").task("C", "%hang\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/?sort=task");
    let play = |page: &mut Page, script: &str| play(page, &format!("{KEYS}{script}"));
    // The first stops of Tab: past the head, the filters, then the first task's name and main button.
    play(
        &mut page,
        r##"
        await press("Tab");
        await focused("the skip link", "at.matches('.skip') && at.getBoundingClientRect().top >= 0");
        const stops = [];
        for (let i = 0; i < 17; i += 1) {
          await press("Tab");
          stops.push(await page.evaluate(() => {
            const at = document.activeElement;
            if (getComputedStyle(at).outlineStyle === "none") return `${at.outerHTML} shows no focus`;
            return at.closest(".row") ? `${at.closest(".row").dataset.task} ${at.dataset.pair ?? at.dataset.act ?? at.className}` : at.name || at.id || at.pathname;
          }));
        }
        same(stops.slice(-11), ["bell", "help", "text", "status", "mode", "sort", "group", "density", "needs", "A title", "A run"], "the stops of Tab");
        await press("Tab");
        await focused("the next task", "at.closest('.row').dataset.task === 'B' && at.matches('.title')");
        await press("Shift+Tab");
        await focused("back", "at.closest('.row').dataset.task === 'A' && at.dataset.act === 'run'");
        await page.evaluate("document.activeElement.blur()");
        "##,
    );
    // Up and down, run, and what happens meanwhile leaves the focus where it is.
    play(
        &mut page,
        r#"
        await press("j"); await on("A");
        await press("j"); await on("B");
        await press("ArrowDown"); await on("C");
        await press("j"); await on("C");
        await press("k", "ArrowUp"); await on("A");
        await page.evaluate("window.held = document.activeElement");
        await press("r");
        const dialog = page.locator("dialog[open]");
        await dialog.waitFor();
        await focused("the dialog", "at.closest('dialog')");
        await press("Escape");
        await dialog.waitFor({ state: "detached" });
        await on("A");
        await press("r");
        await dialog.waitFor();
        if (await dialog.locator("input[value=job]").count()) { await dialog.locator("input[value=job]").focus(); await press("Space", "Control+Enter"); }
        else { await dialog.getByRole("button", { name: "job", exact: true }).focus(); await press("Enter"); }
        await dialog.waitFor({ state: "detached" });
        await badge("job/A", "running").waitFor();
        await on("A");
        "#,
    );
    fs::write(world.root().join("go"), "").unwrap();
    play(
        &mut page,
        r#"
        await badge("job/A", "failed").waitFor();
        await on("A");
        expect(await page.evaluate("window.held === document.activeElement"), "it is the same row");
        await press("s");
        same(await page.locator(".toast.bad").count(), 0, "what has ended is not stopped");
        "#,
    );
    world.detach("job", "B");
    world.detach("talk", "C");
    play(
        &mut page,
        r##"
        await badge("job/B", "running").waitFor();
        await press("j"); await on("B");
        await press("s");
        await badge("job/B", "stopped").waitFor();
        await on("B");
        // Searching: letters are letters there.
        await press("/");
        await focused("search", "at.name === 'text'");
        await page.keyboard.type("the jsrn");
        same(await page.evaluate("document.activeElement.value"), "the jsrn", "what was typed");
        await until("nothing fits", "document.querySelector('.empty.small')?.textContent.includes('No task fits')");
        await focused("search, still", "at.name === 'text'");
        await page.keyboard.press("Control+a");
        await page.keyboard.type("the b");
        await until("one fits", "[...document.querySelectorAll('.row')].map((row) => row.dataset.task).join() === 'B'");
        await press("Escape");
        await focused("no field", "!at.matches('input')");
        await press("/", "Control+a", "Backspace", "Escape");
        await until("all are there", "document.querySelectorAll('.row').length === 3");
        await press("n");
        await until("what failed needs its user", "[...document.querySelectorAll('.row')].map((row) => row.dataset.task).join() === 'A'");
        await press("n");
        await until("all are there", "document.querySelectorAll('.row').length === 3");
        // The list of keys.
        await press("?");
        const help = page.locator("dialog.help");
        await help.waitFor();
        await press("j", "Escape");
        await help.waitFor({ state: "detached" });
        // Attach, the log, the task.
        while (await page.evaluate("document.querySelector('.row[aria-current]')?.dataset.task") !== "C") await press("j");
        await row("C").locator("[data-act=attach]:enabled").waitFor();
        await press("a");
        await page.locator(".toast code", { hasText: "attach" }).waitFor();
        await press("l");
        await page.waitForURL(/\/runs\//);
        await page.goBack();
        await row("C").waitFor();
        await press("k");
        while (await page.evaluate("document.querySelector('.row[aria-current]')?.dataset.task") !== "B") await press("k");
        await press("Enter");
        await page.waitForURL(/\/tasks\/B$/);
        expectNoMessages(/status of 404/);
        "##,
    );
    drop(page);
    server.assert_alive();
}

/// What is shown, in order.
const SHOWN: &str = "[...document.querySelectorAll('.row')].map((row) => row.dataset.task).join()";

#[test]
fn filters_are_kept_by_the_address_and_by_two_tabs() {
    let world = World::with("  signed: { agent: fake, prompt: go, gate: approve }\n");
    let task = |id: &str, title: &str, status: &str, tags: &str| {
        let front = format!("---\ntitle: {title}\nstatus: {status}\ntags: [{tags}]\n---\n");
        world.write(format!("tasks/{id}.md"), format!("{front}\n%hang\n"));
    };
    task("ONE", "Parse numbers", "todo", "core, parser");
    task("TWO", "Parse names", "in_progress", "parser");
    task("THREE", "Write the manual", "done", "docs");
    world.detach("job", "TWO");
    world.detach("signed", "THREE");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/?sort=task");
    let shown = |page: &mut Page, tasks: &str, address: &str| {
        page.wait(&format!("{tasks} are shown"), &format!("{SHOWN} === '{tasks}'"));
        assert_eq!(page.eval("location.pathname + location.search"), address);
        page.reload();
        page.wait(&format!("{tasks} are shown again"), &format!("{SHOWN} === '{tasks}'"));
        page.wait_for_text(&format!("{} of 3", tasks.split(',').filter(|id| !id.is_empty()).count()));
    };
    page.wait("all are shown", &format!("{SHOWN} === 'ONE,THREE,TWO'"));
    page.play("await page.fill('input[name=text]', 'PARSE name')");
    shown(&mut page, "TWO", "/?text=PARSE+name&sort=task");
    page.play("await page.fill('input[name=text]', 'parse')");
    page.play("await page.selectOption('select[name=status]', 'todo')");
    shown(&mut page, "ONE", "/?text=parse&status=todo&sort=task");
    page.play("await page.fill('input[name=text]', ''); await page.selectOption('select[name=status]', '')");
    page.play("await page.selectOption('select[name=tag]', 'parser')");
    shown(&mut page, "ONE,TWO", "/?tag=parser&sort=task");
    page.play("await page.selectOption('select[name=tag]', ''); await page.selectOption('select[name=mode]', 'job')");
    shown(&mut page, "TWO", "/?mode=job&sort=task");
    page.play("await page.selectOption('select[name=mode]', ''); await page.check('input[name=needs]')");
    shown(&mut page, "THREE", "/?sort=task&needs=1");
    // A second tab takes the token from the first one, and both receive events.
    page.tab(1);
    page.ask(&json!({ "goto": format!("http://{}/?sort=task", server.host) })).unwrap();
    page.wait("all are shown", &format!("{SHOWN} === 'ONE,THREE,TWO'"));
    world.detach("signed", "ONE");
    page.wait_badge("signed/ONE", "gate");
    page.tab(0);
    page.wait("it is among those that wait", &format!("{SHOWN} === 'ONE,THREE'"));
    page.play(r#"await page.locator('.row[data-task="THREE"] [data-act=approve]').click()"#);
    page.wait("it waits no more", &format!("{SHOWN} === 'ONE'"));
    page.tab(1);
    page.wait_badge("signed/THREE", "succeeded");
    assert_eq!(page.badge("job/TWO"), "running");
    // A parent stays as the place of a task that is found.
    world.write("tasks/FOUR.md", "---\ntitle: A child\nparent_task: ONE\n---\n");
    page.wait("a new task is there", &format!("{SHOWN} === 'ONE,FOUR,THREE,TWO'"));
    page.play("await page.fill('input[name=text]', 'child')");
    page.wait("it is found", &format!("{SHOWN} === 'ONE,FOUR'"));
    assert_eq!(page.eval("document.querySelector('.row').classList.contains('context')"), true);
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

#[test]
fn a_changed_badge_touches_one_row_and_moves_nothing() {
    let modes: String =
        ["plan", "test"].map(|name| format!("  {name}: {{ agent: fake, prompt: \"%hang\" }}\n")).concat();
    let world = World::with(&modes);
    for n in 0..30 {
        world.task(&format!("T-{n}"), "%until ../go\n");
    }
    world.detach("job", "T-3");
    world.detach("job", "T-4");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/?sort=task");
    page.wait_badge("job/T-3", "running");
    page.eval(
        r#"{
        window.touched = new Set();
        window.moved = [];
        new MutationObserver((changes) => {
          for (const { target, type } of changes) {
            const at = target.nodeType === 1 ? target : target.parentElement;
            if (!at.closest("main") || at.closest("time")) continue;
            touched.add(at.closest(".row")?.dataset.task ?? `${type} ${at.outerHTML.slice(0, 80)}`);
          }
        }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
        new PerformanceObserver((list) => {
          for (const { value, sources } of list.getEntries()) if (sources.some(({ node }) => !node?.parentElement?.closest(".row[data-task=T-7]"))) moved.push([value, ...sources.map(({ node, previousRect, currentRect }) => `${node?.outerHTML?.slice(0, 90)} ${JSON.stringify(previousRect)} ${JSON.stringify(currentRect)}`)]);
        }).observe({ type: "layout-shift" });
        }"#,
    );
    let settled =
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50, true))))";
    for (pair, states) in
        [("plan/T-7", "running"), ("test/T-7", "running"), ("talk/T-7", OPEN), ("plan/T-7", "stopped")]
    {
        let (mode, task) = pair.split_once('/').unwrap();
        if states == "stopped" {
            world.dispatch("stop").arg(mode).arg(task).notes().succeeds();
        } else {
            world.detach(mode, task);
        }
        page.wait_badge(pair, states);
        page.wait("it is painted", settled);
        assert_eq!(page.eval("[...touched]"), json!(["T-7"]), "{pair} {states}");
        assert_eq!(page.eval("moved"), json!([]), "{pair} {states}");
    }
    page.assert_silent();
}

#[test]
fn a_notification_comes_only_where_it_was_asked_for() {
    let world = World::with("  signed: { agent: fake, prompt: go, gate: approve }\n");
    world.task("A", "%exit 0").task("B", "%hang");
    let server = world.serve();
    let mut page = Page::new(&world);
    page.play(
        r#"await context.addInitScript(() => {
          window.reported = [];
          window.Notification = class {
            static permission = "granted";
            static requestPermission = async () => "granted";
            constructor(text, { body }) { window.reported.push([text, body]); }
          };
        })"#,
    );
    page.go(&server, "/");
    let hide = "Object.defineProperty(document, 'hidden', { configurable: true, value: true })";
    page.eval(hide);
    world.detach("job", "A");
    page.wait_badge("job/A", "succeeded");
    assert_eq!(page.eval("[window.reported.length, localStorage.length]"), json!([0, 0]), "off by default");
    assert_eq!(page.eval("document.getElementById('bell').ariaPressed"), "false");
    page.play("await page.click('#bell')");
    page.wait("it is on", "document.getElementById('bell').ariaPressed === 'true'");
    world.detach("signed", "B");
    page.wait("one waits", "window.reported.length === 1");
    assert_eq!(page.eval("window.reported[0][0]"), "B signed: waits for approval");
    world.detach("job", "B");
    page.wait_badge("job/B", "running");
    world.dispatch("stop job B").notes().succeeds();
    page.wait("one ended", "window.reported.length === 2");
    assert_eq!(page.eval("window.reported[1][0]"), "B job: stopped");
    // The choice survives a reload; a visible page sends no notification.
    page.reload();
    page.wait_badge("job/B", "stopped");
    assert_eq!(page.eval("document.getElementById('bell').ariaPressed"), "true");
    page.eval("document.hasFocus = () => true");
    world.detach("job", "A");
    page.wait("it was said", "document.getElementById('said').textContent === 'A job: succeeded'");
    assert_eq!(page.eval("window.reported.length"), 0);
    page.play("await page.click('#bell')");
    assert_eq!(page.eval("[document.getElementById('bell').ariaPressed, localStorage.length]"), json!(["false", 0]));
    page.assert_silent();
}

//! The page of the plan: its rows and reasons, what is applied by mouse and by keyboard, a plan that changed, progress.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::wanted::{want, wanting};

/// Short names for what the scripts are about.
const STAGE: &str = r#"
const row = (pair) => page.locator(`.step[data-pair-row="${pair}"]`);
const act = (pair) => row(pair).locator("[data-plan-act=one]");
const dialog = page.locator("dialog.plan-dialog[open]");
const all = page.locator("[data-plan-act=all]");
const chosen = () => page.evaluate("document.activeElement.dataset.pairRow");
"#;

fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

/// The rows as `ACTION PAIR`.
const ROWS: &str =
    "[...document.querySelectorAll('.plan-rows > .step')].map((row) => row.dataset.action + ' ' + row.dataset.pairRow)";

/// Waits until the row of a pair has this state in its badge.
fn wait_state(page: &mut Page, pair: &str, state: &str) {
    let row = format!("document.querySelector('.step[data-pair-row=\"{pair}\"]')");
    page.wait(&format!("{pair} is {state}"), &format!("{row}?.dataset.state === '{state}'"));
}

#[test]
fn the_plan_is_a_tree_with_reasons_and_the_command_that_settles() {
    let world = wanting("{ mode: talk, tasks: [KEPT, DRIFTS] }\n{ mode: old, tasks: [A] }");
    world.task("A", "%hang").task("KEPT", "%hang").task("DRIFTS", "%hang\nwas");
    world.dispatch("up").notes().succeeds();
    for (mode, task) in [("talk", "KEPT"), ("talk", "DRIFTS"), ("old", "A")] {
        world.wait_state(mode, task, "running");
    }
    want(&world, "{ mode: talk, tasks: [KEPT, DRIFTS] }\n{ mode: review, tasks: [A] }");
    world.task("DRIFTS", "%hang\n<b>would be</b>");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/plan");
    let shown = page.eval(ROWS);
    let shown: Vec<&str> = shown.as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
    assert_eq!(shown[..2], ["start lint/A", "start review/A"], "starts in order: {shown:?}");
    for row in ["keep talk/KEPT", "drifted talk/DRIFTS", "orphan old/A"] {
        assert!(shown.contains(&row), "{row}: {shown:?}");
    }
    play(
        &mut page,
        r#"
        same(await row("lint/A").locator(".reason").textContent(), "missing, needed by `review`", "why it is started");
        same(await row("review/A").locator(".after").textContent(), "after lint A", "what it waits for");
        const depth = (pair) => row(pair).evaluate((row) => row.style.getPropertyValue("--depth"));
        same([await depth("lint/A"), await depth("review/A")], ["0", "1"], "it is below what it waits for");
        const cells = await row("talk/DRIFTS").locator("tbody :is(th, td)").allTextContents();
        same(cells, ["prompt", "%hang\nwas", "%hang\n<b>would be</b>"], "was and would be");
        same(await row("talk/DRIFTS").locator(".copyable code").textContent(), "dispatch up --recreate", "the command");
        same(await row("old/A").locator(".copyable code").textContent(), "dispatch stop old A", "the command");
        expect(await act("talk/KEPT").count() === 0, "nothing is done about a run that is kept");
        await row("old/A").getByRole("button", { name: "Stop" }).click();
        await until("it is no longer in the plan", `!document.querySelector('[data-pair-row="old/A"]')`);
    "#,
    );
    page.assert_accessible_everywhere("the plan");
    page.assert_silent();
}

#[test]
fn one_entry_is_applied_by_mouse_and_all_by_keyboard() {
    let world = wanting("{ mode: review, tasks: [A, B] }\n{ mode: job, tasks: [C] }\n{ mode: job, tasks: [D] }");
    for task in ["A", "B"] {
        world.task(task, &format!("%until go-{task}\n"));
    }
    world.task("C", "%until go-C\n%exit 3\n").task("D", "%out d\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/plan");
    let order = page
        .eval("window.sameDocument = true, [...document.querySelectorAll('.step')].map((row) => row.dataset.pairRow)");
    play(
        &mut page,
        r#"
        await act("review/B").click();
        await until("it has started with what it needs", `document.querySelector('[data-pair-row="lint/B"]').dataset.state === "running"`);
        await until("it waits", `document.querySelector('[data-pair-row="review/B"]').dataset.state === "queued"`);
        same(await row("lint/A").getAttribute("data-state"), "never", "nothing else has");
    "#,
    );
    assert_eq!(world.starts().len(), 1);
    play(
        &mut page,
        r#"
        await page.keyboard.press("j");
        same(await chosen(), "job/C", "the row after the one that was clicked");
        await page.keyboard.press("k");
        same(await chosen(), "review/B", "and back");
        await page.keyboard.press("A");
        await dialog.waitFor();
        same(await dialog.locator("li").count(), 4, "what is left of the plan");
        await page.keyboard.press("Escape");
        await until("it is closed", "!document.querySelector('dialog[open]')");
    "#,
    );
    assert_eq!(world.starts().len(), 1, "it asks first");
    play(&mut page, r#"await page.keyboard.press("A"); await dialog.waitFor(); await page.keyboard.press("Enter");"#);
    wait_state(&mut page, "job/C", "running");
    wait_state(&mut page, "job/D", "succeeded");
    let now = "[...document.querySelectorAll('.step')].map((row) => row.dataset.pairRow)";
    assert_eq!(page.eval(now), order, "the rows keep their places");
    for task in ["A", "B", "C"] {
        world.write(format!("go-{task}"), "");
    }
    for (pair, state) in [("job/C", "failed"), ("review/A", "succeeded"), ("review/B", "succeeded")] {
        wait_state(&mut page, pair, state);
    }
    page.wait_for_text("Applied 6: 5 succeeded, 1 ended otherwise. Nothing to do.");
    assert_eq!(page.eval("document.querySelectorAll('.step.changed').length"), 0, "what was applied is no surprise");
    assert_eq!((page.eval(now), page.eval("window.sameDocument")), (order, json!(true)));
    // Enter opens the run of the chosen row.
    page.eval("document.querySelector('[data-pair-row=\"job/C\"]').focus()");
    play(&mut page, r#"await page.keyboard.press("Enter"); await page.waitForURL("**/runs/*");"#);
    page.assert_silent();
}

#[test]
fn what_a_watch_holds_is_a_restart_that_says_so() {
    let entries =
        "{ mode: job, tasks: [A, B], restart: on_failure }\n{ mode: talk, tasks: [C] }\n{ mode: lint, tasks: [D] }";
    let world = wanting(entries);
    world.task("A", "%hang").task("B", "%exit 3").task("C", "%hang").task("D", "%out d");
    for _ in 0..6 {
        world.dispatch("up").notes().succeeds();
        world.dispatch("wait job B").any_stderr().ends_somehow();
    }
    world.wait_state("lint", "D", "succeeded");
    world.dispatch("stop job A").notes().succeeds();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/plan");
    let shown = page.eval(ROWS);
    assert_eq!(shown, json!(["restart job/A", "restart job/B", "keep talk/C", "keep lint/D"]), "as `up` would do");
    play(
        &mut page,
        r#"
        const reason = (pair) => row(pair).locator(".reason").textContent();
        same(await reason("job/A"), "stopped by a person; held by `--watch`", "a person ended it");
        const loop = await reason("job/B");
        expect(/^failed: .*; restarted 5 times in 10 minutes, held by `--watch`$/.test(loop), loop);
        same([await act("lint/D").count(), await act("talk/C").count()], [0, 0], "there is nothing to apply");
        await act("job/A").click();
        await until("it runs again", `document.querySelector('[data-pair-row="job/A"]').dataset.state === "running"`);
        same(await row("job/B").getAttribute("data-state"), "failed", "nothing else was started");
    "#,
    );
    page.assert_silent();
}

#[test]
fn a_plan_that_changed_under_the_dialog_is_refused_and_marked() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: job, tasks: [B] }");
    world.task("A", "%hang").task("B", "%out b").task("C", "%out c");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/plan");
    play(&mut page, r#"await all.click(); await dialog.waitFor();"#);
    want(&world, "{ mode: talk, tasks: [A] }\n{ mode: job, tasks: [C] }");
    page.wait("the page has the new plan", "document.querySelector('[data-pair-row=\"job/C\"]')");
    play(
        &mut page,
        r#"
        await dialog.getByRole("button", { name: "Apply 2" }).click();
        await page.getByText("The plan had changed: nothing was applied.").waitFor();
        same(await row("job/C").locator(".mark").textContent(), "new", "what is new is marked");
        await page.getByText("No longer in it: job B.").waitFor();
        same(await row("talk/A").locator(".mark").count(), 0, "what is as it was is not");
    "#,
    );
    assert!(world.starts().is_empty(), "nothing was applied");
    page.assert_accessible("a plan that changed");
    play(
        &mut page,
        r#"
        await page.getByRole("button", { name: "I have seen it" }).click();
        await until("no mark is left", "!document.querySelector('.step .mark')");
        await all.click();
        await dialog.getByRole("button", { name: "Apply 2" }).click();
    "#,
    );
    wait_state(&mut page, "job/C", "succeeded");
    world.wait_state("talk", "A", "running");
    assert!(world.starts().iter().all(|note| note.task != "B"));
    // The browser reports the refusal.
    play(&mut page, "expectNoMessages(/409/)");
}

#[test]
fn hostile_tasks_are_text_and_a_broken_manifest_is_shown() {
    let world = wanting("{ mode: job, tasks: [BAD] }");
    let title = r#"<script>window.took = 1</script>"><img src=x onerror=window.took=2> {{ 7 * 7 }}"#;
    world.write("tasks/BAD.md", format!("---\n{}\n---\n\n%out x\n", json!({ "title": title })));
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/plan");
    assert_eq!(page.eval("document.querySelector('.step .title').textContent"), title);
    play(&mut page, r#"await page.keyboard.press("A"); await dialog.waitFor(); await page.keyboard.press("Escape");"#);
    assert_eq!(
        page.eval("[window.took ?? null, document.querySelectorAll('.plan img, .plan script').length]"),
        json!([null, 0])
    );
    let text = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", "version: 1\nmodes: { job: { prompt: '{{ odd }}' } }\nodd: 1\n");
    page.wait_for_text("Nothing can be started:");
    world.write("dispatch.yaml", text);
    page.wait("it is mended", "!document.querySelector('.banner.bad') && document.querySelector('.step')");
    want(&world, "");
    page.wait_for_text("wants nothing");
    page.assert_accessible_everywhere("an empty plan");
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

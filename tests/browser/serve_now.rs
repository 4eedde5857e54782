//! The page to steer runs from: its list, its keys, and what it asks a person.

use serde_json::{Value, json};

use crate::browser::{OPEN, Page};
use crate::git;
use crate::server::lasting_port;
use crate::waiting::{is, wait_until};
use crate::world::{World, time};

/// The rows of a group, as `MODE/TASK`.
fn rows(group: &str) -> String {
    format!(
        "[...document.querySelectorAll('.now-item[data-group={group}]')].map(({{ dataset }}) => dataset.mode + '/' + dataset.task).join()"
    )
}

#[track_caller]
pub(crate) fn expect(page: &mut Page, group: &str, wanted: &str) {
    wait_until(&format!("{group} holds {wanted}"), || {
        let found = page.ask(&json!({ "eval": rows(group) }))?;
        is(found == wanted, found.to_string())
    });
}

/// What the tests say of a page: `item("A")`, `chosen()`, `focused()`.
const STAGE: &str = r#"
const item = (task) => page.locator(`.now-item[data-task="${task}"]`).first();
const choose = async (task) => { await item(task).locator(".now-row").click(); await shown(task); };
const shown = (task) => until(`${task} is shown`, `document.getElementById("now-detail").dataset.task === ${JSON.stringify(task)}`);
const on = (task) => until(`the focus is on ${task}`, `document.activeElement.closest(".now-item")?.dataset.task === ${JSON.stringify(task)}`);
const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
"#;

pub(crate) fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

#[test]
fn the_list_is_in_the_order_in_which_it_needs_a_person() {
    let world = World::with(
        "  signed: { agent: fake, gate: approve, prompt: \"%hang\" }\n  after: { agent: fake, needs: [job], prompt: \"%hang\" }\njobs: 1\nbudget: { day: 5 }\n",
    );
    for task in ["A", "B", "C", "D", "E"] {
        world.task(task, "%hang\n");
    }
    world.task("E", "%out x\n");
    world.dispatch("run job E").any_stderr().ends_somehow();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/now");
    page.wait_for_text("Nothing needs you.");
    page.wait_for_text("Nothing runs.");
    expect(&mut page, "ended", "job/E");
    let run = server.post("/dispatch/job/A", "").json()["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    server.post("/dispatch/job/B", "");
    server.post("/dispatch/after/D", "");
    server.post("/dispatch/signed/C", "");
    expect(&mut page, "needs", "signed/C");
    expect(&mut page, "running", "job/A");
    expect(&mut page, "queued", "job/B,job/D,after/D");
    let words = "[...document.querySelectorAll('.now-item[data-group=queued] .word')].map((word) => word.textContent)";
    assert_eq!(page.eval(words), json!(["1st, slot", "2nd, slot", "need: job D"]));
    let above = page.eval("document.querySelector('.now-capacity').textContent");
    assert!(
        above.as_str().unwrap().contains("slots 1/1") && above.as_str().unwrap().contains("$0.00 of $5.00 today"),
        "{above}"
    );
    let capacity = server.get("/api/capacity").json();
    assert_eq!(
        capacity,
        json!({ "slots": { "inUse": 1, "total": 1 }, "today": { "costUsd": 0.0, "budgetUsd": 5.0 }, "usageLimits": [] })
    );
    let runs = server.get("/api/runs").json();
    let position = |task: &str| {
        runs["runs"].as_array().unwrap().iter().find(|run| run["task"] == task).unwrap()["position"].clone()
    };
    assert_eq!([position("A"), position("B")], [Value::Null, json!(1)]);
    page.assert_accessible_everywhere("the list");
    page.assert_silent();
}

#[test]
fn a_stop_is_pressed_twice_and_the_keyboard_goes_on() {
    let world = World::new();
    world.task("A", "%hang\n").task("B", "%hang\n").task("C", "%hang\n");
    let server = world.serve();
    for task in ["C", "B", "A"] {
        let run = server.run_of("job", task, "");
        world.agent_ready(&run);
    }
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "running", "job/A,job/B,job/C");
    play(
        &mut page,
        r#"
        await press("j");
        await on("A"); await shown("A");
        await press("s");
        await until("it asks", "document.querySelector('[data-stop]').textContent === 'Stop: press again'");
        // Another choice forgets the first press.
        await press("j");
        await on("B"); await shown("B");
        await until("it asks no more", "document.querySelector('[data-stop]').textContent === 'Stop'");
        await press("k"); await on("A"); await shown("A");
        await press("s");
        await until("it asks", "document.querySelector('[data-stop]').textContent === 'Stop: press again'");
        await press("s");
        await until("it stopped", "document.querySelector('#now-detail .badge').dataset.state === 'stopped'");
        await on("B");
        "#,
    );
    assert_eq!(world.status("job", "A")["state"], "stopped");
    assert_eq!(world.status("job", "B")["state"], "running");
    // It stays where it was until the next choice.
    expect(&mut page, "running", "job/A,job/B,job/C");
    play(&mut page, r#"await press("j"); await on("C"); await shown("C");"#);
    expect(&mut page, "running", "job/B,job/C");
    expect(&mut page, "ended", "job/A");
    // By mouse, and the question does not last.
    play(
        &mut page,
        r#"
        const button = page.locator("[data-stop]");
        await button.click();
        await until("it asks", "document.querySelector('[data-stop]').classList.contains('armed')");
        await until("it asks no more", "!document.querySelector('[data-stop]').classList.contains('armed')");
        "#,
    );
    assert_eq!(world.status("job", "C")["state"], "running");
    play(
        &mut page,
        r#"
        const button = page.locator("[data-stop]");
        await button.click();
        await button.click();
        await until("it stopped", "document.querySelector('#now-detail .badge').dataset.state === 'stopped'");
        await on("B");
        "#,
    );
    page.assert_silent();
}

#[test]
fn a_gate_shows_what_is_decided_and_a_rejection_has_a_reason() {
    let world = World::with(
        "  build: { agent: fake, prompt: \"%out built\" }\n  ship: { agent: fake, needs: [build], gate: approve, prompt: \"ship <b>it</b>\\n%hang\" }\nworktree: { path: \"../trees/{{ task.id }}\", branch: \"work/{{ task.id }}\", base: main, create: true }\n",
    );
    world.task("A", "x\n").task("B", "x\n").git_init();
    let server = world.serve();
    for task in ["A", "B"] {
        server.post(&format!("/dispatch/ship/{task}"), "");
        world.wait_state("build", task, "succeeded");
    }
    git::commit(&world, &world.root().join("trees/A"), "new.txt", "one\n");
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "needs", "ship/A,ship/B");
    // The wait counts from the end of what it needs.
    let (gate, need) = (world.status("ship", "A"), world.status("build", "A"));
    assert!(
        time(&gate["since"]) > time(&gate["createdAt"]) && time(&gate["since"]) >= time(&need["startedAt"]),
        "{gate} {need}"
    );
    play(
        &mut page,
        r#"
        await choose("A");
        const gate = page.locator(".now-gate");
        await gate.getByText("ship <b>it</b>").waitFor();
        await gate.getByText("1 file +1 −0 on work/A").waitFor();
        same(await gate.locator(".need a").textContent(), "A build", "what it needs");
        same(await gate.locator("b").count(), 0, "the prompt is text");
        "#,
    );
    page.assert_accessible_everywhere("a gate");
    play(
        &mut page,
        r#"
        await item("A").locator(".now-row").focus();
        await press("x");
        await page.keyboard.type("the <i>wrong</i> file");
        // An event does not take away what was typed.
        await page.evaluate(() => document.activeElement.blur());
        "#,
    );
    server.post("/dispatch/job/A", "");
    world.wait_state("job", "A", "succeeded");
    page.wait_badge("job/A", "succeeded");
    play(
        &mut page,
        r#"await press("x", "Enter"); await until("it ended", "document.querySelector('#now-detail .badge').dataset.state === 'failed'");"#,
    );
    assert_eq!(world.status("ship", "A")["reason"], "rejected: the <i>wrong</i> file");
    play(
        &mut page,
        r#"
        await press(".");
        await shown("B");
        await page.getByRole("button", { name: "Approve" }).click();
        await until("it runs", "document.querySelector('#now-detail .badge').dataset.state === 'running'");
        "#,
    );
    for (body, status) in [
        (r#"{"reason":"x"}"#, 400),
        (r#"{"reject":true,"reason":"a\nb"}"#, 400),
        (&format!(r#"{{"reject":true,"reason":"{}"}}"#, "x".repeat(1001)), 400),
    ] {
        assert_eq!(server.post("/api/approve/ship/B", body).status, status, "{body}");
    }
    page.assert_silent();
}

#[test]
fn a_waiting_window_is_answered_in_its_row() {
    let world = World::new();
    world.task("A", "%out one\n%out <b>what</b> colour?\n%bell\n%ask\n%out thank you\n%hang\n").task("B", "%hang\n");
    let server = world.serve();
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let job = world.detach("job", "B");
    world.agent_ready(&job);
    let run = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "needs", "talk/A");
    play(
        &mut page,
        r#"
        await choose("B");
        await item("A").getByRole("button", { name: "Answer talk A" }).click();
        await item("A").getByText("<b>what</b> colour?").waitFor();
        await page.keyboard.type("gre");
        "#,
    );
    // What was typed outlives an event.
    world.task("C", "x\n");
    world.detach("job", "C");
    page.wait_badge("job/C", "succeeded");
    play(
        &mut page,
        r#"
        await page.keyboard.type("en");
        await press("Enter");
        await on("A");
        same(await page.evaluate(() => document.getElementById("now-detail").dataset.task), "B", "the same run is shown");
        "#,
    );
    assert_eq!(world.answer(&run), "green\n");
    page.wait("it does not wait any more", "!document.querySelector('.now-item[data-group=needs]')");
    page.assert_silent();
}

#[test]
fn a_phone_has_a_list_and_a_run() {
    let world = World::new();
    world.task("A", "%out hello\n%hang\n").task("B", "%hang\n");
    let server = world.serve();
    for task in ["A", "B"] {
        let run = server.run_of("job", task, "");
        world.agent_ready(&run);
    }
    let mut page = Page::with(&world, &json!({ "viewport": [390, 800], "motion": "reduce" }));
    page.go(&server, "/now");
    page.assert_accessible("the list on a phone");
    play(
        &mut page,
        r#"
        const visible = (id) => page.evaluate((id) => document.querySelector(id).checkVisibility({ visibilityProperty: true }), id);
        same([await visible(".now-side"), await visible(".now-detail")], [true, false], "the list");
        await choose("A");
        same([await visible(".now-side"), await visible(".now-detail")], [false, true], "the run");
        await page.locator(".view .log-lines").getByText("hello").waitFor();
        await page.locator(".now-back").click();
        same([await visible(".now-side"), await visible(".now-detail")], [true, false], "the list again");
        same(await page.evaluate(() => location.pathname), "/now", "its address");
        await choose("B");
        await page.goBack();
        same([await visible(".now-side"), await visible(".now-detail")], [true, false], "the list by Back");
        await page.goForward();
        await shown("B");
        "#,
    );
    page.assert_accessible("a run on a phone");
    page.assert_silent();
}

#[test]
fn the_keyboard_alone_finds_types_and_returns() {
    let world = World::new();
    world.task("A", "%out what colour?\n%bell\n%ask\n%out thank you\n%hang\n").task("B", "%out needle\n%hang\n");
    let server = world.serve();
    let job = world.detach("job", "B");
    world.agent_ready(&job);
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let run = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "needs", "talk/A");
    play(
        &mut page,
        r#"
        await press(".");
        await on("A"); await shown("A");
        same(await page.evaluate(() => location.pathname.split("/")[1]), "now", "it has an address");
        await until("its terminal is connected", "document.querySelector('.view:not(.out) .term-box')?.dataset.link === 'live'");
        await on("A");
        await press("Enter");
        await until("the terminal has the keyboard", "document.activeElement.closest('.view:not(.out) .xterm') !== null");
        await page.keyboard.type("jsk");
        await press("Enter");
        await press("Control+Shift+Enter");
        await on("A");
        "#,
    );
    assert_eq!(world.answer(&run), "jsk\n");
    play(
        &mut page,
        r#"
        await press("]");
        await shown("B");
        await press("/");
        await until("the search has the keyboard", "document.activeElement.matches('.view:not(.out) .find input')");
        await page.keyboard.type("needle");
        await press("Enter");
        await until("it is found", "document.querySelector('.view:not(.out) .count')?.textContent === '1 of 1'");
        await press("Escape", "Escape");
        await on("B");
        await press("n");
        await until("only what needs me", "location.search === '?needs=1'");
        await press("n");
        await until("all", "location.search === ''");
        await press("Control+k");
        await page.getByRole("option", { name: "talk" }).first().waitFor();
        await page.keyboard.type("run A talk");
        await press("Enter");
        "#,
    );
    page.wait("the palette leads to it", &format!("location.pathname === '/now/{run}'"));
    page.wait_badge("talk/A", OPEN);
    page.play("expectNoMessages(/GL Driver Message|WebGL|task queue exceeded/)");
}

#[test]
fn a_killed_server_leaves_nothing_that_looks_alive() {
    let world = World::new();
    world.task("A", "%hang\n").task("B", "%out one\n%until ../go-B\n%out two\n");
    let words = format!("-v serve --port {} --json", lasting_port());
    let server = world.serve_as(&words);
    for task in ["A", "B"] {
        let run = world.detach("job", task);
        world.agent_ready(&run);
    }
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "running", "job/B,job/A");
    play(&mut page, r#"await choose("B"); await page.locator(".view .log-lines").getByText("one").waitFor();"#);
    server.end();
    page.wait_for_text("Disconnected since");
    let frozen = "[...document.querySelectorAll('time[data-tick=for]')].map((time) => time.textContent)";
    let before = page.eval(frozen);
    page.eval(
        "document.querySelectorAll('time[data-tick=for]').forEach((time) => { time.dateTime = '2001-01-01T00:00:00Z'; }), document.dispatchEvent(new Event('visibilitychange'))",
    );
    assert_eq!(page.eval(frozen), before, "no time goes on");
    assert_eq!(
        page.eval("getComputedStyle(document.querySelector('.now-row .badge'), '::before').animationName"),
        "none"
    );
    std::fs::write(world.root().join("go-B"), "").unwrap();
    world.wait_state("job", "B", "succeeded");
    let server = world.serve_as(&words);
    page.wait_for_text("The server was started again");
    page.play(&format!(
        "await page.locator('#token input').fill('{}'); await page.locator('#token button').click()",
        server.token
    ));
    expect(&mut page, "ended", "job/B");
    expect(&mut page, "running", "job/A");
    page.wait(
        "the log is whole",
        "document.querySelector('.view:not(.out) .log-lines')?.textContent === 'one\\ntwo\\n'",
    );
    assert_eq!(page.eval("document.querySelector('#now-detail .badge').dataset.state"), "succeeded");
}

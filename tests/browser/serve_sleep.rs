//! Pages whose computer slept, or whose server was killed and came back: nothing old is shown as live, all catch up by
//! themselves, and what was typed stays.

use rustix::process::Signal;
use serde_json::json;

use crate::browser::Page;
use crate::server::{Server, lasting_port};
use crate::wanted::wanting;
use crate::world::World;

/// Run A goes on until it is told, B goes on for ever, and W asks its user.
fn busy() -> World {
    let world = wanting("{ mode: job, tasks: [A, B] }");
    world.task("A", "%out one\n%until ../go\n%out two\n").task("B", "%hang\n").task("C", "%hang\n");
    world.task("W", "%out what colour?\n%bell\n%ask\n%hang\n");
    for task in ["A", "B"] {
        let run = world.detach("job", task);
        world.agent_ready(&run);
    }
    world.dispatch("run -q --attach none talk W").notes().succeeds();
    world
}

/// The tabs: a page, and what is true in it as soon as it knows that A has ended.
fn tabs(world: &World) -> Vec<(String, &'static str)> {
    let run = world.status("job", "A")["runId"].as_str().unwrap().to_owned();
    vec![
        ("/now".to_owned(), "document.querySelector('.now-item[data-task=A]').dataset.state === 'succeeded'"),
        (
            "/edit/dispatch.yaml".to_owned(),
            "document.querySelector('.edit-notes')?.textContent.includes('was changed by another program')",
        ),
        ("/plan".to_owned(), "document.querySelector('.step[data-task=A]').dataset.state === 'succeeded'"),
        ("/history".to_owned(), "document.querySelector('.past-runs tr[data-task=A]')"),
        ("/".to_owned(), "document.querySelector('.badge[data-pair=\"job/A\"]').dataset.state === 'succeeded'"),
        (
            format!("/runs/{run}"),
            "document.querySelector('.log-lines')?.textContent === 'one\\ntwo\\n' && document.querySelector('.run-page .badge').dataset.state === 'succeeded'",
        ),
        ("/tasks/A".to_owned(), "document.querySelector('.badge[data-pair=\"job/A\"]').dataset.state === 'succeeded'"),
    ]
}

/// Opens them; half an answer is typed on `/now`, and a draft in the editor.
fn open(world: &World, server: &Server, page: &mut Page) -> Vec<(String, &'static str)> {
    let tabs = tabs(world);
    for (number, (path, ended)) in tabs.iter().enumerate() {
        page.tab(number);
        page.go(server, path);
        assert_ne!(page.eval(&format!("Boolean({ended})")), true, "{path}: not yet");
    }
    page.tab(0);
    page.wait("W waits", "document.querySelector('.now-item[data-group=needs][data-task=W] [data-answer]')");
    page.play("await page.locator('[data-answer]').click(); await page.keyboard.type('gre')");
    page.tab(1);
    page.play(
        "await page.locator('.edit-pane .cm-content').focus(); await page.keyboard.press('Control+Home'); \
         await page.keyboard.insertText('# draft\\n'); await until('it is kept', \"Object.values(localStorage).some((text) => text.includes('# draft'))\");",
    );
    tabs
}

/// While the page is away: A ends, and the manifest changes.
fn go_on(world: &World) {
    std::fs::write(world.root().join("go"), "").unwrap();
    world.wait_state("job", "A", "succeeded");
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", format!("{manifest}# theirs\n"));
}

const TIMES: &str = "[...document.querySelectorAll('time[data-tick=for]')].map((time) => time.textContent)";
const TURNS: &str = "[...document.querySelectorAll('.badge')].some((badge) => getComputedStyle(badge, '::before').animationName !== 'none')";

/// Nothing on the page looks as if it was known.
#[track_caller]
fn assert_old(page: &mut Page, path: &str) {
    assert_eq!(page.eval("document.documentElement.dataset.link"), "lost", "{path}");
    assert_eq!(page.eval(TURNS), false, "{path}: nothing turns");
    assert!(!page.eval(TIMES).to_string().contains('h'), "{path}: no time goes on");
    assert_eq!(page.eval("document.querySelector('.term-box[data-link=live]')"), json!(null), "{path}");
}

/// Each page knows that A has ended and that B runs, and has what was typed.
#[track_caller]
fn assert_caught_up(world: &World, page: &mut Page, tabs: &[(String, &str)]) {
    for (number, (path, ended)) in tabs.iter().enumerate() {
        page.tab(number);
        page.wait(&format!("{path} is connected"), "document.documentElement.dataset.link === 'connected'");
        page.wait(&format!("{path} knows the end"), ended);
        assert_eq!(page.eval("document.getElementById('lost').hidden"), true, "{path}");
        assert!(!page.eval(TIMES).to_string().contains('h'), "{path}: the times are those of the server's clock");
    }
    page.tab(1);
    page.play(
        "const shown = await page.evaluate(\"document.querySelector('.edit-pane .edit-host').shadowRoot.querySelector('.cm-line').textContent\"); same(shown, '# draft', 'the draft')",
    );
    page.tab(0);
    page.play(
        "same(await page.evaluate('document.activeElement.value'), 'gre', 'half an answer'); \
         await page.keyboard.type('en'); await page.keyboard.press('Enter')",
    );
    let run = world.status("talk", "W")["runId"].as_str().unwrap().to_owned();
    assert_eq!(world.answer(&run), "green\n");
}

#[test]
fn a_page_that_slept_for_an_hour_shows_nothing_old_as_live() {
    let world = busy();
    let server = world.serve();
    let mut page = Page::new(&world);
    page.play("await context.clock.install()");
    let tabs = open(&world, &server, &mut page);
    // Connections that are open and dead, as behind a tunnel.
    server.signal(Signal::STOP);
    go_on(&world);
    let before = page.play(
        "const before = await page.evaluate('Array.from({ length: 30 }, (_, s) => new Date(Date.now() + (s - 20) * 1000).toLocaleTimeString())'); \
         await context.clock.fastForward(3600_000); return before;",
    );
    for (number, (path, _)) in tabs.iter().enumerate() {
        page.tab(number);
        assert_old(&mut page, path);
        let said = page.eval("document.getElementById('lost').textContent");
        let said = said.as_str().unwrap();
        assert!(
            before.as_array().unwrap().iter().any(|time| said.contains(&format!("since {}:", time.as_str().unwrap()))),
            "{path}: {said}: when it was awake last: {before}"
        );
    }
    server.signal(Signal::CONT);
    assert_caught_up(&world, &mut page, &tabs);
}

#[test]
fn a_frozen_page_catches_up_before_it_is_live() {
    let world = busy();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/now");
    // A browser that is driven by a program freezes no page: these are its events.
    page.eval(
        "window.links = [], new MutationObserver(() => links.push(document.documentElement.dataset.link + ' ' + document.querySelector('.now-item[data-task=A]').dataset.state)).observe(document.documentElement, { attributes: true, attributeFilter: ['data-link'] }), document.dispatchEvent(new Event('freeze')), 0",
    );
    server.signal(Signal::STOP);
    go_on(&world);
    page.eval("document.dispatchEvent(new Event('resume'))");
    assert_old(&mut page, "/now");
    server.signal(Signal::CONT);
    page.wait("it is connected", "document.documentElement.dataset.link === 'connected'");
    // The same state may be reported more than once.
    let links = page.eval("window.links.filter((link, at) => link !== window.links[at - 1])");
    assert_eq!(links, json!(["lost running", "connected succeeded"]));
    page.assert_silent();
}

#[test]
fn all_pages_outlive_a_killed_server() {
    let world = busy();
    let words = format!("-v serve --port {} --json", lasting_port());
    let server = world.serve_as(&words);
    let mut page = Page::new(&world);
    let tabs = open(&world, &server, &mut page);
    server.signal(Signal::KILL);
    server.ended();
    go_on(&world);
    for (number, (path, _)) in tabs.iter().enumerate() {
        page.tab(number);
        page.wait_for_text("Disconnected since");
        assert_old(&mut page, path);
    }
    let server = world.serve_as(&words);
    for number in (0..tabs.len()).rev() {
        page.tab(number);
        page.wait_for_text("The server was started again");
        page.wait_for_text("What you see is as it was at");
        assert_eq!(page.eval(TURNS), false);
    }
    assert_eq!(page.eval("document.querySelector('.answer-box input').value"), "gre", "what was typed is still there");
    page.play(&format!(
        "await page.locator('#token input').fill('{}'); await page.locator('#token button').click(); \
         await until('the page has the focus', \"document.activeElement === document.getElementById('main')\"); \
         await page.locator('.answer-box input').focus();",
        server.token
    ));
    assert_caught_up(&world, &mut page, &tabs);
    page.tab(4);
    world.detach("job", "C");
    page.wait_badge("job/C", "running");
}

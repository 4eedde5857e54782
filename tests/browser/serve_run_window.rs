//! The page of a window's run: the window as a terminal, and what stays when the server is started again.

use serde_json::json;

use crate::browser::Page;
use crate::serve_run_page::{LINES, at, go, wait_lines};
use crate::server::lasting_port;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// A browser's own words about its graphics card.
const GRAPHICS: &str = "/GL Driver Message|WebGL|task queue exceeded/";

/// What the terminal of the page shows.
const SCREEN: &str = "(() => { const t = document.getElementById('terminal')?.terminal; if (!t) return ''; const b = t.buffer.active; return Array.from({ length: t.rows }, (_, y) => b.getLine(b.viewportY + y)?.translateToString(true) ?? '').join('\\n'); })()";

#[track_caller]
fn wait_screen(page: &mut Page, text: &str) {
    wait_until(&format!("the terminal shows {text:?}"), || {
        let shown = page.ask(&json!({ "eval": SCREEN }))?;
        is(shown.as_str().is_some_and(|shown| shown.contains(text)), format!("{shown} {}", page.said()))
    });
}

#[test]
fn a_window_is_a_terminal_on_the_page() {
    let world = World::new();
    world.task("A", "%out \u{1b}]0;evil\u{7}\u{1b}]52;c;aGFja2Vk\u{7}what colour?\n%ask\n%out thank you\n%ask\n%out and now\n%until ../go-A\n%out the last words\n");
    let server = world.serve();
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let run = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    let mut page = Page::new(&world);
    page.play("await context.grantPermissions(['clipboard-read', 'clipboard-write'])");
    page.go(&server, &format!("/runs/{run}"));
    wait_screen(&mut page, "what colour?");
    page.play("await page.keyboard.type('gr\u{fc}n'); await page.keyboard.press('Enter')");
    wait_screen(&mut page, "thank you");
    assert_eq!(world.answer(&run), "gr\u{fc}n\n");
    assert_eq!(page.eval("document.title"), "A talk · dispatch");
    assert!(
        page.eval("document.querySelector('.attach-line code').textContent")
            .as_str()
            .unwrap()
            .contains("attach-session")
    );
    // Its keys are its own until it is left.
    page.play(
        r#"
        expect(await page.evaluate(() => document.activeElement.closest(".xterm") !== null), "it has the keyboard");
        await page.keyboard.press("Control+Shift+Escape");
        expect(await page.evaluate(() => document.activeElement.closest(".xterm") === null), "the page has it");
        const field = page.locator(".send input");
        await field.fill("by the field");
        await field.press("Enter");
        "#,
    );
    wait_screen(&mut page, "and now");
    // Its size is the page's.
    let size = |world: &World| world.panes("#{pane_start_command} #{window_width}x#{window_height}").join("\n");
    let wanted = |page: &mut Page| {
        let size = page.eval("(() => { const { cols, rows } = document.getElementById('terminal').terminal; return `${cols}x${rows}`; })()");
        size.as_str().unwrap().to_owned()
    };
    for (width, height) in [(700, 900), (1500, 1000)] {
        let before = wanted(&mut page);
        page.play(&format!("await page.setViewportSize({{ width: {width}, height: {height} }})"));
        wait_until("the window follows", || {
            let (size, wanted) = (size(&world), wanted(&mut page));
            is(wanted != before && size.ends_with(&format!(" {wanted}")), format!("{size} {wanted}"))
        });
    }
    let copied = page.play(
        r#"
        await page.evaluate(() => { const { terminal } = document.getElementById("terminal"); terminal.focus(); terminal.selectAll(); });
        await page.keyboard.press("Control+Shift+C");
        let text = "";
        for (let turn = 0; turn < 100 && !text.includes("thank you"); turn++) text = await page.evaluate(() => navigator.clipboard.readText());
        return text;
        "#,
    );
    assert!(copied.as_str().unwrap().contains("thank you") && !copied.as_str().unwrap().contains("hacked"), "{copied}");
    page.assert_accessible_everywhere("a terminal");
    go(&world, "A");
    page.wait_badge("talk/A", "succeeded");
    wait_screen(&mut page, "the last words");
    page.wait_for_text("this is its last screen");
    page.reload();
    wait_screen(&mut page, "the last words");
    page.play(&format!("expectNoMessages({GRAPHICS})"));
    drop(page);
    server.assert_alive();
}

#[test]
fn a_page_outlives_its_server() {
    let world = World::new();
    world
        .task("A", "%out what colour?\n%ask\n%hang\n")
        .task("B", "%out first\n%until ../go-B\n%out second\n%until ../go-C\n%out third\n");
    let words = format!("-v serve --port {} --json", lasting_port());
    let server = world.serve_as(&words);
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let window = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    let job = world.detach("job", "B");
    let mut page = at(&world, &server, &window);
    wait_screen(&mut page, "what colour?");
    page.tab(1);
    page.go(&server, &format!("/runs/{job}"));
    wait_lines(&mut page, "first\n");
    server.end();
    page.wait_for_text("Disconnected since");
    go(&world, "B");
    let server = world.serve_as(&words);
    page.wait_for_text("The server was started again");
    // One tab is given the new token; the other takes it over by itself.
    page.play(&format!(
        "await page.locator('#token input').fill('{}'); await page.locator('#token button').click()",
        server.token
    ));
    wait_lines(&mut page, "first\nsecond\n");
    go(&world, "C");
    page.wait_badge("job/B", "succeeded");
    wait_lines(&mut page, "third\n");
    assert_eq!(page.eval(LINES), "first\nsecond\nthird\n");
    page.tab(0);
    wait_screen(&mut page, "what colour?");
    page.wait("it is connected", "document.querySelector('.term-box').dataset.link === 'live'");
    page.play("await page.evaluate(() => document.getElementById('terminal').terminal.focus()); await page.keyboard.type('blue'); await page.keyboard.press('Enter')");
    assert_eq!(world.answer(&window), "blue\n");
}

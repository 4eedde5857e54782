//! The head of every page: on small screens, zoomed, with its counts, its keys, and where an address leads nowhere.

use serde_json::json;

use crate::browser::Page;
use crate::world::World;

/// The parts of the head that can be pressed, with their sizes, and whether any is cut off.
const TARGETS: &str = "[...document.querySelectorAll('.head a, .head button')].filter((part) => part.checkVisibility()).map((part) => {
    const box = part.getBoundingClientRect();
    return [part.id || part.pathname || part.className, Math.round(box.width), Math.round(box.height), box.left >= 0 && box.right <= innerWidth];
})";

#[test]
fn the_head_fits_every_screen_and_can_be_pressed() {
    let world = World::with("  signed: { agent: fake, prompt: go, gate: approve }\njobs: 1\n");
    world.task("A", "%hang\n").task("B", "%hang\n").task("C", "%exit 0\n");
    world.detach("signed", "C");
    let run = world.detach("job", "A");
    world.agent_ready(&run);
    world.detach("job", "B");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    page.wait(
        "the head counts",
        "document.getElementById('tally').textContent === '1 needs you · 1 running · 1 queued'",
    );
    for (path, current) in [
        ("/", "Board"),
        ("/tasks/A", ""),
        (&format!("/runs/{run}"), ""),
        (&format!("/now/{run}"), "Now"),
        ("/plan", "Plan"),
        ("/history", "History"),
        ("/edit/dispatch.yaml", "Edit"),
    ] {
        page.go(&server, path);
        let links = "[...document.querySelectorAll('nav[aria-label=Pages] a')].map((link) => [link.textContent, link.pathname])";
        let pages = [["Board", "/"], ["Now", "/now"], ["Plan", "/plan"], ["History", "/history"], ["Edit", "/edit"]];
        assert_eq!(page.eval(links), json!(pages), "{path}");
        let shown = page.eval("document.querySelector('nav[aria-label=Pages] [aria-current]')?.textContent ?? ''");
        assert_eq!(shown, current, "{path}");
        page.wait("the head counts", "document.getElementById('tally').textContent.startsWith('1 needs you')");
        // 1280 px at 200 % and 400 % are 640 and 320.
        for width in [320, 389, 390, 480, 640, 799, 800, 900, 1024, 1440] {
            page.play(&format!("await page.setViewportSize({{ width: {width}, height: 800 }})"));
            let what = format!("{path} at {width}");
            for target in page.eval(TARGETS).as_array().unwrap() {
                let (wide, high) = (target[1].as_i64().unwrap(), target[2].as_i64().unwrap());
                assert!(wide >= 32 && high >= 32 && target[3] == json!(true), "{what}: {target}");
            }
            let head = page.eval("[document.querySelector('.head').scrollWidth, document.documentElement.scrollWidth]");
            assert!(head[0].as_i64() <= Some(width) && head[1].as_i64() <= Some(width), "{what}: {head}");
        }
        // The editor has tests of its own.
        let themes = [("light", 320), ("dark", 390), ("light", 1024), ("dark", 1440)];
        for (scheme, width) in themes.into_iter().filter(|_| current != "Edit") {
            page.play(&format!(
                "await page.emulateMedia({{ colorScheme: '{scheme}' }}); await page.setViewportSize({{ width: {width}, height: 800 }})"
            ));
            page.assert_accessible(&format!("{path}, {scheme} at {width}"));
            let small = page.play(
                "const { violations } = await page.evaluate(\"axe.run(document, { runOnly: ['target-size'] })\");
                 return violations.flatMap(({ nodes }) => nodes.map(({ html }) => html));",
            );
            assert_eq!(small, json!([]), "{path} at {width}: too small to be pressed");
        }
    }
    page.assert_silent();
}

#[test]
fn the_help_has_a_name_and_all_keys_of_the_page() {
    let world = World::new();
    world.task("A", "%exit 0\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    for (path, keys) in [
        ("/", &["j / k", "← / →", "/", "r", "s", "a", "l", "y", "n", "b", "?"][..]),
        ("/tasks/A", &["r", "s", "a", "l", "y", "b", "?"]),
        ("/edit", &["Ctrl+S", "Ctrl+Space", "F8", "Ctrl+F", "Tab / Shift+Tab", "Esc", "b", "?"]),
    ] {
        page.go(&server, path);
        page.play(&format!(
            "await page.getByRole('button', {{ name: 'Keyboard help' }}).focus();
             await page.keyboard.press('?');
             await page.getByRole('dialog', {{ name: 'Keyboard' }}).waitFor();
             const shown = await page.locator('dialog kbd').allTextContents();
             for (const key of {}) expect(shown.includes(key), `${{key}} in ${{shown}}`);",
            json!(keys)
        ));
        page.assert_accessible("help");
        page.play("await page.keyboard.press('Escape'); await page.locator('dialog').waitFor({ state: 'detached' })");
    }
    page.assert_silent();
}

#[test]
fn an_address_that_leads_nowhere_says_so_and_a_slash_too_many_is_forgiven() {
    let world = World::new();
    world.task("A", "%exit 0\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    let go = |page: &mut Page, path: &str| {
        page.ask(&json!({ "goto": format!("http://{}{path}", server.host) })).unwrap();
    };
    go(&mut page, "/nowhere");
    page.wait_for_text("There is no page at this address");
    for (scheme, width) in [("light", 320), ("dark", 1440)] {
        page.play(&format!(
            "await page.emulateMedia({{ colorScheme: '{scheme}' }}); await page.setViewportSize({{ width: {width}, height: 800 }})"
        ));
        page.assert_accessible(&format!("no page, {scheme} at {width}"));
    }
    page.play("await page.getByRole('link', { name: 'To the board' }).click()");
    page.wait_badge("job/A", "never");
    go(&mut page, "/history/");
    page.wait(
        "it is the page that was meant",
        "location.pathname === '/history' && document.querySelector('#page.past')",
    );
    page.play("expectNoMessages(/status of 404/)");
}

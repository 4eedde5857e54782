//! The board in unusual situations: an empty project, missing or broken parts, hostile texts, and
//! readers who use a screen reader, a keyboard or a small screen.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// What a task's author might try. Each must be seen as it was written.
const HOSTILE: &[&str] = &[
    "<script>window.pwned = 1</script>",
    "\"><img src=x onerror=\"window.pwned=1\">",
    "'-alert(1)-' onmouseover='window.pwned=1' x='",
    "</section></main><iframe src=\"https://evil.test/\"></iframe>",
    "<style>*{display:none}</style><svg onload=window.pwned=1>",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
    "javascript:window.pwned=1 <a href='javascript:window.pwned=1'>here</a>",
    "\u{202e}sdrawkcab \u{2067}isolated \u{200f}mark",
    "&lt;b&gt; &amp;amp; &#x3c;script&#x3e;",
    "<base href=\"https://evil.test/\"><meta http-equiv=refresh content=0;url=https://evil.test/>",
    "zero\u{200b}width and\u{0007}bell",
];

#[test]
fn hostile_words_stay_words() {
    let world = World::new();
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    for (n, words) in HOSTILE.iter().enumerate() {
        let words = quoted(words);
        let front =
            format!("title: {words}\nstatus: {words}\nphase: {words}\nassignee: {words}\ntags: [{words}, ok]\n");
        world.write(format!("tasks/H-{n}.md"), format!("---\n{front}---\n\n%exit 1\n"));
    }
    let long = "Long ".repeat(1000) + &"x".repeat(5000);
    world.write("tasks/LONG.md", format!("---\ntitle: {long}\ntags: [{}]\n---\n", "t".repeat(3000)));
    // A problem of a file is shown with the file's name and content.
    world.write("tasks/\"><img src=x onerror=window.pwned=1>.md", "---\ntitle: odd\n---\n");
    world.write("tasks/broken.md", "---\ntitle: [<script>window.pwned=1</script>\n---\n");
    let server = world.serve();
    let mut page = Page::new(&world);
    for (width, path) in [(1280, "/"), (390, "/?sort=task")] {
        page.play(&format!("await page.setViewportSize({{ width: {width}, height: 800 }})"));
        page.go(&server, path);
        let shown = page.eval(
            "Object.fromEntries([...document.querySelectorAll('.row')].map((row) => [row.dataset.task, \
             [row.querySelector('.title').textContent, row.querySelector('.tag').textContent]]))",
        );
        for (n, words) in HOSTILE.iter().enumerate() {
            assert_eq!(shown[format!("H-{n}")], json!([words, words]));
        }
        assert_eq!(shown["LONG"][0], long.as_str());
        page.play("for (const banner of await page.locator('details.banner').all()) await banner.click()");
        page.wait_for_text("onerror=window.pwned=1>.md");
        // Filters take such values literally and show them literally.
        page.play(&format!("await page.selectOption('select[name=tag]', {})", quoted(HOSTILE[0])));
        page.wait(
            "it is found",
            "[...document.querySelectorAll('.row')].map((row) => row.dataset.task).join() === 'H-0'",
        );
        page.play(&format!("await page.fill('input[name=text]', {})", quoted(HOSTILE[1])));
        page.wait(
            "nothing is found",
            "document.querySelectorAll('.row').length === 0 && document.querySelector('.empty')",
        );
        page.reload();
        page.wait(
            "it is said back",
            &format!("document.querySelector('input[name=text]')?.value === {}.toLowerCase()", quoted(HOSTILE[1])),
        );
        page.eval("document.querySelector('[data-act=clear]').click()");
        page.wait("all are there", &format!("document.querySelectorAll('.row').length > {}", HOSTILE.len()));
        // What only a script or a tag of theirs could have made.
        let made = page.eval(
            "[window.pwned ?? null, document.querySelectorAll('main :is(script, img, iframe, svg, style, base, meta, b)').length, \
             document.querySelectorAll('script, base, iframe').length, document.querySelectorAll('[onerror], [onload], [onmouseover]').length]",
        );
        assert_eq!(made, json!([null, 0, 1, 0]));
        page.assert_accessible(&format!("hostile words at {width}"));
        // No row is so large that others are out of sight.
        let tall = page.eval("Math.max(...[...document.querySelectorAll('.row')].map((row) => row.offsetHeight))");
        assert!(tall.as_f64().unwrap() < 500.0, "a row of {tall} px at {width}");
    }
    page.assert_silent();
    // Such a task runs like any other.
    world.detach("job", "H-1");
    page.wait_badge("job/H-1", "failed");
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

#[test]
fn the_board_is_accessible_and_works_on_a_small_screen() {
    let world =
        World::with("  signed: { agent: fake, prompt: go, gate: approve }\n  plan: { agent: fake, prompt: x }\n");
    for (n, status) in ["todo", "in_progress", "blocked", "review", "done", "archived"].iter().enumerate() {
        let front = format!("title: Something to do {n}\nstatus: {status}\ntags: [core]\nphase: Phase {}\n", n % 2);
        world.write(format!("tasks/T-{n}.md"), format!("---\n{front}---\n\n%exit {n}\n"));
    }
    world.write("tasks/deep/_overview.md", "---\nid: DEEP\ntitle: A parent\n---\n");
    world.write("tasks/deep/01_one.md", "---\nid: CHILD\ntitle: A child\n---\n\n%hang\n");
    world.write("tasks/bad.md", "---\ntitle: [\n---\n");
    for (mode, task) in [("job", "T-0"), ("job", "T-1"), ("signed", "T-2"), ("job", "CHILD"), ("talk", "CHILD")] {
        world.detach(mode, task);
    }
    world.wait_state("job", "T-1", "failed");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    page.wait_badge("signed/T-2", "gate");
    for (scheme, width) in [("light", 1280), ("light", 390), ("dark", 390), ("dark", 1600), ("light", 1600)] {
        page.play(&format!(
            "await page.emulateMedia({{ colorScheme: '{scheme}' }}); await page.setViewportSize({{ width: {width}, height: 900 }})"
        ));
        let what = format!("{scheme} at {width}");
        page.assert_accessible(&what);
        page.play(
            "await page.keyboard.press('j'); await page.keyboard.press('?'); await page.locator('dialog.help').waitFor()",
        );
        page.assert_accessible(&format!("help, {what}"));
        page.play("await page.keyboard.press('Escape'); await page.keyboard.press('r'); await page.locator('dialog.run-dialog').waitFor()");
        page.assert_accessible(&format!("the dialog, {what}"));
        page.play("await page.keyboard.press('Escape'); await page.locator('dialog').waitFor({ state: 'detached' })");
    }
    // A parent that is only the place of what was found is quieter, but not too quiet.
    page.play("await page.fill('input[name=text]', 'a child')");
    page.wait(
        "it stands below its parent",
        "document.querySelectorAll('.row').length === 2 && document.querySelector('.row.context')",
    );
    page.assert_accessible("what was found");
    // With "reduced motion" nothing moves.
    let moving = "document.getAnimations().filter((animation) => animation.playState === 'running').length";
    page.wait("a running badge turns", &format!("{moving} > 0"));
    page.play("await page.emulateMedia({ reducedMotion: 'reduce' })");
    page.wait("nothing turns", &format!("{moving} === 0"));
    page.assert_silent();
}

#[test]
fn an_empty_project_says_what_to_do_and_goes_on_when_it_is_done() {
    let world = World::new();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    page.wait_for_text("No tasks yet");
    page.assert_accessible("no tasks");
    page.eval("window.sameDocument = true");
    world.task("FIRST", "%exit 0");
    page.wait_badge("job/FIRST", "never");
    // A manifest that becomes invalid is reported with the place; the board stays as it was.
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("modes:", "moods:"));
    page.wait_for_text("moods");
    page.wait("it is reported at once", "document.querySelector('#main [role=alert], #main .error')");
    page.assert_accessible("a broken manifest");
    let refused = server.post("/dispatch/job/FIRST", "").json()["error"]["message"].clone();
    page.wait_for_text(refused.as_str().unwrap());
    world.write("dispatch.yaml", &manifest);
    page.wait(
        "it is mended",
        "document.querySelector('.row') && !document.querySelector('#main [role=alert], #main .error')",
    );
    assert_eq!(page.eval("window.sameDocument"), true);
    page.play("expectNoMessages(/status of 4\\d\\d/)");
    // The same if the page is opened while the manifest is invalid; the message includes the fix.
    world.write("dispatch.yaml", format!("{manifest}jbos: 3\n"));
    page.go(&server, "/");
    page.wait_for_text("jbos");
    page.wait_for_text("did you mean `jobs`?");
    world.write("dispatch.yaml", &manifest);
    page.wait_badge("job/FIRST", "never");
}

#[test]
fn what_is_missing_is_reported_with_the_servers_message() {
    let world = World::with("  lost: { agent: gone, prompt: x }\n");
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write(
        "dispatch.yaml",
        manifest
            .replace("agents:\n", "agents:\n  gone: { headless: [no-such-agent], prompt: stdin, protocol: text }\n"),
    );
    world.task("A", "%exit 0");
    // A PATH that holds the agent and the shell's basics, but no tmux.
    let bare = world.root().join("bare");
    fs::create_dir(&bare).unwrap();
    crate::fake::install(&bare, "fake");
    let server = world.serve_with("serve --port 0 --json", &[("PATH", bare.to_str().unwrap())]);
    let mut page = Page::at(&world, &server, "/");
    // Before anything is tried, in `doctor`'s words; and no more once it is there.
    for words in
        ["agent gone:", "install `no-such-agent`, or put it on PATH", "tmux:", "headless modes work without it"]
    {
        page.wait_for_text(words);
    }
    crate::fake::install(&bare, "no-such-agent");
    wait_until("the agent is no longer missed", || {
        page.reload();
        page.wait_for_text("headless modes work without it");
        let shown = page.ask(&json!({ "eval": "document.body.innerText" }))?;
        is(!shown.as_str().unwrap().contains("agent gone:"), shown.to_string())
    });
    fs::remove_file(bare.join("no-such-agent")).unwrap();
    for mode in ["lost", "talk"] {
        let error = server.post(&format!("/dispatch/{mode}/A"), "").json()["error"].clone();
        let words = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("no {name}: {error}")).to_owned();
        page.play(&super::serve_board::start(mode, "A"));
        page.wait_for_text(&words("message"));
        page.wait_for_text(words("hint").lines().next().unwrap());
        page.assert_accessible(mode);
        page.play("await page.keyboard.press('Escape'); for (const away of await page.locator('.away').all()) await away.click()");
    }
    // What can run still does.
    page.play(&super::serve_board::start("job", "A"));
    page.wait_badge("job/A", "succeeded");
    page.play("expectNoMessages(/status of [45]\\d\\d/)");
}

#[test]
fn a_page_without_its_token_asks_for_it() {
    let world = World::new();
    world.task("A", "%exit 0");
    let server = world.serve();
    let mut page = Page::new(&world);
    page.ask(&json!({ "goto": format!("http://{}/", server.host) })).unwrap();
    page.wait_for_text("This page needs the token");
    page.wait_for_text("dispatch token");
    page.assert_accessible("no token");
    page.play("await page.fill('[name=token]', 'f'.repeat(64)); await page.keyboard.press('Enter')");
    page.wait_for_text("The server refuses this token");
    page.play(&format!("await page.fill('[name=token]', '{}'); await page.keyboard.press('Enter')", server.token));
    page.wait_badge("job/A", "never");
    assert_eq!(page.eval("localStorage.length"), Value::from(0));
    page.play("expectNoMessages(/status of 401/)");
}

//! The rows of the board: their size, what they show of many modes, their main button, and where they lead back to.

use serde_json::json;

use crate::browser::Page;
use crate::world::World;

const HOSTILE: &str = "<img src=x onerror=window.took=1>";

/// Ten modes: `job`, `talk` and these.
fn modes() -> String {
    let mut modes: String =
        (0..6).map(|n| format!("  mode-{n}: {{ agent: fake, prompt: \"{{{{ task.body }}}}\" }}\n")).collect();
    modes.push_str("  signed: { agent: fake, prompt: go, gate: approve }\n");
    modes.push_str(&format!("  fails: {{ agent: fake, prompt: \"%exit 3\", expect: {{ files: [\"{HOSTILE}\"] }} }}\n"));
    modes.push_str("runs:\n  - { mode: mode-1, tasks: [NEXT] }\n");
    modes
}

fn texts(page: &mut Page, task: &str, parts: &str) -> serde_json::Value {
    page.eval(&format!(
        "[...document.querySelectorAll('.row[data-task=\"{task}\"] {parts}')].map((part) => (part.querySelector('.mode') ?? part.firstChild).textContent)"
    ))
}

#[test]
fn a_task_is_one_line_with_what_ran_and_a_button_for_its_state() {
    let world = World::with(&modes());
    for task in ["GATE", "FAILED", "RUNS", "NEXT", "IDLE"] {
        let title = format!(
            "title: {HOSTILE} and a title that is a good deal longer than its line has room for at 1280 pixels\n"
        );
        world.write(
            format!("tasks/{task}.md"),
            format!("---\n{title}status: in_progress\ntags: [core, \"{HOSTILE}\"]\n---\n\n%hang\n"),
        );
    }
    for (mode, task) in [("signed", "GATE"), ("job", "RUNS"), ("fails", "FAILED"), ("fails", "RUNS")] {
        world.detach(mode, task);
    }
    world.wait_state("fails", "FAILED", "failed");
    world.wait_state("fails", "RUNS", "failed");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/?sort=task");
    page.wait_badge("signed/GATE", "gate");
    page.wait_badge("job/RUNS", "running");
    let mains = [("GATE", "Approve"), ("FAILED", "Log"), ("RUNS", "Log"), ("NEXT", "Run"), ("IDLE", "Run")];
    for (task, main) in mains {
        assert_eq!(texts(&mut page, task, ".do"), json!([main]), "{task}");
    }
    assert_eq!(
        texts(&mut page, "RUNS", ":is(.badge, .rest)"),
        json!(["job", "fails", "+8"]),
        "what is live comes first"
    );
    assert_eq!(texts(&mut page, "NEXT", ":is(.badge, .rest)"), json!(["mode-1", "+9"]), "what is next by the plan");
    assert_eq!(page.badge("mode-1/NEXT"), "never");
    assert_eq!(texts(&mut page, "IDLE", ":is(.badge, .rest)"), json!(["+10"]));
    let why = page.eval("document.querySelector('.row[data-task=FAILED] .why').textContent");
    assert!(why.as_str().unwrap().contains("3"), "{why}");
    // One line of 44 px, and of 34; two stops of Tab.
    for (query, high) in [("?sort=task", 44), ("?density=compact", 34)] {
        page.go(&server, &format!("/{query}"));
        page.wait("the rows are there", "document.querySelectorAll('.row').length === 5");
        for (scheme, width) in [("light", 1280), ("dark", 1440)] {
            page.play(&format!(
                "await page.emulateMedia({{ colorScheme: '{scheme}' }}); await page.setViewportSize({{ width: {width}, height: 900 }})"
            ));
            let heights =
                page.eval("[...new Set([...document.querySelectorAll('.row')].map((row) => row.offsetHeight))]");
            assert_eq!(heights, json!([high]), "{query} at {width}");
            // Nothing of a line is over another part of it.
            let over = page.eval(
                "[...document.querySelectorAll('.row')].flatMap((row) => { const parts = [...row.querySelectorAll('.what, .badges, .acts')].map((part) => part.getBoundingClientRect());
                 return parts.slice(1).map((part, at) => part.left >= parts[at].right); }).every(Boolean)",
            );
            assert_eq!(over, true, "{query} at {width}");
            page.assert_accessible(&format!("{query} at {width}"));
        }
        let stops = "[...document.querySelectorAll('.row')].map((row) => [...row.querySelectorAll('a, button')].filter((stop) => stop.tabIndex >= 0 && !stop.disabled).length)";
        assert_eq!(page.eval(stops), json!([2, 2, 2, 2, 2]), "{query}");
    }
    page.go(&server, "/?density=roomy");
    for (scheme, width) in [("light", 390), ("dark", 1024), ("light", 1440)] {
        page.play(&format!(
            "await page.emulateMedia({{ colorScheme: '{scheme}' }}); await page.setViewportSize({{ width: {width}, height: 900 }})"
        ));
        page.assert_accessible(&format!("roomy at {width}"));
    }
    assert_eq!(page.eval("[window.took ?? null, document.querySelectorAll('main img').length]"), json!([null, 0]));
    // By keyboard alone: from the row to its runs and buttons, and back.
    page.go(&server, "/?sort=task");
    page.play(
        r#"
        const at = () => page.evaluate(() => { const at = document.activeElement; return at.closest(".row")?.dataset.task + " " + (at.dataset.pair ?? at.dataset.act ?? at.className); });
        const press = async (key, wanted) => { await page.keyboard.press(key); same(await at(), wanted, key); };
        while (await page.evaluate("document.querySelector('.row[aria-current]')?.dataset.task") !== "RUNS") await page.keyboard.press("j");
        await press("ArrowRight", "RUNS title");
        await press("ArrowRight", "RUNS job/RUNS");
        await press("ArrowRight", "RUNS fails/RUNS");
        await press("ArrowRight", "RUNS run");
        await press("ArrowRight", "RUNS log");
        await press("ArrowRight", "RUNS stop");
        await press("ArrowLeft", "RUNS log");
        await page.keyboard.press("Enter");
        await page.waitForURL(/\/runs\//);
        "#,
    );
    page.assert_silent();
}

#[test]
fn what_failed_needs_its_user_until_it_was_looked_at() {
    let world = World::new();
    world.task("A", "%exit 3\n").task("B", "%exit 0\n");
    world.detach("job", "A");
    world.detach("job", "B");
    world.wait_state("job", "A", "failed");
    world.wait_state("job", "B", "succeeded");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/?needs=1");
    let shown = "[...document.querySelectorAll('.row')].map((row) => row.dataset.task).join()";
    page.wait("it is among those that need me", &format!("{shown} === 'A'"));
    page.wait("the title counts it", "document.title === '(1) Board · dispatch'");
    page.play("await page.locator('.row .do').click(); await page.waitForURL(/runs/)");
    page.wait("it was looked at", "document.title === 'A job · dispatch'");
    page.play("await page.keyboard.press('b'); await page.waitForURL(/needs=1/)");
    page.wait_for_text("Nothing needs you.");
    // Also for a server that is started later, and until it fails again.
    drop(page);
    server.end();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/?needs=1");
    page.wait_for_text("Nothing needs you.");
    world.detach("job", "A");
    page.wait("it failed again", &format!("{shown} === 'A'"));
    // On `/now` it is not enough that it is listed: it must be the chosen run.
    let text = server.get("/ui/now").text();
    assert!(text.contains("data-needs=\"1\""), "{text}");
    page.go(&server, "/now");
    page.wait("the head counts it", "document.getElementById('tally').textContent === '1 needs you'");
    page.play("await page.locator('.now-item[data-task=A] .now-row').first().click()");
    page.wait("it was looked at", "document.getElementById('tally').hidden && document.title === 'Now · dispatch'");
    page.go(&server, "/?needs=1");
    page.wait_for_text("Nothing needs you.");
    page.assert_silent();
}

#[test]
fn the_order_and_the_groups_are_kept_by_the_address_and_the_place_by_the_tab() {
    let world = World::new();
    for n in 0..300 {
        let (status, phase) = (["todo", "done"][n % 2], n / 150);
        world.write(
            format!("tasks/T-{n:03}.md"),
            format!("---\ntitle: Title {:03}\nstatus: {status}\nphase: P{phase}\n---\n", 999 - n),
        );
    }
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    let first = "document.querySelector('.row')?.dataset.task";
    let groups = "[...document.querySelectorAll('.phase h2')].map((head) => head.textContent).join()";
    page.play(r#"await page.getByLabel("Order").selectOption("title")"#);
    page.wait("it is sorted", &format!("{first} === 'T-149'"));
    page.play(r#"await page.getByLabel("Groups").selectOption("status")"#);
    page.wait("it is grouped", &format!("{groups} === 'to do' && {first} === 'T-298'"));
    page.play(r#"await page.getByLabel("Rows").selectOption("compact")"#);
    page.wait("it is dense", "document.querySelector('.row')?.offsetHeight === 34");
    assert_eq!(page.eval("location.search"), "?sort=title&group=status&density=compact");
    page.reload();
    page.wait("it is as it was", &format!("{groups} === 'to do' && {first} === 'T-298'"));
    // Far down, to a task and back: by the browser, by the head, by the key.
    page.play("await until('more is there', '(scrollTo(0, document.documentElement.scrollHeight), document.querySelectorAll(\".row\").length >= 200)')");
    for back in [
        "await page.goBack()",
        "await page.getByRole('link', { name: 'Board' }).first().click()",
        "await page.keyboard.press('b')",
    ] {
        page.play("await page.evaluate('scrollTo(0, 4200)')");
        page.wait("it is far down", "Math.abs(scrollY - 4200) < 2");
        page.play(&format!(
            "await page.locator('.row[data-task=\"T-060\"] .title').evaluate((link) => link.click());
             await page.waitForURL(/tasks/);
             await until('it is shown', \"document.getElementById('page')\");
             {back};
             await page.waitForURL(/sort=title&group=status&density=compact/);"
        ));
        page.wait(
            "it is where it was",
            "Math.abs(scrollY - 4200) < 60 && document.querySelectorAll('.row').length >= 200",
        );
        assert_eq!(page.eval("document.querySelector('.row[aria-current]')?.dataset.task"), "T-060", "{back}");
    }
    for query in ["sort=odd", "group=odd", "density=odd"] {
        assert_eq!(server.get(&format!("/ui/board?{query}")).status, 400, "{query}");
    }
    page.assert_silent();
}

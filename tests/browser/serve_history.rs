//! The page of past runs: filters, charts, rows, files.

use serde_json::{Value, json};

use crate::browser::Page;
use crate::past::PastRun;
use crate::serve_task_page::play;
use crate::server::Server;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// `mode/task` of the rows.
const ROWS: &str = "[...document.querySelectorAll('.past-runs tbody tr')].map((row) => `${row.querySelector('.p-mode').textContent}/${row.dataset.task}`)";
const EVIL: &str = "=1+1 <img src=x onerror=\"window.took = 1\"></svg><script>window.took = 2</script>";

#[track_caller]
fn shows(page: &mut Page, wanted: &Value) {
    wait_until(&format!("the table holds {wanted}"), || {
        let found = page.ask(&json!({ "eval": ROWS }))?;
        is(found == *wanted, found.to_string())
    });
}

/// Three days with two modes, and a run of today.
fn world() -> (World, Vec<String>) {
    let world = World::with(
        "  lint: { agent: fake, prompt: \"%out x\" }\n  fails: { agent: fake, prompt: \"%exit 3\" }\nbudget: { day: 2 }\n",
    );
    world.task("A", "%out x\n");
    world.write("tasks/B.md", format!("---\ntitle: '{EVIL}'\n---\n%out x\n"));
    let like = world.ended_run("A");
    let ids = world.make_past(
        &like,
        &[
            PastRun { started_by: "up", ..PastRun::new("job", "A", "2026-01-01T10:00:00Z").cost(0.0123) },
            PastRun { started_by: "web", ..PastRun::new("lint", "B", "2026-01-01T11:00:00Z").failed("exit code 7") },
            PastRun { millis: Some(65_000), ..PastRun::new("lint", "A", "2026-01-03T10:00:00Z").cost(1.5) },
            PastRun { started_by: "need", ..PastRun::new("lint", "B", "2026-01-03T11:00:00Z").failed(EVIL).cost(0.25) },
        ],
    );
    (world, ids)
}

fn serve(world: &World) -> Server {
    world.serve_with("-v serve --port 0 --json", &[("TZ", "UTC")])
}

#[test]
fn rows_say_what_the_program_says_and_text_stays_text() {
    let (world, ids) = world();
    let server = serve(&world);
    let mut page = Page::at(&world, &server, "/history?to=2026-01-03");
    shows(&mut page, &json!(["lint/B", "lint/A", "lint/B", "job/A"]));
    let cells = "[...document.querySelectorAll('.past-runs tbody tr')].map((row) => ['why', 'attempts', 'took', 'cost', 'asked'].map((name) => row.querySelector(`.p-${name}`).textContent))";
    assert_eq!(
        page.eval(cells),
        json!([
            [EVIL, "1", "0.5s", "$0.2500", "need"],
            ["", "1", "1m 05s", "$1.5000", "command line"],
            ["exit code 7", "1", "0.5s", "", "web"],
            ["", "1", "0.5s", "$0.0123", "up"]
        ])
    );
    assert_eq!(page.eval("document.querySelector('.past-runs .p-title').textContent"), EVIL);
    assert_eq!(
        page.eval("document.querySelector('.totals p').textContent"),
        "4 runs · 2 succeeded · 2 failed · 1m 06s · $1.7623"
    );
    assert_eq!(
        page.eval("[window.took ?? null, document.querySelectorAll('#page script, #page img, #page [style]').length]"),
        json!([null, 0])
    );
    assert_eq!(
        page.eval("document.querySelector('.past-runs tbody a.badge').getAttribute('href')"),
        format!("/runs/{}", ids[3])
    );
    for details in 0..3 {
        play(&mut page, &format!("await page.locator('.chart summary').nth({details}).click();"));
    }
    page.assert_accessible_everywhere("history");
    page.assert_silent();
}

#[test]
fn filters_work_by_mouse_and_keyboard_and_are_in_the_address() {
    let (world, _) = world();
    let server = serve(&world);
    let mut page = Page::at(&world, &server, "/history");
    let all = json!(["job/A", "lint/B", "lint/A", "lint/B", "job/A"]);
    shows(&mut page, &all);
    play(&mut page, r#"await page.getByLabel("Outcome", { exact: true }).selectOption("failed");"#);
    shows(&mut page, &json!(["lint/B", "lint/B"]));
    play(
        &mut page,
        r#"await page.keyboard.press("Escape"); await page.keyboard.press("/"); await page.keyboard.type("CODE 7");"#,
    );
    shows(&mut page, &json!(["lint/B"]));
    assert_eq!(page.eval("location.search"), "?q=CODE+7&outcome=failed");
    page.reload();
    shows(&mut page, &json!(["lint/B"]));
    assert_eq!(page.eval("document.querySelector('[name=q]').value"), "CODE 7");
    play(&mut page, r#"await page.getByLabel("Mode", { exact: true }).selectOption("job");"#);
    page.wait_for_text("No past run fits.");
    page.wait("no charts", "!document.querySelector('.chart')");
    play(&mut page, r#"await page.getByRole("button", { name: "Show all" }).click();"#);
    shows(&mut page, &all);
    assert_eq!(page.eval("[location.search, document.querySelector('[name=q]').value]"), json!(["", ""]));
    // A part of a title, a part of a name that is no id, and days.
    play(&mut page, r#"await page.getByLabel("Task", { exact: true }).fill("IMG src");"#);
    shows(&mut page, &json!(["lint/B", "lint/B"]));
    play(&mut page, r#"await page.getByLabel("Task", { exact: true }).fill("");"#);
    shows(&mut page, &all);
    play(
        &mut page,
        r#"await page.getByLabel("Ended from").fill("2026-01-02"); await page.getByLabel("Ended to").fill("2026-01-03");"#,
    );
    shows(&mut page, &json!(["lint/B", "lint/A"]));
    assert_eq!(page.eval("location.search"), "?from=2026-01-02&to=2026-01-03");
    // The files have the same runs.
    let saved = |page: &mut Page, name: &str| -> String {
        let script = format!(
            "const [got] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', {{ name: '{name}' }}).click()]);
             same(got.suggestedFilename(), 'history.{}', 'its name'); const parts = [];
             for await (const part of await got.createReadStream()) parts.push(part);
             return Buffer.concat(parts).toString();",
            name.to_lowercase()
        );
        play(page, &script).as_str().unwrap().to_owned()
    };
    assert_eq!(saved(&mut page, "CSV"), server.get("/api/history.csv?from=2026-01-02&to=2026-01-03").text());
    let told: Value = serde_json::from_str(&saved(&mut page, "JSON")).unwrap();
    assert_eq!(told, server.get("/api/history?from=2026-01-02&to=2026-01-03").json());
    page.assert_silent();
}

#[test]
fn each_bar_and_each_cell_of_the_tables_links_to_its_rows() {
    let (world, _) = world();
    let server = serve(&world);
    let start = "/history?to=2026-01-03";
    let mut page = Page::at(&world, &server, start);
    page.wait("three charts", "document.querySelectorAll('.chart svg[viewBox^=\"0 0 4\"]').length === 3");
    let bars = "[...document.querySelectorAll('.chart a rect:not(.whole, .track)')].map((bar) => [bar.querySelector('title').textContent, bar.parentElement.getAttribute('href')])";
    let bars = page.eval(bars);
    let bars = bars.as_array().unwrap();
    let cells = page.eval("[...document.querySelectorAll('.chart-table td a')].map((cell) => [cell.textContent, cell.getAttribute('href')])");
    let cells = cells.as_array().unwrap();
    assert!(bars.len() >= 10 && cells.len() >= 12, "{bars:?} {cells:?}");
    for link in bars.iter().chain(cells).map(|entry| entry[1].as_str().unwrap()) {
        let query = link.strip_prefix("/history?").unwrap_or_else(|| panic!("{link}"));
        assert_ne!(server.get(&format!("/api/history?{query}")).json()["totals"]["runs"], 0, "{link}");
    }
    // A figure is the number of the rows that its link shows.
    for (text, link) in [
        ("2026-01-03: 1 failed", "/history?from=2026-01-03&to=2026-01-03&outcome=failed"),
        ("2026-01-01: $0.0123 job", "/history?from=2026-01-01&to=2026-01-01&mode=job"),
    ] {
        assert!(bars.contains(&json!([text, link])), "{text} in {bars:?}");
    }
    let modes = "[...document.querySelectorAll('[data-key=c-modes] tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))";
    assert_eq!(page.eval(modes), json!([["lint", "3", "33%", "0.5s"], ["job", "1", "100%", "0.5s"]]));
    assert_eq!(page.eval("[document.querySelectorAll('.chart .limit').length, document.querySelector('[data-key=c-costs] figcaption').textContent]"), json!([1, "Cost per day budget of a day $2.00"]));
    play(&mut page, "await page.locator('.chart a .o-failed').last().click();");
    shows(&mut page, &json!(["lint/B"]));
    assert_eq!(page.eval("location.search"), "?from=2026-01-03&to=2026-01-03&outcome=failed");
    // By keyboard, through the table.
    page.go(&server, start);
    play(
        &mut page,
        r#"const table = page.locator("[data-key=c-modes]"); await table.locator("summary").focus(); await page.keyboard.press("Enter");
           await table.getByRole("link", { name: "job" }).focus(); await page.keyboard.press("Enter");"#,
    );
    shows(&mut page, &json!(["job/A"]));
    page.assert_silent();
}

#[test]
fn further_rows_come_to_the_end_and_stay_while_runs_end() {
    let world = World::with("retention: { runs_per_pair: 1000 }\n");
    world.task("A", "%out x\n").task("B", "%out x\n");
    let like = world.ended_run("A");
    let runs: Vec<PastRun> =
        (0..250).map(|n| PastRun::new("job", "B", &format!("2026-01-01T10:{:02}:{:02}Z", n / 60, n % 60))).collect();
    let ids = world.make_past(&like, &runs);
    let server = serve(&world);
    let mut page = Page::at(&world, &server, "/history");
    let keys = "[...document.querySelectorAll('.past-runs tbody tr')].map((row) => row.dataset.run)";
    let mut expected: Vec<String> = ids.iter().rev().cloned().collect();
    expected.insert(0, like);
    page.wait("the first rows are there", "document.querySelectorAll('.past-runs tbody tr').length >= 100");
    for count in [200, 251] {
        page.eval("document.querySelector('.more')?.scrollIntoView()");
        page.wait("further rows", &format!("document.querySelectorAll('.past-runs tbody tr').length >= {count}"));
    }
    page.wait("nothing more", "!document.querySelector('.more')");
    assert_eq!(page.eval(keys), json!(expected));
    page.eval("window.lastRow = document.querySelector('.past-runs tbody').lastElementChild; 0");
    world.dispatch("run -q job A").notes().succeeds();
    page.wait("the new one is on top", "document.querySelectorAll('.past-runs tbody tr').length === 252");
    let found = page.eval(keys);
    assert_eq!(found.as_array().unwrap()[1..], json!(expected).as_array().unwrap()[..]);
    assert_eq!(page.eval("window.lastRow.isConnected"), true, "rows stay as they are");
    page.wait_for_text("252 runs");
    page.assert_silent();
}

#[test]
fn keys_step_through_the_rows_and_open_one() {
    let (world, ids) = world();
    let server = serve(&world);
    let mut page = Page::at(&world, &server, "/history?to=2026-01-03");
    shows(&mut page, &json!(["lint/B", "lint/A", "lint/B", "job/A"]));
    let selected = "document.querySelector('.past-runs tr[aria-current]')?.dataset.run";
    for (key, run) in [("j", 3), ("j", 2), ("j", 1), ("k", 2)] {
        play(&mut page, &format!("await page.keyboard.press('{key}');"));
        assert_eq!(page.eval(selected), ids[run].as_str(), "{key}");
        assert_eq!(page.eval("document.activeElement.dataset.run"), ids[run].as_str(), "{key}");
    }
    play(&mut page, "await page.keyboard.press('Enter');");
    page.wait("its page", &format!("location.pathname === '/runs/{}'", ids[2]));
    page.assert_silent();
}

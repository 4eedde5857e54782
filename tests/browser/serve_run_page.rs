//! The page of a run, in a browser: its outcome with the evidence, the log of a job as it grows and
//! however long it is.

use std::fs;

use serde_json::json;

use crate::browser::Page;
use crate::server::Server;
use crate::waiting::{is, rounds, wait_until};
use crate::world::World;

/// The text of the log's lines, without what is beside them.
pub(crate) const LINES: &str =
    "[...document.querySelectorAll('.log-lines .chunk > :last-child')].map((e) => e.textContent).join('')";

pub(crate) fn go(world: &World, task: &str) {
    fs::write(world.project().join(format!("../go-{task}")), "").unwrap();
}

/// A job that has ended, and its run.
fn ended(world: &World, task: &str, body: &str) -> String {
    world.task(task, body);
    let run = world.detach("job", task);
    world.dispatch("wait job").arg(task).any_stderr().ends_somehow();
    run
}

pub(crate) fn at(world: &World, server: &Server, run: &str) -> Page {
    Page::at(world, server, &format!("/runs/{run}"))
}

#[track_caller]
pub(crate) fn wait_lines(page: &mut Page, what: &str) {
    page.wait(&format!("the log shows {what:?}"), &format!("{LINES}.includes({})", json!(what)));
}

fn evidence(page: &mut Page) -> Vec<String> {
    let facts = page.eval(
        "[...document.querySelectorAll('.evidence li')].map((e) => `${e.className.slice(6)} ${e.querySelector('.topic').textContent}: ${e.querySelector('.says').textContent}`)",
    );
    facts.as_array().unwrap().iter().map(|fact| fact.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_log_streams_in_and_its_end_is_shown_with_its_explanation() {
    let world = World::new();
    world.task("A", "%out first\n%err trouble\n%until ../go-A\n%out second\n%until ../go-B\n%out third\n%exit 3\n");
    let server = world.serve();
    let run = world.detach("job", "A");
    world.agent_ready(&run);
    let mut page = at(&world, &server, &run);
    page.eval("window.sameDocument = true");
    wait_lines(&mut page, "first\n");
    assert_eq!(page.eval("document.querySelector('.chunk.stderr pre').textContent"), "trouble\n");
    assert_eq!(page.eval("document.querySelector('.chunk.stderr .which').textContent"), "stderr");
    assert_eq!(page.eval("document.querySelector('.follow').getAttribute('aria-pressed')"), "true");
    // What comes while the server is away is not lost, nor said twice.
    go(&world, "A");
    wait_lines(&mut page, "second\n");
    page.play(
        r#"
        await page.locator("select.streams").selectOption("stdout");
        await until("stderr is gone", () => !document.querySelector(".chunk.stderr"));
        await page.locator("select.streams").selectOption("stderr");
        await until("stdout is gone", () => !document.querySelector(".chunk.stdout") && document.querySelector(".chunk.stderr"));
        await page.locator("select.streams").selectOption("all");
        await until("both are there", () => document.querySelector(".chunk.stdout") && document.querySelector(".chunk.stderr"));
        "#,
    );
    assert_eq!(evidence(&mut page), Vec::<String>::new());
    go(&world, "B");
    page.wait_badge("job/A", "failed");
    wait_lines(&mut page, "third\n");
    let all = page.eval(LINES);
    let all = all.as_str().unwrap();
    for line in ["first", "second", "third", "trouble"] {
        assert_eq!(all.matches(line).count(), 1, "{line} in {all:?}");
    }
    wait_until("the evidence is reported", || {
        let facts = evidence(&mut page);
        let wanted =
            ["failure exit code: 3", "neither judged by: its exit code alone: protocol `text` reports no result"];
        is(facts == wanted, format!("{facts:?}"))
    });
    assert_eq!(page.eval("window.sameDocument"), true);
    page.assert_accessible_everywhere("a run that ended");
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

#[test]
fn a_log_that_was_scrolled_up_stays_there_until_its_end_is_requested() {
    let world = World::new();
    world.task("A", "%bytes 32000\n%until ../go-A\n%out the news\n%until ../go-B\n%out more news\n%until ../go-C\n");
    let server = world.serve();
    let run = world.detach("job", "A");
    let mut page = at(&world, &server, &run);
    wait_lines(&mut page, "000000000001999\n");
    page.play(
        r#"
        await until("it is at its end", () => { const e = document.querySelector(".log-lines"); return e.scrollTop + e.clientHeight > e.scrollHeight - 4; });
        await page.locator(".log-lines").hover();
        await page.mouse.wheel(0, -3000);
        await until("it is paused", () => document.querySelector(".follow").getAttribute("aria-pressed") === "false");
        "#,
    );
    let top = page.eval("document.querySelector('.log-lines').scrollTop");
    go(&world, "A");
    page.wait("the place tells of the news", "document.querySelector('.place').textContent.includes('32')");
    assert_eq!(page.eval("document.querySelector('.log-lines').scrollTop"), top);
    page.play("await page.locator('.to-end').click()");
    wait_lines(&mut page, "the news\n");
    assert_eq!(page.eval("document.querySelector('.follow').getAttribute('aria-pressed')"), "true");
    go(&world, "B");
    wait_lines(&mut page, "more news\n");
    assert_eq!(page.eval("document.querySelector('.to-end').hidden"), true);
    go(&world, "C");
    page.wait_badge("job/A", "succeeded");
    page.assert_silent();
}

#[test]
fn a_long_log_opens_at_its_end_and_any_place_of_it_is_found() {
    let world = World::new();
    // Above what a page saves by itself.
    let bytes = rounds(1_000_000_000).max(100_000_000) / 16 * 16;
    let lines = bytes / 16;
    let run = ended(&world, "A", &format!("%bytes {bytes}\n%out a last line\n%exit 0\n"));
    let server = world.serve();
    let mut page = at(&world, &server, &run);
    wait_lines(&mut page, "a last line\n");
    let bound = |page: &mut Page| {
        let length = page.eval("document.querySelector('.log-lines').textContent.length").as_u64().unwrap();
        assert!(length > 10_000 && length < 2 << 20, "{length} characters are in the page");
    };
    bound(&mut page);
    page.play("await page.locator('.log-lines').focus(); await page.keyboard.press('Home')");
    wait_lines(&mut page, "000000000000000\n000000000000001\n");
    // On and on, for more than may be in the page: what was passed goes, and nothing is left out.
    while page.eval("Number(document.querySelector('.chunk:last-child').dataset.from)").as_u64() < Some(4 << 20) {
        page.play(
            r#"
            const from = () => Number(document.querySelector(".chunk:last-child").dataset.from);
            const before = await page.evaluate(from);
            await page.evaluate(() => { const e = document.querySelector(".log-lines"); e.scrollTop = e.scrollHeight; });
            await until("more is there", (before) => Number(document.querySelector(".chunk:last-child").dataset.from) > before, before);
            "#,
        );
        bound(&mut page);
        let shown = page.eval(LINES);
        let numbers: Vec<u64> = shown.as_str().unwrap().lines().map(|line| line.parse().unwrap()).collect();
        assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{:?}", &numbers[..10]);
    }
    let wanted = format!("{:015}", lines / 2);
    page.play(&format!(
        r#"
        await page.locator(".find input").fill("{wanted}");
        await page.keyboard.press("Enter");
        const end = Date.now() + 90_000;
        while (Date.now() < end && !await page.evaluate(() => /^1 of 1$/.test(document.querySelector(".count").textContent))) await new Promise((done) => setTimeout(done, 50));
        "#
    ));
    wait_lines(&mut page, &format!("{wanted}\n"));
    page.wait("the hit is shown", "document.querySelector('.hit') !== null");
    assert_eq!(page.eval("document.querySelector('.hit').textContent.trim()"), wanted.as_str());
    let seen = "(() => { const a = document.querySelector('.hit').getBoundingClientRect(), b = document.querySelector('.log-lines').getBoundingClientRect(); return a.top > b.top && a.bottom < b.bottom; })()";
    assert_eq!(page.eval(seen), true);
    bound(&mut page);
    // Several hits, from one to the next and round.
    page.play(
        r#"
        await page.locator(".find input").fill("a LAST line");
        await page.keyboard.press("Enter");
        const end = Date.now() + 90_000;
        while (Date.now() < end && !await page.evaluate(() => /^1 of 1$/.test(document.querySelector(".count").textContent))) await new Promise((done) => setTimeout(done, 50));
        await until("it is shown", () => document.querySelector(".hit")?.textContent === "a last line\n");
        await page.locator(".find input").fill("no such words");
        await page.keyboard.press("Enter");
        await page.locator(".cancel").click({ timeout: 5000 }).catch(() => {});
        await until("it ends", () => /not found|stopped/.test(document.querySelector(".count").textContent));
        await page.locator(".log-lines").focus();
        await page.keyboard.press("End");
        "#,
    );
    wait_lines(&mut page, "a last line\n");
    // Too long for a page: the line that saves it.
    page.play("await page.locator('.log-tools .save').click(); await page.locator('dialog[open]').waitFor()");
    let line = page.eval("document.querySelector('dialog code').textContent");
    assert_eq!(line, format!("dispatch logs --raw --run {run} job A > A-job.log"));
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

#[test]
fn a_log_shows_colours_and_can_do_nothing_else() {
    let world = World::new();
    let odd = world.root().join("odd");
    let long = "x".repeat(10_000_000);
    let mut bytes = b"bad \xff\xfe bytes\n 10%\r 50%\r100% done\n".to_vec();
    bytes.extend(b"\x1b[1;31mred\x1b[0m \x1b[38;5;208mindexed\x1b[m \x1b[38;2;255;255;0mtrue\x1b[0m\n");
    bytes.extend(b"<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\n");
    bytes.extend(
        b"\x1b]8;;javascript:window.hacked=1\x1b\\link\x1b]8;;\x1b\\ \x1b]52;c;aGFja2Vk\x07\x1b]0;a title\x07after\n",
    );
    bytes.extend("\u{202e}turned\u{2066}\n".as_bytes());
    bytes.extend(b"\x1b[2J\x1b[1;1H\x1bPdevice\x1b\\\x9b31mraw\x07\n");
    bytes.extend(format!("{long}\nthe line behind it\n").as_bytes());
    fs::write(&odd, bytes).unwrap();
    let run = ended(&world, "A", "%sh cat ../odd\n%exit 0\n");
    let server = world.serve();
    let mut page = at(&world, &server, &run);
    wait_lines(&mut page, "the line behind it\n");
    assert!(page.eval("document.querySelector('.log-lines').textContent.length").as_u64().unwrap() < 200_000);
    assert!(page.eval(LINES).as_str().unwrap().contains("more of this line"));
    page.play("await page.locator('.log-lines').focus(); await page.keyboard.press('Home')");
    wait_lines(&mut page, "bad \u{fffd}\u{fffd} bytes\n100% done\nred indexed true\n");
    let shown = page.eval(LINES);
    let shown = shown.as_str().unwrap();
    assert!(
        shown.contains("<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\n"),
        "{shown:.800}"
    );
    assert!(
        shown.contains("\nlink after\nturned\n\u{fffd}31mraw\n") || shown.contains("\nlink after\nturned\nraw\n"),
        "{shown:.800}"
    );
    let colours = page.eval(
        "['red', 'indexed', 'true'].map((word) => [...document.querySelectorAll('.chunk span')].find((e) => e.textContent === word)).map((e) => [e.className, getComputedStyle(e).color])",
    );
    assert_eq!(colours[0][0], "a-bold");
    let seen: Vec<&str> = (0..3).map(|at| colours[at][1].as_str().unwrap()).collect();
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2], "{colours}");
    assert_eq!(page.eval("document.querySelectorAll('.log-lines :is(a, script, img, iframe)').length"), 0);
    assert_eq!(page.eval("[window.hacked === undefined, document.title]"), json!([true, "A job · dispatch"]));
    page.assert_silent();
}

#[test]
fn claudes_events_are_read_and_can_be_seen_raw() {
    let world = World::new();
    let sample = crate::programs::repository().join("src/agents/claude/samples/tool-denied-stream.jsonl");
    let mut text = fs::read_to_string(sample).unwrap();
    let evil = "<script>window.hacked = 1</script>";
    text.insert_str(0, "");
    text.push_str(&format!(
        "{}\nnot JSON at all\n{{\"type\":\"brand_new\",\"what\":\"{evil}\"}}\n",
        json!({"type": "assistant", "message": {"content": [{"type": "thinking", "thinking": evil}, {"type": "text", "text": evil}]}})
    ));
    world.write("../stream", &text);
    let run = ended(&world, "A", "%sh cat ../stream\n%exit 0\n");
    let server = world.serve();
    let mut page = at(&world, &server, &run);
    page.wait("it is readable", "document.querySelector('.way-readable').getAttribute('aria-pressed') === 'true' && document.querySelector('.reads .result')");
    page.play(
        r#"
        const text = (selector) => page.locator(selector).allTextContents();
        expect((await text(".reads .quiet"))[0].startsWith("Started · claude-opus-5-5 · /home/user/lab/repo"), "the start is reported");
        same((await text(".reads .said")).slice(0, 2), ["Running a tool.", "Hello from the stub."], "what was said");
        const call = page.locator("details.call[data-call]").first();
        expect((await call.locator("summary").textContent()).includes("Bash touch x.txt"), "the call in one line");
        expect(!await call.evaluate((e) => e.open), "it is folded");
        await call.locator("summary").click();
        expect((await call.locator(".answer.bad").textContent()).includes("needs approval"), "its result is inside, and marked");
        expect(await call.evaluate((e) => e.classList.contains("failed")), "the call is marked");
        expect((await text(".reads .result strong"))[0].startsWith("Success · 2 turns · $"), "the result is reported");
        expect((await text(".reads pre.line")).includes("not JSON at all"), "what is no event stays");
        expect((await text("details.other summary")).some((words) => words.includes("brand_new")), "what is new stays");
        expect((await text(".reads .said")).includes("<script>window.hacked = 1</script>"), "text stays text");
        await page.locator(".way-raw").click();
        await until("it is raw", () => document.querySelector(".chunk pre")?.textContent.startsWith('{"type":"system"'));
        await page.locator(".way-readable").click();
        await until("it is readable", () => document.querySelector(".reads .result"));
        expect(await page.evaluate("window.hacked === undefined"), "no script ran");
        "#,
    );
    page.assert_accessible_everywhere("the readable view");
    page.assert_silent();
}

#[test]
fn expectations_are_shown_with_the_outcome() {
    let world = World::with(concat!(
        "  strict: { agent: fake, prompt: \"{{ task.body }}\", timeout: 1m, ",
        "expect: { non_empty: true, files: [there, missing], command: [\"true\"] } }\n",
        "  signed: { agent: fake, prompt: \"{{ task.body }}\", gate: approve }\n",
    ));
    world.write("there", "");
    world.task("A", "%out an answer\n%exit 0\n").task("B", "%signal 9\n").task("C", "%hang\n");
    let server = world.serve();
    let strict = world.detach("strict", "A");
    let killed = world.detach("job", "B");
    let hangs = world.detach("job", "C");
    world.wait_state("strict", "A", "failed");
    world.wait_state("job", "B", "failed");
    let mut page = at(&world, &server, &strict);
    assert_eq!(
        evidence(&mut page),
        [
            "success exit code: 0",
            "neither judged by: its exit code alone: protocol `text` reports no result",
            "success expect: an answer that is not blank: yes",
            "success expect: file `there`: yes",
            "failure expect: file `missing`: no",
            "neither time: within its timeout of 1m",
        ]
    );
    page.go(&server, &format!("/runs/{killed}"));
    assert_eq!(evidence(&mut page), ["failure signal: 9 (SIGKILL)"]);
    // It is stopped from its page, and run again, and lets go at its gate.
    page.go(&server, &format!("/runs/{hangs}"));
    page.play("await page.locator('.run-acts [data-act=stop]').click()");
    page.wait_badge("job/C", "stopped");
    wait_until("it is reported", || {
        let facts = evidence(&mut page);
        is(facts.iter().any(|fact| fact == "neither stopped: on request"), format!("{facts:?}"))
    });
    let gate = world.detach("signed", "A");
    page.go(&server, &format!("/runs/{gate}"));
    page.wait_badge("signed/A", "gate");
    page.play("await page.locator('.run-acts [data-act=approve]').click()");
    page.wait_badge("signed/A", "succeeded");
    wait_lines(&mut page, "an answer\n");
    let again = world.detach("signed", "A");
    page.wait(
        "the other run is linked",
        &format!("document.querySelector('.siblings a[href=\"/runs/{again}\"]') !== null"),
    );
    assert_eq!(
        page.eval("document.querySelector('.siblings [aria-current]').getAttribute('href')"),
        format!("/runs/{gate}")
    );
    page.go(&server, "/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV");
    page.wait_for_text("there is no run 01ARZ3NDEKTSV4RRFFQ69G5FAV");
}

#[test]
fn a_search_waits_for_the_log_and_finds_what_is_printed_later() {
    let world = World::new();
    world.task("A", "%out the first needle\n%until ../go-A\n%out the second word\n%hang\n");
    let server = world.serve();
    let run = world.detach("job", "A");
    world.agent_ready(&run);
    let mut page = Page::at(&world, &server, "/");
    page.play(&format!(
        r#"
        let open;
        const opened = new Promise((done) => {{ open = done; }});
        await page.route(/std(out|err)$/, async (route) => {{ await opened; await route.continue(); }});
        await page.goto(new URL("/runs/{run}", page.url()).href);
        const field = page.locator(".find input");
        const count = (text) => until(`the count is ${{text}}`, (text) => document.querySelector(".count").textContent === text, text);
        await field.fill("needle");
        await field.press("Enter");
        await count("0 %");
        open();
        await count("1 of 1");
        await field.fill("second");
        await field.press("Enter");
        await count("not found");
        "#
    ));
    go(&world, "A");
    page.play(
        r#"
        // A log that shows a hit does not follow: only its length tells.
        await until("the page knows of it", () => document.querySelector(".place").textContent === "33 B");
        await page.locator(".find input").press("Enter");
        await until("it is found", () => document.querySelector(".count").textContent === "1 of 1");
        "#,
    );
    page.assert_silent();
}

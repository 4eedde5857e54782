//! Failed runs on `/now`: they need a person until they were looked at, by the same count as in the head.

use crate::browser::Page;
use crate::serve_now::{expect, play};
use crate::world::World;

#[test]
fn a_failed_run_needs_its_user_until_it_was_looked_at() {
    let world = World::new();
    world.task("BAD", "%exit 3\n").task("GOOD", "%exit 0\n").task("BUSY", "%hang\n");
    for task in ["BAD", "GOOD"] {
        world.dispatch("run -q job").arg(task).any_stderr().ends_somehow();
    }
    let run = world.detach("job", "BUSY");
    world.agent_ready(&run);
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "needs", "job/BAD");
    expect(&mut page, "ended", "job/GOOD");
    page.wait_for_text("1 needs you");
    page.assert_accessible_everywhere("a failed run");
    play(
        &mut page,
        r#"
        await press(".");
        await shown("BAD"); await on("BAD");
        await until("the head counts it no more", "!document.getElementById('tally').textContent.includes('needs you')");
        "#,
    );
    // It keeps its place until the next choice.
    expect(&mut page, "needs", "job/BAD");
    play(&mut page, r#"await press("j"); await shown("BUSY");"#);
    expect(&mut page, "needs", "");
    expect(&mut page, "ended", "job/GOOD,job/BAD");
    page.assert_silent();
}

#[test]
fn a_failed_run_that_the_keys_only_pass_by_stays_unseen() {
    let world = World::new();
    world.task("ONE", "%exit 3\n").task("TWO", "%exit 3\n");
    for task in ["ONE", "TWO"] {
        world.dispatch("run -q job").arg(task).any_stderr().ends_somehow();
    }
    let runs = ["ONE", "TWO"].map(|task| world.status("job", task)["runId"].as_str().unwrap().to_owned());
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "needs", "job/TWO,job/ONE");
    let marked = play(
        &mut page,
        &format!(
            r#"
            const [one, two] = {};
            const marked = [];
            page.on("request", (request) => {{ if (request.url().includes("/api/seen/")) marked.push(request.url().split("/").pop()); }});
            const listed = (run) => until(`${{run}} is shown as unseen`, (run) => document.querySelector("[data-unseen]")?.dataset.unseen === run, run);
            // From here on the page's timers stand still unless the test moves them.
            await page.clock.install();
            await page.reload();
            await until("it is laid out", "document.getElementById('now-detail')");
            await page.clock.pauseAt(Date.now() + 60_000);
            await press("j"); await listed(two);
            await page.clock.runFor(900);
            await press("j"); await listed(one);
            await page.clock.runFor(900);
            await press("k"); await listed(two);
            await page.clock.runFor(900);
            same(marked, [], "what was only passed by");
            const seen = page.waitForResponse((answer) => answer.url().includes("/api/seen/"));
            await page.clock.runFor(200);
            await seen;
            await page.clock.resume();
            await until("the other one still needs its user", "document.getElementById('tally').textContent === '1 needs you'");
            return marked;
            "#,
            serde_json::json!(runs)
        ),
    );
    assert_eq!(marked, serde_json::json!([runs[1]]));
    page.assert_silent();
}

//! Switching among many live runs on `/now`: what was opened stays as it was left.

use std::fmt::Write as _;

use serde_json::json;

use crate::browser::Page;
use crate::serve_now::{expect, play};
use crate::waiting::{is, wait_until};
use crate::world::World;

const GRAPHICS: &str = "/GL Driver Message|WebGL|task queue exceeded/";

/// Numbered lines for a log that can be scrolled.
fn lines(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "%out line {line}");
        text
    })
}

/// The state of the shown view: `log` holds its position, `found` its search.
const SHOWN: &str = r#"
const view = (selector) => `document.querySelector('.view:not(.out) ${selector}')`;
const hit = (() => { const all = document.querySelector(".view:not(.out) .log-lines"); const hit = all?.querySelector(".hit"); if (!hit) return false; const [box, line] = [all.getBoundingClientRect(), hit.getBoundingClientRect()]; return line.top >= box.top && line.bottom <= box.bottom; });
const log = () => page.evaluate(() => document.querySelector(".view:not(.out) .log-lines").scrollTop);
const screen = () => page.evaluate(() => { const { terminal } = document.querySelector(".view:not(.out) .run-terminal"); if (!terminal) return ""; const { active } = terminal.buffer; return Array.from({ length: terminal.rows }, (_, y) => active.getLine(active.viewportY + y)?.translateToString(true) ?? "").join("\n"); });
"#;

#[test]
fn ten_live_runs_keep_their_place_search_and_screen() {
    let world = World::new();
    let jobs: Vec<String> = (0..7).map(|number| format!("J{number}")).collect();
    let windows: Vec<String> = (0..3).map(|number| format!("W{number}")).collect();
    world.write("dispatch.yaml", format!("{}jobs: 20\n", crate::world::BASE));
    for task in &jobs {
        world.task(
            task,
            &format!(
                "{}%out the needle of {task}\n{}%until ../go-{task}\n%out more of {task}\n%hang\n",
                lines(300),
                lines(60)
            ),
        );
    }
    for task in &windows {
        world.task(task, &format!("%out hello from {task}\n%ask\n%out thank you\n%hang\n"));
    }
    let server = world.serve();
    for task in &jobs {
        world.detach("job", task);
    }
    for task in &windows {
        world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
    }
    let mut page = Page::at(&world, &server, "/now");
    page.wait("all are listed", "document.querySelectorAll('.now-item[data-group=running]').length === 10");
    // Each is opened; the first log is left in its middle, the second with a search.
    let opened = play(
        &mut page,
        &format!(
            r#"{SHOWN}
            const tasks = {};
            for (const task of tasks) {{
              await choose(task);
              if (task.startsWith("W")) {{
                await until("it is connected", view(".term-box") + "?.dataset.link === 'live'");
                for (let turn = 0; turn < 1000 && !(await screen()).includes(`hello from ${{task}}`); turn++) await page.waitForTimeout(10);
              }} else await page.locator(".view:not(.out) .log-lines").getByText("line 59", {{ exact: false }}).first().waitFor({{ state: "attached" }});
            }}
            await choose("J0");
            await page.evaluate(() => {{ document.querySelector(".view:not(.out) .log-lines").scrollTop = 700; }});
            await until("it does not follow", view(".follow") + ".getAttribute('aria-pressed') === 'false'");
            await choose("J1");
            await page.locator(".view:not(.out) .find input").fill("needle");
            await page.keyboard.press("Enter");
            await until("it is found", view(".count") + ".textContent === '1 of 1'");
            await until("the hit is in sight", hit);
            await choose("J0");
            return log();"#,
            json!(jobs.iter().chain(&windows).collect::<Vec<_>>())
        ),
    );
    assert_eq!(opened, 700);
    // While they are away, others print, and a window is answered elsewhere.
    play(&mut page, "await choose('J5')");
    for task in ["J0", "J2"] {
        std::fs::write(world.root().join(format!("go-{task}")), "").unwrap();
    }
    world.dispatch("send talk W1 later").any_stderr().succeeds();
    let times = play(
        &mut page,
        &format!(
            r#"{SHOWN}
            // In the page: from the press to the second frame after the run is shown.
            const times = await page.evaluate(async (tasks) => {{
              const frame = () => new Promise((done) => requestAnimationFrame(done));
              const times = [];
              for (let round = 0; round < 3; round++) for (const task of tasks) {{
                const begun = performance.now();
                document.querySelector(`.now-item[data-task="${{task}}"] .now-row`).click();
                for (;;) {{ await frame(); const host = document.querySelector(".view:not(.out) > *"); if (host?.dataset.task === task && host.firstElementChild) break; }}
                await frame();
                times.push(performance.now() - begun);
                await new Promise((done) => setTimeout(done, 30));
              }}
              return times;
            }}, {});
            await choose("J0");
            same(await log(), 700, "the place in the log");
            await choose("J1");
            expect(await page.evaluate(hit), "the hit is in sight");
            same(await page.locator(".view:not(.out) .find input").inputValue(), "needle", "the search");
            same(await page.locator(".view:not(.out) .count").textContent(), "1 of 1", "its hit");
            await choose("J2");
            await page.locator(".view:not(.out) .log-lines").getByText("more of J2").waitFor();
            await choose("W0");
            expect((await screen()).includes("hello from W0"), "the screen of W0");
            await choose("W1");
            // One look at the whole screen: tmux may be drawing it again.
            let seen = "";
            for (let turn = 0; turn < 1000 && !/hello from W1[^]*thank you/.test(seen); turn++) {{ seen = await screen(); await page.waitForTimeout(10); }}
            expect(/hello from W1[^]*thank you/.test(seen), `the screen of W1, not: ${{seen.trim()}}`);
            same(await page.locator(".view").count(), 10, "one view for each run");
            return times.sort((a, b) => a - b);"#,
            json!(jobs.iter().chain(&windows).collect::<Vec<_>>()),
        ),
    );
    let times: Vec<f64> = times.as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
    eprintln!(
        "switch: median {:.0} ms, longest {:.0} ms of {}",
        times[times.len() / 2],
        times[times.len() - 1],
        times.len()
    );
    page.play(&format!("expectNoMessages({GRAPHICS})"));
}

#[test]
fn the_last_twelve_views_stay_and_older_ones_are_closed() {
    let world = World::with("jobs: 20\n");
    let tasks: Vec<String> = (0..14).map(|number| format!("T{number}")).collect();
    let server = world.serve();
    for task in &tasks {
        world.task(task, &format!("%out hello from {task}\n%hang\n"));
        world.detach("job", task);
    }
    let mut page = Page::at(&world, &server, "/now");
    page.wait("all are listed", "document.querySelectorAll('.now-item[data-group=running]').length === 14");
    play(
        &mut page,
        &format!(
            r#"
            for (const task of {}) {{
              await choose(task);
              await page.locator(".view:not(.out) .log-lines").getByText(`hello from ${{task}}`).waitFor();
            }}
            same(await page.locator(".view").count(), 12, "views");
            same(await page.locator(".view [data-task=T0], .view [data-task=T1]").count(), 0, "the oldest are closed");
            await choose("T0");
            await page.locator(".view:not(.out) .log-lines").getByText("hello from T0").waitFor();
            "#,
            json!(tasks)
        ),
    );
    wait_until("only the kept views follow a log", || {
        let open = server.get("/metrics").text();
        let line = open.lines().find(|line| line.starts_with("dispatch_ws_open ")).unwrap_or_default().to_owned();
        // Twelve logs and the events.
        is(line == "dispatch_ws_open 13", line)
    });
    expect(&mut page, "queued", "");
    page.assert_silent();
}

#[test]
fn what_arrives_is_marked_and_no_row_moves_under_the_pointer() {
    let world = World::new();
    for task in ["A", "B", "C"] {
        world.task(task, "%until end\n");
    }
    let server = world.serve();
    for task in ["B", "A"] {
        let run = world.detach("job", task);
        world.agent_ready(&run);
    }
    let mut page = Page::at(&world, &server, "/now");
    expect(&mut page, "running", "job/A,job/B");
    let marked = "[...document.querySelectorAll('.now-item.new')].map((item) => item.dataset.task).join()";
    assert_eq!(page.eval(marked), "", "what was there at first is not new");
    // The pointer moves over the list until the test lets it rest.
    play(
        &mut page,
        r#"
        await page.evaluate(() => {
          const row = document.querySelector('.now-item[data-task="B"]');
          globalThis.moving = setInterval(() => row.dispatchEvent(new PointerEvent("pointermove", { bubbles: true })), 50);
        });
        "#,
    );
    let run = world.detach("job", "C");
    world.agent_ready(&run);
    page.wait("the new run is marked", &format!("{marked} === 'C'"));
    let dot = "getComputedStyle(document.querySelector('.now-item.new .now-task'), '::after').width";
    assert_eq!(page.eval(dot), "7px");
    expect(&mut page, "running", "job/A,job/B,job/C");
    play(&mut page, "await page.evaluate(() => clearInterval(globalThis.moving))");
    // The latest start is the first one once the pointer rests.
    expect(&mut page, "running", "job/C,job/A,job/B");
    assert_eq!(page.eval(marked), "C", "it stays marked until it is chosen");
    play(&mut page, r#"await choose("A"); await choose("C");"#);
    page.wait("it is not new any more", &format!("{marked} === ''"));
    world.write("end", "");
    page.assert_silent();
}

//! The real `claude` in the terminal of a run's page: the wheel reads back and leaves alone what is half written.

use std::time::Duration;

use serde_json::json;

use crate::browser::Page;
use crate::real_claude::Stage;
use crate::waiting::{is, wait_for};

const SCREEN: &str = "(() => { const t = document.getElementById('terminal')?.terminal; if (!t) return ''; const b = t.buffer.active; return Array.from({ length: t.rows }, (_, y) => b.getLine(b.viewportY + y)?.translateToString(true) ?? '').join('\\n'); })()";
const SOON: Duration = Duration::from_secs(60);

#[track_caller]
fn wait_screen(page: &mut Page, text: &str) {
    wait_for(SOON, &format!("{text:?} is shown"), || {
        let shown = page.ask(&json!({ "eval": SCREEN }))?;
        is(shown.as_str().is_some_and(|shown| shown.contains(text)), shown.to_string())
    });
}

#[test]
fn the_wheel_reads_back_and_a_half_written_answer_stays() {
    let stage = Stage::new();
    stage.dispatch("text,tokens=4000", "run -q --attach none interactive TASK-1").notes().succeeds();
    let run = stage.status("interactive")["runId"].as_str().unwrap().to_owned();
    wait_for(SOON, "its first turn is over", || {
        let record = std::fs::read_to_string(stage.world.run_folder(&run).join("agent.json")).unwrap_or_default();
        is(record.contains("\"idle\""), record)
    });
    let server = stage.world.serve();
    let mut page = Page::at(&stage.world, &server, &format!("/runs/{run}"));
    page.wait("the terminal is connected", "document.querySelector('.term-box')?.dataset.link === 'live'");
    page.play("await page.evaluate(() => document.getElementById('terminal').terminal.focus()); await page.keyboard.type('half of an answer')");
    wait_screen(&mut page, "half of an answer");
    page.play(
        r#"
        await page.locator(".term-box").hover();
        for (let notch = 0; notch < 3; notch++) await page.mouse.wheel(0, -120);
        await until("the scrollback is shown", () => document.querySelector(".past .xterm-rows") !== null);
        for (let notch = 0; notch < 30; notch++) await page.mouse.wheel(0, -120);
        await page.keyboard.press("PageUp");
        await page.keyboard.press("Escape");
        await until("it is closed", () => document.querySelector(".past") === null);
        for (let notch = 0; notch < 3; notch++) await page.mouse.wheel(0, 120);
        await page.keyboard.type(", and the rest");
        "#,
    );
    wait_screen(&mut page, "half of an answer, and the rest");
    page.play("await page.keyboard.press('Enter')");
    wait_for(SOON, "it received that and nothing else", || {
        let requests = stage.requests();
        let mut reported = requests.iter().filter_map(|request| request["last_user"].as_str());
        is(
            reported.clone().any(|reported| reported.trim() == "half of an answer, and the rest"),
            format!("{:?}", reported.next_back()),
        )
    });
    drop(page);
    server.assert_alive();
}

//! The terminal on a run's page, used as a person uses it: what is typed, pasted and sent arrives once and in
//! order, and the wheel reads back and types nothing.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::browser::Page;
use crate::server::Server;
use crate::waiting::{is, wait_for, wait_until};
use crate::world::World;

/// What the live terminal of the page shows.
const SCREEN: &str = "(() => { const t = document.getElementById('terminal')?.terminal; if (!t) return ''; const b = t.buffer.active; return Array.from({ length: t.rows }, (_, y) => b.getLine(b.viewportY + y)?.translateToString(true) ?? '').join('\\n'); })()";

/// What is shown of its scrollback; empty where that is closed.
const PAST: &str =
    "[...document.querySelectorAll('.past .xterm-rows > div')].map((row) => row.textContent.trimEnd()).join('\\n')";

/// The page of a window whose agent executes `body`, once its terminal is connected.
#[track_caller]
fn open(world: &World, body: &str) -> (Server, Page, String) {
    world.task("A", body);
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let run = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    let server = world.serve();
    let mut page = Page::at(world, &server, &format!("/runs/{run}"));
    page.wait("the terminal is connected", "document.querySelector('.term-box')?.dataset.link === 'live'");
    page.play("await page.evaluate(() => document.getElementById('terminal').terminal.focus())");
    (server, page, run)
}

#[track_caller]
fn wait_text(page: &mut Page, what: &str, text: &str) {
    wait_until(&format!("{text:?} is shown"), || {
        let shown = page.ask(&json!({ "eval": what }))?;
        is(shown.as_str().is_some_and(|shown| shown.contains(text)), shown.to_string())
    });
}

#[test]
fn a_paste_of_a_mebibyte_arrives_equal_and_what_is_typed_after_it_stands_behind_it() {
    const SIZE: usize = 1 << 20;
    let world = World::new();
    let sh = format!("stty raw -echo; echo rea''dy; head -c {} > ../part; mv ../part ../got; stty sane", SIZE + 4);
    let (server, mut page, _) = open(&world, &format!("%sh {sh}\n%hang\n"));
    wait_text(&mut page, SCREEN, "ready");
    // Characters of several bytes lie across every place where a text may be divided.
    let line = "0123456789 gr\u{fc}n \u{20ac} \u{1f7e2} and a line that goes on";
    let mut paste: String = line.chars().cycle().take(SIZE * 9 / 10).collect();
    paste.extend(std::iter::repeat_n('x', SIZE.saturating_sub(paste.len())));
    while paste.len() > SIZE {
        paste.pop();
    }
    paste.extend(std::iter::repeat_n('x', SIZE - paste.len()));
    world.write("../paste", &paste);
    page.play(&format!(
        r#"
        const text = await (await import("node:fs/promises")).readFile({}, "utf8");
        await page.evaluate((text) => {{
          const data = new DataTransfer();
          data.setData("text/plain", text);
          document.querySelector(".term-box textarea").dispatchEvent(new ClipboardEvent("paste", {{ clipboardData: data, bubbles: true, cancelable: true }}));
        }}, text);
        await page.keyboard.type("tail");
        "#,
        json!(world.project().join("../paste"))
    ));
    wait_for(Duration::from_secs(90), "all of it arrived", || {
        let part = fs::metadata(world.project().join("../part")).map_or(0, |file| file.len());
        is(world.project().join("../got").exists(), format!("{part} {}", page.said()))
    });
    let got = fs::read(world.project().join("../got")).unwrap();
    let wanted = format!("{paste}tail").into_bytes();
    let differs = got.iter().zip(&wanted).position(|(got, sent)| got != sent);
    assert!(got == wanted, "{} bytes; another one at {differs:?}", got.len());
    drop(page);
    server.assert_alive();
}

#[test]
fn fifty_lines_in_a_row_arrive_once_each_in_order_and_the_field_stays_the_persons() {
    let world = World::new();
    let (server, mut page, _) = open(&world, "%sh while read line; do echo \"$line\" >> ../lines; done\n");
    // The last line is typed and not entered.
    page.play(
        r#"
        const field = page.locator(".send input");
        await field.focus();
        for (let number = 1; number <= 50; number++) {
          await page.keyboard.insertText(`line ${number}`);
          await page.keyboard.press("Enter");
          await page.waitForTimeout(25);
        }
        await page.keyboard.insertText("typed meanwhile");
        "#,
    );
    let wanted: String = (1..=50).map(|number| format!("line {number}\n")).collect();
    wait_for(Duration::from_secs(60), "all lines arrived", || {
        let got = fs::read_to_string(world.project().join("../lines")).unwrap_or_default();
        is(got.lines().count() >= 50, got)
    });
    page.wait("none waits", "document.querySelector('.behind').textContent === ''");
    assert_eq!(fs::read_to_string(world.project().join("../lines")).unwrap(), wanted);
    assert_eq!(page.eval("document.querySelector('.send input').value"), "typed meanwhile");
    drop(page);
    server.assert_alive();
}

#[test]
fn lines_that_the_server_refuses_are_given_back() {
    let world = World::new();
    let (server, mut page, _) = open(&world, "%sh while read line; do echo \"$line\" >> ../lines; done\n");
    // The network is what fails, and then comes back.
    page.play(
        r#"
        let refuse = true;
        globalThis.accept = () => { refuse = false; };
        await page.route("**/api/send/**", (route) => refuse
          ? route.fulfill({ status: 409, contentType: "application/json", body: JSON.stringify({ error: { code: "conflict", message: "not now", hint: "later" } }) })
          : route.continue());
        const field = page.locator(".send input");
        await field.focus();
        await page.keyboard.insertText("alone");
        await page.keyboard.press("Enter");
        await until("it is back", () => document.querySelector(".send input").value === "alone");
        await until("it is said", () => document.getElementById("toasts").textContent.includes("Not sent: not now"));
        await page.evaluate(() => {
          const form = document.querySelector(".send");
          for (const text of ["one", "two"]) { form.elements.text.value = text; form.requestSubmit(); }
          form.elements.text.value = "typed meanwhile";
        });
        await until("both are listed", () => document.querySelectorAll(".unsent .line").length === 2);
        same(await page.evaluate(() => [...document.querySelectorAll(".unsent .line")].map((e) => e.textContent)), ["one", "two"], "in order");
        same(await field.inputValue(), "typed meanwhile", "the field");
        while (await page.locator(".toast .away").count()) await page.locator(".toast .away").first().click();
        await page.locator(".unsent button", { hasText: "Edit" }).first().click();
        same(await field.inputValue(), "one", "the line is in the field");
        same(await page.evaluate(() => [...document.querySelectorAll(".unsent .line")].map((e) => e.textContent)), ["typed meanwhile", "two"], "what stood there took its place");
        await field.fill("");
        "#,
    );
    page.assert_accessible("lines that were given back");
    page.play("accept(); await page.locator('.unsent .again button').click()");
    wait_until("they arrived", || {
        let got = fs::read_to_string(world.project().join("../lines")).unwrap_or_default();
        is(got == "typed meanwhile\ntwo\n", got)
    });
    assert_eq!(page.eval("document.querySelector('.unsent').hidden"), true);
    drop(page);
    server.assert_alive();
}

/// Three notches up with the mouse over the terminal.
const WHEEL_UP: &str =
    "await page.locator('.term-box').hover(); for (let notch = 0; notch < 3; notch++) await page.mouse.wheel(0, -120);";

#[test]
fn the_wheel_reads_back_and_types_nothing() {
    let world = World::new();
    // What arrives is kept, so that a key which came without being typed would be seen.
    let sh = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo \"row number $i.\"; done; stty raw -echo; cat > ../typed";
    let (server, mut page, run) = open(&world, &format!("%sh {sh}\n%hang\n"));
    wait_text(&mut page, SCREEN, "row number 300.");
    page.play("await page.keyboard.type('half a line')");
    let typed = || fs::read_to_string(world.project().join("../typed")).unwrap_or_default();
    wait_until("it is there", || is(typed() == "half a line", typed()));
    page.play(WHEEL_UP);
    page.wait("the scrollback is shown", "document.querySelector('.past') !== null");
    // On and on to its first line, at the same place as any scroll bar would bring one.
    page.play(
        r#"
        await until("it has begun", () => document.querySelectorAll(".past .xterm-rows > div").length > 1);
        for (let turn = 0; turn < 100; turn++) await page.mouse.wheel(0, -1200);
        "#,
    );
    wait_text(&mut page, PAST, "row number 1.");
    page.assert_accessible("a terminal that is read back");
    // The pane has not entered a mode: other viewers see no change.
    let modes = world.panes("#{pane_start_command} #{pane_in_mode}");
    assert!(modes.iter().any(|row| row.contains(&run) && row.ends_with(" 0")), "{modes:?}");
    // Back by the wheel, too.
    page.play("for (let turn = 0; turn < 100; turn++) await page.mouse.wheel(0, 1200);");
    page.wait("the live screen is back", "document.querySelector('.past') === null");
    page.play(WHEEL_UP);
    page.wait("the scrollback is shown again", "document.querySelector('.past .xterm-rows') !== null");
    // Keys that scroll type nothing; what is typed goes to the program and closes it.
    page.play(
        r#"
        for (const key of ["PageUp", "ArrowUp", "Home", "ArrowDown", "PageDown", "End", "Escape"]) await page.keyboard.press(key);
        await until("it is closed", () => document.querySelector(".past") === null);
        await page.keyboard.press("Shift+PageUp");
        await until("it is open by a key", () => document.querySelector(".past .xterm-rows") !== null);
        await page.locator(".past-head button").click();
        await page.locator(".back").click();
        await until("it is open by the button", () => document.querySelector(".past .xterm-rows") !== null);
        await page.keyboard.type(", and the rest");
        "#,
    );
    wait_until("what was typed arrived, and nothing else", || is(typed() == "half a line, and the rest", typed()));
    page.wait("the live screen is back", "document.querySelector('.past') === null");
    drop(page);
    server.assert_alive();
}

#[test]
fn a_program_that_wants_the_mouse_gets_the_wheel() {
    let world = World::new();
    let sh = "printf '\\033[?1000h\\033[?1006hready'; stty raw -echo; cat > ../typed";
    let (server, mut page, _) = open(&world, &format!("%sh {sh}\n%hang\n"));
    wait_text(&mut page, SCREEN, "ready");
    world.tmux(&["set-option", "-g", "mouse", "on"]);
    page.wait(
        "tmux asks for the mouse",
        "document.getElementById('terminal').terminal.modes.mouseTrackingMode !== 'none'",
    );
    page.play(WHEEL_UP);
    wait_until("the program has it", || {
        let typed = fs::read_to_string(world.project().join("../typed")).unwrap_or_default();
        is(typed.starts_with("\u{1b}[<64;"), typed)
    });
    assert_eq!(page.eval("document.querySelector('.past')"), serde_json::Value::Null);
    drop(page);
    server.assert_alive();
}

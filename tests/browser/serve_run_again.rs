//! Where a start leads: to its run, with what was given for the run before it, and what the run was sent.

use std::fs;

use serde_json::json;

use crate::browser::Page;
use crate::world::World;

const HOSTILE: &str = "</pre><script>window.took = 1</script><img src=x onerror=\"window.took = 2\">";

#[test]
fn run_again_keeps_what_was_given_and_leads_to_the_new_run() {
    let world = World::new();
    world.task("A", "%out x\n");
    let server = world.serve();
    let extras = ["--say=two\nlines", "", HOSTILE];
    let body = json!({ "prompt": format!("Say {HOSTILE}\n  and more "), "extras": extras });
    let first = server.post("/dispatch/job/A", &body.to_string()).json()["runId"].as_str().unwrap().to_owned();
    world.wait_state("job", "A", "succeeded");
    let mut page = Page::at(&world, &server, &format!("/runs/{first}"));
    page.play(
        r#"
        await page.keyboard.press("r");
        const dialog = page.locator("dialog[open]");
        await dialog.getByText("What the agent gets").waitFor();
        expect((await dialog.locator("[name=prompt]").inputValue()).endsWith("and more "), "the extra prompt is kept");
        await page.keyboard.press("Control+Enter");
        await dialog.waitFor({ state: "detached" });
        "#,
    );
    page.wait(
        "the new run is shown",
        &format!("location.pathname.startsWith('/runs/') && location.pathname !== '/runs/{first}'"),
    );
    let second = world.wait_state("job", "A", "succeeded")["runId"].as_str().unwrap().to_owned();
    assert_eq!(page.eval("location.pathname"), format!("/runs/{second}"));
    assert_eq!(world.saw_words(&second, "argv")[1..], extras);
    assert_eq!(world.saw(&second, "stdin"), world.saw(&first, "stdin"), "the same prompt");
    // From the board and from the task's page a link leads there.
    for path in ["/", "/tasks/A"] {
        page.go(&server, path);
        page.play(
            r#"
            await page.locator(".row, .about").first().locator("[data-act=run]").first().click();
            const dialog = page.locator("dialog[open]");
            await dialog.locator("input[value=job]").check();
            await page.keyboard.press("Control+Enter");
            await page.locator(".toast a").click();
            await page.waitForURL(/runs/);
            "#,
        );
        let run = world.wait_state("job", "A", "succeeded")["runId"].as_str().unwrap().to_owned();
        assert_eq!(page.eval("location.pathname"), format!("/runs/{run}"), "{path}");
    }
    page.assert_silent();
}

#[test]
fn what_was_sent_is_shown_without_any_value_of_a_variable() {
    let world = World::new();
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", format!("{manifest}env: {{ OWN_NAME: secret-value }}\npass_env: [OTHER_NAME]\n"));
    world.task("A", &format!("%out x\n{HOSTILE}\n"));
    let server = world.serve();
    let run = server.post("/dispatch/job/A", r#"{"prompt":"Given words","extras":["--flag=a b"]}"#).json()["runId"]
        .as_str()
        .unwrap()
        .to_owned();
    world.wait_state("job", "A", "succeeded");
    let sent = server.get(&format!("/api/runs/{run}/prompt")).json();
    assert_eq!((&sent["given"], &sent["extras"]), (&json!("Given words"), &json!(["--flag=a b"])));
    assert_eq!(
        (&sent["env"], &sent["passEnv"], &sent["delivery"]),
        (&json!(["OWN_NAME"]), &json!(["OTHER_NAME"]), &json!("stdin"))
    );
    assert_eq!(sent["prompt"].as_str().unwrap().as_bytes(), world.saw(&run, "stdin"));
    assert!(!sent.to_string().contains("secret-value"), "{sent}");
    assert_eq!(server.get("/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/prompt").status, 404);
    let mut page = Page::at(&world, &server, &format!("/runs/{run}"));
    // By keyboard: the tabs are one stop.
    page.play(
        r##"
        await page.getByRole("tab", { name: "Log" }).focus();
        await page.keyboard.press("ArrowRight");
        await page.getByRole("tabpanel", { name: "Prompt" }).getByText("OWN_NAME").waitFor();
        same(await page.getByRole("tab", { name: "Prompt" }).getAttribute("aria-selected"), "true", "it is chosen");
        expect(!await page.locator("#log").isVisible(), "the log is behind it");
        "##,
    );
    let shown = page.eval("document.querySelector('#prompt pre').textContent");
    assert_eq!(shown, sent["prompt"]);
    page.wait_for_text("--flag=a b");
    assert_eq!(
        page.eval("[window.took ?? null, document.querySelectorAll('#prompt :is(script, img)').length]"),
        json!([null, 0])
    );
    page.assert_accessible_everywhere("the prompt");
    // It stays through a change of the page and a reload.
    page.reload();
    page.wait_for_text("OWN_NAME");
    page.play(
        r##"
        await page.getByRole("tab", { name: "Log" }).click();
        await until("the log is there", "document.querySelector('#log').checkVisibility()");
        same(await page.evaluate("location.search"), "", "the address is plain again");
        "##,
    );
    page.assert_silent();
}

#[test]
fn resume_of_a_job_asks_what_to_say_and_leads_to_the_new_run() {
    let world = World::with("  ask: { agent: speaks, prompt: first }\n");
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    // An agent that is started as `claude` is; without a result, its runs fail.
    let speaks = "agents:\n  speaks: { headless: [fake], prompt: stdin, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", speaks, 1));
    world.task("A", "x\n");
    let first = world.detach("ask", "A");
    world.wait_state("ask", "A", "failed");
    let server = world.serve();
    let mut page = Page::at(&world, &server, &format!("/runs/{first}"));
    page.play(
        r#"
        await page.keyboard.press("Shift+R");
        const dialog = page.getByRole("dialog", { name: "Resume ask A" });
        await dialog.waitFor();
        await page.keyboard.press("Control+Enter");
        await dialog.getByText("Say something first").waitFor();
        "#,
    );
    page.assert_accessible_everywhere("resume");
    page.play(
        r#"
        await page.keyboard.type("And now the tests");
        await page.keyboard.press("Control+Enter");
        "#,
    );
    page.wait(
        "the new run is shown",
        &format!("location.pathname.startsWith('/runs/') && location.pathname !== '/runs/{first}'"),
    );
    let second = world.wait_state("ask", "A", "failed")["runId"].as_str().unwrap().to_owned();
    assert_eq!(page.eval("location.pathname"), format!("/runs/{second}"));
    assert!(String::from_utf8(world.saw(&second, "stdin")).unwrap().contains("And now the tests"));
    assert!(world.saw_words(&second, "argv").contains(&"--resume".to_owned()));
    page.assert_silent();
}

#[test]
fn a_log_has_times_markdown_folds_and_its_first_error() {
    let world = World::new();
    let event =
        |text: &str| json!({ "type": "assistant", "message": { "content": [{ "type": "text", "text": text }] } });
    let call = |id: &str| json!({ "type": "assistant", "message": { "content": [{ "type": "tool_use", "id": id, "name": "Bash", "input": { "command": "ls" } }] } });
    let answer = |id: &str, failed: bool| json!({ "type": "user", "timestamp": "2026-11-22T08:26:21.665Z", "message": { "content": [{ "type": "tool_result", "tool_use_id": id, "content": "out", "is_error": failed }] } });
    let prose = format!(
        "# Head\n\nSome **bold**, *soft* and `code` with {HOSTILE}\n\n- one\n  - two\n1. three\n\n```sh\necho <b>\n```\n> quote\n[words](https://example.test/a) [no](javascript:window.took=3) ![p](https://evil.test/p.png)"
    );
    let mut lines = vec![json!({ "type": "system", "subtype": "init" }), event(&prose), call("a"), answer("a", false)];
    lines.extend((0..400).map(|n| event(&format!("Message {n}"))));
    lines.extend([call("bad"), answer("bad", true)]);
    lines.extend((0..400).map(|n| event(&format!("Later {n}"))));
    lines.push(event(&"*a `b ".repeat(20_000)));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    world.write("../stream", text);
    world.task("A", "%sh cat ../stream\n%exit 0\n");
    let run = world.detach("job", "A");
    world.wait_state("job", "A", "succeeded");
    let server = world.serve();
    let mut page = Page::at(&world, &server, &format!("/runs/{run}"));
    page.wait("it is readable", "document.querySelectorAll('.reads .said').length > 50");
    page.wait(
        "its messages have times",
        "/\\d:\\d\\d/.test([...document.querySelectorAll('.reads .event')].at(-1).querySelector('.edge')?.textContent)",
    );
    page.play("await page.locator('.log-lines').focus(); await page.keyboard.press('e')");
    page.wait(
        "the first error is shown",
        "document.querySelector('.hit') && document.querySelector('details.failed .answer.bad')",
    );
    page.play("await page.locator('.log-lines').focus(); await page.keyboard.press('Home')");
    page.wait("its start is shown", "document.querySelector('.md-head')?.textContent === 'Head'");
    page.play(
        r##"
        const text = (selector) => page.locator(`.reads .said ${selector}`).allTextContents();
        same((await text("strong"))[0], "bold", "strong words");
        same((await text("em"))[0], "soft", "soft words");
        same((await text("code"))[0], "code", "code");
        same((await text(".md-code"))[0], "echo <b>", "a block of code");
        same((await text(".md-item")).map((item) => item.replace(/\s+/g, " ")), ["• one", "• two", "1. three"], "a list");
        same((await text(".md-quote"))[0], "quote", "a quote");
        same(await page.locator(".reads .said a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))), ["https://example.test/a", "https://evil.test/p.png"], "links");
        same(await page.evaluate("[window.took ?? null, document.querySelectorAll('.log-lines :is(script, img)').length]"), [null, 0], "text stays text");
        same(await page.evaluate("[...document.querySelectorAll('.reads details')].some((part) => part.open)"), false, "all is folded");
        await page.keyboard.press("o");
        await until("all is unfolded", "[...document.querySelectorAll('.reads details')].every((part) => part.open)");
        same(await page.locator(".fold").textContent(), "Fold all", "the button says what it does");
        "##,
    );
    page.assert_accessible_everywhere("messages");
    page.play(
        r#"
        await page.keyboard.press("o");
        await until("all is folded", "[...document.querySelectorAll('.reads details')].every((part) => !part.open)");
        "#,
    );
    page.assert_silent();
    drop(page);
    server.assert_alive();
}

//! A review of a task's changes: comments on lines, their drafts, and where they are sent.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::git::{WORKTREES, commit, tree, world};
use crate::world::World;

const STAGE: &str = r#"
const dialog = page.locator("dialog[open]");
const diff = async () => { await page.locator(".about, .run-acts").getByRole("button", { name: "Diff" }).click(); await dialog.locator(".diff-sum").waitFor(); };
const line = (text) => dialog.locator(".d-line", { hasText: text });
const send = dialog.getByRole("button", { name: "Send to agent" });
"#;

fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

const HOSTILE: &str = "</textarea><script>window.took = 1</script><img src=x onerror=\"window.took = 2\">";

#[test]
fn comments_on_lines_are_kept_and_sent_to_the_window() {
    let (world, tree) = world();
    commit(&world, &tree, "src/a.txt", &format!("one\n2 {HOSTILE}\nthree\nfour\n"));
    fs::write(tree.join("new\u{202e}<b>"), "fresh\n").unwrap();
    world.task("T", "%ask\n%hang\n");
    world.dispatch("run -q --attach none talk T").notes().succeeds();
    let run = world.wait_state("talk", "T", "running")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/T");
    page.play(&format!("globalThis.hostile = {}", json!(HOSTILE)));
    // By mouse: on an added line and on a removed one.
    play(
        &mut page,
        r#"
        await diff();
        expect(await send.isDisabled(), "there is nothing to send");
        await dialog.locator(".diff-file[data-path='src/a.txt'] .d-added").first().hover();
        await line("+2 ").click();
        await page.keyboard.type(`Why? ${hostile}`);
        await dialog.locator(".d-removed", { hasText: "-two" }).click();
        await page.keyboard.type("Keep this");
        await dialog.getByText("2 comments").waitFor();
        same(await dialog.locator("textarea").count(), 2, "two comments");
        same(await dialog.locator("textarea").first().getAttribute("aria-label"), "Comment on src/a.txt line 2", "it says where");
        "#,
    );
    page.assert_accessible_everywhere("a review");
    // A draft outlives the dialog and the page.
    page.reload();
    page.wait_for_text("The T");
    play(
        &mut page,
        r#"
        await diff();
        await dialog.getByText("2 comments").waitFor();
        same((await dialog.locator("textarea").evaluateAll((boxes) => boxes.map((box) => box.value))).sort(), ["Keep this", `Why? ${hostile}`], "they are as they were");
        "#,
    );
    // A line that has changed meanwhile: its comment stays.
    commit(&world, &tree, "src/a.txt", &format!("one\ntwo\n2 {HOSTILE}\nthree\nfour\n"));
    page.reload();
    page.wait_for_text("The T");
    play(
        &mut page,
        r#"
        await diff();
        await dialog.getByText("Comments on lines that have changed").waitFor();
        await dialog.locator(".review-lost button").first().click();
        await dialog.getByText("1 comment", { exact: true }).waitFor();
        "#,
    );
    // By keyboard alone.
    play(
        &mut page,
        r#"
        while (!await page.evaluate("document.activeElement.matches('.diff-file[data-path=\"src/a.txt\"] pre')")) await page.keyboard.press("Tab");
        for (let turn = 0; turn < 20 && !await page.evaluate("document.activeElement.textContent === '+four\\n'"); turn++) await page.keyboard.press("ArrowDown");
        await page.keyboard.press("Enter");
        await page.keyboard.type("Is this the last?");
        await page.keyboard.press("Escape");
        expect(await page.evaluate("document.activeElement.textContent === '+four\\n' && document.querySelector('dialog[open]') !== null"), "the focus is back on the line");
        await page.keyboard.press("c");
        await page.keyboard.press("Control+Enter");
        await dialog.waitFor({ state: "detached" });
        await page.locator(".toast", { hasText: "Sent to talk of T" }).getByRole("link").waitFor();
        "#,
    );
    let answer = world.answer(&run);
    assert!(answer.starts_with("Review of T on branch task/t: 2 comments"), "{answer}");
    assert_eq!(
        page.eval("[window.took ?? null, document.querySelectorAll('dialog img, dialog script').length]"),
        json!([null, 0])
    );
    // What was sent is no draft any more.
    assert_eq!(page.eval("Object.keys(localStorage).filter((key) => key.startsWith('dispatch.review')).length"), 0);
    page.assert_silent();
}

#[test]
fn without_a_window_the_comments_start_a_run_that_resumes() {
    let modes = "  ask: { agent: speaks, prompt: first }\n";
    let world = World::with(&format!("{modes}{WORKTREES}"));
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let speaks = "agents:\n  speaks: { headless: [fake], prompt: stdin, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", speaks, 1));
    world.task("T", "x\n");
    world.write("a.txt", "one\n");
    world.git_init();
    let tree = tree(&world, "T");
    commit(&world, &tree, "a.txt", "two\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/T");
    play(
        &mut page,
        r#"
        await diff();
        await dialog.getByText("No agent to send to").waitFor();
        same(await send.count(), 0, "nobody would get it");
        await page.keyboard.press("Escape");
        "#,
    );
    let first = world.detach("ask", "T");
    world.wait_state("ask", "T", "failed");
    page.go(&server, &format!("/runs/{first}"));
    play(
        &mut page,
        r#"
        await diff();
        await dialog.locator(".d-added").hover();
        await line("+two").click();
        await page.keyboard.type("Say three");
        await send.click();
        await dialog.waitFor({ state: "detached" });
        "#,
    );
    page.wait(
        "its run is shown",
        &format!("location.pathname.startsWith('/runs/') && location.pathname !== '/runs/{first}'"),
    );
    let second = world.wait_state("ask", "T", "failed")["runId"].as_str().unwrap().to_owned();
    assert_eq!(page.eval("location.pathname"), format!("/runs/{second}"));
    let stdin = String::from_utf8(world.saw(&second, "stdin")).unwrap();
    assert!(stdin.contains("a.txt:1\n> +two\nSay three\n"), "{stdin}");
    assert!(world.saw_words(&second, "argv").contains(&"--resume".to_owned()));
    page.assert_silent();
}

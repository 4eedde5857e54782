//! The dialog that runs a task: what it shows before, what arrives, and the keyboard.

use std::fs;

use serde_json::json;

use crate::browser::Page;
use crate::serve_task_page::{play, tree};
use crate::world::World;

#[test]
fn what_is_typed_is_shown_before_and_arrives_byte_for_byte() {
    let world = World::new();
    world.task("A", "%out x\n").task("B", "%out x\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/A");
    let prompt = "Say \"hello\" to 日本,\n\n  'quoted' $HOME `id` \\n <b>&amp;</b>\ttab 🙂 and no more ";
    let extras = ["--say=a  b", "", "'$(id)'", "日本 \"x\"", "-- -x"];
    let typed = json!([prompt, extras.join("\n")]);
    play(
        &mut page,
        &format!(
            "const [prompt, extras] = {typed};{}",
            r#"
        await page.keyboard.press("r");
        await dialog.waitFor();
        expect(!await dialog.locator("input[name=mode]:checked").count(), "nobody chose a mode yet");
        await dialog.getByRole("button", { name: "Run" }).click();
        await dialog.getByText("Choose a mode first").waitFor();
        await dialog.locator("input[value=job]").check();
        await preview.getByText("%out x").waitFor();
        const before = await preview.locator(".prompt").textContent();
        await dialog.locator("[name=prompt]").fill(prompt);
        await preview.locator("mark").waitFor();
        same(await preview.locator(".prompt").textContent(), before.trimEnd() + "\n\n" + prompt, "the prompt that is shown");
        await dialog.locator("[name=extras]").fill(extras);
        await preview.getByText("--say=a  b").waitFor();
        same(await preview.locator("dd code").first().textContent(), `fake '--say=a  b' '' ''\\''$(id)'\\''' '日本 "x"' '-- -x'`, "the command");
        await dialog.locator("[name=extras]").focus();
        await page.keyboard.press("Control+Enter");
        await dialog.waitFor({ state: "detached" });
        await badge("job/A", "succeeded").waitFor();
    "#
        ),
    );
    let run = world.status("job", "A")["runId"].as_str().unwrap().to_owned();
    let stdin = String::from_utf8(world.saw(&run, "stdin")).unwrap();
    assert!(stdin.ends_with(&format!("\n\n{prompt}")), "{stdin:?}");
    assert_eq!(world.saw_words(&run, "argv")[1..], extras);
    // The other mode is shown with its prompt, and a refusal appears in the dialog.
    fs::write(
        world.project().join("dispatch.yaml"),
        format!("{}  gone: {{ agent: fake, cwd: missing, prompt: p }}\n", crate::world::BASE),
    )
    .unwrap();
    play(
        &mut page,
        r#"
        await page.keyboard.press("r");
        await dialog.waitFor();
        await dialog.locator("input[value=talk]").check();
        await preview.getByText("The prompt is its last argument").waitFor();
        await dialog.locator("input[value=gone]").check();
        await preview.getByText("It cannot be run so").waitFor();
        await dialog.getByRole("button", { name: "Run" }).click();
        await dialog.locator(".said").getByText("missing").waitFor();
        await dialog.locator("input[value=talk]").check();
        await dialog.getByRole("button", { name: "Run" }).click();
        await dialog.waitFor({ state: "detached" });
        const open = page.locator(".toast", { hasText: "A talk" }).getByRole("link");
        await open.waitFor();
        same(await open.getAttribute("href"), `/runs/${await badge("talk/A").getAttribute("href").then((href) => href.split("/")[2])}`, "its page is offered");
    "#,
    );
    page.play("expectNoMessages(/Failed to load resource/)");
}

#[test]
fn the_dialog_is_worked_by_keyboard_alone() {
    let world = World::with("  other: { agent: fake, description: Another one, prompt: p }\n");
    tree(&world);
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    play(
        &mut page,
        r#"
        await page.keyboard.press("/");
        await page.keyboard.type("LONE");
        await until("it is found", "document.querySelectorAll('.row').length === 1");
        await page.keyboard.press("Escape");
        await page.keyboard.press("j");
        await page.keyboard.press("r");
        await dialog.waitFor();
        expect(await dialog.getAttribute("aria-labelledby") === "run-title", "it has a name");
        expect(!await dialog.getByText("with its subtasks").count(), "it has none");
        same(await focused(), "job", "the modes come first");
        await page.keyboard.press("Space");
        await preview.getByText("%out x").waitFor();
        await page.keyboard.press("ArrowDown");
        // The preview of the first mode stays until the next one replaces it; the focus must not be in it then.
        await until("its preview is there", "!document.querySelector('dialog .preview').hasAttribute('aria-busy')");
        same(await focused(), "other", "the next one");
        const stops = [];
        for (let n = 0; n < 9; n++) { await page.keyboard.press("Tab"); stops.push(await focused()); }
        same(stops, ["prompt", "extras", "force", "resume", "prompt", "cancel", "main go", "other", "prompt"], "Tab goes round");
        await page.keyboard.press("Shift+Tab");
        await page.keyboard.press("Shift+Tab");
        same(await focused(), "main go", "and back");
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
        same(await page.evaluate("document.activeElement.dataset.task"), "LONE", "focus is back where it was");
        await page.keyboard.press("r");
        await dialog.waitFor();
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("ArrowUp");
        same(await focused(), "job", "a mode");
        await page.keyboard.press("Enter");
        await dialog.waitFor({ state: "detached" });
        await badge("job/LONE", "succeeded").waitFor();
        same(await page.evaluate("document.activeElement.dataset.task"), "LONE", "focus is back where it was");
    "#,
    );
    page.go(&server, "/tasks/P");
    play(
        &mut page,
        r#"
        await page.keyboard.press("r");
        await dialog.waitFor();
        await dialog.getByLabel("with its subtasks, in order").waitFor();
    "#,
    );
    page.assert_accessible("the dialog");
    play(
        &mut page,
        r#"
        await dialog.locator("input[value=other]").check();
        await dialog.getByLabel("with its subtasks, in order").check();
        await page.keyboard.press("Control+Enter");
        await dialog.waitFor({ state: "detached" });
        await badge("other/D", "succeeded").waitFor();
    "#,
    );
    page.assert_silent();
}

//! Pages while the manifest has errors, from the start of the server on.

use serde_json::json;

use crate::browser::Page;
use crate::editor;
use crate::world::{BASE, World};

#[test]
fn a_manifest_that_is_broken_from_the_start_is_repaired_in_the_browser() {
    let world = World::bare();
    world.write("dispatch.yaml", format!("{BASE}odd: <b>1</b>\n"));
    world.task("A", "x");
    let server = world.serve_by(world.dispatch("serve --port 0 --json").any_stderr());
    let mut page = Page::at(&world, &server, "/");
    for (path, title) in [("/", "Board"), ("/now", "Now"), ("/plan", "Plan"), ("/tasks/A", "")] {
        page.go(&server, path);
        page.wait_for_text("unknown key `odd` in the manifest");
        page.assert_accessible(&format!("{path} {title} with a broken manifest"));
    }
    page.go(&server, "/");
    page.play(r#"await page.getByRole("link", { name: "Open the editor" }).click(); await page.waitForURL(/edit/)"#);
    // The errors of the answers are in the browser's console.
    editor::play(
        &mut page,
        r#"
        await has("odd:");
        await problems("1 error");
        await content.focus();
        await page.keyboard.press("Control+End");
        for (let left = "odd: <b>1</b>\n".length; left > 0; left--) await page.keyboard.press("Backspace");
        await page.keyboard.press("Control+s");
        await clean();
        "#,
    );
    assert!(!editor::manifest(&world).contains("odd"));
    page.go(&server, "/");
    page.wait_badge("job/A", "never");
    page.play("expectNoMessages(/status of 422/)");
}

#[test]
fn a_page_that_missed_the_repair_finds_it() {
    let world = World::new();
    world.task("A", "x");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/");
    // The server says once that the manifest is broken, and then no event comes.
    let refusal = json!({ "error": { "code": "bad_manifest", "message": "1 error", "problems": [] } });
    page.play(&format!(
        r#"
        // The page that is open would take the refusal, and be gone with it.
        const address = page.url();
        await page.goto("about:blank");
        let refused = 0;
        await page.route(/\/ui\/board/, (route) => refused++ ? route.continue() : route.fulfill({{ status: 422, contentType: "application/json", body: {} }}));
        // It may be shown for a moment only.
        const refusal = page.waitForResponse((answer) => answer.status() === 422);
        await page.goto(address);
        await refusal;
        await page.locator('.row[data-task="A"]').waitFor();
        await page.unroute(/\/ui\/board/);
        "#,
        json!(refusal.to_string())
    ));
    page.play("expectNoMessages(/status of 422/)");
}

//! The editor in the browser: what was typed survives conflicts, reloads, new servers and other tabs.

use serde_json::json;

use crate::browser::Page;
use crate::editor::{manifest, opened, play, wait_for_file};
use crate::server::lasting_port;
use crate::waiting::{is, wait_until};
use crate::world::{BASE, World};

#[test]
fn a_stale_save_shows_both_versions_and_loses_neither() {
    let (world, _server, mut page) = opened();
    let before = manifest(&world);
    play(&mut page, r##"await clean(); await atStart("# mine\n"); await clean();"##);
    world.write("dispatch.yaml", format!("# theirs\n{before}"));
    play(
        &mut page,
        r##"
        await note("was changed by another program or tab");
        await has("# mine");
        await page.keyboard.press("Control+s");
        const side = (name) => page.locator(`.edit-conflict .cm-merge-${name} .cm-line`).first();
        await side("a").waitFor();
        same([await side("a").textContent(), await side("b").textContent()], ["# theirs", "# mine"], "both versions");
    "##,
    );
    assert_eq!(manifest(&world), format!("# theirs\n{before}"), "nothing is written over it");
    page.assert_accessible_everywhere("two versions");
    // A reload keeps both.
    page.reload();
    play(
        &mut page,
        r##"
        await note("Your draft of");
        const side = (name) => page.locator(`.edit-conflict .cm-merge-${name} .cm-line`).first();
        await side("b").waitFor();
        same([await side("a").textContent(), await side("b").textContent()], ["# theirs", "# mine"], "both versions");
        await press("Use the file's text");
        await has("# theirs");
        await page.keyboard.press("Control+z");
        await has("# mine");
        await page.keyboard.press("Control+y");
        await has("# theirs");
        await atStart("# more\n");
        await kept("# more");
    "##,
    );
    world.write("dispatch.yaml", format!("# third\n{before}"));
    play(
        &mut page,
        r##"
        await note("was changed by another program or tab");
        await press("Compare both");
        await page.locator(".edit-conflict .cm-merge-b .cm-line").first().waitFor();
        await press("Save mine over it");
        await state("Saved");
        await has("# more");
    "##,
    );
    assert_eq!(manifest(&world), format!("# more\n# theirs\n{before}"));
    page.play("expectNoMessages(/status of 412/)");
}

#[test]
fn a_draft_survives_a_reload_and_a_new_server() {
    let world = World::new();
    let before = manifest(&world);
    let words = format!("-v serve --port {} --json", lasting_port());
    let server = world.serve_as(&words);
    let mut page = Page::at(&world, &server, "/edit/dispatch.yaml");
    play(&mut page, r##"await clean(); await atStart("# draft one\n"); await kept("# draft one");"##);
    page.reload();
    play(
        &mut page,
        r##"
        await note("Your draft of");
        await has("# draft one");
        await state("Not saved yet");
        await atStart("# draft two\n");
        await kept("# draft two");
    "##,
    );
    server.end();
    let server = world.serve_as(&words);
    page.go(&server, "/edit/dispatch.yaml");
    play(
        &mut page,
        r##"
        await note("Your draft of");
        await has("# draft two\n# draft one");
        await clean();
        await page.keyboard.press("Control+s");
        await state("Saved");
        await until("no draft is left", "!Object.keys(localStorage).some((key) => key.startsWith('dispatch.draft'))");
    "##,
    );
    assert_eq!(manifest(&world), format!("# draft two\n# draft one\n{before}"));
    page.reload();
    play(&mut page, r##"await clean(); same(await page.locator(".edit-notes").textContent(), "", "no draft"); "##);
    // A draft that is given up is gone.
    play(
        &mut page,
        r##"
        await atStart("# three\n");
        await kept("# three");
        await press("Discard changes");
        await until("it is gone", `!(${SHOWN}).includes("# three")`);
        await until("no draft is left", "!Object.keys(localStorage).some((key) => key.startsWith('dispatch.draft'))");
    "##,
    );
    // The browser's room is bounded: of many drafts the oldest are dropped.
    let left = page.eval(
        "import('/assets/edit/draft.js').then((drafts) => { \
         for (let n = 0; n < 20; n++) drafts.keep('/p/' + n, 'x', 'text'); \
         const long = drafts.keep('/p/long', 'x', 'y'.repeat(4 << 20)); \
         const left = Object.keys(localStorage).filter((key) => key.startsWith('dispatch.draft')).length; \
         return [left <= 8, long, drafts.find('/p/19', 'x')?.text ?? null]; })",
    );
    assert_eq!(left, json!([true, false, "text"]));
}

#[test]
fn the_second_of_two_tabs_is_told_what_the_first_saved() {
    let (world, server, mut page) = opened();
    let before = manifest(&world);
    play(&mut page, "await clean();");
    page.tab(1);
    page.go(&server, "/edit/dispatch.yaml");
    play(&mut page, r##"await clean(); await atStart("# second\n"); await kept("# second");"##);
    page.tab(2);
    page.go(&server, "/edit/dispatch.yaml");
    play(
        &mut page,
        r##"
        await has("# second");
        await note("Your draft of");
        await press("Discard changes");
        await atStart("# third\n");
        await page.keyboard.press("Control+s");
        await state("Saved");
    "##,
    );
    wait_for_file(&world, "# third");
    page.tab(1);
    play(&mut page, r##"await note("was changed by another program or tab"); await has("# second");"##);
    page.tab(0);
    play(&mut page, r##"await note("this is its new text"); await has("# third"); await state("Saved");"##);
    assert_eq!(manifest(&world), format!("# third\n{before}"));
    page.assert_silent();
}

#[test]
fn two_tabs_that_save_at_the_same_time_lose_nothing() {
    let (world, server, mut page) = opened();
    let before = manifest(&world);
    play(&mut page, r##"await clean(); await atStart("# first\n"); await kept("# first"); await clean();"##);
    page.tab(1);
    page.go(&server, "/edit/dispatch.yaml");
    // It begins with the draft of the other tab.
    play(
        &mut page,
        r##"
        await note("Your draft of");
        await press("Discard it");
        await until("it is gone", `!(${SHOWN}).includes("# first")`);
        await atStart("# second\n");
        await clean();
        // Both save before either hears of the other.
        await Promise.all(tabs.map((one) => one.evaluate("[...document.querySelectorAll('.edit-bar button.main')].find((button) => button.checkVisibility()).click()")));
    "##,
    );
    wait_until("one of them is saved", || {
        let text = manifest(&world);
        is(text == format!("# first\n{before}") || text == format!("# second\n{before}"), text)
    });
    let (won, lost) = if manifest(&world).starts_with("# first") { (0, 1) } else { (1, 0) };
    let words = ["# first", "# second"];
    page.tab(won);
    play(&mut page, r##"await state("Saved");"##);
    page.tab(lost);
    play(
        &mut page,
        &format!(
            r##"
            const side = (name) => page.locator(`.edit-conflict .cm-merge-${{name}} .cm-line`).first();
            await side("a").waitFor();
            same([await side("a").textContent(), await side("b").textContent()], ["{}", "{}"], "both versions");
            "##,
            words[won], words[lost]
        ),
    );
    // A reload keeps the one that was not saved, and both can be had.
    page.reload();
    play(
        &mut page,
        &format!(
            r##"
            await note("Your draft of");
            await page.locator(".edit-conflict .cm-merge-b .cm-line").first().waitFor();
            await page.getByRole("button", {{ name: "Take this change from the file" }}).first().click();
            await page.locator(".edit-conflict .cm-merge-b .cm-content").focus();
            await page.keyboard.press("Control+Home");
            await page.keyboard.insertText("{}\n");
            await press("Save mine over it");
            await state("Saved");
            "##,
            words[lost]
        ),
    );
    wait_for_file(&world, &format!("{}\n{}\n", words[lost], words[won]));
    page.tab(won);
    play(&mut page, r##"await has("# first"); await has("# second"); await state("Saved");"##);
    page.play("expectNoMessages(/status of 412/)");
}

#[test]
fn line_ends_and_marks_stay_and_broken_files_can_be_opened() {
    let world = World::bare();
    let text = format!("\u{feff}{}", BASE.replace('\n', "\r\n"));
    world.write("dispatch.yaml", &text);
    world.task("T", "x");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/edit/dispatch.yaml");
    play(
        &mut page,
        r##"await clean(); await atStart("# one\n# two\n"); await clean(); await page.keyboard.press("Control+s"); await state("Saved");"##,
    );
    assert_eq!(manifest(&world), format!("\u{feff}# one\r\n# two\r\n{}", BASE.replace('\n', "\r\n")));
    world.write("dispatch.yaml", BASE.replace("version: 1", "version: 2"));
    page.go(&server, "/");
    // The board's banner leads to the line.
    play(
        &mut page,
        r##"
        await page.locator(".banner a", { hasText: "dispatch.yaml:1" }).click();
        await until("the editor is there", "document.querySelector('.edit-host')?.shadowRoot");
        await problems("1 error");
        await until("the cursor is at the line", `${hostOf}.querySelector('.cm-activeLine').textContent === 'version: 2'`);
    "##,
    );
}

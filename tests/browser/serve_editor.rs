//! The editor in the browser: marks, completion, saving, the keyboard, a phone.

use std::fs;

use serde_json::json;

use crate::browser::Page;
use crate::editor::{manifest, opened, play, wait_for_file};
use crate::world::{BASE, World};

#[test]
fn a_mistake_is_marked_while_typing_and_its_fix_is_applied() {
    let world = World::new();
    world.task("T", "x");
    let before = manifest(&world);
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/edit");
    play(
        &mut page,
        r##"
        await clean();
        await state("Saved");
        await atStart("jobss: 3\n");
        await problems("1 error");
        await state("Not saved yet");
        same(await page.locator(".cm-lintRange-error").allTextContents(), ["jobss"], "what is marked");
        const row = page.locator(".edit-problem");
        expect((await row.textContent()).includes("did you mean `jobs`?"), "the fix is in the list");
        await page.keyboard.press("Control+End");
        await row.getByRole("button", { name: "line 1" }).click();
        await until("the cursor is there", `${hostOf}.querySelector('.cm-activeLine').textContent === 'jobss: 3'`);
        await page.locator(".cm-lintRange-error").hover();
        await page.locator(".cm-diagnosticAction", { hasText: "Write jobs" }).click();
        await has("jobs: 3");
        await clean();
    "##,
    );
    // What the text would give.
    play(
        &mut page,
        r##"
        await page.keyboard.press("Control+End");
        await page.keyboard.insertText("  fresh: { agent: fake, prompt: \"new {{ task.id }}\" }\n");
        await page.locator("summary", { hasText: "Modes (4)" }).click();
        await page.locator("summary", { hasText: "Prompt" }).click();
        await page.locator("select[name=mode]").selectOption("fresh");
        await until("the prompt is shown", "document.querySelector('.edit-prompt pre')?.textContent === 'new T'");
        same(await page.locator(".edit-tree li").allTextContents(), ["T The T"], "the tasks");
    "##,
    );
    assert_eq!(manifest(&world), before, "nothing is written before it is saved");
    let styles = "document.querySelectorAll('style').length + document.querySelector('.edit-host').shadowRoot.querySelectorAll('style').length";
    assert_eq!(page.eval(styles), 0, "styles are adopted sheets");
    page.assert_silent();
}

#[test]
fn keys_and_values_are_completed_from_the_schema() {
    let (_world, _server, mut page) = opened();
    play(
        &mut page,
        r##"
        await clean();
        const option = (name) => page.locator(".cm-tooltip-autocomplete li", { hasText: name });
        // A list takes no key in its first 75 ms, so that a line end that is being typed stays one.
        const accept = async (name) => {
          await option(name).waitFor();
          await new Promise((done) => setTimeout(done, 100));
          await page.keyboard.press("Enter");
        };
        await content.focus();
        await page.keyboard.press("Control+End");
        await page.keyboard.insertText("  more:\n    agent: fake\n    exit");
        await page.keyboard.press("Control+Space");
        await option("exit_grace").waitFor();
        await until("it is explained", `${hostOf}.querySelector('.cm-completionInfo')?.textContent.includes('silent')`);
        await accept("exit_grace");
        await has("    exit_grace: ");
        await page.keyboard.insertText("5s\n    gate: ");
        await page.keyboard.press("Control+Space");
        await accept("approve");
        await has("    gate: approve");
        await page.keyboard.insertText("\n    needs: [");
        await page.keyboard.press("Control+Space");
        await accept("job");
        await has("    needs: [job");
        await page.keyboard.insertText("]\n    prompt: x\n");
        await clean();
        // What the cursor stands on is explained below the text, and what the pointer is on in place.
        await page.keyboard.press("Control+Home");
        await until("the key is explained", "document.querySelector('.edit-about').textContent.startsWith('version')");
        const key = page.locator(".cm-line", { hasText: "exit_grace" }).locator("span").first();
        // A hand moves the pointer more than once; a line may be drawn anew between.
        for (let n = 0; n < 20 && !await page.locator(".cm-about").count(); n++) {
          await key.hover({ position: { x: 50 + n % 2, y: 7 } });
          await page.locator(".cm-about").waitFor({ timeout: 1000 }).catch(() => {});
        }
        expect((await page.locator(".cm-about").textContent()).includes("silent"), "the hover explains it");
    "##,
    );
    page.assert_silent();
}

#[test]
fn places_in_unfinished_yaml_are_found() {
    let world = World::new();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/edit");
    // `|` marks the cursor.
    for (text, expected) in [
        ("ver|", json!(["key", [], "ver"])),
        ("version: |", json!(["value", ["version"], ""])),
        ("modes:\n  job:\n    |", json!(["key", ["modes", "job"], ""])),
        ("modes:\n  job:\n    tim|\n    prompt: x\nruns: []\n", json!(["key", ["modes", "job"], "tim"])),
        ("modes:\n  a: { prompt: 'x, y', int| }", json!(["key", ["modes", "a"], "int"])),
        ("modes:\n  a: {\n    prompt: x,\n    tim|\n  }\n", json!(["key", ["modes", "a"], "tim"])),
        ("modes:\n  a: { retry: { on: [cra|", json!(["value", ["modes", "a", "retry", "on", "[]"], "cra"])),
        ("runs:\n- mode: |", json!(["value", ["runs", "[]", "mode"], ""])),
        ("runs:\n  - mode: x\n    |", json!(["key", ["runs", "[]"], ""])),
        ("- id: A\n  ti|", json!(["key", ["[]"], "ti"])),
        ("a:\n  prompt: >-\n    one: t|wo\n  x: 1", json!(null)),
        ("a:\n  prompt: >-\n    one: two\n  x|", json!(["key", ["a"], "x"])),
        ("a: 1 # c|", json!(null)),
        ("modes:\n  job: { prompt: x }\n|", json!(["key", [], ""])),
        ("a: \"x # y\" \nb|", json!(["key", [], "b"])),
    ] {
        let (at, text) = (text.find('|').unwrap(), text.replacen('|', "", 1));
        let script = format!(
            "import('/assets/edit/place.js').then(({{ placeAt }}) => {{ const it = placeAt({}, {at}); \
             return it && [it.kind, it.path, it.word]; }})",
            json!(text)
        );
        assert_eq!(page.eval(&script), expected, "{text:?}");
    }
}

#[test]
fn a_save_that_check_refuses_marks_the_lines_and_writes_nothing() {
    let (world, _server, mut page) = opened();
    let before = manifest(&world);
    play(
        &mut page,
        r##"
        await clean();
        await atStart("jobs: many\n");
        await page.keyboard.press("Control+s");
        await note("Not saved");
        await note("Nothing was written");
        same(await page.locator(".cm-lintRange-error").allTextContents(), ["many"], "what is marked");
        await until("the cursor is at the mistake", `${hostOf}.querySelector('.cm-activeLine').textContent === 'jobs: many'`);
    "##,
    );
    assert_eq!(manifest(&world), before);
    page.assert_accessible_everywhere("a save that is refused");
    play(
        &mut page,
        r##"
        await content.focus();
        await page.keyboard.press("Control+Home");
        await page.keyboard.press("Control+Shift+ArrowRight");
        await page.keyboard.press("End");
        for (let n = 0; n < "many".length; n++) await page.keyboard.press("Backspace");
        await page.keyboard.insertText("7");
        await clean();
        await page.keyboard.press("Control+s");
        await state("Saved");
        expect(!(await page.locator(".edit-notes").textContent()), "the note is gone");
    "##,
    );
    assert_eq!(manifest(&world), format!("jobs: 7\n{before}"));
    page.play("expectNoMessages(/status of 422/)");
}

#[test]
fn everything_is_done_with_the_keyboard_alone() {
    let (world, _server, mut page) = opened();
    let before = manifest(&world);
    play(
        &mut page,
        r##"
        await clean();
        const inside = "Boolean(document.activeElement.shadowRoot)";
        for (let n = 0; n < 40 && !await page.evaluate(inside); n++) await page.keyboard.press("Tab");
        expect(await page.evaluate(inside), "Tab leads into the text");
        await page.keyboard.press("Control+Home");
        // Letters are text, no shortcuts of the page.
        await page.keyboard.type("# rba?jn", { delay: 5 });
        await page.keyboard.press("Enter");
        await has("# rba?jn");
        // Tab indents until Escape leaves the text.
        await page.keyboard.press("Tab");
        await has("# rba?jn\n  version: 1");
        await page.keyboard.press("Shift+Tab");
        await has("# rba?jn\nversion: 1");
        await page.keyboard.press("Escape");
        await until("the focus is on Save", "document.activeElement.textContent === 'Save'");
        await page.keyboard.press("Enter");
        await state("Saved");
        await page.keyboard.press("Tab");
        await until("Tab goes on", inside);
        // With Control and M, Tab leaves the text forwards.
        await page.keyboard.press("Control+m");
        await page.keyboard.press("Tab");
        await until("the text is left", `!(${inside})`);
        // From a wrong key to the next problem.
        await page.keyboard.press("Shift+Tab");
        await until("back in the text", inside);
        await page.keyboard.press("Control+Home");
        await page.keyboard.insertText("wrong: 1\n");
        await problems("1 error");
        await page.keyboard.press("Control+End");
        await page.keyboard.press("F8");
        await until("the cursor is at the problem", `${hostOf}.querySelector('.cm-activeLine').textContent === 'wrong: 1'`);
    "##,
    );
    assert_eq!(manifest(&world), format!("# rba?jn\n{before}"));
    page.assert_silent();
}

#[test]
fn it_is_accessible_and_usable_on_a_phone() {
    let world = World::new();
    world.task("T", "x");
    let server = world.serve();
    let mut page = Page::with(&world, &json!({ "viewport": [390, 844] }));
    page.go(&server, "/edit/dispatch.yaml");
    play(
        &mut page,
        r##"
        await clean();
        await page.locator("summary", { hasText: "Prompt" }).click();
        await until("the prompt is shown", "document.querySelector('.edit-prompt pre')?.textContent === 'x'");
        await atStart("# phone\nwrong: 1\n");
        await problems("1 error");
        const seen = await page.locator(".edit-bar .main").boundingBox();
        expect(seen.x >= 0 && seen.x + seen.width <= 390 && seen.y + seen.height <= 844, "Save is in sight");
    "##,
    );
    page.assert_accessible_everywhere("the editor with a mistake");
    play(
        &mut page,
        r##"
        await content.focus();
        await page.keyboard.press("Control+z");
        await atStart("# phone\n");
        await clean();
    "##,
    );
    world.write("dispatch.yaml", format!("# theirs\n{}", manifest(&world)));
    play(
        &mut page,
        r##"
        await note("was changed by another program or tab");
        await press("Compare both");
        const both = page.locator(".edit-conflict .cm-content");
        await both.waitFor();
        await until("both are shown", "[...document.querySelector('.edit-conflict .edit-host').shadowRoot.querySelectorAll('.cm-content')].map((it) => it.textContent).join('').match(/# theirs/) && document.querySelector('.edit-conflict .edit-host').shadowRoot.textContent.includes('# phone')");
    "##,
    );
    page.assert_accessible_everywhere("two versions in one column");
    play(&mut page, r##"await press("Save mine over it"); await state("Saved");"##);
    wait_for_file(&world, "# phone");
    page.assert_silent();
}

#[test]
fn a_subtask_is_edited_from_its_page() {
    let world = World::bare();
    let tasks = "tasks:\n  - files: \"tasks/**/*.md\"\n";
    world.write("dispatch.yaml", BASE.replace(tasks, &format!("{tasks}  - subtasks: .claude/sub steps.yml\n")));
    let file =
        world.write(".claude/sub steps.yml", "- id: S-1\n  title: First\n  mode: job\n- id: S-2\n  title: Second\n");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/S-2");
    play(
        &mut page,
        r##"
        await page.locator(".about").getByRole("link", { name: "Edit" }).click();
        await until("the editor is there", "document.querySelector('.edit-host')?.shadowRoot");
        await clean();
        await until("the cursor is at the entry", `${hostOf}.querySelector('.cm-activeLine').textContent === '- id: S-2'`);
        same(await page.locator(".edit-tree li b").allTextContents(), ["S-1", "S-2"], "the tasks");
        await page.keyboard.press("Control+End");
        await page.keyboard.insertText("  mode: jo");
        await page.keyboard.press("Control+Space");
        await page.locator(".cm-tooltip-autocomplete li", { hasText: "job" }).waitFor();
        await page.keyboard.insertText("x\n");
        await problems("1 error");
        await page.keyboard.press("Control+s");
        await note("Not saved");
    "##,
    );
    assert!(!fs::read_to_string(&file).unwrap().contains("jox"), "nothing is written");
    play(
        &mut page,
        r##"
        await content.focus();
        await page.keyboard.press("Control+End");
        for (let n = 0; n < 2; n++) await page.keyboard.press("Backspace");
        await page.keyboard.insertText("b\n");
        await clean();
        await page.keyboard.press("Control+s");
        await state("Saved");
        await until("the tree has it", "document.querySelector('.edit-tree').textContent.includes('Second job')");
    "##,
    );
    assert!(fs::read_to_string(&file).unwrap().ends_with("- id: S-2\n  title: Second\n  mode: job\n"));
    page.play("expectNoMessages(/status of 422/)");
}

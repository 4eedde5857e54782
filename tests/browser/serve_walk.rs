//! All work with the browser alone, once by keyboard and once by mouse: a parent with five subtasks is written in the
//! editor, planned, applied, watched, approved, mended after a failure, finished and exported.

use serde_json::json;

use crate::walk::{STEPS, WANTED, Walk};

#[test]
fn everything_is_done_by_keyboard() {
    let mut walk = Walk::new();
    write_by_keyboard(&mut walk);
    apply_by_keyboard(&mut walk);
    watch_by_keyboard(&mut walk);
    mend_by_keyboard(&mut walk);
    walk.play(r#"await goTo("History", "/history"); await press("j"); await holds("a step");"#);
    walk.accessible("the history");
    let files = walk.play(
        r#"
        await goTo("The parent of five", "/tasks/P");
        await page.getByText("5 of 5 done").waitFor();
        return [await download(() => press("M")), await download(() => press("J"))];
        "#,
    );
    walk.accessible("the finished tree");
    walk.assert_exported(&files);
    eprintln!("{}", walk.end("keyboard"));
}

/// The subtask file with a mistake, which is found and mended, and the manifest.
fn write_by_keyboard(walk: &mut Walk) {
    walk.play(&format!(
        r#"
        await goTo("steps.yml", "/edit/steps.yml");
        await loaded();
        await press("Enter");
        await inText();
        await write({});
        await problems("1 error");
        await press("Control+s");
        await page.getByText("Nothing was written").waitFor();
        await holds("a save that is refused");
        "#,
        json!(STEPS)
    ));
    assert!(!walk.world.project().join("steps.yml").exists(), "a mistake is not saved");
    walk.accessible("the editor with a mistake");
    walk.play(&format!(
        r#"
        await press("F8");
        await write("prompt");
        await problems("No problems");
        await press("Control+s");
        await saved();
        await goTo("dispatch.yaml", "/edit/dispatch.yaml");
        await loaded();
        await press("Enter");
        await inText();
        await press("Control+End");
        await write({});
        await problems("No problems");
        await press("Control+s");
        await saved();
        "#,
        json!(WANTED)
    ));
}

/// The plan.
fn apply_by_keyboard(walk: &mut Walk) {
    walk.play(
        r#"
        await goTo("Plan", "/plan");
        await press("A");
        await page.getByRole("dialog", { name: "Apply the plan" }).waitFor();
        "#,
    );
    walk.accessible("the plan and its question");
    walk.play(
        r#"
        await press("Enter");
        await badge("build/TWO", "failed");
        await badge("build/THREE", "running");
        "#,
    );
    walk.accessible("an applied plan");
}

/// What runs is watched, what waits is approved.
fn watch_by_keyboard(walk: &mut Walk) {
    walk.play(
        r#"
        await goTo("Now", "/now");
        for (let n = 0; n < 9 && await page.evaluate("document.activeElement.closest('.now-item')?.dataset.task") !== "THREE"; n++) await press("j");
        await chosen("THREE");
        await log("THREE has begun");
        await holds("a choice");
        "#,
    );
    walk.accessible("a running run");
    walk.release();
    walk.play(
        r#"
        await badge("ship/FOUR", "gate");
        await holds("the end of the chosen run");
        await press(".");
        await chosen("FOUR");
        await page.locator(".now-gate").waitFor();
        "#,
    );
    walk.accessible("a gate");
    walk.play(
        r#"
        await press("y");
        await badge("ship/FOUR", "succeeded");
        await holds("an approval");
        "#,
    );
}

/// The failure is mended in the file and run again.
fn mend_by_keyboard(walk: &mut Walk) {
    walk.play(
        r#"
        await goTo("task TWO", "/tasks/TWO");
        await press("E");
        await at("/edit/steps.yml");
        await loaded();
        await inText();
        await press("Control+f");
        await letters("exit 3");
        await press("Enter", "Escape");
        await inText();
        await write("exit 0");
        await problems("No problems");
        await press("Control+s");
        await saved();
        await goTo("Plan", "/plan");
        await press("A");
        await page.getByRole("dialog", { name: "Apply the plan" }).waitFor();
        await press("Enter");
        for (const task of ["TWO", "FIVE"]) await badge(`build/${task}`, "succeeded");
        "#,
    );
}

#[test]
fn everything_is_done_by_mouse() {
    let mut walk = Walk::new();
    write_by_mouse(&mut walk);
    watch_by_mouse(&mut walk);
    walk.release();
    mend_by_mouse(&mut walk);
    let files = walk.play(
        r#"
        await page.getByText("5 of 5 done").waitFor();
        const save = (name) => click(page.getByRole("button", { name: `${name} file of the results` }));
        return [await download(() => save("Markdown")), await download(() => save("JSON"))];
        "#,
    );
    walk.assert_exported(&files);
    eprintln!("{}", walk.end("mouse"));
}

/// The subtask file with a mistake, which is found and mended, and the manifest.
fn write_by_mouse(walk: &mut Walk) {
    walk.play(&format!(
        r#"
        const nav = (name) => click(page.locator(".head nav").getByRole("link", {{ name }}));
        await nav("Edit");
        await at("/edit");
        await loaded();
        await click(page.locator(".edit-files").getByRole("link", {{ name: /steps.yml/ }}));
        await at("/edit/steps.yml");
        await loaded();
        await click(page.locator(".edit-pane .cm-content"));
        await write({});
        await problems("1 error");
        await click(page.getByRole("button", {{ name: "Save" }}));
        await page.getByText("Nothing was written").waitFor();
        // The word is marked, and so it can be found.
        await click(page.locator(".edit-pane .cm-lintRange-error"), {{ clickCount: 2 }});
        await write("prompt");
        await problems("No problems");
        await click(page.getByRole("button", {{ name: "Save" }}));
        await saved();
        await click(page.locator(".edit-files").getByRole("link", {{ name: "dispatch.yaml" }}));
        await at("/edit/dispatch.yaml");
        await loaded();
        await click(page.locator(".edit-pane .cm-line").last());
        await write({});
        await problems("No problems");
        await click(page.getByRole("button", {{ name: "Save" }}));
        await saved();
        "#,
        json!(STEPS),
        json!(WANTED)
    ));
}

/// The plan, and what runs.
fn watch_by_mouse(walk: &mut Walk) {
    walk.play(
        r#"
        const nav = (name) => click(page.locator(".head nav").getByRole("link", { name }));
        await nav("Plan");
        await at("/plan");
        await click(page.getByRole("button", { name: "Apply all…" }));
        await click(page.getByRole("button", { name: "Apply 5" }));
        await badge("build/TWO", "failed");
        await badge("build/THREE", "running");
        await nav("Now");
        await at("/now");
        await click(page.locator(".now-item[data-task=THREE] .now-row"));
        await chosen("THREE");
        await log("THREE has begun");
        "#,
    );
}

/// What waits is approved; the failure is mended in the file and run again.
fn mend_by_mouse(walk: &mut Walk) {
    walk.play(
        r#"
        const nav = (name) => click(page.locator(".head nav").getByRole("link", { name }));
        await badge("ship/FOUR", "gate");
        await click(page.locator(".now-item[data-task=FOUR] .now-row"));
        await chosen("FOUR");
        await click(page.getByRole("button", { name: "Approve" }));
        await badge("ship/FOUR", "succeeded");
        await click(page.locator(".now-item[data-task=TWO] .now-row"));
        await chosen("TWO");
        await click(page.locator(".now-head h2").getByRole("link", { name: "TWO" }));
        await at("/tasks/TWO");
        await click(page.locator(".about").getByRole("link", { name: "Edit" }));
        await at("/edit/steps.yml");
        await loaded();
        const wrong = line("%exit 3");
        const { width, height } = await wrong.locator("span").first().boundingBox();
        await click(wrong.locator("span").first(), { clickCount: 2, position: { x: width - 3, y: height / 2 } });
        await write("0");
        await line("%exit 0").waitFor();
        await problems("No problems");
        await click(page.getByRole("button", { name: "Save" }));
        await saved();
        await nav("Plan");
        await at("/plan");
        await click(page.getByRole("button", { name: "Apply all…" }));
        await click(page.getByRole("button", { name: "Apply 2" }));
        for (const task of ["TWO", "FIVE"]) await badge(`build/${task}`, "succeeded");
        await nav("Board");
        await at("/");
        await click(page.getByRole("link", { name: "The parent of five" }));
        await at("/tasks/P");
        "#,
    );
}

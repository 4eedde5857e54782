//! *Open in editor*: on the pages of tasks and runs, in the board's problems and in a diff.

use std::fs;

use serde_json::Value;

use crate::browser::Page;
use crate::git::{WORKTREES, commit, world};
use crate::world::{BASE, World};

const STAGE: &str = r#"
const dialog = page.locator("dialog[open]");
const opener = (place) => page.getByRole("button", { name: `Open in editor ${place}`, exact: true });
const opened = () => page.getByText("Opened in my-editor.").first().waitFor();
"#;

fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

const EDITOR: &str = "editor: [my-editor, \"{{ file }}\", \"{{ line }}\"]\n";

#[test]
fn files_are_opened_from_every_page_that_names_them() {
    let world = World::with(EDITOR);
    world.user_editor("my-editor");
    world.task("A", "%out x\n");
    world.write("tasks/bad.md", "---\ntitle: one\ntitle: two\n---\n");
    let run = world.detach("job", "A");
    let server = world.serve();
    let project = world.project().canonicalize().unwrap();
    let file = |name: &str, line: &str| {
        vec!["my-editor".to_owned(), project.join(name).display().to_string(), line.to_owned()]
    };
    let mut page = Page::at(&world, &server, "/tasks/A");
    play(&mut page, r#"await opener("tasks/A.md").click(); await opened();"#);
    assert_eq!(world.opened(), file("tasks/A.md", "1"));
    page.assert_accessible("a task with its file");
    page.go(&server, &format!("/runs/{run}"));
    play(&mut page, r#"await opener("tasks/A.md").click(); await opened();"#);
    assert_eq!(world.opened(), file("tasks/A.md", "1"));
    page.go(&server, "/");
    play(
        &mut page,
        r#"
        await page.getByText("1 task file cannot be used").click();
        await opener("tasks/bad.md at line 2").click();
        await opened();
        "#,
    );
    assert_eq!(world.opened(), file("tasks/bad.md", "2"));
    page.assert_accessible("problems with their files");
    // What fails is said, and the editor of `dispatch.local.yaml` is the next one.
    fs::remove_file(world.root().join("bin/my-editor")).unwrap();
    play(
        &mut page,
        r#"await opener("tasks/bad.md at line 2").click(); await page.getByText("`my-editor` was not found").waitFor();"#,
    );
    world.user_editor("own");
    world.write("dispatch.local.yaml", "editor: own\n");
    play(
        &mut page,
        r#"await opener("tasks/bad.md at line 2").click(); await page.getByText("Opened in own.").waitFor();"#,
    );
    assert_eq!(world.opened()[0], "own");
    page.play("expectNoMessages(/status of 422/)");
}

#[test]
fn a_diff_opens_its_files_at_a_line() {
    let (world, tree) = world();
    world.write("dispatch.yaml", format!("{BASE}{EDITOR}{WORKTREES}"));
    world.user_editor("my-editor");
    commit(&world, &tree, "src/a.txt", "zero\none\n2\nthree\n");
    fs::remove_file(tree.join("old name")).unwrap();
    let file = |line: &str| {
        vec![
            "my-editor".to_owned(),
            tree.canonicalize().unwrap().join("src/a.txt").display().to_string(),
            line.to_owned(),
        ]
    };
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/T");
    let diff = r#"await page.locator(".about").getByRole("button", { name: "Diff" }).click(); await dialog.locator(".diff-sum").waitFor();"#;
    play(
        &mut page,
        &format!(
            r#"
            {diff}
            same(await dialog.locator(".diff-acts .open-file").count(), 1, "a deleted file cannot be opened");
            await dialog.locator(".diff-acts").getByRole("button", {{ name: "Open in editor src/a.txt", exact: true }}).click();
            await opened();
            "#
        ),
    );
    assert_eq!(world.opened(), file("1"));
    // At a line: by the mouse beside its comment, by the keyboard where it stood.
    play(
        &mut page,
        r#"
        const part = dialog.locator(".diff-file[data-path='src/a.txt']");
        await part.locator(".d-added").last().hover();
        await part.locator(".d-line", { hasText: "+2" }).click();
        await opener("src/a.txt at line 3").click();
        "#,
    );
    assert_eq!(world.opened(), file("3"));
    page.assert_accessible_everywhere("a diff with files to open");
    play(
        &mut page,
        r#"
        await dialog.locator(".d-removed", { hasText: "-two" }).focus();
        await page.keyboard.press("o");
        "#,
    );
    assert_eq!(world.opened(), file("3"));
    fs::remove_file(world.root().join("bin/my-editor")).unwrap();
    play(
        &mut page,
        r#"await opener("src/a.txt at line 3").click(); await dialog.getByText("`my-editor` was not found").waitFor();"#,
    );
    // Without an editor there are no such buttons.
    world.write("dispatch.yaml", format!("{BASE}{WORKTREES}"));
    page.go(&server, "/tasks/T");
    play(&mut page, &format!(r#"{diff} same(await page.locator(".open-file").count(), 0, "nothing opens it");"#));
    page.play("expectNoMessages(/status of 422/)");
}

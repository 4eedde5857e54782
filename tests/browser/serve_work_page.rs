//! A task's work in the browser: its diff, and the removal of its worktree.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::git::{WORKTREES, commit, git, world};
use crate::world::{BASE, World};

const STAGE: &str = r#"
const dialog = page.locator("dialog[open]");
const press = (name) => page.locator(".about, .run-acts").getByRole("button", { name }).click();
"#;

fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

#[test]
fn a_diff_is_read_in_a_dialog_and_its_text_is_text() {
    let (world, tree) = world();
    let hostile =
        "<script>window.took = 1</script>\n</pre></details><img src=x onerror=window.took=2>\n\u{202e}turned\n";
    commit(&world, &tree, "src/a.txt", "one\n2\nthree\n");
    fs::write(tree.join("<img src=x onerror=window.took=3>"), hostile).unwrap();
    fs::write(tree.join("bin"), [0, 1, 2]).unwrap();
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/T");
    play(
        &mut page,
        r#"
        await press("Diff");
        await dialog.getByText("3 files").waitFor();
        const names = await dialog.locator(".diff-name").allTextContents();
        same(names, ["<img src=x onerror=window.took=3>", "bin", "src/a.txt"], "the files");
        same(await dialog.locator(".diff-sum .plus").textContent(), "+4", "added");
        same(await dialog.locator(".diff-sum .minus").textContent(), "−1", "removed");
        const file = dialog.locator(".diff-file").last();
        same(await file.locator(".d-added").allTextContents(), ["+2\n"], "what was added");
        same(await file.locator(".d-removed").allTextContents(), ["-two\n"], "what was removed");
        await file.locator("summary").click();
        await until("it is folded", "!document.querySelector('.diff-file:last-of-type').open");
        same(await dialog.getByText("not in git yet").count(), 2, "new files are reported");
        expect((await dialog.locator(".diff-file").first().textContent()).includes("\ufffdturned"), "what turns the text is shown");
    "#,
    );
    assert_eq!(page.eval("window.took ?? null"), Value::Null);
    assert_eq!(page.eval("document.querySelectorAll('dialog img, dialog script').length"), 0);
    page.assert_accessible_everywhere("a diff");
    play(
        &mut page,
        r#"
        await page.keyboard.press("Escape");
        await until("it is closed", "!document.querySelector('dialog')");
    "#,
    );
    page.assert_silent();
}

#[test]
fn clean_lists_its_reasons_against_it_and_then_cleans() {
    let (world, tree) = world();
    commit(&world, &tree, "done", "x\n");
    fs::write(tree.join("new"), "x\n").unwrap();
    world.dispatch("run -d -q job T").notes().succeeds();
    let run = world.wait_state("job", "T", "running")["runId"].as_str().unwrap().to_owned();
    let server = world.serve();
    let mut page = Page::at(&world, &server, &format!("/runs/{run}"));
    play(
        &mut page,
        r#"
        await press("Clean…");
        for (const words of ["`job T` works in it (running)", "1 file git does not know: new", "neither in `main` nor on a remote", "dispatch stop job T"]) {
          await dialog.getByText(words).waitFor();
        }
        expect(await dialog.getByRole("button", { name: "Remove" }).isDisabled(), "nothing can be removed");
    "#,
    );
    page.assert_accessible_everywhere("a clean that is refused");
    play(&mut page, r#"await dialog.getByRole("button", { name: "Cancel" }).click();"#);
    world.dispatch("stop job T").notes().succeeds();
    fs::remove_file(tree.join("new")).unwrap();
    git(&world, &world.project(), &["merge", "-q", "task/t"]);
    page.go(&server, "/tasks/T");
    play(
        &mut page,
        r#"
        await press("Clean…");
        await dialog.getByText("This removes:").waitFor();
        await dialog.getByText("task/t").waitFor();
        await until("it can be done", "!document.querySelector('dialog .bad-main').disabled");
    "#,
    );
    page.assert_accessible_everywhere("a clean that can be done");
    assert!(tree.exists(), "nothing is removed before it is said");
    // What came up since the dialog was opened counts.
    fs::write(tree.join("late"), "x\n").unwrap();
    play(
        &mut page,
        r#"
        await dialog.getByRole("button", { name: "Remove" }).click();
        await dialog.getByText("1 file git does not know: late").waitFor();
        await dialog.getByRole("button", { name: "Cancel" }).click();
    "#,
    );
    assert!(tree.exists());
    fs::remove_file(tree.join("late")).unwrap();
    play(
        &mut page,
        r#"
        await press("Clean…");
        await until("it can be done", "document.querySelector('dialog .bad-main')?.disabled === false");
        await dialog.getByRole("button", { name: "Remove" }).click();
        await page.getByText("T is cleaned up.").waitFor();
    "#,
    );
    assert!(!tree.exists() && !world.git(&["branch"]).contains("task/t"));
    page.play("expectNoMessages(/status of 409/)");
}

#[test]
fn without_worktrees_there_are_no_such_buttons() {
    let world = World::new();
    world.task("T", "%exit 0");
    let server = world.serve();
    let mut page = Page::at(&world, &server, "/tasks/T");
    assert_eq!(page.eval("document.querySelectorAll('[data-act=diff], [data-act=clean]').length"), 0);
}

#[test]
fn the_folder_of_a_run_is_shown_from_the_project() {
    let (world, tree) = world();
    world.write("dispatch.yaml", format!("{BASE}  here: {{ agent: fake, cwd: ., prompt: \"%out x\" }}\n{WORKTREES}"));
    let server = world.serve();
    let runs = [server.run_of("job", "T", ""), server.run_of("here", "T", "")];
    let mut page = Page::new(&world);
    for (run, folder, absolute) in [(&runs[0], "../trees/T", tree), (&runs[1], ".", world.project())] {
        for path in ["runs", "now"] {
            page.go(&server, &format!("/{path}/{run}"));
            page.wait("the facts are there", "document.querySelector('.run-facts code[title]')");
            let shown = page.eval(
                "(({ textContent, title }) => [textContent, title])(document.querySelector('.run-facts code[title]'))",
            );
            assert_eq!(shown, json!([folder, absolute]), "{path}");
        }
    }
    page.assert_silent();
}

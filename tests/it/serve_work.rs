//! A task's work in the browser and over HTTP: its diff, and the end of its worktree.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::diff::{commit, git, world};
use crate::world::World;

const STAGE: &str = r#"
const dialog = page.locator("dialog[open]");
const press = (name) => page.locator(".about, .run-acts").getByRole("button", { name }).click();
"#;

fn play(page: &mut Page, script: &str) -> Value {
    page.play(&format!("{STAGE}{script}"))
}

#[test]
fn the_routes_say_what_the_commands_say() {
    let (world, tree) = world();
    fs::write(tree.join("new"), "a\nb\n").unwrap();
    let server = world.serve();
    let diff = server.get("/api/diff/T").json();
    let mut told = world.dispatch("diff T").json();
    told["patch"] = diff["patch"].clone();
    assert_eq!(diff, told);
    assert!(diff["patch"].as_str().unwrap().contains("+b\n"), "{diff}");
    // A dry run, then the same refusal, then the deed.
    let refused = server.post("/api/clean/T", r#"{"dryRun":true}"#);
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
    let error = server.post("/api/clean/T", "").json()["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("1 file git does not know: new"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("add -A"), "{error}");
    fs::remove_file(tree.join("new")).unwrap();
    let plan = server.post("/api/clean/T", r#"{"dryRun":true}"#).json();
    assert!(plan["dryRun"] == true && plan["removed"] == true && tree.exists(), "{plan}");
    assert_eq!(server.post("/api/clean/T", "{}").json()["branchState"], "deleted");
    assert!(!tree.exists());
    for (reply, status) in [
        (server.get("/api/diff/T"), 409),
        (server.get("/api/diff/NONE"), 404),
        (server.get("/api/diff/-x"), 400),
        (server.get("/api/clean/T"), 405),
        (server.post("/api/diff/T", ""), 405),
        (server.post("/api/clean/T", r#"{"force":true}"#), 400),
        (server.get("/ui/diff/NONE"), 404),
    ] {
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    let plain = World::new();
    plain.task("T", "x");
    assert_eq!(plain.serve().get("/api/diff/T").status, 422);
}

#[test]
fn a_long_diff_is_cut_and_its_files_are_counted_all_the_same() {
    let (world, tree) = world();
    fs::write(tree.join("a-long"), "0123456789abcde\n".repeat(80_000)).unwrap();
    fs::write(tree.join("z-last"), "z\n").unwrap();
    let server = world.serve();
    let diff = server.get("/api/diff/T").json();
    let patch = diff["patch"].as_str().unwrap();
    assert!(patch.len() <= 1 << 20 && patch.len() > 1_000_000 && patch.ends_with("cde\n"), "{}", patch.len());
    assert_eq!((&diff["truncated"], diff["added"].as_u64()), (&json!(true), Some(80_001)));
    let html = server.get("/ui/diff/T").text();
    assert!(html.matches("…truncated").count() == 2 && html.contains("z-last"), "{}", html.len());
    assert_eq!(html.matches("0123456789abcde").count() + 6, 20_000, "no more lines than a browser can keep");
    server.assert_alive();
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
        same(await dialog.getByText("not in git yet").count(), 2, "new files are told");
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
fn clean_says_what_stands_against_it_and_then_cleans() {
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

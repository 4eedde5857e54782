//! `dispatch diff`: all changes of a task's worktree, and no others.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::git::{WORKTREES, commit, git, world};
use crate::waiting::wait_until;
use crate::world::World;

/// `[path, added, removed, untracked]` of each file.
fn files(view: &Value) -> Vec<Value> {
    let file = |file: &Value| json!([file["path"], file["added"], file["removed"], file["untracked"]]);
    view["files"].as_array().unwrap().iter().map(file).collect()
}

#[test]
fn committed_changed_and_new_work_is_one_diff_and_the_checkout_is_not_touched() {
    let (world, tree) = world();
    commit(&world, &tree, "src/a.txt", "one\n2\nthree\n");
    git(&world, &tree, &["mv", "old name", "new name"]);
    fs::write(tree.join("src/a.txt"), "one\n2\nthree\nfour\n").unwrap();
    fs::write(tree.join("new \"file\"\n"), "a\nb\n").unwrap();
    fs::write(tree.join("bin"), [0, 1, 2]).unwrap();
    fs::write(tree.join("ignored.log"), "x\n").unwrap();
    fs::write(world.project().join(".git/info/exclude"), "*.log\n").unwrap();
    // A repository of its own within, without a commit, at which `git add` would fail.
    git(&world, &tree, &["init", "-q", "inner"]);
    let index = PathBuf::from(git(&world, &tree, &["rev-parse", "--path-format=absolute", "--git-path", "index"]));
    let before = (fs::read(&index).unwrap(), git(&world, &tree, &["status", "--porcelain"]));

    let view = world.dispatch("diff T").json();
    let seen = files(&view);
    assert_eq!(seen.len(), 4, "{view}");
    for file in [
        json!(["src/a.txt", 2, 1, false]),
        json!(["new name", 0, 0, false]),
        json!(["new \"file\"\n", 2, 0, true]),
        json!(["bin", null, null, true]),
    ] {
        assert!(seen.contains(&file), "{file} is not in {view}");
    }
    assert_eq!((view["added"].as_u64(), view["removed"].as_u64()), (Some(4), Some(1)));
    assert_eq!((&view["branch"], &view["base"], &view["truncated"]), (&json!("task/t"), &json!("main"), &json!(false)));
    assert_eq!(view["mergeBase"], world.git(&["rev-parse", "main"]).trim());
    let renamed = view["files"].as_array().unwrap().iter().find(|file| file["path"] == "new name").unwrap();
    assert_eq!((&renamed["from"], &view["patch"]), (&json!("old name"), &Value::Null));

    let text =
        world.dispatch("diff T").stdout_has("-two\n+2\n").stdout_has("+four\n").stdout_has("+b\n").succeeds().text();
    assert!(text.contains("rename from old name\n") && !text.contains('\x1b') && !text.contains("ignored"), "{text}");
    world.dispatch("--color always diff T").stdout_has("\x1b[").succeeds();
    let stat = world.dispatch("diff T --stat").stdout_has("4 files changed").succeeds().text();
    assert!(!stat.contains("+++"), "{stat}");

    let after = (fs::read(&index).unwrap(), git(&world, &tree, &["status", "--porcelain"]));
    assert!(before == after, "the checkout's own index is as it was");
    // A pager that quits early is no failure.
    fs::write(tree.join("long"), "line\n".repeat(100_000)).unwrap();
    world.dispatch_by_shell("{ dispatch diff T; echo $? >&3; } 3>&1 | head -n 1; exit 0").any_stderr().succeeds();
}

#[test]
fn what_others_did_to_the_base_is_not_the_tasks_work() {
    let (world, tree) = world();
    commit(&world, &tree, "mine", "x\n");
    commit(&world, &world.project(), "theirs", "y\n");
    assert_eq!(files(&world.dispatch("diff T").json()), [json!(["mine", 1, 0, false])]);
    // Merged from what is upstream, which the local `main` does not have yet.
    let far = world.root().join("far.git");
    world.git(&["init", "-q", "--bare", far.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", far.to_str().unwrap()]);
    commit(&world, &world.project(), "upstream", "z\n");
    world.git(&["push", "-q", "-u", "origin", "main"]);
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    git(&world, &tree, &["merge", "-q", "-m", "merged", "origin/main"]);
    assert_eq!(files(&world.dispatch("diff T").json()), [json!(["mine", 1, 0, false])]);
    // A subtask works where its parent does.
    world.write("tasks/sub/SUB.md", "---\nparent_task: T\n---\n");
    assert_eq!(files(&world.dispatch("diff SUB").json()), [json!(["mine", 1, 0, false])]);
}

#[test]
fn nothing_that_the_repository_names_is_started() {
    let (world, tree) = world();
    let ran = world.root().join("ran");
    let script = format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat \"$1\" 2>/dev/null\n", ran.display());
    let evil = world.root().join("bin/evil");
    world.shadow("evil", &script);
    let evil = evil.to_str().unwrap();
    for (key, value) in [
        ("diff.external", evil),
        ("diff.evil.command", evil),
        ("diff.evil.textconv", evil),
        ("core.fsmonitor", evil),
        ("core.pager", evil),
        ("pager.diff", evil),
        ("core.hooksPath", world.root().join("hooks").to_str().unwrap()),
        ("diff.noprefix", "true"),
        ("color.ui", "always"),
    ] {
        world.git(&["config", key, value]);
    }
    for hook in ["post-index-change", "reference-transaction", "post-checkout"] {
        let hook = world.root().join("hooks").join(hook);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(evil, hook).unwrap();
    }
    fs::write(tree.join(".gitattributes"), "* diff=evil\n").unwrap();
    fs::write(tree.join("new"), "new\n").unwrap();
    fs::write(tree.join("src/a.txt"), "other\n").unwrap();
    fs::remove_file(&ran).ok();

    let text = world.dispatch("diff T").stdout_has("+other\n").stdout_has("diff --git a/new b/new").succeeds().text();
    assert!(!text.contains('\x1b'), "{text}");
    world.dispatch("diff T --stat").succeeds();
    world.dispatch("diff T --json").succeeds();
    world.dispatch("clean -n T").any_stderr().fails_with(1);
    // On a terminal it is the user's own pager that shows it.
    fs::write(world.root().join("home/.gitconfig"), "[core]\n\tpager = sh -c 'cat > $HOME/paged'\n").unwrap();
    let on_a_terminal = "TERM=xterm script -qec 'dispatch diff T' /dev/null </dev/null >/dev/null";
    world.dispatch_by_shell(on_a_terminal).any_stderr().succeeds();
    let paged = fs::read_to_string(world.root().join("home/paged")).unwrap();
    assert!(paged.contains("\x1b[") && paged.contains("other"), "{paged}");
    fs::write(world.root().join("home/.gitconfig"), "[pager]\n\tdiff = false\n").unwrap();
    world.dispatch_by_shell("script -qec 'dispatch diff T' /dev/null </dev/null").stdout_has("other").succeeds();
    assert!(!ran.exists(), "{}", fs::read_to_string(&ran).unwrap_or_default());
}

#[test]
fn ctrl_c_is_the_pagers() {
    let (world, tree) = world();
    fs::write(tree.join("new"), "new\n").unwrap();
    // A pager that outlives Ctrl-C, as `less` does.
    world.shadow("page", "#!/bin/sh\ntrap 'echo received > $HOME/received' INT\necho up > $HOME/up\ncat >/dev/null\nwhile [ ! -e $HOME/quit ]; do sleep 0.02; done\n");
    world.tmux(&[
        "new-session",
        "-d",
        "-s",
        "mine",
        "-x",
        "80",
        "-y",
        "20",
        "sh -c 'trap : INT; GIT_PAGER=page dispatch diff T; echo $? > $HOME/code'",
    ]);
    let at_home = |name: &str| world.root().join("home").join(name);
    let wait = |name: &str| {
        wait_until(&format!("{name} is written"), || {
            let text = fs::read_to_string(at_home(name)).map_err(|error| error.to_string())?;
            if text.ends_with('\n') { Ok(text) } else { Err(text) }
        })
    };
    wait("up");
    world.tmux(&["send-keys", "-t", "=mine:", "C-c"]);
    wait("received");
    assert!(!at_home("code").exists(), "it waits for its pager");
    fs::write(at_home("quit"), "").unwrap();
    assert_eq!(wait("code"), "0\n");
}

#[test]
fn what_cannot_be_compared_is_reported_with_the_fix() {
    let plain = World::new();
    plain.task("T", "x").git_init();
    plain.dispatch("diff T").stderr_has("worktree").stderr_has("hint:").fails_with(2);

    let (world, tree) = world();
    world.dispatch("diff NONE").stderr_has("unknown task").fails_with(2);
    world.task("NEW", "x").dispatch("diff NEW").stderr_has("does not exist").stderr_has("hint:").fails_with(1);
    fs::create_dir(world.root().join("trees/NEW")).unwrap();
    world.dispatch("diff NEW").stderr_has("not a worktree of this repository").fails_with(1);
    world.write(
        "dispatch.yaml",
        format!("{}{}", crate::world::BASE, WORKTREES.replace("create:", "base: gone, create:")),
    );
    world.dispatch("diff T").stderr_has("`gone` (`worktree.base`)").stderr_has("hint:").fails_with(2);
    world.write("dispatch.yaml", format!("{}{WORKTREES}", crate::world::BASE));
    git(&world, &tree, &["checkout", "-q", "--orphan", "alone"]);
    world.dispatch("diff T").stderr_has("no commit in common").fails_with(1);
}

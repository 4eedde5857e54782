//! Submodules of a task's worktree: filled where that is asked for, removed with it unless work in them
//! would be lost.

use std::fs;
use std::path::{Path, PathBuf};

use crate::git::{commit, git};
use crate::world::{BASE, World};

/// A project with the submodule `lib`, which holds the submodule `deep`; both can be fetched.
fn world(worktree: &str) -> World {
    let world = World::with(&format!("worktree: {{ path: \"../trees/{{{{ task.id }}}}\", create: true{worktree} }}\n"));
    // git fetches submodules from a folder of this machine only where the user allows it.
    let home = world.root().join("home/.gitconfig");
    fs::write(home, "[protocol \"file\"]\n\tallow = always\n[user]\n\tname = t\n\temail = t@localhost\n").unwrap();
    world.task("T", "%exit 0");
    let source = |name: &str| {
        let path = world.root().join("sources").join(name);
        fs::create_dir_all(&path).unwrap();
        world.git(&["init", "-q", "-b", "main", path.to_str().unwrap()]);
        commit(&world, &path, "first", name);
        path
    };
    let (lib, deep) = (source("lib"), source("deep"));
    git(&world, &lib, &["submodule", "-q", "add", deep.to_str().unwrap(), "deep"]);
    git(&world, &lib, &["commit", "-qm", "deep"]);
    world.git_init();
    world.git(&["submodule", "-q", "add", lib.to_str().unwrap(), "lib"]);
    world.git(&["commit", "-qm", "lib"]);
    // So that something can be pushed there.
    for path in [&lib, &deep] {
        git(&world, path, &["switch", "-q", "--detach"]);
    }
    world
}

fn tree(world: &World) -> PathBuf {
    world.root().join("trees/T")
}

/// A worktree with filled submodules.
fn filled() -> (World, PathBuf) {
    let world = world(", submodules: true");
    world.dispatch("run -q job T").any_stderr().succeeds();
    let tree = tree(&world);
    assert!(tree.join("lib/deep/first").exists(), "nested ones are filled");
    (world, tree)
}

/// `clean` names these reasons, and changes nothing.
#[track_caller]
fn refused(world: &World, reasons: &[&str]) -> String {
    let call = reasons.iter().fold(world.dispatch("clean T"), |call, reason| call.stderr_has(*reason));
    let ended = call.stderr_has("hint: ").fails_with(1);
    assert!(!ended.stderr.contains("--force"), "{}", ended.stderr);
    assert!(tree(world).exists());
    ended.stderr
}

/// The commands of the hints, run one after the other.
fn follow_hints(world: &World, stderr: &str) {
    for hint in stderr.lines().filter_map(|line| line.strip_prefix("hint: ")) {
        world.helper("sh", &["-c", &format!("GIT_EDITOR=true {}", hint.replace(" commit", " commit -m w"))]);
    }
}

#[test]
fn filled_submodules_without_work_go_with_the_worktree() {
    let (world, tree) = filled();
    world.dispatch("clean -n T").stdout_has("would remove worktree").succeeds();
    world.dispatch("clean T").stdout_has("removed worktree").stdout_has("deleted branch").succeeds();
    assert!(!tree.exists() && !world.project().join(".git/worktrees/T").exists());
    // Another worktree, and the main checkout, keep their own.
    world.git(&["submodule", "update", "-q", "--init", "--recursive"]);
    world.dispatch("run -q -B job T").any_stderr().succeeds();
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
    assert!(world.project().join("lib/deep/first").exists());
    assert_eq!(world.git(&["submodule", "status", "--recursive"]).lines().count(), 2);
}

#[test]
fn what_is_not_committed_in_a_submodule_is_named() {
    let (world, tree) = filled();
    fs::write(tree.join("lib/first"), "changed\n").unwrap();
    fs::write(tree.join("lib/deep/new one"), "").unwrap();
    let change = "in submodule `lib` 1 change not committed: first";
    let said = refused(&world, &[change, "in submodule `lib/deep` 1 file git does not know: new one"]);
    assert!(said.contains(&format!("hint: git -C {} commit -a", tree.join("lib").display())), "{said}");
    git(&world, &tree.join("lib"), &["checkout", "-q", "--", "first"]);
    fs::remove_file(tree.join("lib/deep/new one")).unwrap();
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
}

#[test]
fn commits_that_are_nowhere_else_are_named_with_the_push_that_saves_them() {
    let (world, tree) = filled();
    let deep = tree.join("lib/deep");
    commit(&world, &deep, "work", "x\n");
    let said = refused(&world, &["in submodule `lib/deep` 1 commit that is on no remote"]);
    assert!(said.contains("push origin HEAD:refs/heads/task/t"), "{said}");
    // Recorded by each repository around it, and not pushed, it would be lost all the same.
    for (path, name) in [(tree.join("lib"), "deep"), (tree.clone(), "lib")] {
        git(&world, &path, &["commit", "-q", "-m", "recorded", "--", name]);
    }
    world.git(&["merge", "-q", "task/t"]);
    let said = refused(&world, &["in submodule `lib/deep` 1 commit", "in submodule `lib` 1 commit"]);
    follow_hints(&world, &said);
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
    let saved = git(&world, &world.root().join("sources/deep"), &["log", "--format=%s", "task/t"]);
    assert!(saved.starts_with("work"), "{saved}");
}

#[test]
fn branches_and_stashes_of_a_submodule_count_as_work() {
    let (world, tree) = filled();
    let lib = tree.join("lib");
    git(&world, &lib, &["switch", "-q", "-c", "side"]);
    commit(&world, &lib, "side work", "x\n");
    git(&world, &lib, &["switch", "-q", "--detach", "origin/main"]);
    let said = refused(&world, &["in submodule `lib` 1 commit that is on no remote"]);
    assert!(said.contains("push origin --all"), "{said}");
    follow_hints(&world, &said);
    fs::write(lib.join("first"), "changed\n").unwrap();
    git(&world, &lib, &["stash", "-q"]);
    let said = refused(&world, &["in submodule `lib` 1 stash"]);
    assert!(said.contains("stash pop"), "{said}");
    git(&world, &lib, &["stash", "drop", "-q"]);
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
}

#[test]
fn a_link_to_a_parent_folder_among_the_repositories_is_not_followed() {
    let (world, tree) = filled();
    let modules = world.project().join(".git/worktrees/T/modules");
    std::os::unix::fs::symlink("..", modules.join("up")).unwrap();
    commit(&world, &tree.join("lib"), "work", "x\n");
    git(&world, &tree, &["submodule", "-q", "deinit", "-f", "lib"]);
    let said = refused(&world, &["in submodule `lib`, which is not checked out, 1 commit that is on no remote"]);
    follow_hints(&world, &said);
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
    assert!(!world.project().join(".git/worktrees/T").exists());
}

#[test]
fn a_submodule_without_a_checkout_still_holds_its_commits() {
    let (world, tree) = filled();
    commit(&world, &tree.join("lib"), "work", "x\n");
    git(&world, &tree, &["submodule", "-q", "deinit", "-f", "lib"]);
    let said = refused(&world, &["in submodule `lib`, which is not checked out, 1 commit that is on no remote"]);
    // Also where the folder of the worktree is gone.
    fs::remove_dir_all(&tree).unwrap();
    fs::create_dir(&tree).unwrap();
    fs::remove_dir(&tree).unwrap();
    let call = world.dispatch("clean T").stderr_has("in submodule `lib`, which is not checked out, 1 commit");
    call.fails_with(1);
    follow_hints(&world, &said);
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
    assert!(!world.project().join(".git/worktrees/T").exists());
}

#[test]
fn what_git_does_not_see_in_the_folder_of_an_unfilled_submodule_is_named() {
    let world = world("");
    world.dispatch("run -q job T").any_stderr().succeeds();
    let lib = tree(&world).join("lib");
    fs::write(lib.join("notes"), "mine\n").unwrap();
    refused(&world, &["in submodule `lib`, which is not filled, 1 file git does not know: notes"]);
    fs::remove_file(lib.join("notes")).unwrap();
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
}

#[test]
fn a_broken_submodule_is_not_taken_for_the_repository_around_it() {
    let (world, tree) = filled();
    let dot_git = tree.join("lib/.git");
    for broken in ["gitdir: /no/such/place\n", "what?\n"] {
        fs::write(&dot_git, broken).unwrap();
        refused(&world, &["in submodule `lib` git cannot look for work"]);
    }
    fs::remove_file(&dot_git).unwrap();
    fs::create_dir(&dot_git).unwrap();
    fs::write(dot_git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    refused(&world, &["in submodule `lib` git cannot look for work"]);
}

#[test]
fn empty_submodules_are_reported_and_a_failed_update_fails_the_set_up() {
    let world = world("");
    let doctor = world.dispatch("doctor").any_stderr().ends_somehow().text();
    assert!(doctor.contains("submodules, which stay empty"), "{doctor}");
    world.dispatch("run job T").stderr_has("`worktree: { submodules: true }` fills them").succeeds();
    assert!(is_empty(&tree(&world).join("lib")));
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();

    let manifest = |submodules: bool| {
        format!("{BASE}worktree: {{ path: ../trees/T, create: true, branch: task/t, submodules: {submodules} }}\n")
    };
    world.write("dispatch.yaml", manifest(false));
    let doctor = world.dispatch("doctor").any_stderr().ends_somehow().text();
    assert!(!doctor.contains("submodules"), "it was said: {doctor}");

    world.write("dispatch.yaml", manifest(true));
    let (lib, away) = (world.root().join("sources/lib"), world.root().join("away"));
    fs::rename(&lib, &away).unwrap();
    world.dispatch("run job T").stderr_has("set-up failed: fatal: ").fails_with(1);
    let run = world.status("job", "T");
    assert!(run["reason"].as_str().unwrap().contains("fatal: "), "{run}");
    // The next run does what is left to do.
    fs::rename(&away, &lib).unwrap();
    world.dispatch("run -q job T").any_stderr().succeeds();
    assert!(tree(&world).join("lib/deep/first").exists());
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

//! `dispatch merge`: a task's branch comes into its base; whatever stands against it, nothing is lost.

mod refused;
mod snapshot;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::git::{WORKTREES, commit, git, tree};
use crate::merge::snapshot::Snapshot;
use crate::world::{BASE, World};

/// A repository in whose main checkout `main` is, with the worktree of task T and one commit in it.
fn world() -> (World, PathBuf) {
    let world = World::with(WORKTREES);
    let who = "[user]\n\tname = t\n\temail = t@localhost\n";
    fs::write(world.root().join("home/.gitconfig"), who).unwrap();
    world.task("T", "Make it better.\n");
    world.write("src/a.txt", "one\ntwo\nthree\n");
    world.git_init();
    let tree = tree(&world, "T");
    commit(&world, &tree, "work", "done\n");
    (world, tree)
}

/// Makes `main` go on beside the branch.
fn diverge(world: &World) {
    commit(world, &world.project(), "beside", "x\n");
}

fn hook(world: &World, name: &str, script: &str) {
    let path = world.project().join(".git/hooks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn id(world: &World, name: &str) -> String {
    world.git(&["rev-parse", name]).trim().to_owned()
}

fn parents(world: &World, name: &str) -> usize {
    world.git(&["rev-list", "--parents", "-n1", name]).split_whitespace().count() - 1
}

#[test]
fn a_base_without_own_commits_is_fast_forwarded() {
    let (world, tree) = world();
    let before = Snapshot::of(&world);
    let (from, to) = (id(&world, "main"), id(&world, "task/t"));
    let line =
        format!("merged task/t ({}, 1 commit) into main: fast-forward, {}..{}\n", &to[..10], &from[..10], &to[..10]);
    world.dispatch("merge T").stdout_is(line).succeeds();
    before.nothing_is_lost(&world);
    assert_eq!(id(&world, "main"), to);
    assert_eq!(fs::read_to_string(world.project().join("work")).unwrap(), "done\n");
    assert!(world.git(&["status", "--porcelain"]).is_empty());
    // Nothing is cleaned up that was not asked for.
    assert!(tree.join("work").exists());
    world.dispatch("merge T").stdout_is("nothing to merge: main has all changes of task/t\n").succeeds();
}

#[test]
fn a_base_with_own_commits_gets_a_merge_commit() {
    let (world, tree) = world();
    diverge(&world);
    fs::write(world.project().join("notes"), "not committed\n").unwrap();
    let before = Snapshot::of(&world);
    let branch = id(&world, "task/t");
    let done = world.dispatch("merge T").json();
    before.nothing_is_lost(&world);
    assert_eq!((done["method"].as_str(), done["commits"].as_u64()), (Some("merge"), Some(1)), "{done}");
    assert_eq!((done["branchCommit"].as_str(), done["to"].as_str()), (Some(&*branch), Some(&*id(&world, "main"))));
    assert_eq!((parents(&world, "main"), id(&world, "task/t")), (2, branch));
    assert_eq!(world.git(&["log", "-1", "--format=%s"]), "Merge branch 'task/t' into main\n");
    assert_eq!(world.git(&["status", "--porcelain"]), "?? notes\n");
    assert!(world.project().join("work").exists() && tree.exists());
}

#[test]
fn a_squash_is_one_commit_that_names_the_task_and_its_commits() {
    let (world, tree) = world();
    commit(&world, &tree, "more", "y\n");
    diverge(&world);
    let before = Snapshot::of(&world);
    let was = id(&world, "main");
    world.dispatch("merge T --squash").stdout_has("2 commits) into main: squash").succeeds();
    before.nothing_is_lost(&world);
    assert_eq!((id(&world, "main^"), parents(&world, "main")), (was, 1));
    assert_eq!(world.git(&["log", "-1", "--format=%B"]).trim_end(), "T: The T\n\n* work\n* more");
    assert!(world.project().join("work").exists() && world.project().join("more").exists());
    world.dispatch("merge T --squash").stdout_has("nothing to merge").succeeds();
    // A fast-forward would not be one commit.
    commit(&world, &tree, "third", "z\n");
    git(&world, &tree, &["merge", "-q", "main"]);
    world.dispatch("merge T --squash").stdout_has("into main: squash").succeeds();
    assert_eq!(parents(&world, "main"), 1);
}

#[test]
fn a_rebase_repeats_the_commits_and_leaves_the_branch() {
    let (world, tree) = world();
    commit(&world, &tree, "more", "y\n");
    diverge(&world);
    // Settings that would move the branch, or stash what a user has.
    world.git(&["config", "rebase.updateRefs", "true"]);
    world.git(&["config", "rebase.autoStash", "true"]);
    world.git(&["branch", "half", "task/t^"]);
    let before = Snapshot::of(&world);
    let (was, branch, half) = (id(&world, "main"), id(&world, "task/t"), id(&world, "half"));
    world.dispatch("merge T --rebase").stdout_has("2 commits) into main: rebase").succeeds();
    before.nothing_is_lost(&world);
    assert_eq!((id(&world, "main~2"), id(&world, "task/t"), id(&world, "half")), (was, branch, half));
    assert_eq!(world.git(&["log", "-2", "--format=%s"]), "more\nwork\n");
    world.dispatch("merge T --rebase").stdout_has("nothing to merge").succeeds();
    world.dispatch("merge T --rebase --squash").stderr_has("cannot be used with").fails_with(2);
}

#[test]
fn a_base_that_is_checked_out_elsewhere_or_nowhere_moves_too() {
    let (world, tree) = world();
    let other = world.root().join("other");
    world.git(&["switch", "-q", "-c", "mine"]);
    world.git(&["worktree", "add", "-q", other.to_str().unwrap(), "main"]);
    world.dispatch("merge T --into main").stdout_has("into main: fast-forward").succeeds();
    assert!(other.join("work").exists() && !world.project().join("work").exists());
    // In no checkout.
    world.git(&["worktree", "remove", other.to_str().unwrap()]);
    commit(&world, &tree, "more", "y\n");
    let before = Snapshot::of(&world);
    world.dispatch("merge T --into main").stdout_has("into main: fast-forward").succeeds();
    before.nothing_is_lost(&world);
    assert_eq!(id(&world, "main"), id(&world, "task/t"));
    assert!(world.git(&["reflog", "-1", "main"]).contains("dispatch merge T"));
    assert!(world.git(&["status", "--porcelain"]).is_empty(), "the checkout of another branch is as it was");
    // One whose folder was removed by hand is no checkout.
    world.git(&["worktree", "add", "-q", other.to_str().unwrap(), "main"]);
    fs::remove_dir_all(&other).unwrap();
    commit(&world, &tree, "third", "z\n");
    world.dispatch("merge T --into main --squash").stdout_has("into main: squash").succeeds();
    assert_eq!(parents(&world, "main"), 1);
}

#[test]
fn what_is_merged_is_cleaned_up_where_that_is_asked_for() {
    for how in ["", "--squash", "--rebase"] {
        let (world, tree) = world();
        diverge(&world);
        let branch = id(&world, "task/t");
        let said = world.dispatch("merge T --clean").words(how).succeeds().text();
        assert!(said.contains(&branch[..10]), "the commit of the branch is named: {said}");
        assert!(said.contains("removed worktree") && said.contains("deleted branch task/t\n"), "{said}");
        assert!(!tree.exists() && world.git(&["branch", "--list", "task/t"]).is_empty());
        assert!(world.project().join("work").exists(), "{how}");
    }
    // Into a branch that is not checked out, with which `git branch -d` would not compare.
    let (world, tree) = world();
    world.git(&["branch", "dev"]);
    let done = world.dispatch("merge T --clean --into dev").json();
    assert_eq!(done["clean"]["branchState"].as_str(), Some("deleted"), "{done}");
    assert!(!tree.exists() && world.git(&["show", "dev:work"]) == "done\n");
    // What would be lost by the cleaning stands against the merge too.
    let (world, tree) = self::world();
    let was = id(&world, "main");
    let call = world.dispatch("merge T --clean").in_folder(&tree).stderr_has("you are in it");
    call.stderr_has(format!("hint: cd {}", world.project().display())).fails_with(1);
    assert_eq!(id(&world, "main"), was);
    world.dispatch("merge T").in_folder(&tree).stdout_has("fast-forward").succeeds();
}

#[test]
fn the_check_runs_in_the_worktree_before_anything_is_merged() {
    let (world, tree) = world();
    let with_check = |script: &str| {
        let words = serde_json::to_string(&["sh", "-c", script, "{{ task.id }}"]).unwrap();
        world.write("dispatch.yaml", format!("{BASE}{}", WORKTREES.replace(" }\n", &format!(", check: {words} }}\n"))));
        git(&world, &world.project(), &["commit", "-qam", "check"]);
    };
    let before = |world: &World| Snapshot::of(world);
    with_check("pwd; echo \"of $0\"; exit 3");
    let kept = before(&world);
    let place = tree.display().to_string();
    let failed = world.dispatch("merge T").stderr_has(&place).stderr_has("of T\n");
    let failed = failed.stderr_has("`worktree.check` failed (exit status: 3), so `task/t` was not merged: sh -c ");
    let failed = failed.stderr_has(format!("hint: cd {place} && sh -c ")).stdout_is("").fails_with(1);
    assert!(!failed.stderr.contains("warning"), "{}", failed.stderr);
    kept.nothing_changed(&world);
    // Other objections come first: the check is not run in vain.
    fs::write(tree.join("new"), "").unwrap();
    let said = world.dispatch("merge T").stderr_has("1 file git does not know: new").fails_with(1);
    assert!(!said.stderr.contains("of T"), "{}", said.stderr);
    fs::remove_file(tree.join("new")).unwrap();
    // What it leaves behind counts, and commits that came meanwhile were not checked.
    with_check("echo x > left");
    world.dispatch("merge T").stderr_has("1 file git does not know: left").fails_with(1);
    fs::remove_file(tree.join("left")).unwrap();
    with_check("git commit -q --allow-empty -m meanwhile");
    world
        .dispatch("merge T")
        .stderr_has("`task/t` got further commits")
        .stderr_has("hint: dispatch merge T")
        .fails_with(1);
    with_check("echo fine");
    world.dispatch("merge T --json").stdout_has("\"method\": \"merge\"").stderr_has("fine\n").succeeds();
    // Nothing is checked where nothing is to be merged.
    world.dispatch("merge T").stdout_has("nothing to merge").succeeds();
    // Without a worktree there is nothing to check.
    commit(&world, &tree, "more", "y\n");
    world.git(&["worktree", "remove", tree.to_str().unwrap()]);
    let call = world.dispatch("merge T").stderr_has("it does not exist, so `worktree.check` cannot run in it");
    call.stderr_has(format!("hint: git worktree add {place} task/t")).fails_with(1);
    world.write("dispatch.yaml", format!("{BASE}{WORKTREES}"));
    git(&world, &world.project(), &["commit", "-qam", "no check"]);
    world.dispatch("merge T").stdout_has("into main: merge").succeeds();
}

#[test]
fn two_merges_at_once_both_arrive() {
    let (world, _) = world();
    world.task("U", "# Other\n");
    git(&world, &world.project(), &["add", "-A"]);
    git(&world, &world.project(), &["commit", "-qm", "u"]);
    let other = tree(&world, "U");
    commit(&world, &other, "other work", "u\n");
    let before = Snapshot::of(&world);
    let calls = ["merge T", "merge U --squash"].map(|words| world.dispatch(words).start());
    for call in calls {
        let ended = call.ends();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    before.nothing_is_lost(&world);
    assert!(world.project().join("work").exists() && world.project().join("other work").exists());
}

#[test]
fn what_a_killed_merge_left_is_in_nobodys_way() {
    let (world, tree) = world();
    diverge(&world);
    world.dispatch("merge T --into nowhere").any_stderr().fails_with(1);
    let scratch = world.state().join("merge");
    world.git(&["worktree", "add", "-q", "--detach", scratch.to_str().unwrap(), "main"]);
    world.git(&["worktree", "lock", "--reason", "initializing", scratch.to_str().unwrap()]);
    fs::write(scratch.join("half"), "").unwrap();
    world.dispatch("merge T").stdout_has("into main: merge").succeeds();
    // Also where git knows nothing of it.
    fs::create_dir_all(scratch.join("half")).unwrap();
    commit(&world, &tree, "more", "y\n");
    world.dispatch("merge T").stdout_has("into main: merge").succeeds();
    assert!(!scratch.exists() && world.git(&["worktree", "list"]).lines().count() == 2);
}

#[test]
fn the_commit_of_a_submodule_comes_along_if_others_can_get_it() {
    let (world, tree) = world();
    let home = world.root().join("home/.gitconfig");
    let allowed = fs::read_to_string(&home).unwrap() + "[protocol \"file\"]\n\tallow = always\n";
    fs::write(home, allowed).unwrap();
    let lib = world.root().join("lib");
    fs::create_dir_all(&lib).unwrap();
    world.git(&["init", "-q", "-b", "main", lib.to_str().unwrap()]);
    commit(&world, &lib, "first", "x\n");
    git(&world, &lib, &["switch", "-q", "--detach"]);
    world.git(&["submodule", "-q", "add", lib.to_str().unwrap(), "lib"]);
    git(&world, &world.project(), &["commit", "-qm", "lib"]);
    git(&world, &tree, &["merge", "-q", "main"]);
    git(&world, &tree, &["submodule", "-q", "update", "--init"]);
    let inner = tree.join("lib");
    commit(&world, &inner, "inner", "y\n");
    git(&world, &tree, &["commit", "-qam", "newer lib"]);
    let before = Snapshot::of(&world);
    let said = world.dispatch("merge T").stderr_has("in submodule `lib` 1 commit that is on no remote").fails_with(1);
    before.nothing_changed(&world);
    let push = said.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap().to_owned();
    world.helper("sh", &["-c", &push]);
    let update = format!("git -C {} submodule update --init --recursive", world.project().display());
    world.dispatch("merge T").stderr_has(&update).stdout_has("into main: ").succeeds();
    before.nothing_is_lost(&world);
    // The next merge is not refused because of the submodule's checkout, which is behind.
    commit(&world, &tree, "more", "y\n");
    world.dispatch("merge T").stdout_has("into main: ").succeeds();
    world.helper("sh", &["-c", &update]);
    assert!(world.project().join("lib/inner").exists() && world.git(&["status", "--porcelain"]).is_empty());
    // Both sides moved it: a conflict.
    for (path, file) in [(world.project().join("lib"), "ours"), (inner, "theirs")] {
        commit(&world, &path, file, "z\n");
        git(&world, &path, &["push", "-q", "origin", &format!("HEAD:refs/heads/{file}")]);
        git(&world, path.parent().unwrap(), &["commit", "-qam", file]);
    }
    let before = Snapshot::of(&world);
    world.dispatch("merge T").stderr_has("conflicts with `main`, and both are as they were: lib").fails_with(1);
    before.nothing_changed(&world);
}

#[test]
fn hooks_decide_and_what_they_refuse_changes_nothing() {
    for (name, how, script) in [
        ("pre-merge-commit", "", "echo no merges >&2; exit 1"),
        ("commit-msg", "", "echo no merges >&2; exit 1"),
        ("commit-msg", "--squash", "echo no merges >&2; exit 1"),
        ("pre-commit", "--squash", "echo no merges >&2; exit 1"),
        ("pre-rebase", "--rebase", "echo no merges >&2; exit 1"),
        (
            "reference-transaction",
            "",
            "[ \"$1\" != prepared ] || ! grep -q refs/heads/main || { echo no merges >&2; exit 1; }",
        ),
    ] {
        for elsewhere in [false, true] {
            let (world, _) = world();
            diverge(&world);
            if elsewhere {
                world.git(&["switch", "-q", "-c", "mine"]);
            }
            hook(&world, name, script);
            let before = Snapshot::of(&world);
            world.dispatch("merge T --into main").words(how).stderr_has("no merges").stdout_is("").fails_with(1);
            before.nothing_changed(&world);
            fs::remove_file(world.project().join(".git/hooks").join(name)).unwrap();
            world.dispatch("merge T --into main").words(how).stdout_has("into main: ").succeeds();
            before.nothing_is_lost(&world);
        }
    }
    // A fast-forward makes no commit, but moves the branch.
    let (world, _) = world();
    hook(&world, "reference-transaction", "[ \"$1\" != prepared ] || ! grep -q refs/heads/main || exit 1");
    let before = Snapshot::of(&world);
    world.dispatch("merge T").stderr_has("`git merge --ff-only` failed").fails_with(1);
    before.nothing_changed(&world);
}

#[test]
fn a_base_that_moves_while_the_result_is_made_is_left_as_it_is() {
    for elsewhere in [false, true] {
        let (world, _) = world();
        diverge(&world);
        if elsewhere {
            world.git(&["switch", "-q", "-c", "mine"]);
        }
        let meanwhile = "git update-ref refs/heads/main $(git commit-tree main^{tree} -p main -m meanwhile)";
        hook(&world, "commit-msg", meanwhile);
        let before = Snapshot::of(&world);
        let call = world.dispatch("merge T --into main").stderr_has("`main` was moved meanwhile");
        call.stdout_is("").fails_with(1);
        before.nothing_is_lost(&world);
        assert_eq!(world.git(&["log", "-1", "--format=%s", "main"]), "meanwhile\n");
        fs::remove_file(world.project().join(".git/hooks/commit-msg")).unwrap();
        world.dispatch("merge T --into main").stdout_has("into main: merge").succeeds();
        before.nothing_is_lost(&world);
    }
}

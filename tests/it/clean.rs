//! `dispatch clean`: a finished worktree is removed; what is in use or would be lost stays.

use std::fs;
use std::path::Path;

use crate::git::{commit, git, tree, world};
use crate::waiting::{is, rounds, wait_until};
use crate::world::World;

fn branch_is_there(world: &World) -> bool {
    world.git(&["branch", "--list", "task/t"]).contains("task/t")
}

fn merge(world: &World) {
    git(world, &world.project(), &["merge", "-q", "--no-ff", "-m", "merged", "task/t"]);
}

#[test]
fn what_is_merged_goes_with_its_branch() {
    let (world, tree) = world();
    commit(&world, &tree, "done", "x\n");
    merge(&world);
    fs::write(world.project().join(".git/info/exclude"), "cache/\n").unwrap();
    fs::create_dir(tree.join("cache")).unwrap();
    fs::write(tree.join("cache/x"), "").unwrap();

    let said = world.dispatch("clean -n T").stdout_has("would remove worktree").stdout_has("cache/").succeeds().text();
    assert!(said.contains("would delete branch task/t"), "{said}");
    assert!(tree.exists() && branch_is_there(&world) && !world.state().exists(), "a dry run changes nothing");

    let done = world.dispatch("clean T").json();
    assert_eq!((done["removed"].as_bool(), done["branchState"].as_str()), (Some(true), Some("deleted")), "{done}");
    assert!(!tree.exists() && !branch_is_there(&world));
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
    assert!(world.project().join("done").exists(), "the work itself is in the base");
    world.dispatch("clean T").stdout_has("nothing to clean").succeeds();
}

#[test]
fn a_folder_that_was_removed_by_hand_is_cleaned_up_after() {
    let (world, tree) = world();
    fs::remove_dir_all(&tree).unwrap();
    world.dispatch("clean T").stdout_has("removed worktree").stdout_has("deleted branch").succeeds();
    assert!(!world.git(&["worktree", "list"]).contains("trees"));
    // And a branch alone, that is merged or not.
    world.git(&["branch", "task/t"]);
    world.dispatch("clean T").stdout_is("deleted branch task/t\n").succeeds();
    world.git(&["worktree", "add", "-q", "../trees/T", "-b", "task/t"]);
    commit(&world, &tree, "x", "x\n");
    world.git(&["worktree", "remove", "../trees/T"]);
    world.dispatch("clean T").stdout_is("kept branch task/t: 1 commit is not in `main`\n").succeeds();
    assert!(branch_is_there(&world));
}

/// All reasons why `clean` refuses; nothing has changed.
#[track_caller]
fn refused(world: &World, tree: &Path, words: &[&str]) {
    let before = git(world, tree, &["status", "--porcelain"]);
    for call in ["clean T", "clean -n T"] {
        let call = words.iter().fold(world.dispatch(call), |call, words| call.stderr_has(*words));
        let ended = call.stderr_has("stays").stderr_has("hint:").fails_with(1);
        assert!(!ended.stderr.contains("--force"), "{}", ended.stderr);
    }
    assert_eq!(git(world, tree, &["status", "--porcelain"]), before);
}

#[test]
fn work_that_would_be_lost_is_named_all_at_once() {
    let (world, tree) = world();
    commit(&world, &tree, "done", "x\n");
    fs::write(tree.join("src/a.txt"), "other\n").unwrap();
    fs::write(tree.join("new one"), "").unwrap();
    // What the user does not want to see of it is lost all the same.
    world.git(&["config", "status.showUntrackedFiles", "no"]);
    let commits = "1 commit of `task/t` neither in `main` nor on a remote";
    refused(&world, &tree, &["1 change not committed: src/a.txt", "1 file git does not know: new one", commits]);
    git(&world, &tree, &["checkout", "-q", "--", "src/a.txt"]);
    fs::remove_file(tree.join("new one")).unwrap();
    refused(&world, &tree, &[commits, "git merge task/t"]);
    // A squash is a commit of its own, which git cannot know for this one.
    git(&world, &world.project(), &["merge", "-q", "--squash", "task/t"]);
    git(&world, &world.project(), &["commit", "-qm", "squashed"]);
    refused(&world, &tree, &[commits, "squash", "git branch -D task/t"]);
}

#[test]
fn what_is_on_a_remote_is_not_lost() {
    let (world, tree) = world();
    let far = world.root().join("far.git");
    world.git(&["init", "-q", "--bare", far.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", far.to_str().unwrap()]);
    commit(&world, &tree, "done", "x\n");
    git(&world, &tree, &["push", "-q", "origin", "task/t"]);
    world.dispatch("clean T").stdout_has("removed worktree").stdout_has("kept branch task/t").succeeds();
    assert!(!tree.exists() && branch_is_there(&world));
    // Merged on the remote: the local `main` lacks the merge, its upstream has it.
    world.git(&["push", "-q", "-u", "origin", "main"]);
    world.git(&["push", "-q", "origin", "task/t:main"]);
    world.git(&["fetch", "-q"]);
    world.dispatch("clean -n T").stdout_is("would delete branch task/t\n").succeeds();
    // `git branch -d` compares with what is checked out here, and keeps it.
    world.dispatch("clean T").stdout_has("kept branch task/t: ").succeeds();
    world.git(&["merge", "-q", "origin/main"]);
    world.dispatch("clean T").stdout_is("deleted branch task/t\n").succeeds();
}

#[test]
fn what_is_not_the_tasks_own_or_in_use_stays() {
    let (world, tree) = world();
    world.git(&["worktree", "lock", "--reason", "on a stick", "../trees/T"]);
    refused(&world, &tree, &["it is locked: on a stick", "git worktree unlock"]);
    world.git(&["worktree", "unlock", "../trees/T"]);
    git(&world, &tree, &["switch", "-q", "-c", "other"]);
    refused(&world, &tree, &["branch `other` is checked out there, not `task/t`", "switch task/t"]);
    git(&world, &tree, &["switch", "-q", "--detach"]);
    refused(&world, &tree, &["no branch is checked out there"]);
    git(&world, &tree, &["switch", "-q", "task/t"]);
    // The current folder of the command would be gone.
    for folder in [tree.clone(), tree.join("src")] {
        let call = world.dispatch("clean T").in_folder(folder).stderr_has("you are in it");
        call.stderr_has(format!("cd {}", world.project().display())).fails_with(1);
    }
    let manifest = |path: &str| format!("{}worktree: {{ path: {path} }}\n", crate::world::BASE);
    world.write("dispatch.yaml", manifest("."));
    world.dispatch("clean T").stderr_has("it is the main checkout").fails_with(1);
    let other = world.root().join("other");
    world.git(&["clone", "-q", ".", other.to_str().unwrap()]);
    world.write("dispatch.yaml", manifest("../other"));
    world.dispatch("clean T").stderr_has("no worktree of this repository").fails_with(1);
    assert!(other.join(".git").is_dir() && tree.exists() && branch_is_there(&world));
}

#[test]
fn a_worktree_in_which_something_runs_or_waits_stays() {
    let (world, tree) = world();
    let manifest = format!(
        "{}  gated: {{ agent: fake, prompt: x, gate: approve }}\n{}",
        crate::world::BASE,
        crate::git::WORKTREES
    );
    world.write("dispatch.yaml", manifest);
    for (mode, state) in [("job", "running"), ("talk", "running"), ("gated", "queued")] {
        world.dispatch("run -d -q").arg(mode).arg("T").notes().succeeds();
        let run = world.wait_state(mode, "T", state);
        if state == "running" {
            world.agent_ready(run["runId"].as_str().unwrap());
        }
        // A task beside it, working in the same folder, counts as well.
        refused(&world, &tree, &[&format!("`{mode} T` works in it ({state})"), &format!("dispatch stop {mode} T")]);
        world.dispatch("stop").arg(mode).arg("T").notes().succeeds();
    }
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
    assert!(!tree.exists());
}

#[test]
fn a_run_that_starts_while_it_is_removed_waits_and_finds_it_gone() {
    let (world, tree) = world();
    let real = world.helper("sh", &["-c", "command -v git"]);
    // Holds the removal at its beginning.
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *'worktree remove'*) touch {root}/removing; while [ ! -e {root}/go ]; do sleep 0.01; done;; esac\nexec {real} \"$@\"\n",
        root = world.root().display(),
        real = real.trim(),
    );
    world.shadow("git", &script);
    let clean = world.dispatch("clean T").start();
    wait_until("it is being removed", || is(world.root().join("removing").exists(), "not yet"));
    let run = world.dispatch("run job T").any_stderr().start();
    let up = world.dispatch("run -d talk T").any_stderr().start();
    for mode in ["job", "talk"] {
        wait_until("the pair is taken", || is(world.state().join("pairs").join(mode).join("T").exists(), "not yet"));
    }
    fs::write(world.root().join("go"), "").unwrap();
    clean.ends_with(0);
    for run in [run, up] {
        let ended = run.ends();
        assert!(ended.code != 0 && ended.stderr.contains("is gone"), "{}: {}", ended.code, ended.stderr);
    }
    assert!(world.starts().is_empty() && !tree.exists());
    // The next one makes it anew.
    world.task("T", "%exit 0");
    world.dispatch("run -q job T").any_stderr().succeeds();
    assert!(tree.exists());
}

#[test]
fn of_a_clean_and_a_run_at_once_one_wins() {
    let (world, _) = world();
    for round in 0..rounds(30) {
        let path = world.root().join("trees/T");
        if !path.exists() {
            tree(&world, "T");
        }
        let clean = world.dispatch("clean T").any_stderr().start();
        let run = world.dispatch("run -d job T").any_stderr().start();
        let (clean, run) = (clean.ends(), run.ends());
        let active = run.code == 0;
        if active {
            // Whichever was first: a run that was let in has a folder under its feet.
            let id = world.status("job", "T")["runId"].as_str().unwrap().to_owned();
            world.agent_ready(&id);
            assert!(path.join("src").exists(), "round {round}: {} {}", clean.stderr, run.stderr);
        }
        assert!(clean.code == 0 || active, "round {round}: neither succeeded: {} {}", clean.stderr, run.stderr);
        world.dispatch("stop job T").notes().succeeds();
    }
}

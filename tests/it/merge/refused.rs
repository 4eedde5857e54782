//! What stands against a merge: all of it is said at once, and nothing changes.

use std::fs;

use super::{Snapshot, diverge, id, world};
use crate::git::{commit, git};
use crate::world::BASE;

#[test]
fn a_conflict_leaves_base_and_branch_as_they_were() {
    let (world, tree) = world();
    commit(&world, &tree, "src/a.txt", "one\nTWO\nthree\n");
    commit(&world, &world.project(), "src/a.txt", "one\n2\nthree\n");
    let before = Snapshot::of(&world);
    for how in ["", "--squash", "--rebase"] {
        let call = world.dispatch("merge T").words(how).stdout_is("");
        let call = call.stderr_has("`task/t` conflicts with `main`, and both are as they were: src/a.txt\n");
        call.stderr_has(format!("hint: git -C {} merge main\n", tree.display())).fails_with(1);
        before.nothing_changed(&world);
    }
    assert!(!world.state().join("merge").exists());
    let document = world.dispatch("merge T --json").any_stderr().fails_with(1);
    assert!(!document.text().contains("\"method\""), "{}", document.text());
    // As the hint says.
    world.helper("sh", &["-c", &format!("git -C {} merge -q main || :", tree.display())]);
    commit(&world, &tree, "src/a.txt", "one\nboth\nthree\n");
    world.dispatch("merge T").stdout_has("into main: fast-forward").succeeds();
    before.nothing_is_lost(&world);
}

#[test]
fn all_that_stands_against_it_is_said_at_once() {
    let (world, tree) = world();
    diverge(&world);
    fs::write(world.project().join("src/a.txt"), "mine\n").unwrap();
    fs::write(tree.join("work"), "half\n").unwrap();
    fs::write(tree.join("new one"), "").unwrap();
    let before = Snapshot::of(&world);
    let (project, place) = (world.project().display().to_string(), tree.display().to_string());
    for how in ["", "--squash", "--rebase", "--clean"] {
        let mut call = world.dispatch("merge T").words(how).stdout_is("");
        for words in [
            format!("error: `task/t` was not merged into `main`; its worktree is `{place}`:\n"),
            "  1 change not committed: work\n".to_owned(),
            "  1 file git does not know: new one\n".to_owned(),
            format!("  `main` is checked out in `{project}` with 1 change not committed: src/a.txt\n"),
            format!("hint: git -C {place} commit -a\n"),
            format!("hint: git -C {place} add -A && git -C {place} commit\n"),
            format!("hint: git -C {project} commit -a; or git -C {project} stash, and "),
        ] {
            call = call.stderr_has(words);
        }
        call.fails_with(1);
        before.nothing_changed(&world);
    }
    // Also what is only staged.
    git(&world, &tree, &["checkout", "-q", "--", "work"]);
    fs::remove_file(tree.join("new one")).unwrap();
    world.git(&["add", "-A"]);
    let call = world.dispatch("merge T").stderr_has("with 1 change not committed: src/a.txt");
    assert_eq!(call.fails_with(1).stderr.lines().filter(|line| line.starts_with("hint: ")).count(), 1);
    world.git(&["reset", "-q", "--hard"]);
    world.dispatch("merge T").stdout_has("into main: merge").succeeds();
}

#[test]
fn files_in_the_way_are_not_overwritten() {
    let (world, _) = world();
    for ignored in [false, true] {
        let exclude = if ignored { "work\n" } else { "" };
        fs::write(world.project().join(".git/info/exclude"), exclude).unwrap();
        fs::write(world.project().join("work"), "mine\n").unwrap();
        let before = Snapshot::of(&world);
        world.dispatch("merge T").stderr_has("would be overwritten by merge").stdout_is("").fails_with(1);
        before.nothing_changed(&world);
    }
    fs::remove_file(world.project().join("work")).unwrap();
    world.dispatch("merge T").stdout_has("fast-forward").succeeds();
}

#[test]
fn what_cannot_be_merged_is_named_with_what_to_do() {
    let (world, tree) = world();
    let was = id(&world, "main");
    let refused = |words: &str, reason: &str, hint: &str| {
        world.dispatch(words).stderr_has(reason).stderr_has(format!("hint: {hint}")).stdout_is("").fails_with(1);
        assert_eq!(id(&world, "main"), was);
    };
    refused("merge T --into nowhere", "the base `nowhere` is no local branch", "git branch nowhere; or ");
    refused("merge T --into task/t", "`task/t` is the base itself", "dispatch merge T --into BRANCH");
    world.git(&["update-ref", "refs/remotes/origin/far", "main"]);
    let fix = "git branch far origin/far; dispatch merge T --into far";
    refused("merge T --into origin/far", "the base `origin/far` is no local branch", fix);
    git(&world, &tree, &["switch", "-q", "-c", "other"]);
    let fix = format!("git -C {} switch task/t", tree.display());
    refused("merge T", "branch `other` is checked out there, not `task/t`", &fix);
    git(&world, &tree, &["switch", "-q", "task/t"]);
    world.task("U", "x");
    refused("merge U", "task `U` has no branch `task/u`", "`dispatch run MODE U` begins the work");
    world.dispatch("merge NO").stderr_has("NO").fails_with(2);
    world.dispatch("merge").stderr_has("TASK").fails_with(2);
    world.write("dispatch.yaml", BASE);
    world.dispatch("merge T").stderr_has("the manifest has no `worktree:`").fails_with(2);
}

#[test]
fn an_active_run_of_the_task_stands_against_it() {
    let (world, _) = world();
    world.task("T", "%hang");
    let more = format!("  elsewhere: {{ agent: fake, prompt: \"%hang\", cwd: . }}\n{}", crate::git::WORKTREES);
    world.write("dispatch.yaml", format!("{BASE}{more}"));
    git(&world, &world.project(), &["commit", "-qam", "tasks"]);
    let before = Snapshot::of(&world);
    for (mode, reason) in [("job", "`job T` works in it (running)"), ("elsewhere", "`elsewhere T` is active (running)")]
    {
        let run = world.detach(mode, "T");
        world.wait_state(mode, "T", "running");
        world.agent_ready(&run);
        let call = world.dispatch("merge T").stderr_has(reason).stderr_has(format!("hint: dispatch stop {mode} T\n"));
        call.stdout_is("").fails_with(1);
        world.dispatch("stop").arg(mode).arg("T").notes().succeeds();
    }
    before.nothing_changed(&world);
    world.dispatch("merge T").stdout_has("into main: merge").succeeds();
    before.nothing_is_lost(&world);
}

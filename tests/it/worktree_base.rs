//! What a task's branch starts from: the configured base or the default one, how old it is, and why a
//! worktree could not be made.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::git::{commit, git};
use crate::world::World;

/// A repository whose branch is `branch`, with the task `T`.
fn world(branch: &str, worktree: &str) -> World {
    let world = World::with(&format!("worktree: {{ path: \"../trees/{{{{ task.id }}}}\", create: true{worktree} }}\n"));
    world.task("T", "%exit 0").write("file", "1\n");
    world.git_init();
    world.git(&["branch", "-q", "-m", branch]);
    world
}

/// `origin`, which knows `branch`, and whose clone elsewhere is `commits` ahead of this one.
fn remote(world: &World, branch: &str, commits: usize) -> PathBuf {
    let (far, clone) = (world.root().join("far.git"), world.root().join("clone"));
    world.git(&["init", "-q", "--bare", "-b", branch, far.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", far.to_str().unwrap()]);
    world.git(&["push", "-q", "-u", "origin", branch]);
    world.git(&["clone", "-q", far.to_str().unwrap(), clone.to_str().unwrap()]);
    for number in 0..commits {
        commit(world, &clone, "file", &format!("far {number}\n"));
    }
    git(world, &clone, &["push", "-q"]);
    far
}

fn tip(world: &World, name: &str) -> String {
    world.git(&["rev-parse", name]).trim().to_owned()
}

/// The commit that the branch of the worktree of `T` starts from.
fn start(world: &World) -> String {
    tip(world, "task/t")
}

fn setup_log(world: &World) -> String {
    let run = world.status("job", "T")["runId"].as_str().unwrap().to_owned();
    fs::read_to_string(world.run_folder(&run).join("setup.log")).unwrap()
}

fn findings(world: &World) -> Vec<(String, String)> {
    let ended = world.dispatch("doctor --json").any_stderr().ends_somehow();
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let all = report["findings"].as_array().unwrap_or_else(|| panic!("{report}"));
    let own = all.iter().filter(|finding| finding["what"] == "worktrees");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    own.map(|finding| (text(finding, "found"), text(finding, "cure"))).collect()
}

#[test]
fn without_a_base_it_is_the_main_checkouts_branch() {
    for branch in ["master", "feature/x"] {
        let world = world(branch, "");
        world.dispatch("run -q job T").any_stderr().succeeds();
        assert_eq!(start(&world), tip(&world, branch));
        world.dispatch("clean T").stdout_has("deleted branch task/t").succeeds();
    }
    // A detached main checkout: its commit.
    let world = world("master", "");
    world.git(&["switch", "-q", "--detach"]);
    world.dispatch("run -q job T").any_stderr().succeeds();
    assert_eq!(start(&world), tip(&world, "master"));
}

#[test]
fn without_a_base_the_branch_of_the_remotes_head_comes_first() {
    let world = world("trunk", "");
    remote(&world, "trunk", 0);
    world.git(&["remote", "set-head", "origin", "trunk"]);
    world.git(&["switch", "-q", "-c", "mine"]);
    commit(&world, &world.project(), "file", "mine\n");
    world.dispatch("render job T").stdout_has("trunk").succeeds();
    world.dispatch("run -q job T").any_stderr().succeeds();
    assert_eq!(start(&world), tip(&world, "trunk"));
    world.dispatch("diff T --json").succeeds();
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
    // Without a local branch of that name it is the remote's.
    world.git(&["branch", "-q", "-D", "trunk"]);
    if world.git(&["branch", "--list", "task/t"]).contains("task/t") {
        world.git(&["branch", "-q", "-D", "task/t"]);
    }
    world.dispatch("run -q -B job T").any_stderr().succeeds();
    assert_eq!(start(&world), tip(&world, "origin/trunk"));
}

#[test]
fn why_a_worktree_could_not_be_made_is_the_reason_of_the_runs_end() {
    let world = world("master", ", base: main");
    // Versions of git say it differently.
    let git = world.command("git").args(["worktree", "add", "-b", "probe", "../probe", "main"]).output().unwrap();
    let words = String::from_utf8(git.stderr).unwrap();
    let line = words.lines().find(|line| line.starts_with("fatal: ") && line.contains("main")).expect(&words);
    world.dispatch("run job T").stderr_has(format!("the worktree's set-up failed: {line}")).fails_with(1);
    let run = world.status("job", "T");
    assert!(run["reason"].as_str().unwrap().contains(line), "{run}");
    // The same of a window.
    world.dispatch("run -d -q talk T").notes().succeeds();
    let run = world.wait_state("talk", "T", "failed");
    assert!(run["reason"].as_str().unwrap().contains(line), "{run}");
    assert!(world.starts().is_empty());
    // The same of a set-up command.
    world.write(
        "dispatch.yaml",
        format!("{}worktree: {{ path: ../trees/T, create: true, setup: [sh, -c, 'exit 3'] }}\n", crate::world::BASE),
    );
    world.dispatch("run job T").stderr_has("failed (exit status: 3)").fails_with(1);
}

#[test]
fn check_names_a_base_that_does_not_exist() {
    let world = world("master", ", base: main");
    let ended = world.dispatch("check").stderr_has("`main` (`worktree.base`) is not a commit").fails_with(1);
    assert!(ended.stderr.contains("dispatch.yaml:") && ended.stderr.contains("`base: master`"), "{}", ended.stderr);
    world.git(&["branch", "main"]);
    world.dispatch("check").succeeds();
    // A template is rendered for each task.
    let base = "{{ 'no' if task.id == 'T' else 'master' }}";
    world.write("dispatch.yaml", format!("{}worktree: {{ path: ../trees/T, base: \"{base}\" }}\n", crate::world::BASE));
    world.dispatch("check").stderr_has("`no` (`worktree.base`)").stderr_has("dispatch.yaml:").fails_with(1);
    // Loading is not checking: what needs no worktree goes on.
    world.dispatch("tasks").stdout_has("T").succeeds();
}

#[test]
fn a_base_that_is_behind_its_remote_is_reported() {
    let world = world("main", "");
    remote(&world, "main", 2);
    assert!(findings(&world)[0].0.contains("can be made from main"), "nothing was fetched: {:?}", findings(&world));
    world.git(&["fetch", "-q"]);
    let (found, cure) = findings(&world).remove(0);
    assert_eq!(found, "`main` is 2 commits behind `origin/main`");
    assert!(cure.contains("merge --ff-only origin/main") && cure.contains("worktree.fetch: true"), "{cure}");
    world.dispatch("run -q job T").any_stderr().succeeds();
    assert!(setup_log(&world).contains("`main` is 2 commits behind `origin/main`"), "{}", setup_log(&world));
    assert_eq!(start(&world), tip(&world, "main"));
    // The command that doctor shows ends it.
    world.helper("sh", &["-c", cure.split("; or").next().unwrap()]);
    assert!(findings(&world)[0].0.contains("can be made from main"));
}

#[test]
fn a_fetched_base_starts_from_the_remotes_branch_and_moves_no_branch_of_the_user() {
    let world = world("main", ", fetch: true");
    remote(&world, "main", 2);
    let own = tip(&world, "main");
    world.dispatch("run -q job T").any_stderr().succeeds();
    assert_eq!((start(&world), tip(&world, "main")), (tip(&world, "origin/main"), own.clone()));
    assert_ne!(start(&world), own);
    world.dispatch("clean T").stdout_has("removed worktree").succeeds();
    // With commits of its own, the local branch is what is meant.
    world.git(&["branch", "-q", "-D", "task/t"]);
    commit(&world, &world.project(), "own", "mine\n");
    world.dispatch("run -q -B job T").any_stderr().succeeds();
    assert_eq!(start(&world), tip(&world, "main"));
    assert!(setup_log(&world).contains("`main` has commits that `origin/main` has not"), "{}", setup_log(&world));
}

#[test]
fn a_base_that_cannot_be_fetched_fails_the_set_up() {
    let world = world("main", ", fetch: true");
    world.dispatch("run job T").stderr_has("no remote").fails_with(1);
    let far = remote(&world, "main", 0);
    fs::rename(&far, world.root().join("away.git")).unwrap();
    world.dispatch("run job T").stderr_has("set-up failed: fatal: ").fails_with(1);
    let run = world.status("job", "T");
    assert!(run["reason"].as_str().unwrap().contains("fatal: "), "{run}");
    assert!(world.starts().is_empty() && !world.root().join("trees/T").exists());
    // It is tried again at the next run.
    fs::rename(world.root().join("away.git"), &far).unwrap();
    world.dispatch("run -q job T").any_stderr().succeeds();
}

#[test]
fn a_branch_is_meant_by_its_full_name_too() {
    let world = world("main", ", branch: \"refs/heads/work/{{ task.id }}\"");
    world.dispatch("run -q job T").any_stderr().succeeds();
    let branches = world.git(&["for-each-ref", "--format=%(refname)", "refs/heads"]);
    assert_eq!(branches.lines().collect::<Vec<_>>(), ["refs/heads/main", "refs/heads/work/T"]);
    world.dispatch("clean T").stdout_has("deleted branch work/T").succeeds();
    for other in ["refs/tags/x", "refs/heads/"] {
        world.write(
            "dispatch.yaml",
            format!("{}worktree: {{ path: ../trees/T, create: true, branch: {other} }}\n", crate::world::BASE),
        );
        world
            .dispatch("run job T")
            .stderr_has(format!("`{other}` (`worktree.branch`)"))
            .stderr_has("hint: ")
            .fails_with(2);
    }
}

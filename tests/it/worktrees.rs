//! Git worktrees: checked, made, shared with the main checkout, never deleted.

use std::fs;

use crate::world::World;

const CHECKED: &str =
    "worktree: { path: \"../trees/{{ task.id }}\", branch: \"task/{{ task.id | lower }}\", base: main }\n";
const CREATED: &str = "worktree:\n  path: \"../trees/{{ task.id }}\"\n  create: true\n  \
    branch: \"task/{{ task.id | lower }}\"\n  base: main\n  copy: [.env]\n  setup: \"sh -c 'echo set-up ran; cp .env seen'\"\n";

fn world(more: &str) -> World {
    let world = World::with(more);
    world.task("TASK-1", "%exit 0").git_init();
    world.write(".env", "SECRET=1\n");
    world
}

#[test]
fn a_missing_worktree_is_an_error_with_the_git_line() {
    let world = world(CHECKED);
    world.dispatch("run job TASK-1").stderr_has("git worktree add").stderr_has("trees/TASK-1").fails_with(2);
    assert!(world.starts().is_empty());
}

#[test]
fn a_folder_that_is_no_worktree_is_an_error() {
    let world = world(CHECKED);
    fs::create_dir_all(world.root().join("trees/TASK-1")).unwrap();
    world.dispatch("run job TASK-1").stderr_has("worktree").fails_with(2);
    assert!(world.starts().is_empty());
}

#[test]
fn the_run_works_in_its_worktree() {
    let world = world(CHECKED);
    world.git(&["worktree", "add", "-q", "../trees/TASK-1", "-b", "task/task-1"]);
    world.dispatch("run -q job TASK-1").notes().succeeds();
    let run = world.starts()[0].run.clone();
    let cwd = String::from_utf8(world.saw(&run, "cwd")).unwrap();
    assert_eq!(cwd, world.root().join("trees/TASK-1").to_str().unwrap());
}

#[test]
fn create_makes_it_copies_files_and_runs_the_setup_in_the_runs_log() {
    let world = world(CREATED);
    world.dispatch("run job TASK-1").any_stderr().succeeds();
    let tree = world.root().join("trees/TASK-1");
    assert_eq!(fs::read_to_string(tree.join(".env")).unwrap(), "SECRET=1\n");
    assert!(tree.join("seen").exists());
    assert_eq!(world.helper("git", &["-C", tree.to_str().unwrap(), "branch", "--show-current"]).trim(), "task/task-1");
    let ended = world.dispatch("logs job TASK-1 --raw").any_stderr().succeeds();
    assert!(format!("{}{}", ended.text(), ended.stderr).contains("set-up ran"));
    // The second run finds it made.
    fs::remove_file(tree.join("seen")).unwrap();
    world.dispatch("run -q job TASK-1").any_stderr().succeeds();
    assert!(!tree.join("seen").exists(), "set up once");
}

#[test]
fn an_existing_branch_is_reused_and_a_failing_setup_fails_the_run() {
    let world = world(&CREATED.replace("sh -c 'echo set-up ran; cp .env seen'", "sh -c 'echo no; exit 3'"));
    world.git(&["branch", "task/task-1"]);
    world.dispatch("run -q job TASK-1").any_stderr().ends_somehow();
    assert_eq!(world.status("job", "TASK-1")["state"], "failed");
    assert!(world.starts().is_empty(), "the agent is not started");
    assert!(world.root().join("trees/TASK-1").exists(), "nothing is deleted");
}

#[test]
fn a_failed_setup_runs_again_at_the_next_run() {
    // The copy is made once, so the set-up looks at the original.
    let setup = "sh -c 'echo x >> setups; grep -q ready ../../project/.env'";
    let world = world(&CREATED.replace("sh -c 'echo set-up ran; cp .env seen'", setup));
    let tree = world.root().join("trees/TASK-1");
    world.dispatch("run -q job TASK-1").any_stderr().ends_somehow();
    assert_eq!(world.status("job", "TASK-1")["state"], "failed");
    assert!(world.starts().is_empty(), "the agent is not started");

    world.write(".env", "ready\n");
    world.dispatch("run -q job TASK-1").any_stderr().succeeds();
    assert_eq!(world.starts().len(), 1);
    assert_eq!(fs::read_to_string(tree.join("setups")).unwrap(), "x\nx\n");
    assert_eq!(fs::read_to_string(tree.join(".env")).unwrap(), "SECRET=1\n", "nothing is overwritten");

    world.dispatch("run -q job TASK-1").any_stderr().succeeds();
    assert_eq!(fs::read_to_string(tree.join("setups")).unwrap(), "x\nx\n", "set up once");
}

#[test]
fn a_dry_run_makes_no_worktree_and_no_branch() {
    let world = world(CREATED);
    world.dispatch("run -n job TASK-1").notes().succeeds();
    assert!(!world.root().join("trees").exists());
    assert!(!world.git(&["branch", "--list"]).contains("task/"));
}

#[test]
fn a_linked_worktree_shares_the_main_checkouts_runs() {
    let world = World::new();
    world.task("TASK-1", "%hang").git_init();
    world.git(&["worktree", "add", "-q", "../linked", "-b", "side"]);
    let linked = world.root().join("linked");
    let run = world.detach("job", "TASK-1");
    let seen = world.dispatch("status job TASK-1").in_folder(&linked).json();
    assert_eq!(seen["runId"], run.as_str());
    let again = world.dispatch("run -d job TASK-1").in_folder(&linked).notes().json();
    assert_eq!(again["runs"][0]["runId"], run.as_str());
    assert!(!linked.join(".dispatch").exists());
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn in_a_tasks_worktree_the_task_may_be_left_out() {
    let world = world(CHECKED);
    world.git(&["worktree", "add", "-q", "../trees/TASK-1", "-b", "task/task-1"]);
    world.dispatch("job").in_folder(world.root().join("trees/TASK-1")).notes().succeeds();
    assert_eq!(world.starts()[0].task, "TASK-1");
}

#[test]
fn a_subtask_uses_its_parents_worktree() {
    let world = world(CHECKED);
    world.write("tasks/feature/_overview.md", "---\nid: PARENT\ntitle: P\n---\n");
    world.write("tasks/feature/01_child.md", "---\nid: CHILD\ntitle: C\n---\n\n%exit 0\n");
    world.git(&["worktree", "add", "-q", "../trees/PARENT", "-b", "task/parent"]);
    world.dispatch("run -q job CHILD").notes().succeeds();
    let run = world.starts()[0].run.clone();
    let cwd = String::from_utf8(world.saw(&run, "cwd")).unwrap();
    assert_eq!(cwd, world.root().join("trees/PARENT").to_str().unwrap());
}

#[test]
fn a_worktree_that_vanishes_leaves_status_and_logs_working() {
    let world = world(CHECKED);
    world.task("TASK-1", "%out words\n%exit 0");
    world.git(&["worktree", "add", "-q", "../trees/TASK-1", "-b", "task/task-1"]);
    world.dispatch("run -q job TASK-1").notes().succeeds();
    world.git(&["worktree", "remove", "--force", "../trees/TASK-1"]);
    assert_eq!(world.status("job", "TASK-1")["state"], "succeeded");
    world.dispatch("logs job TASK-1 --raw").stdout_has("words").succeeds();
}

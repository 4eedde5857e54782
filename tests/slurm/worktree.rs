//! The submitting host makes the worktree and its copies; the node runs the set-up command.

use std::fs;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::waiting::{is, wait_for, wait_until};
use crate::world::World;

#[test]
fn the_worktree_is_there_before_the_job_is_and_is_set_up_on_the_node() {
    let tree = "worktree: { path: \"../wt-{{ task.id }}\", create: true, branch: \"b-{{ task.id }}\", copy: [.env], \
                setup: [sh, -c, \"echo $DISPATCH_TASK >made-by-setup\"] }\n";
    let mut world = World::with(&format!("{}{tree}", MODES.replace("options: [", "options: [--begin=now+1hour, ")));
    let cluster = Cluster::start(&mut world);
    world.task("T", "%sh cat made-by-setup .env\n%exit 0");
    world.git_init();
    world.write(".env", "copied\n");
    let run = world.detach("far", "T");
    let worktree = world.root().join("wt-T");
    assert_eq!(fs::read_to_string(worktree.join(".env")).unwrap(), "copied\n");
    assert!(!worktree.join("made-by-setup").exists() && world.starts().is_empty());
    cluster.begin_now(&run);
    world.dispatch("wait far T").any_stderr().succeeds();
    assert_eq!(fs::read_to_string(worktree.join("made-by-setup")).unwrap(), "T\n");
    let log = String::from_utf8(world.dispatch("logs far T --raw").any_stderr().succeeds().stdout).unwrap();
    wait_until("the agent saw both", || is(log.contains("T\ncopied\n"), log.clone()));
    let setup = fs::read_to_string(world.run_folder(&run).join("setup.log")).unwrap();
    assert!(!setup.contains("exists already"), "{setup}");
}

#[test]
fn a_worktree_that_cannot_be_made_ends_the_run_before_the_submission() {
    let tree = "worktree: { path: \"../wt-{{ task.id }}\", create: true, branch: b, base: none-such }\n";
    let mut world = World::with(&format!("{MODES}{tree}"));
    let cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    world.git_init();
    world.dispatch("run -d far T").any_stderr().fails_with(1);
    assert!(cluster.all_jobs().is_empty() && world.starts().is_empty());
}

#[test]
fn a_worktree_that_cannot_be_made_again_ends_a_run_whose_command_was_killed() {
    let tree = "worktree: { path: \"../wt-{{ task.id }}\", create: true, branch: \"b-{{ task.id }}\" }\n";
    let mut world = World::with(&format!("{MODES}{tree}"));
    let cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    world.git_init();
    world.shadow("sbatch", "#!/bin/sh\nkill -9 $PPID\n");
    assert_eq!(world.dispatch("run -d far T").any_stderr().start().ends().code, -9);
    let worktree = world.root().join("wt-T");
    fs::remove_dir_all(&worktree).unwrap();
    fs::write(&worktree, "in the way\n").unwrap();
    // A submission that nobody knows is repeated after twelve seconds.
    let ended = wait_for(Duration::from_secs(60), "the run has ended", || {
        let run = world.status("far", "T");
        if run["state"] == "failed" { Ok(run) } else { Err(run.to_string()) }
    });
    assert!(ended["reason"].as_str().unwrap().contains("set-up failed"), "{ended}");
    assert!(cluster.all_jobs().is_empty() && world.starts().is_empty());
}

#[test]
fn two_nodes_set_up_one_worktree_once_and_a_submission_does_not_wait_for_that() {
    let modes = r#"  one: { agent: fake, prompt: "%exit 0", executor: first }
  two: { agent: fake, prompt: "%exit 0", executor: second }
executors:
  first: { engine: slurm, options: [--nodelist=n1], lease: 30s }
  second: { engine: slurm, options: [--nodelist=n2], lease: 30s }
worktree:
  path: "../wt-{{ task.id }}"
  create: true
  branch: "b-{{ task.id }}"
  setup: [sh, -c, "echo x >>setups; until [ -e ../go ]; do sleep 0.02; done"]
"#;
    let mut world = World::with(modes);
    let _cluster = Cluster::start(&mut world);
    world.task("T", "");
    world.git_init();
    for mode in ["one", "two"] {
        let run = world.detach(mode, "T");
        let taken = world.run_folder(&run).join("heartbeat");
        wait_until("its node has taken the run", || is(taken.exists(), "no"));
    }
    let setups = world.root().join("wt-T/setups");
    wait_until("a node sets the worktree up", || is(setups.exists(), "no"));
    world.write("../go", "");
    for mode in ["one", "two"] {
        world.dispatch(&format!("wait {mode} T")).any_stderr().succeeds();
    }
    assert_eq!(fs::read_to_string(setups).unwrap(), "x\n");
}

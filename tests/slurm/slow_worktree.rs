//! git may take long to make a worktree. Meanwhile other starts go on, and they count the run that waits for git.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::cluster::Cluster;
use crate::waiting::{is, wait_until};
use crate::world::World;

const MODES: &str = r#"  other: { agent: fake, prompt: "%exit 0", executor: cluster, exclusive: true }
  more: { agent: fake, prompt: "%exit 0", executor: cluster }
  slow: { agent: fake, prompt: "%exit 0", executor: cluster, exclusive: true }
  gated: { agent: fake, prompt: "%exit 0", executor: cluster, exclusive: true, gate: approve }
  twin: { agent: fake, prompt: "%exit 0", executor: cluster, exclusive: true }
executors:
  cluster: { engine: slurm, options: [--begin=now+1hour], max_jobs: 2, lease: 3s }
worktree: { path: "../wt-{{ task.id }}", create: true, branch: "b-{{ task.id }}" }
"#;

/// A repository with worktrees for A and B, in which git waits for the file `go` after it has checked out a further one, and the file that shows it.
fn slow_repository(world: &World) -> PathBuf {
    world.git_init();
    for task in ["A", "B"] {
        world.git(&["worktree", "add", "-b", task, &format!("../wt-{task}")]);
    }
    let (up, go) = (world.root().join("up"), world.root().join("go"));
    let hook = world.write(
        ".git/hooks/post-checkout",
        format!("#!/bin/sh\n: >{}\nwhile [ ! -e {} ]; do sleep 0.02; done\n", up.display(), go.display()),
    );
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
    up
}

fn check_other_starts(start: &str, mode: &str) {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    for task in ["T", "A", "B"] {
        world.task(task, "");
    }
    let up = slow_repository(&world);
    if mode == "gated" {
        world.detach("gated", "T");
    }
    let slow = world.dispatch(start).any_stderr().start();
    wait_until("git makes the worktree", || is(up.exists(), "no"));
    assert_eq!(world.status(mode, "T")["state"], "starting");
    // Neither the lock of the engine's capacity nor that of exclusive folders is held.
    let run = world.detach("other", "A");
    assert_eq!(world.status("other", "A")["waitingFor"], "engine", "{run} is in the engine before git has ended");
    // The run that waits for git has its folder and counts as one of the engine's.
    world.dispatch("run -d twin T").any_stderr().succeeds();
    assert_eq!(world.status("twin", "T")["waitingFor"], "folder");
    world.dispatch("run -d more B").any_stderr().succeeds();
    assert_eq!(world.status("more", "B")["waitingFor"], "slot");
    world.dispatch("stop other A").any_stderr().succeeds();
    assert_eq!(world.status("more", "B")["waitingFor"], "engine");
    // A second start of its pair joins it, and no observation starts it again.
    world.dispatch(&format!("run -d {mode} T")).any_stderr().succeeds();
    assert_eq!(cluster.jobs().len(), 1, "{:?}", cluster.jobs());
    world.write("../go", "");
    slow.ends_with(0);
    assert_eq!(world.status(mode, "T")["waitingFor"], "engine");
    assert_eq!(cluster.jobs().len(), 2, "{:?}", cluster.jobs());
    world.dispatch("stop --all").any_stderr().succeeds();
    cluster.wait_no_jobs();
    assert!(world.starts().is_empty());
}

#[test]
fn a_start_does_not_wait_for_the_worktree_of_another() {
    check_other_starts("run -d slow T", "slow");
}

#[test]
fn a_start_does_not_wait_for_the_worktree_of_a_queued_run() {
    check_other_starts("approve gated T", "gated");
}

//! Killing the submitting command, the controller or a node's daemon at any moment: one run or none, no false success.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::cluster::{Cluster, NODES};
use crate::random::Random;
use crate::waiting::{is, let_pass, rounds, wait_for, wait_until};
use crate::world::World;

const MODES: &str = r#"  far: { agent: fake, prompt: "{{ task.body }}", executor: cluster, stop_grace: 1s }
executors:
  cluster: { engine: slurm, lease: 3s }
"#;

#[test]
fn killing_the_submitting_command_leads_to_one_run_or_none() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    let mut random = Random::new();
    let count = rounds(200);
    for round in 0..count {
        world.task(&format!("T-{round}"), "%exit 7");
        let call = world.dispatch(&format!("run -d far T-{round}")).any_stderr().start();
        let_pass(Duration::from_micros(random.below(60_000) as u64));
        call.signal(Signal::KILL);
        let _ = call.ends();
    }
    let seen = format!("seed {}", random.seed);
    // A submission that nobody knows is repeated after twelve seconds.
    wait_for(Duration::from_secs(120), "every run has ended", || {
        let runs = world.dispatch("status --all --json").any_stderr().ends_somehow();
        let runs: serde_json::Value = serde_json::from_slice(&runs.stdout).unwrap_or_default();
        let active = runs["runs"].as_array().into_iter().flatten().filter(|run| {
            ["queued", "starting", "running", "stopping", "unknown"]
                .contains(&run["state"].as_str().unwrap_or_default())
        });
        let active: Vec<String> = active.map(ToString::to_string).collect();
        is(active.is_empty() && runs["runs"].is_array(), format!("{seen}: {active:?}"))
    });
    cluster.wait_no_jobs();
    for round in 0..count {
        let task = format!("T-{round}");
        let starts = world.starts().iter().filter(|start| start.task == task).count();
        let run = world.dispatch(&format!("status far {task} --json")).any_stderr().ends_somehow();
        let run: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
        let state = run["state"].as_str().unwrap_or("none");
        match starts {
            0 => assert!(["none", "lost", "failed"].contains(&state), "{seen} {task}: {run}"),
            1 => assert_eq!((state, &run["exitCode"]), ("failed", &7.into()), "{seen} {task}: {run}"),
            more => panic!("{seen} {task}: {more} starts"),
        }
    }
    world.wait_all_quiet();
}

#[test]
fn a_run_whose_command_died_while_giving_it_up_ends() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    world.shadow("sbatch", "#!/bin/sh\nkill -9 $PPID\n");
    assert_eq!(world.dispatch("run -d far T").any_stderr().start().ends().code, -9);
    let run = world.status("far", "T")["runId"].as_str().unwrap().to_owned();
    // As if its worktree could not be made: no engine was asked, and the environment is removed before the end is written.
    for file in ["submitted.json", "env"] {
        fs::remove_file(world.run_folder(&run).join(file)).unwrap();
    }
    let ended = world.wait_state("far", "T", "lost");
    assert!(ended["reason"].as_str().unwrap().starts_with("never started"), "{ended}");
    assert!(cluster.all_jobs().is_empty());
}

#[test]
fn killing_the_controller_or_a_node_leads_to_no_false_success_and_no_second_start() {
    let mut world = World::with(MODES);
    let mut cluster = Cluster::start(&mut world);
    let mut random = Random::new();
    for round in 0..rounds(50) {
        let task = format!("T-{round}");
        world.task(&task, "%slow 1000\n%exit 7");
        let call = world.dispatch(&format!("run -d far {task}")).any_stderr().start();
        let_pass(Duration::from_micros(random.below(300_000) as u64));
        let node = NODES[random.below(2)];
        let is_controller = random.below(2) == 0;
        if is_controller {
            cluster.kill_controller();
        } else {
            cluster.kill_node(node);
        }
        let_pass(Duration::from_micros(random.below(200_000) as u64));
        if is_controller {
            cluster.start_controller();
        } else {
            cluster.start_node(node);
        }
        let _ = call.ends();
        let seen = format!("seed {} round {round}", random.seed);
        let run = wait_for(Duration::from_secs(120), "the run has ended", || {
            let call = world.dispatch(&format!("status far {task} --json")).any_stderr().ends_somehow();
            let run: serde_json::Value = serde_json::from_slice(&call.stdout).unwrap_or_default();
            let state = run["state"].as_str().unwrap_or("none");
            if ["failed", "lost", "stopped", "none"].contains(&state) {
                return Ok(run);
            }
            assert_ne!(state, "succeeded", "{seen}: {run}");
            Err(format!("{seen}: {run}"))
        });
        let starts = world.starts().iter().filter(|start| start.task == task).count();
        assert!(starts <= 1, "{seen}: {starts} starts, {run}");
        if run["exitCode"] == 7 {
            assert_eq!(starts, 1, "{seen}: {run}");
        }
        // A controller that was killed at the wrong moment may believe for minutes that the job runs.
        cluster.ask("scancel", &["--me"]);
        cluster.wait_idle();
    }
    wait_until("no job is left", || is(cluster.jobs().is_empty(), format!("{:?}", cluster.jobs())));
    world.wait_all_quiet();
}

//! What the commands of an engine are given, and what its own end of a job means for `up`. The engine is a stand-in that
//! starts each job at once and knows none.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::waiting::wait_until;
use crate::world::{World, kill};

const MODES: &str = r#"  far: { agent: fake, prompt: "{{ task.body }}", executor: cluster }
executors:
  cluster: { engine: slurm, lease: 3s }
runs:
  - { mode: far, tasks: [A], restart: on_failure }
"#;

fn world() -> World {
    let world = World::with(MODES);
    let note = "env >\"$0.env\"";
    world.shadow(
        "sbatch",
        &format!("#!/bin/sh\n{note}\njob=$0.$$\ncat >$job\nsh $job </dev/null >/dev/null 2>&1 &\necho 1\n"),
    );
    for name in ["squeue", "scancel"] {
        world.shadow(name, &format!("#!/bin/sh\n{note}\n"));
    }
    world
}

/// The variables that a command was started with, without those that its shell sets.
fn variables_of(world: &World, command: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(world.root().join(format!("bin/{command}.env"))).unwrap();
    let own = |line: &&str| ["PWD=", "OLDPWD=", "SHLVL=", "_="].iter().any(|name| line.starts_with(name));
    text.lines().filter(|line| !own(line)).map(str::to_owned).collect()
}

#[test]
fn all_commands_of_an_engine_ask_the_same_cluster_and_get_no_secret() {
    let mut world = world();
    world.set_env("SLURM_CLUSTERS", "one");
    world.set_env("SBATCH_CLUSTERS", "two");
    world.set_env("TOKEN", "a secret");
    world.task("A", "%hang");
    let run = world.detach("far", "A");
    world.agent_ready(&run);
    world.dispatch("stop far A").stdout_has("stopped").succeeds();
    let submitted = variables_of(&world, "sbatch");
    assert!(submitted.contains("SLURM_CLUSTERS=one"), "{submitted:?}");
    assert!(!submitted.iter().any(|line| line.contains("CLUSTERS=two") || line.contains("secret")), "{submitted:?}");
    for command in ["squeue", "scancel"] {
        assert_eq!(variables_of(&world, command), submitted, "{command}");
    }
}

#[test]
fn a_job_that_its_engine_ended_was_not_stopped_by_a_person() {
    let world = world();
    world.task("A", "%hang");
    let run = world.detach("far", "A");
    world.agent_ready(&run);
    let live = wait_until("the node wrote its record", || {
        fs::read(world.run_folder(&run).join("live.json")).map_err(|error| error.to_string())
    });
    let live: Value = serde_json::from_slice(&live).unwrap();
    kill(i32::try_from(live["owner"]["process"]["pid"].as_i64().unwrap()).unwrap(), Signal::TERM);
    world.dispatch("wait far A").any_stderr().fails_with(143);
    assert_eq!(world.status("far", "A")["reason"], "ended by its engine");
    world.dispatch("plan").any_stderr().stdout_has("stopped: ended by its engine").ends_somehow();
    let plan = world.dispatch("plan").any_stderr().ends_somehow();
    assert!(!plan.text().contains("person") && !plan.text().contains("held"), "{}", plan.text());
    // One that a person stops is held.
    let run = world.detach("far", "A");
    world.agent_ready(&run);
    world.dispatch("stop far A").any_stderr().succeeds();
    world.dispatch("plan").any_stderr().stdout_has("stopped by a person").ends_somehow();
}

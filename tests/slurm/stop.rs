//! `stop` ends a run on an engine wherever it is, and leaves no process on any node.

use std::fs;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::waiting::{is, wait_until};
use crate::world::World;

#[test]
fn a_run_that_waits_in_the_engine_is_taken_back() {
    let mut world = World::with(&MODES.replace("options: [", "options: [--begin=now+1hour, "));
    let cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    world.detach("far", "T");
    world.wait_state("far", "T", "queued");
    world.dispatch("stop far T").stdout_has("stopped").succeeds();
    cluster.wait_no_jobs();
    assert!(world.starts().is_empty());
    let ended = world.status("far", "T");
    assert_eq!((&ended["state"], &ended["reason"]), (&"stopped".into(), &"before it started".into()));
}

#[test]
fn a_running_agent_gets_term_once_and_may_end_by_itself() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    // It notes each TERM and ends only by the KILL after the grace.
    world.task("T", "%sh trap 'echo term >>terms' TERM; echo up >up; while :; do sleep 0.05; done");
    world.detach("far", "T");
    wait_until("the agent is up", || is(world.project().join("up").exists(), "no"));
    world.dispatch("stop far T").stdout_has("stopped").succeeds();
    assert_eq!(fs::read_to_string(world.project().join("terms")).unwrap(), "term\n");
    assert_eq!(world.status("far", "T")["state"], "stopped");
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

#[test]
fn a_tree_that_is_deaf_and_scattered_is_ended() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%setsid\n%double-fork\n%ignore-term\n%hang");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    world.dispatch("stop far T").stdout_has("stopped").succeeds();
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

#[test]
fn a_job_that_ends_while_it_is_signalled_is_stopped() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%hang");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    // For a job that has just ended, it fails and says nothing.
    let real = crate::cluster::program("scancel");
    world.shadow("scancel", &format!("#!/bin/sh\n{} \"$@\"\nexit 228\n", real.display()));
    world.dispatch("stop far T").stdout_has("stopped").succeeds();
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

#[test]
fn a_supervisor_that_does_not_answer_is_cancelled() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%hang");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    let live = fs::read(world.run_folder(&run).join("live.json")).unwrap();
    let live: serde_json::Value = serde_json::from_slice(&live).unwrap();
    let pid = i32::try_from(live["owner"]["process"]["pid"].as_i64().unwrap()).unwrap();
    crate::world::kill(pid, rustix::process::Signal::STOP);
    let ended = world.dispatch("stop far T").within(std::time::Duration::from_secs(120)).any_stderr().ends_somehow();
    assert!(ended.text().contains("stopped"), "{} {}", ended.text(), ended.stderr);
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

#[test]
fn ctrl_c_of_the_starting_command_stops_the_run() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%hang");
    let call = world.dispatch("run far T").any_stderr().start();
    let run = world.wait_state("far", "T", "running")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    call.signal(rustix::process::Signal::INT);
    call.ends_with(130);
    assert_eq!(world.status("far", "T")["state"], "stopped");
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

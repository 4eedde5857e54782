//! A run on a cluster is what a local run is: it streams, ends with its agent's exit code, saves its answer and is in
//! the history.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::waiting::{is, wait_until};
use crate::world::{World, alive, kill};

/// A mode on the cluster, with times that a test can wait for.
pub(crate) const MODES: &str = r#"  far: { agent: fake, prompt: "{{ task.body }}", executor: cluster, save_to: "out/{{ task.id }}.txt", stop_grace: 2s }
executors:
  cluster: { engine: slurm, options: [--partition=main], lease: 3s }
"#;

#[test]
fn a_review_streams_ends_with_its_code_saves_its_answer_and_is_in_the_history_with_its_node() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%out all is well\n%exit 0").task("BAD", "%out not well\n%exit 3");
    world.dispatch("run far T").notes().stdout_has("all is well").succeeds();
    assert_eq!(fs::read_to_string(world.project().join("out/T.txt")).unwrap(), "all is well\n");
    world.dispatch("run far BAD").stdout_has("not well").stderr_has("failed: exit code 3").fails_with(3);
    let history = world.history();
    assert_eq!(history.len(), 2, "{history:?}");
    for run in &history {
        assert_eq!(run["executor"], "cluster", "{run}");
        assert!(["n1", "n2"].contains(&run["node"].as_str().unwrap()), "{run}");
    }
    world.dispatch("history").stdout_has("NODE").succeeds();
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

#[test]
fn a_run_is_followed_from_the_engines_queue_to_its_end() {
    let mut world = World::with(&MODES.replace("options: [", "options: [--begin=now+1hour, "));
    let cluster = Cluster::start(&mut world);
    world.task("T", "%out first\n%until go\n%out last\n%exit 4");
    let run = world.detach("far", "T");
    let queued = world.wait_state("far", "T", "queued");
    assert_eq!((&queued["waitingFor"], &queued["reason"]), (&"engine".into(), &"BeginTime".into()), "{queued}");
    world.dispatch("status far T").stdout_has("queued (engine): BeginTime").succeeds();
    world.dispatch("run -d far T").stderr_has("already").ends_somehow();
    let logs = world.dispatch("logs -f far T").any_stderr().start();
    cluster.begin_now(&run);
    world.agent_ready(&run);
    let running = world.wait_state("far", "T", "running");
    let node = running["node"].as_str().unwrap().to_owned();
    world.dispatch("status far T").stdout_has(format!("running on {node}")).succeeds();
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().fails_with(4);
    assert_eq!(logs.ends().text(), "first\nlast\n");
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn retries_needs_and_expectations_are_those_of_a_local_run() {
    let modes = r#"  twice: { agent: fake, prompt: "%exit 9", executor: cluster, retry: { max: 1, backoff: 100ms, on: [crash] } }
  after: { agent: fake, prompt: "%exit 0", executor: cluster, needs: [bad] }
  bad: { agent: fake, prompt: "%exit 0", executor: cluster, expect: { files: [missing.txt] } }
  slow: { agent: fake, prompt: "%hang", executor: cluster, timeout: 500ms, stop_grace: 1s }
executors:
  cluster: { engine: slurm, lease: 3s }
"#;
    let mut world = World::with(modes);
    let _cluster = Cluster::start(&mut world);
    world.task("T", "");
    world.dispatch("run after T").any_stderr().fails_with(1);
    assert_eq!(world.status("bad", "T")["state"], "failed");
    assert_eq!(world.starts().len(), 1, "what needs a failed run is not submitted");
    world.dispatch("run slow T").any_stderr().fails_with(124);
    assert_eq!(world.status("slow", "T")["state"], "timed_out");
    let before = world.starts().len();
    world.dispatch("run twice T").any_stderr().fails_with(9);
    assert_eq!(world.status("twice", "T")["attempt"], 2);
    assert_eq!(world.starts().len(), before + 2);
}

#[test]
fn the_engines_report_explains_the_end_of_a_job_that_an_operator_cancelled() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%hang");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    world.wait_state("far", "T", "running");
    cluster.ask("scancel", &[&format!("--name=dispatch-{run}")]);
    world.dispatch("wait far T").any_stderr().fails_with(143);
    cluster.wait_no_jobs();
    assert_eq!(world.status("far", "T")["reason"], "ended by its engine");
    world.dispatch("status far T").stdout_has("engine    reports: cancelled").succeeds();
    // A stop that was asked for needs no explanation.
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    world.dispatch("stop far T").stdout_has("stopped").succeeds();
    cluster.wait_no_jobs();
    assert!(!world.dispatch("status far T").succeeds().text().contains("reports"));
    world.wait_all_quiet();
}

#[test]
fn an_engine_whose_signal_ends_the_agent_first_has_ended_the_run() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%hang");
    for _ in 0..5 {
        let run = world.detach("far", "T");
        let agent = world.agent_ready(&run).pid;
        world.wait_state("far", "T", "running");
        let live: Value = serde_json::from_slice(&fs::read(world.run_folder(&run).join("live.json")).unwrap()).unwrap();
        let supervisor =
            live["owner"]["process"]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("its pid");
        // The supervisor finds the end of the agent and its own signal at once.
        kill(supervisor, Signal::STOP);
        kill(agent, Signal::TERM);
        wait_until("the agent has ended", || is(!alive(agent), "it lives"));
        kill(supervisor, Signal::TERM);
        kill(supervisor, Signal::CONT);
        world.dispatch("wait far T").any_stderr().fails_with(143);
        assert_eq!(world.status("far", "T")["reason"], "ended by its engine");
        cluster.wait_no_jobs();
    }
    world.wait_all_quiet();
}

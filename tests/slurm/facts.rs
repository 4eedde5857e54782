//! What was measured of Slurm, and what it must not lead to.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::waiting::{is, wait_until};
use crate::world::{World, kill};

/// What stands in a run folder, without what the agent and the node go on writing.
fn record(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default()))
        .filter(|(name, _)| !name.ends_with(".log") && !name.starts_with("heartbeat") && name != "marks")
        .collect();
    files.sort();
    files
}

#[test]
fn fact_1_a_job_that_the_engine_calls_completed_is_no_success() {
    let mut world = World::with(&MODES.replace("lease: 3s", "lease: 3s, program: /bin/true"));
    let _cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    world.dispatch("run far T").stderr_has("lost: never started: its engine reports: completed").fails_with(125);
    // One that took the run and then ended without a word.
    let taker = world.root().join("taker");
    fs::write(&taker, "#!/bin/sh\nmv \"$2/env\" \"$2/env.taken\"\n").unwrap();
    fs::set_permissions(&taker, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = format!("lease: 3s, program: {}", taker.display());
    world.write("dispatch.yaml", format!("{}{}", crate::world::BASE, MODES.replace("lease: 3s", &program)));
    world.dispatch("run far T").stderr_has("lost: its engine reports: completed").fails_with(125);
    assert!(world.starts().is_empty());
    let last = world.status("far", "T")["runId"].as_str().unwrap().to_owned();
    assert!(!world.run_folder(&last).join("env.taken").exists(), "an environment stays in the record");
}

#[test]
fn fact_2_a_node_that_the_engine_calls_failed_may_be_alive() {
    let mut world = World::with(MODES);
    let mut cluster = Cluster::start(&mut world);
    world.task("T", "%until go\n%exit 5");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    let node = world.wait_state("far", "T", "running")["node"].as_str().unwrap().to_owned();
    cluster.kill_node(&node);
    crate::waiting::wait_for(std::time::Duration::from_secs(120), "the node failed", || {
        let jobs = cluster.all_jobs();
        is(jobs.iter().any(|job| job.contains("NODE_FAIL")), format!("{jobs:?}"))
    });
    assert_eq!(world.status("far", "T")["state"], "running", "its node writes signs of life");
    world.dispatch("run -d far T").any_stderr().ends_somehow();
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().fails_with(5);
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn fact_3_a_job_that_starts_twice_runs_once() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%until go\n%exit 6");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    let before = record(&world.run_folder(&run));
    let script = format!("exec dispatch __node {} n2 99", world.run_folder(&run).display());
    let path = format!("{}/bin:/usr/bin:/bin", world.root().display());
    cluster.ask(
        "sbatch",
        &["-J", &format!("dispatch-{run}"), &format!("--export=PATH={path}"), "-o", "/dev/null", "--wrap", &script],
    );
    wait_until("the second job has ended", || {
        let rows = cluster.ask("squeue", &["-h", "-t", "all", "-o", "%j %T"]);
        is(rows.contains(&format!("dispatch-{run} FAILED")), rows)
    });
    assert_eq!(record(&world.run_folder(&run)), before);
    assert_eq!(world.status("far", "T")["state"], "running");
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().fails_with(6);
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn fact_4_a_job_of_another_with_the_same_id_is_left_alone() {
    let mut world = World::with(MODES);
    let mut cluster = Cluster::start(&mut world);
    world.task("T", "%hang");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    // A controller that lost its memory: the nodes end the job as an orphan, and the ids begin anew.
    cluster.kill_controller();
    fs::remove_dir_all(cluster.folder().join("state")).unwrap();
    fs::create_dir(cluster.folder().join("state")).unwrap();
    cluster.start_controller();
    cluster.wait_idle();
    let id = cluster.ask("sbatch", &["--parsable", "-o", "/dev/null", "--wrap", "sleep 1000"]);
    let text = fs::read_to_string(world.run_folder(&run).join("submitted.json")).unwrap();
    assert!(text.contains(&format!("\"job\":\"{}\"", id.trim())), "{text} is not of job {id}");
    world.dispatch("stop far T").any_stderr().ends_somehow();
    let ended = world.status("far", "T");
    assert!(["stopped", "lost"].contains(&ended["state"].as_str().unwrap()), "{ended}");
    assert_eq!(cluster.jobs().len(), 1, "the other job is gone: {:?}", cluster.all_jobs());
    world.wait_all_quiet();
}

#[test]
fn fact_5_a_submission_that_was_killed_leads_to_one_run() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%until go\n%exit 7");
    let real = crate::cluster::program("sbatch");
    // The engine has the job, and the command dies before it can write that down.
    world.shadow("sbatch", &format!("#!/bin/sh\n{} \"$@\" >/dev/null\nkill -9 $PPID\n", real.display()));
    let killed = world.dispatch("run -d far T").any_stderr().start().ends();
    assert_eq!(killed.code, -9);
    let run = world.wait_state("far", "T", "running")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().fails_with(7);
    // The command dies before the engine has the job.
    fs::remove_file(world.project().join("go")).unwrap();
    world.shadow("sbatch", "#!/bin/sh\nkill -9 $PPID\n");
    assert_eq!(world.dispatch("run -d far T").any_stderr().start().ends().code, -9);
    fs::remove_file(world.root().join("bin/sbatch")).unwrap();
    world.provide(&["sbatch"]);
    assert_eq!(world.status("far", "T")["state"], "starting");
    assert!(cluster.jobs().is_empty());
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().fails_with(7);
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn fact_6_a_second_supervisor_of_a_living_run_writes_nothing() {
    let mut world = World::with(MODES);
    let _cluster = Cluster::start(&mut world);
    world.task("T", "%until go\n%exit 8");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    world.wait_state("far", "T", "running");
    let folder = world.run_folder(&run);
    let before = record(&folder);
    let second = world.dispatch("__node").arg(&folder).fails_with(75);
    assert!(second.stdout.is_empty());
    world.dispatch("__supervise").arg(&folder).any_stderr().fails_with(1);
    assert_eq!(record(&folder), before);
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().fails_with(8);
    world.dispatch("__node").arg(&folder).fails_with(75);
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_supervisor_that_is_killed_on_its_node_is_lost_by_two_witnesses() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%hang");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    let live = wait_until("the node wrote its record", || {
        fs::read_to_string(world.run_folder(&run).join("live.json")).map_err(|error| error.to_string())
    });
    let live: serde_json::Value = serde_json::from_str(&live).unwrap();
    let pid = live["owner"]["process"]["pid"].as_i64().unwrap();
    kill(i32::try_from(pid).unwrap(), Signal::KILL);
    world.dispatch("wait far T").any_stderr().fails_with(125);
    let ended = world.status("far", "T");
    assert_eq!(ended["state"], "lost");
    assert!(ended["reason"].as_str().unwrap().contains("its engine reports: failed"), "{ended}");
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

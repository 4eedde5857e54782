//! A controller that is down makes runs unknown at most; it starts and ends nothing, and afterwards all is right.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::waiting::{is, wait_until};
use crate::world::World;

#[test]
fn without_a_controller_a_waiting_run_is_unknown_and_cannot_be_stopped() {
    let mut world = World::with(&MODES.replace("options: [", "options: [--begin=now+1hour, "));
    let mut cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    let run = world.detach("far", "T");
    world.wait_state("far", "T", "queued");
    cluster.kill_controller();
    let seen = world.status("far", "T");
    assert_eq!(seen["state"], "unknown", "{seen}");
    world.dispatch("status far T").stdout_has("unknown: its engine does not answer").succeeds();
    world.dispatch("stop far T").stderr_has("unknown").fails_with(1);
    world.dispatch("run -d far T").stderr_has("unknown").fails_with(125);
    assert!(world.run_folder(&run).join("env").exists() && !world.run_folder(&run).join("stop").exists());
    cluster.start_controller();
    let back = world.wait_state("far", "T", "queued");
    assert_eq!(back["runId"], run.as_str());
    world.dispatch("stop far T").stdout_has("stopped").succeeds();
    cluster.wait_no_jobs();
    assert!(world.starts().is_empty());
}

#[test]
fn without_a_controller_a_run_goes_on_and_ends_by_itself() {
    let mut world = World::with(MODES);
    let mut cluster = Cluster::start(&mut world);
    world.task("T", "%until go\n%out done\n%exit 2");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    world.wait_state("far", "T", "running");
    cluster.kill_controller();
    world.dispatch("stop far T").stderr_has("does not answer").fails_with(1);
    assert_eq!(world.status("far", "T")["state"], "running");
    assert!(!world.run_folder(&run).join("stop").exists(), "nothing is to be ended");
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().fails_with(2);
    cluster.start_controller();
    cluster.wait_no_jobs();
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_submission_without_a_controller_fails_and_nothing_starts_later() {
    let mut world = World::with(MODES);
    let mut cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    cluster.kill_controller();
    world.dispatch("run -d far T").stderr_has("`cluster` could not be asked to run the job").fails_with(125);
    let ended = world.status("far", "T");
    assert_eq!(ended["state"], "failed");
    assert!(ended["reason"].as_str().unwrap().starts_with("never submitted: "), "{ended}");
    cluster.start_controller();
    cluster.wait_idle();
    world.dispatch("run far T").any_stderr().succeeds();
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_job_that_comes_late_finds_no_environment_and_is_cancelled() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    // The engine has the job, and its answer is lost.
    let real = crate::cluster::program("sbatch");
    let late = format!(
        "#!/bin/sh\n{} --begin=now+1hour \"$@\" >/dev/null\necho 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2\nexit 1\n",
        real.display()
    );
    world.shadow("sbatch", &late);
    world.dispatch("run -d far T").stderr_has("could not be asked").fails_with(125);
    assert_eq!(world.status("far", "T")["state"], "failed");
    wait_until("the job is cancelled", || {
        world.dispatch("status").any_stderr().ends_somehow();
        let jobs = cluster.jobs();
        is(jobs.is_empty(), format!("{jobs:?}"))
    });
    assert!(world.starts().is_empty());
}

#[test]
fn a_question_that_is_never_answered_is_given_up() {
    let mut world = World::with(&MODES.replace("options: [", "options: [--begin=now+1hour, "));
    let cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0").task("OTHER", "%exit 0");
    world.detach("far", "T");
    world.wait_state("far", "T", "queued");
    let hangs = "#!/bin/sh\nexec /bin/sleep 100000\n";
    world.shadow("squeue", hangs);
    assert_eq!(world.status("far", "T")["state"], "unknown");
    world.dispatch("stop far T").stderr_has("unknown").fails_with(1);
    world.shadow("sbatch", hangs);
    let submit = world.dispatch("run -d far OTHER").within(Duration::from_secs(60));
    submit.stderr_has("`cluster` could not be asked to run the job").fails_with(125);
    assert!(world.processes_with("/bin/sleep 100000").is_empty(), "what did not answer was ended");
    world.shadow("squeue", &format!("#!/bin/sh\nexec {} \"$@\"\n", crate::cluster::program("squeue").display()));
    world.dispatch("stop far T").stdout_has("stopped").succeeds();
    cluster.wait_no_jobs();
    assert!(world.starts().is_empty());
}

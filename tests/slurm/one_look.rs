//! An observation asks the engine once, however many runs there are, and asks nothing where none is on an engine.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::world::World;

/// Lets each call of `squeue` write an `x` into the returned file.
fn count_questions(world: &World) -> PathBuf {
    let asked = world.root().join("asked");
    let real = crate::cluster::program("squeue");
    world.shadow("squeue", &format!("#!/bin/sh\necho x >>{}\nexec {} \"$@\"\n", asked.display(), real.display()));
    fs::write(&asked, "").unwrap();
    asked
}

#[test]
fn a_controller_that_is_down_is_asked_once_for_all_late_jobs() {
    let mut world = World::with(MODES);
    let mut cluster = Cluster::start(&mut world);
    world.shadow("sbatch", "#!/bin/sh\necho 'sbatch: error: Unable to contact slurm controller' >&2\nexit 1\n");
    for task in ["A", "B", "C"] {
        world.task(task, "%exit 0");
        world.dispatch(&format!("run -d far {task}")).stderr_has("could not be asked").fails_with(125);
    }
    cluster.kill_controller();
    let asked = count_questions(&world);
    world.dispatch("status").any_stderr().ends_somehow();
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\n");
}

#[test]
fn the_status_of_many_runs_costs_one_question() {
    let mut world = World::with(&MODES.replace("options: [", "options: [--begin=now+1hour, "));
    let cluster = Cluster::start(&mut world);
    let asked = count_questions(&world);
    world.task("HERE", "%exit 0");
    world.dispatch("run -q job HERE").notes().succeeds();
    world.dispatch("status").stdout_has("HERE").succeeds();
    assert_eq!(fs::read_to_string(&asked).unwrap(), "", "no run is on the engine");
    let tasks: Vec<String> = (0..20).map(|number| format!("T-{number}")).collect();
    for task in &tasks {
        world.task(task, "%exit 0");
    }
    world.dispatch(&format!("run -d far {}", tasks.join(" "))).any_stderr().succeeds();
    fs::write(&asked, "").unwrap();
    let runs = world.dispatch("status --all").json()["runs"].as_array().unwrap().clone();
    assert_eq!(runs.iter().filter(|run| run["waitingFor"] == "engine").count(), 20);
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\n");
    fs::write(&asked, "").unwrap();
    world.dispatch("stop --all").any_stderr().succeeds();
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\n", "one question for the stop of all");
    cluster.wait_no_jobs();
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_stop_that_waits_for_many_nodes_asks_at_most_each_second() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    for task in ["A", "B", "C", "D"] {
        world.task(task, "%ignore-term\n%hang");
    }
    world.dispatch("run -d far A B C D").any_stderr().succeeds();
    for task in ["A", "B", "C", "D"] {
        let run = world.wait_state("far", task, "running")["runId"].as_str().unwrap().to_owned();
        world.agent_ready(&run);
    }
    let asked = count_questions(&world);
    let begun = Instant::now();
    world.dispatch("stop --all").any_stderr().succeeds();
    // It takes the grace of two seconds, and longer on a busy machine.
    let most = 2 + begun.elapsed().as_secs();
    let asked = fs::read_to_string(&asked).unwrap().lines().count() as u64;
    assert!(asked <= most, "{asked} questions, at most {most} are fine");
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

//! An observation asks the engine once, however many runs there are, and asks nothing where none is on an engine.

use std::fs;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::world::World;

#[test]
fn the_status_of_many_runs_costs_one_question() {
    let mut world = World::with(&MODES.replace("options: [", "options: [--begin=now+1hour, "));
    let cluster = Cluster::start(&mut world);
    let asked = world.root().join("asked");
    let real = crate::cluster::program("squeue");
    world.shadow("squeue", &format!("#!/bin/sh\necho x >>{}\nexec {} \"$@\"\n", asked.display(), real.display()));
    world.task("HERE", "%exit 0");
    world.dispatch("run -q job HERE").notes().succeeds();
    world.dispatch("status").stdout_has("HERE").succeeds();
    assert!(!asked.exists(), "no run is on the engine");
    let tasks: Vec<String> = (0..20).map(|number| format!("T-{number}")).collect();
    for task in &tasks {
        world.task(task, "%exit 0");
    }
    world.dispatch(&format!("run -d far {}", tasks.join(" "))).any_stderr().succeeds();
    fs::write(&asked, "").unwrap();
    let runs = world.dispatch("status --all").json()["runs"].as_array().unwrap().clone();
    assert_eq!(runs.iter().filter(|run| run["waitingFor"] == "engine").count(), 20);
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\n");
    world.dispatch("stop --all").any_stderr().succeeds();
    cluster.wait_no_jobs();
    assert_eq!(world.starts().len(), 1);
}

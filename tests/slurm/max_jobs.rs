//! `max_jobs` runs of a project lie in the engine at once; the others wait here, in their order.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::waiting::{is, rounds, wait_for};
use crate::world::World;

#[test]
fn many_runs_are_submitted_a_few_at_a_time() {
    let modes = r#"  far: { agent: fake, prompt: "%exit 0", executor: cluster }
executors:
  cluster: { engine: slurm, max_jobs: 3, lease: 3s }
"#;
    let mut world = World::with(modes);
    let cluster = Cluster::start(&mut world);
    let count = rounds(100);
    // The engine places a job when it next looks at its queue, which may take seconds on a busy machine.
    let patience = Duration::from_secs(60 + 10 * count as u64);
    for number in 0..count {
        world.task(&format!("T-{number}"), "");
    }
    let all: Vec<String> = (0..count).map(|number| format!("T-{number}")).collect();
    let call = world.dispatch(&format!("run far {}", all.join(" "))).any_stderr().within(patience).start();
    wait_for(patience, "all runs have ended", || {
        let jobs = cluster.jobs();
        // A run has ended a moment before the engine notices that its job has.
        let has_end = |job: &String| {
            let run = job.split(' ').next().unwrap().trim_start_matches("dispatch-");
            world.run_folder(run).join("exit.json").exists()
        };
        let unfinished: Vec<&String> = jobs.iter().filter(|job| !has_end(job)).collect();
        assert!(unfinished.len() <= 3, "{unfinished:?}");
        let ended = history(&world, count).len();
        is(ended == count, format!("{ended} of {count}"))
    });
    call.ends_with(0);
    assert_eq!(world.starts().len(), count);
    assert!(history(&world, count).iter().all(|run| run["state"] == "succeeded"));
}

/// Up to `limit` ended runs; without a limit, `history` shows 50.
fn history(world: &World, limit: usize) -> Vec<serde_json::Value> {
    let answer = world.dispatch(&format!("history --limit {limit}")).json();
    answer["runs"].as_array().unwrap().clone()
}

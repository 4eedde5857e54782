//! `run`, `up` and `stop` at once, with two watches: never two agents of a pair, never a deadlock,
//! and in the end nothing is left to do.

use std::time::Duration;

use rustix::process::Signal;

use crate::random::Random;
use crate::waiting::{is, rounds, wait_for};
use crate::wanted::{actions, want, wanting};
use crate::world::{World, alive};

const TASKS: usize = 4;
const CALLS: usize = 100;
/// So many at once: more would only wait for a processor.
const AT_ONCE: usize = 10;
const PATIENCE: Duration = Duration::from_secs(120);

const ENTRIES: &str = "{ mode: talk, tasks: [T-0, T-1, T-2, T-3], restart: always }\n\
                       { mode: job, tasks: [T-0, T-1, T-2], restart: on_failure }\n\
                       { mode: review, tasks: [T-3] }";

fn words(random: &mut Random) -> String {
    let mode = ["talk", "job", "lint", "review"][random.below(4)];
    let task = random.below(TASKS);
    match random.below(10) {
        0 => "up".to_owned(),
        1 => "up --recreate --prune".to_owned(),
        2..5 => format!("stop -q {mode} T-{task}"),
        _ => format!("run -d -q --attach none {mode} T-{task}"),
    }
}

fn one_alone(world: &World) {
    let clashes: Vec<_> = world.notes().into_iter().filter(|note| note.what == "clash").collect();
    assert!(clashes.is_empty(), "two agents of one pair lived at once: {clashes:?}");
}

#[test]
fn run_up_stop_and_two_watches_at_once() {
    let mut random = Random::new();
    let seed = random.seed;
    let world = wanting(ENTRIES);
    for n in 0..TASKS {
        world.task(&format!("T-{n}"), "%lone\n%hang");
    }
    for round in 0..rounds(20) {
        want(&world, ENTRIES);
        let watches = [(), ()].map(|()| world.dispatch("up --watch").within(PATIENCE).any_stderr().start());
        let mut calls = Vec::new();
        for _ in 0..CALLS {
            if calls.len() == AT_ONCE {
                let call: crate::command::Started = calls.remove(0);
                let ended = call.ends();
                assert!(!ended.stderr.contains("panicked"), "SEED={seed} round {round}: {}", ended.stderr);
            }
            calls.push(world.dispatch(&words(&mut random)).within(PATIENCE).any_stderr().start());
        }
        for call in calls {
            let ended = call.ends();
            assert!(!ended.stderr.contains("panicked"), "SEED={seed} round {round}: {}", ended.stderr);
        }
        one_alone(&world);
        for watch in watches {
            watch.signal(Signal::INT);
            let ended = watch.ends_with(130);
            assert!(!ended.stderr.contains("panicked"), "SEED={seed} round {round}: {}", ended.stderr);
        }
        world.dispatch("up").within(PATIENCE).any_stderr().ends_somehow();
        let plan = world.dispatch("plan").within(PATIENCE).notes().json();
        assert_eq!(plan["changes"], 0, "SEED={seed} round {round}: {:#?}", actions(&plan));
        // Each running pair has exactly one agent.
        wait_for(PATIENCE, "as many agents live as runs are running", || {
            let runs = world.dispatch("status").notes().json();
            let running = runs["runs"].as_array().unwrap().iter().filter(|run| run["state"] == "running").count();
            let mut pids: Vec<i32> =
                world.starts().into_iter().map(|note| note.pid).filter(|pid| alive(*pid)).collect();
            pids.sort_unstable();
            pids.dedup();
            is(running == pids.len(), format!("{running} runs, {pids:?}"))
        });
        one_alone(&world);
    }
    let locks = std::fs::read_dir(world.fake_folder()).unwrap().flatten();
    let locks = locks.filter(|entry| entry.path().extension().is_some_and(|end| end == "lone")).count();
    assert!(locks > TASKS, "the agents took their locks: {locks}");
    world.dispatch("stop --all").within(PATIENCE).notes().succeeds();
    world.wait_all_quiet();
}

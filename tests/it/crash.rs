//! Killing the command, the supervisor or tmux at any moment loses no exit code and no log byte.

use std::time::Duration;

use rustix::process::Signal;

use crate::random::Random;
use crate::waiting::{is, rounds, wait_until};
use crate::world::{World, kill};

/// Kills `call` after a random part of `within`, by letting it run up to that moment.
fn kill_within(call: &crate::command::Started, random: &mut Random, within: Duration) {
    let micros = random.below(usize::try_from(within.as_micros()).unwrap());
    // The moment is the point of the test, not a guess at when something is done.
    crate::waiting::let_pass(Duration::from_micros(micros as u64));
    call.signal(Signal::KILL);
}

#[test]
fn killing_the_command_at_any_moment_loses_nothing() {
    let world = World::new();
    let mut random = Random::new();
    world.task("TASK-1", "%slow 100\n%exit 7");
    for round in 0..rounds(200) {
        let before = world.starts().len();
        let call = world.dispatch("run job TASK-1").any_stderr().start();
        kill_within(&call, &mut random, Duration::from_millis(60));
        let _ = call.ends();
        let seen = format!("seed {} round {round}", random.seed);
        // Either nothing was started, or all of it is there: never something in between.
        let ended = world.dispatch("wait job TASK-1").ends_somehow();
        let started = world.starts().len() - before;
        let run = world.dispatch("status job TASK-1 --json").ends_somehow();
        let run: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
        match started {
            0 => assert!(
                ended.code == 1 || ended.code == 7 || run["state"] == "lost",
                "{seen}: not started, yet wait says {} and status {run}",
                ended.code
            ),
            1 => {
                assert_eq!((ended.code, &run["exitCode"]), (7, &7.into()), "{seen}: {run}");
                let log = world.dispatch("logs job TASK-1 --raw --stdout").succeeds().stdout;
                assert_eq!(log.len(), 1600, "{seen}: log bytes");
            }
            more => panic!("{seen}: {more} starts"),
        }
    }
    world.dispatch("run -q job TASK-1").notes().fails_with(7);
    world.wait_all_quiet();
}

#[test]
fn killing_the_supervisor_is_lost_and_frees_the_pair() {
    let world = World::new();
    let mut random = Random::new();
    world.task("TASK-1", "%setsid\n%ignore-term\n%double-fork\n%slow 100000\n%hang");
    for round in 0..rounds(50) {
        let run = world.detach("job", "TASK-1");
        let supervisor = world.supervisor(&run);
        crate::waiting::let_pass(Duration::from_micros(random.below(20_000) as u64));
        kill(supervisor, Signal::KILL);
        let seen = format!("seed {} round {round}", random.seed);
        let status = world.wait_state("job", "TASK-1", "lost");
        assert_eq!(status["runId"], run.as_str(), "{seen}");
        assert!(status.get("exitCode").is_none(), "{seen}: an exit that was not observed is never invented: {status}");
        world.wait_all_quiet();
        world.dispatch("wait job TASK-1").any_stderr().fails_with(125);
    }
}

#[test]
fn a_waiter_learns_of_the_supervisors_death() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let run = world.detach("job", "TASK-1");
    let waiting = world.dispatch("wait job TASK-1").any_stderr().start();
    let follower = world.dispatch("run job TASK-1").any_stderr().start();
    world.agent_ready(&run);
    // Later it would find the pair free, and start it anew.
    wait_until("the second run has joined", || is(follower.stderr_so_far().contains("joined"), "not yet"));
    kill(world.supervisor(&run), Signal::KILL);
    waiting.ends_with(125);
    follower.ends_with(125);
}

#[test]
fn a_nested_run_outlives_its_callers_supervisor() {
    let world = World::new();
    world.task("OUTER", "%sh dispatch run -q -d job INNER\n%hang");
    world.task("INNER", "%until go\n%exit 4");
    let outer = world.detach("job", "OUTER");
    world.wait_state("job", "INNER", "running");
    kill(world.supervisor(&outer), Signal::KILL);
    world.wait_state("job", "OUTER", "lost");
    assert_eq!(world.status("job", "INNER")["state"], "running");
    world.write("go", "");
    world.dispatch("wait job INNER").notes().fails_with(4);
}

#[test]
fn a_window_whose_command_was_killed_is_still_one_window() {
    let world = World::new();
    let mut random = Random::new();
    world.task("TASK-1", "%hang");
    for round in 0..rounds(50) {
        let call = world.dispatch("run --attach none talk TASK-1").any_stderr().start();
        kill_within(&call, &mut random, Duration::from_millis(40));
        let _ = call.ends();
        world.dispatch("run -q --attach none talk TASK-1").notes().succeeds();
        let seen = format!("seed {} round {round}", random.seed);
        let run = world.wait_state("talk", "TASK-1", "running")["runId"].as_str().unwrap().to_owned();
        world.agent_ready(&run);
        let living: Vec<_> = world.starts().into_iter().filter(|note| note.is_alive()).collect();
        assert_eq!(living.len(), 1, "{seen}: {living:?}");
        world.dispatch("stop talk TASK-1").notes().succeeds();
    }
}

#[test]
fn the_last_windows_end_is_not_lost_without_an_observer() {
    let world = World::new();
    world.task("TASK-1", "%until go\n%exit 9");
    world.dispatch("run -q --attach none talk TASK-1").notes().succeeds();
    world.write("go", "");
    wait_until("the pane is dead", || {
        let rows = world.panes("#{pane_dead}");
        is(rows.iter().any(|row| row == "1"), format!("{rows:?}"))
    });
    assert_eq!(world.status("talk", "TASK-1")["exitCode"], 9);
}

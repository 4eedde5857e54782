//! One active run per pair, under any race. Judged by agent starts, not by what is answered.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::waiting::{is, rounds, wait_for};
use crate::world::World;

const RACERS: usize = 200;

/// Starts `words` once for each folder, all held at one gate, and opens it when all are there.
fn race(world: &World, round: usize, folders: &[PathBuf], words: &[&str]) -> Vec<Child> {
    let gate = world.root().join(format!("gate-{round}"));
    // The gate's lock is released by closing the file.
    let lock = File::create(&gate).unwrap();
    lock.lock().unwrap();
    let log = File::create(world.root().join(format!("calls/race-{round}"))).unwrap();
    let racers: Vec<Child> = folders
        .iter()
        .map(|folder| {
            let mut command = world.command("gate");
            command.arg(&gate).arg("dispatch").args(words).current_dir(folder);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.try_clone().unwrap());
            command.spawn().unwrap()
        })
        .collect();
    let ready = gate.with_extension("ready");
    wait_for(Duration::from_secs(60), "all racers are at the gate", || {
        let there = fs::metadata(&ready).map_or(0, |data| data.len());
        is(there == folders.len() as u64, format!("{there} of {}", folders.len()))
    });
    drop(lock);
    racers
}

fn codes(world: &World, round: usize, racers: Vec<Child>) -> Vec<i32> {
    let mut codes = Vec::new();
    for mut racer in racers {
        let status = wait_for(Duration::from_secs(120), "a racer ends", || {
            racer.try_wait().unwrap().ok_or_else(|| {
                let said = fs::read_to_string(world.root().join(format!("calls/race-{round}"))).unwrap_or_default();
                said.lines().last().unwrap_or_default().to_owned()
            })
        });
        codes.push(status.code().unwrap_or(-1));
    }
    codes
}

#[test]
fn two_hundred_runs_of_one_pair_start_one_agent() {
    let world = World::new();
    world.task("TASK-1", "%hang").git_init();
    let mut folders = vec![world.project()];
    for n in 1..=3 {
        let path = format!("../linked-{n}");
        world.git(&["worktree", "add", "-q", &path, "-b", &format!("b{n}")]);
        folders.push(world.root().join(format!("linked-{n}")));
    }
    let folders: Vec<PathBuf> = folders.iter().cycle().take(RACERS).cloned().collect();
    for round in 0..rounds(20) {
        let racers = race(&world, round, &folders, &["run", "-d", "-q", "job", "TASK-1"]);
        let codes = codes(&world, round, racers);
        assert!(codes.iter().all(|code| *code == 0), "round {round}: codes {codes:?}");
        let status = world.status("job", "TASK-1");
        world.agent_ready(status["runId"].as_str().unwrap());
        assert_eq!(world.starts().len(), round + 1, "agent starts after round {round}");
        world.dispatch("stop job TASK-1").notes().succeeds();
    }
    assert_eq!(world.dispatch("history --limit 1000").json()["runs"].as_array().unwrap().len(), rounds(20));
}

#[test]
fn joiners_of_a_race_all_get_the_one_code() {
    let world = World::new();
    world.task("TASK-1", "%until go\n%exit 5");
    let folders = vec![world.project(); 50];
    let racers = race(&world, 0, &folders, &["run", "-q", "job", "TASK-1"]);
    let run = world.wait_state("job", "TASK-1", "running")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    world.write("go", "");
    let codes = codes(&world, 0, racers);
    // One that came after the end is a run of its own, and ends with the same code.
    assert!(codes.iter().all(|code| *code == 5), "{codes:?}");
}

#[test]
fn windows_race_to_one_too() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    for round in 0..rounds(20) {
        let folders = vec![world.project(); 50];
        let racers = race(&world, round, &folders, &["run", "-q", "--attach", "none", "talk", "TASK-1"]);
        let codes = codes(&world, round, racers);
        assert!(codes.iter().all(|code| *code == 0), "round {round}: codes {codes:?}");
        let ours = world.panes("#{pane_start_command}").into_iter().filter(|row| row.contains("__exec")).count();
        assert_eq!(ours, 1, "windows in round {round}");
        world.agent_ready(world.status("talk", "TASK-1")["runId"].as_str().unwrap());
        assert_eq!(world.starts().len(), round + 1);
        world.dispatch("stop talk TASK-1").notes().succeeds();
    }
}

#[test]
fn a_hundred_pairs_at_once_all_start() {
    let count = rounds(100).max(20);
    let world = World::with("jobs: 200\n");
    let racers: Vec<_> = (0..count)
        .map(|n| {
            let id = format!("T-{n}");
            world.task(&id, "%hang");
            let mode = if n % 2 == 0 { "job" } else { "talk" };
            world.dispatch("run -d -q --attach none").arg(mode).arg(id).notes().start()
        })
        .collect();
    for racer in racers {
        racer.ends_with(0);
    }
    crate::waiting::wait_until("all agents run", || {
        is(world.starts().len() == count, format!("{} of {count}", world.starts().len()))
    });
    world.dispatch("stop --all").within(Duration::from_secs(120)).notes().succeeds();
    world.wait_all_quiet();
}

#[test]
fn run_and_stop_in_a_storm_never_let_two_agents_live() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    for _ in 0..rounds(50) {
        let calls: Vec<_> = (0..12)
            .map(|n| {
                let words = if n % 3 == 2 { "stop -q job TASK-1" } else { "run -d -q job TASK-1" };
                world.dispatch(words).any_stderr().start()
            })
            .collect();
        for call in calls {
            let _ = call.ends();
        }
        let living = world.starts().into_iter().filter(|note| note.is_alive()).count();
        assert!(living <= 1, "{living} agents of one pair live");
    }
    world.dispatch("stop job TASK-1").notes().succeeds();
    world.wait_all_quiet();
}

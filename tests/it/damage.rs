//! Damaged records: cut off at any length, a bit flipped, something else in their place, or newer.
//!
//! Whatever stands there: commands answer in time and without a panic, no success is invented, no
//! second agent starts, nothing is overwritten, and a good run works afterwards.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::command::Dispatch;
use crate::damaged_file::{Damage, Damaged};
use crate::random::Random;
use crate::waiting::{PATIENCE, is, wait_until};
use crate::world::{World, alive};

fn in_time(call: Dispatch) -> Dispatch {
    // `run` itself gives a pair that is held ten seconds.
    call.any_stderr().within(PATIENCE + Duration::from_secs(5))
}

/// Every listing answers and shows no success but the one there was.
#[track_caller]
fn answers(world: &World, seen: &str) {
    for words in ["status --all --json", "history --json"] {
        let ended = in_time(world.dispatch(words)).ends_somehow();
        assert_eq!(ended.code, 0, "{seen}: {words}: {}", ended.stderr);
        let listing: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let succeeded = listing["runs"].as_array().unwrap().iter().filter(|run| run["state"] == "succeeded").count();
        assert!(succeeded <= 1, "{seen}: an invented success: {listing}");
    }
}

/// The same, and the success is still that of `OK`.
#[track_caller]
fn tells_the_truth(world: &World, seen: &str) {
    answers(world, seen);
    let good = in_time(world.dispatch("status job OK --json")).ends_somehow();
    let good: Value = serde_json::from_slice(&good.stdout).unwrap_or_default();
    assert_eq!(good["state"], "succeeded", "{seen}: another run's record");
}

/// A world with one good run, and `job BAD` that fails.
fn lived_in(more: &str) -> World {
    let world = World::with(more);
    world.task("OK", "%exit 0").task("BAD", "%exit 7").task("LIVE", "%hang").task("WAITS", "%hang");
    world.dispatch("run -q job OK").notes().succeeds();
    world.wait_all_quiet();
    world
}

fn last_run(world: &World, mode: &str, task: &str) -> String {
    let path = world.state().join("pairs").join(mode).join(task);
    String::from_utf8(fs::read(path).unwrap()).unwrap().trim().to_owned()
}

fn forget_index(world: &World) {
    let _ = fs::remove_file(world.state().join("dispatch.db"));
}

/// A record of a run that has ended, each time of a new one.
#[track_caller]
fn damage_an_ended_run(name: &str) {
    let world = lived_in("");
    let mut random = Random::new();
    world.dispatch("run -q job BAD").any_stderr().fails_with(7);
    world.wait_all_quiet();
    let path = |world: &World| world.run_folder(&last_run(world, "job", "BAD")).join(name);
    let mut starts = 2;
    for (n, damage) in Damage::all(&path(&world), &mut random).into_iter().enumerate() {
        let damaged = damage.apply(&path(&world));
        // With and without what the index knows.
        if n % 2 == 0 {
            forget_index(&world);
        }
        let seen = format!("seed {} {damage:?} of {}", random.seed, damaged.path.display());
        tells_the_truth(&world, &seen);
        let again = in_time(world.dispatch("run -q job BAD")).ends_somehow();
        assert_eq!(again.code, 7, "{seen}: {}", again.stderr);
        starts += 1;
        assert_eq!(world.starts().len(), starts, "{seen}");
        world.wait_all_quiet();
        assert!(damaged.is_kept(), "{seen}: it was overwritten");
        // So that pruning, which is due now and then, finds what it knows.
        damaged.restore();
    }
}

#[test]
fn a_damaged_spec_of_an_ended_run() {
    damage_an_ended_run("spec.json");
}

#[test]
fn a_damaged_end() {
    damage_an_ended_run("exit.json");
}

#[test]
fn a_damaged_live_record_of_an_ended_run() {
    damage_an_ended_run("live.json");
}

/// A record of a run that goes on: it is never started a second time, and never ended.
#[track_caller]
fn damage_a_living_run(mode: &str, name: &str) {
    let world = lived_in("");
    let mut random = Random::new();
    let run = world.detach(mode, "LIVE");
    let agent = world.agent_ready(&run).pid;
    let path = world.run_folder(&run).join(name);
    // The agent may be ready before its supervisor has written that it started it.
    wait_until("the record is written", || is(path.exists(), path.display().to_string()));
    for (n, damage) in Damage::all(&path, &mut random).into_iter().enumerate() {
        let seen = format!("seed {} {damage:?} of {}", random.seed, path.display());
        let damaged = damage.apply(&path);
        if n % 2 == 0 {
            forget_index(&world);
        }
        tells_the_truth(&world, &seen);
        // A start waits for a pair with an unknown holder: not tried each time.
        if n % 8 < 2 {
            in_time(world.dispatch("run -d -q").arg(mode).arg("LIVE")).ends_somehow();
        }
        assert!(alive(agent), "{seen}: it was ended");
        assert_eq!(world.starts().len(), 2, "{seen}: it was started again");
        assert!(damaged.is_kept(), "{seen}: it was overwritten");
        assert!(damaged.path.parent().unwrap().is_dir(), "{seen}: a living run's folder was moved");
        damaged.restore();
    }
    forget_index(&world);
    assert_eq!(world.status(mode, "LIVE")["state"], "running");
    world.dispatch("stop").arg(mode).arg("LIVE").notes().succeeds();
    world.wait_all_quiet();
    world.dispatch("run -q job BAD").notes().fails_with(7);
}

#[test]
fn a_damaged_spec_of_a_living_job() {
    damage_a_living_run("job", "spec.json");
}

#[test]
fn a_damaged_live_record_of_a_living_job() {
    damage_a_living_run("job", "live.json");
}

#[test]
fn a_damaged_spec_of_a_living_window() {
    damage_a_living_run("talk", "spec.json");
}

#[test]
fn a_damaged_live_record_of_a_living_window() {
    damage_a_living_run("talk", "live.json");
}

#[test]
fn a_damaged_window_record() {
    damage_a_living_run("talk", "window.json");
}

/// Whether the damage left a good record of a run that may use more slots: such a run starts, rightly.
fn allows_more_slots(damaged: &Damaged) -> bool {
    let slots = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok()?["kind"]["headless"]["slots"].as_u64();
    // Only a file: reading a FIFO would wait for a writer.
    let now = fs::symlink_metadata(&damaged.path).is_ok_and(|meta| meta.is_file());
    now && slots(&fs::read(&damaged.path).unwrap()) > slots(&damaged.good)
}

#[test]
fn a_damaged_queue_record() {
    for name in ["queued.json", "spec.json"] {
        let world = lived_in("jobs: 1\n");
        let mut random = Random::new();
        let holder = world.detach("job", "LIVE");
        world.agent_ready(&holder);
        world.detach("job", "WAITS");
        let path = |world: &World| world.run_folder(&last_run(world, "job", "WAITS")).join(name);
        for (n, damage) in Damage::all(&path(&world), &mut random).into_iter().enumerate() {
            let damaged = damage.apply(&path(&world));
            if allows_more_slots(&damaged) {
                damaged.restore();
                continue;
            }
            let seen = format!("seed {} {damage:?} of {}", random.seed, damaged.path.display());
            if n % 2 == 0 {
                forget_index(&world);
            }
            tells_the_truth(&world, &seen);
            in_time(world.dispatch("run -d -q job WAITS")).ends_somehow();
            assert_eq!(world.starts().len(), 2, "{seen}: what waited was started");
            assert!(damaged.is_kept(), "{seen}: it was overwritten");
            // Set aside, it has left the queue, and another waits in its place.
            if damaged.path.parent().unwrap().is_dir() {
                damaged.restore();
            }
        }
        // Once there is room, what waits starts once.
        forget_index(&world);
        world.dispatch("stop job LIVE").any_stderr().succeeds();
        world.wait_state("job", "WAITS", "running");
        world.agent_ready(&last_run(&world, "job", "WAITS"));
        assert_eq!(world.starts().len(), 3);
        world.dispatch("stop --all").any_stderr().succeeds();
    }
}

/// A file of the state folder that is not a record. `heals`: commands work in spite of the damage.
#[track_caller]
fn damage_the_house(name: &str, heals: impl Fn(&Damage) -> bool) {
    let world = lived_in("jobs: 1\n");
    let mut random = Random::new();
    world.dispatch("run -q job BAD").any_stderr().fails_with(7);
    world.wait_all_quiet();
    let path = world.state().join(name);
    for damage in Damage::all(&path, &mut random) {
        let seen = format!("seed {} {damage:?} of {name}", random.seed);
        let before = world.starts().len();
        let damaged = damage.apply(&path);
        if name == "dispatch.db" && matches!(damage, Damage::Flip { .. }) {
            // A changed row that can be read looks like a good one: the hint names the fix.
            answers(&world, &seen);
            let again = in_time(world.dispatch("run -q job BAD")).ends_somehow();
            assert!(again.code == 7 || again.stderr.contains("dispatch.db"), "{seen}: {}", again.stderr);
            world.wait_all_quiet();
            forget_index(&world);
            tells_the_truth(&world, &seen);
        } else if heals(&damage) {
            tells_the_truth(&world, &seen);
            let again = in_time(world.dispatch("run -q job BAD")).ends_somehow();
            assert_eq!(again.code, 7, "{seen}: {}", again.stderr);
            world.wait_all_quiet();
            assert_eq!(world.starts().len(), before + 1, "{seen}");
        } else {
            for words in ["status", "history", "run -q job BAD"] {
                let ended = in_time(world.dispatch(words)).ends_somehow();
                let said = ended.stderr.contains("error:") && ended.stderr.contains(name);
                assert!(ended.code == 0 || ended.code == 7 || said, "{seen}: {words}: {} {}", ended.code, ended.stderr);
            }
            world.wait_all_quiet();
            assert!(damaged.is_kept(), "{seen}: it was overwritten");
            damaged.remove();
            world.dispatch("run -q job BAD").any_stderr().fails_with(7);
            world.wait_all_quiet();
        }
        if !path.exists() {
            // It was removed above, and no command has needed it since.
            fs::write(&path, &damaged.good).unwrap();
        }
        // Set aside, it has done its part: there is a limit to how many are kept.
        for place in damaged.places().into_iter().skip(1) {
            let _ = fs::remove_file(&place).or_else(|_| fs::remove_dir(&place));
        }
    }
}

fn is_a_file(damage: &Damage) -> bool {
    !matches!(damage, Damage::Directory | Damage::Link | Damage::Fifo)
}

#[test]
fn a_damaged_pair_lock() {
    damage_the_house("pairs/job/BAD", is_a_file);
}

#[test]
fn a_damaged_slot() {
    damage_the_house("slots/0", is_a_file);
}

#[test]
fn a_damaged_index_lock() {
    damage_the_house("index.lock", is_a_file);
}

#[test]
fn a_damaged_index() {
    damage_the_house("dispatch.db", |_| true);
}

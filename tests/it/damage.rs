//! Damaged records: cut off at any length, a bit flipped, something else in their place, or newer.
//!
//! Whatever stands there: commands answer in time and without a panic, no success is invented, no
//! second agent starts, nothing is overwritten, and a good run works afterwards.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::command::Dispatch;
use crate::random::Random;
use crate::waiting::{PATIENCE, rounds};
use crate::world::{World, alive};

/// What is done to a file.
#[derive(Clone, Debug)]
enum Damage {
    CutAt(usize),
    Flip { byte: usize, bit: u8 },
    Garbage,
    Newer,
    Directory,
    Link,
    Fifo,
}

impl Damage {
    /// Every kind: all lengths with `ROUNDS=full`, else a tenth.
    fn all(path: &Path, random: &mut Random) -> Vec<Self> {
        let len = fs::read(path).unwrap().len();
        // The index is large, and its pages are alike.
        let cuts = rounds(len.min(1500)).min(len);
        let mut all = vec![Self::Garbage, Self::Directory, Self::Link, Self::Fifo];
        if path.extension().is_some_and(|end| end == "json") {
            all.push(Self::Newer);
        }
        // The empty file is the first.
        all.extend((0..cuts).map(|n| Self::CutAt(n * len / cuts)));
        let flip = |_| Self::Flip { byte: random.below(len), bit: u8::try_from(random.below(8)).unwrap() };
        all.extend((0..rounds(200)).filter(|_| len > 0).map(flip));
        all
    }

    fn apply(&self, path: &Path) -> Damaged {
        let good = fs::read(path).unwrap();
        let bytes = match self {
            Self::CutAt(length) => Some(good[..(*length).min(good.len())].to_vec()),
            Self::Flip { byte, bit } => {
                let mut bytes = good.clone();
                if let Some(byte) = bytes.get_mut(*byte) {
                    *byte ^= 1 << bit;
                }
                Some(bytes)
            }
            Self::Garbage => Some(vec![0xa5; good.len().max(64)]),
            Self::Newer => {
                let mut record: Value = serde_json::from_slice(&good).unwrap();
                record["version"] = 999.into();
                Some(record.to_string().into_bytes())
            }
            Self::Directory | Self::Link | Self::Fifo => None,
        };
        let outside = path.parent().unwrap().with_file_name("outside");
        match (self, &bytes) {
            (_, Some(bytes)) => fs::write(path, bytes).unwrap(),
            (other, None) => {
                fs::remove_file(path).unwrap();
                match other {
                    Self::Directory => fs::create_dir(path).unwrap(),
                    Self::Fifo => {
                        rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o600.into()).unwrap();
                    }
                    _ => {
                        fs::write(&outside, &good).unwrap();
                        std::os::unix::fs::symlink(&outside, path).unwrap();
                    }
                }
            }
        }
        Damaged { path: path.to_owned(), good, bytes, kind: self.clone(), outside }
    }
}

/// A damaged file.
struct Damaged {
    path: PathBuf,
    good: Vec<u8>,
    bytes: Option<Vec<u8>>,
    kind: Damage,
    outside: PathBuf,
}

impl Damaged {
    /// Where the damaged file or its folder stands now: it may have been set aside.
    fn places(&self) -> Vec<PathBuf> {
        let name = self.path.file_name().unwrap();
        let folder = self.path.parent().unwrap();
        let mut places = vec![self.path.clone()];
        let aside = |path: &Path, n| PathBuf::from(format!("{}.damaged-{n}", path.display()));
        places.extend((1..9).map(|n| aside(&self.path, n)));
        places.extend((1..9).map(|n| aside(folder, n).join(name)));
        places
    }

    fn is_kept(&self) -> bool {
        if matches!(self.kind, Damage::Link) && fs::read(&self.outside).unwrap() != self.good {
            return false;
        }
        self.places().iter().any(|place| match (&self.bytes, fs::symlink_metadata(place)) {
            (_, Err(_)) => false,
            (Some(bytes), Ok(meta)) => meta.is_file() && fs::read(place).unwrap() == *bytes,
            (None, Ok(meta)) => match self.kind {
                Damage::Directory => meta.is_dir(),
                Damage::Fifo => meta.file_type().is_fifo(),
                _ => meta.is_symlink(),
            },
        })
    }

    fn remove(&self) {
        if self.path.is_dir() && !self.path.is_symlink() {
            fs::remove_dir(&self.path).unwrap();
        } else {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Puts the good record back, and its folder where that was set aside.
    fn restore(&self) {
        let folder = self.path.parent().unwrap();
        if !folder.exists() {
            let aside = format!("{}.damaged-1", folder.display());
            fs::rename(aside, folder).unwrap();
        }
        self.remove();
        fs::write(&self.path, &self.good).unwrap();
    }
}

fn in_time(call: Dispatch) -> Dispatch {
    // `run` itself gives a pair that is held ten seconds.
    call.any_stderr().within(PATIENCE + Duration::from_secs(5))
}

/// Every listing answers, and tells of no success but that of `OK`.
#[track_caller]
fn tells_the_truth(world: &World, seen: &str) {
    for words in ["status --all --json", "history --json"] {
        let ended = in_time(world.dispatch(words)).ends_somehow();
        assert_eq!(ended.code, 0, "{seen}: {words}: {}", ended.stderr);
        let listing: Value = serde_json::from_slice(&ended.stdout).unwrap();
        for run in listing["runs"].as_array().unwrap() {
            assert!(run["state"] != "succeeded" || run["task"] == "OK", "{seen}: an invented success: {run}");
        }
    }
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
    for (n, damage) in Damage::all(&path, &mut random).into_iter().enumerate() {
        let seen = format!("seed {} {damage:?} of {}", random.seed, path.display());
        let damaged = damage.apply(&path);
        if n % 2 == 0 {
            forget_index(&world);
        }
        tells_the_truth(&world, &seen);
        // Starting waits for a pair that is held by who knows what: not each time.
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

/// A file of the house that is not a record. `heals`: commands work in spite of the damage.
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
        if heals(&damage) {
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
        }
        world.dispatch("run -q job BAD").any_stderr().fails_with(7);
        world.wait_all_quiet();
        if !path.exists() {
            // It was removed above, and nobody needed it since.
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

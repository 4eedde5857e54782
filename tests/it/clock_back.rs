//! The clock goes back: the newest run of a pair is the one that was started last, whatever time it was.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::waiting::{is, wait_until};
use crate::world::World;

const CHAIN: &str = r#"  build: { agent: fake, template: build.md }
  after: { agent: fake, prompt: "%out after", needs: [build] }
  flaky: { agent: fake, template: build.md, retry: { max: 1, on: [crash], backoff: 10ms } }
jobs: 1
"#;

/// An id that a clock makes which is `ahead_ms` milliseconds ahead of the one that made `id`.
fn id_ahead(id: &str, ahead_ms: u64) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = |byte: u8| DIGITS.iter().position(|known| *known == byte).unwrap() as u64;
    let made = id.bytes().take(10).fold(0, |sum, byte| (sum << 5) | digit(byte)) + ahead_ms;
    let time = (0..10).rev().map(|at| char::from(DIGITS[((made >> (5 * at)) & 31) as usize]));
    time.chain(id.chars().skip(10)).collect()
}

/// Makes the ended run `run` of the pair one that a clock wrote down which was ahead. Gives its new id.
fn write_ahead(world: &World, mode: &str, task: &str, run: &str, ahead_ms: u64) -> String {
    let moved = id_ahead(run, ahead_ms);
    let later = |stamp: &Value| {
        let stamp: jiff::Timestamp = stamp.as_str().unwrap().parse().unwrap();
        Value::from((stamp + jiff::SignedDuration::from_millis(ahead_ms.try_into().unwrap())).to_string())
    };
    let folder = world.run_folder(run);
    for (file, stamps) in [("spec.json", &["createdAt"][..]), ("exit.json", &["startedAt", "endedAt"])] {
        let path = folder.join(file);
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["runId"] = moved.as_str().into();
        for stamp in stamps {
            record[*stamp] = later(&record[*stamp]);
        }
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
    }
    fs::rename(&folder, world.run_folder(&moved)).unwrap();
    fs::write(lock_of(world, mode, task), format!("{moved}\n")).unwrap();
    fs::remove_file(world.state().join("dispatch.db")).unwrap();
    moved
}

fn lock_of(world: &World, mode: &str, task: &str) -> PathBuf {
    world.state().join("pairs").join(mode).join(task)
}

fn id_of(run: &Value) -> String {
    run["runId"].as_str().unwrap_or_else(|| panic!("no run id in {run}")).to_owned()
}

fn says(world: &World, script: &str) {
    world.write("build.md", script);
}

/// A world whose `MODE T` has a success on record, written by a clock that was `ahead_ms` ahead.
fn with_success(mode: &str, ahead_ms: u64) -> (World, String) {
    let world = World::with(CHAIN);
    world.task("T", "x").task("U", "%hang");
    says(&world, "%out the old one");
    world.dispatch("run -q").arg(mode).arg("T").notes().succeeds();
    world.wait_all_quiet();
    let run = id_of(&world.status(mode, "T"));
    let moved = write_ahead(&world, mode, "T", &run, ahead_ms);
    assert_eq!(id_of(&world.status(mode, "T")), moved, "the record that the test wrote is read");
    (world, moved)
}

const MINUTE: u64 = 60_000;
const YEARS: u64 = 40 * 365 * 24 * 3_600_000;

#[test]
fn a_failure_after_the_clock_went_back_is_not_hidden_by_an_older_success() {
    for ahead_ms in [MINUTE, YEARS] {
        let (world, old) = with_success("build", ahead_ms);
        says(&world, "%out the new one\n%exit 9");
        world.dispatch("run -q build T").notes().fails_with(9);
        world.wait_all_quiet();
        let seen = world.status("build", "T");
        assert_eq!((&seen["state"], &seen["exitCode"]), (&"failed".into(), &9.into()), "{seen}");
        assert!(id_of(&seen) > old, "{} after {old}", id_of(&seen));
        world.dispatch("wait build T").any_stderr().fails_with(9);
        let log = world.dispatch("logs build T --raw --stdout").succeeds().text();
        assert!(log.contains("the new one"), "{log}");
        // What lists one run for each pair lists the same one.
        let listed = world.dispatch("status --all").json();
        let states: Vec<&Value> = listed["runs"].as_array().unwrap().iter().map(|run| &run["state"]).collect();
        assert_eq!(states, ["failed"], "{listed}");
        // What needs it is not content with the older success.
        world.dispatch("run -q after T").any_stderr().fails_with(1);
        let builds = world.starts().len();
        assert_eq!(builds, 3, "the need was run again: {:?}", world.starts());
    }
}

#[test]
fn ids_go_on_from_one_that_was_pruned_and_over_all_pairs() {
    let (world, old) = with_success("build", MINUTE);
    fs::remove_dir_all(world.run_folder(&old)).unwrap();
    fs::remove_file(world.state().join("dispatch.db")).unwrap();
    let next = world.detach("build", "T");
    assert!(next > old, "{next} after {old}");
    world.dispatch("wait build T").succeeds();
    let other = world.detach("job", "U");
    assert!(other > next, "the queue is in the order of ids: {other} after {next}");
    world.dispatch("stop job U").succeeds();
}

#[test]
fn a_queued_run_a_retry_and_up_come_after_the_success_of_a_clock_that_was_ahead() {
    let (world, old) = with_success("flaky", MINUTE);
    says(&world, "%exit 9");
    // It waits for the only slot.
    let holder = world.detach("job", "U");
    world.agent_ready(&holder);
    let queued = world.dispatch("run -d flaky T").notes().json();
    let queued = id_of(&queued["runs"][0]);
    assert!(queued > old, "{queued} after {old}");
    assert_eq!(world.status("flaky", "T")["state"], "queued");
    let waiting = world.dispatch("wait flaky T").any_stderr().start();
    world.dispatch("stop job U").any_stderr().succeeds();
    waiting.ends_with(9);
    let seen = world.status("flaky", "T");
    assert_eq!((&seen["attempt"], &seen["exitCode"], id_of(&seen)), (&2.into(), &9.into(), queued.clone()), "{seen}");

    let manifest = world.project().join("dispatch.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{text}runs:\n  - {{ mode: flaky, tasks: [T], restart: on_failure }}\n")).unwrap();
    says(&world, "%hang");
    world.dispatch("up").any_stderr().succeeds();
    let up = wait_until("`up` has started it again", || {
        let run = world.status("flaky", "T");
        is(run["state"] == "running", run.to_string()).map(|()| id_of(&run))
    });
    assert!(up > queued, "{up} after {queued}");
    world.dispatch("stop flaky T").any_stderr().succeeds();
}

#[test]
fn an_id_that_none_is_greater_than_is_refused_with_the_way_out() {
    let world = World::new();
    world.task("T", "%exit 0");
    world.dispatch("run -q job T").notes().succeeds();
    fs::write(lock_of(&world, "job", "T"), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ\n").unwrap();
    let ended = world.dispatch("run -q job T").any_stderr().fails_with(1);
    assert!(ended.stderr.contains("no run id is greater"), "{}", ended.stderr);
    let fix = ended.stderr.lines().find_map(|line| line.split_once("rm -r ")).expect("the hint is a command");
    let all: Vec<&str> = fix.1.split(' ').collect();
    assert_eq!(all.len(), 3, "{all:?}");
    for path in all {
        let path = Path::new(path.trim_matches('\''));
        assert!(path.starts_with(world.state()), "{}", path.display());
        let _ = fs::remove_file(path);
    }
    world.dispatch("run -q job T").notes().succeeds();
}

//! The state folder: rebuilt, copied, damaged, newer. Nothing is invented, nothing is overwritten.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::random::Random;
use crate::waiting::rounds;
use crate::world::{World, alive, kill};

/// Three ended runs with different ends, and one that goes on.
fn lived_in() -> (World, String) {
    let world = World::new();
    world.task("OK", "%out fine\n%exit 0").task("BAD", "%exit 7").task("SIG", "%signal 9").task("LIVE", "%hang");
    for (task, code) in [("OK", 0), ("BAD", 7), ("SIG", 137)] {
        world.dispatch("run -q job").arg(task).any_stderr().fails_with(code);
    }
    let live = world.detach("job", "LIVE");
    world.agent_ready(&live);
    (world, live)
}

/// What must stay the same: id, state and code of every run.
fn essence(world: &World) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut runs: Vec<_> =
        world.history().iter().map(|run| (text(&run["runId"]), text(&run["state"]), run["exitCode"].clone())).collect();
    runs.sort_by(|a, b| a.0.cmp(&b.0));
    runs
}

#[test]
fn a_deleted_or_damaged_database_is_rebuilt() {
    let (world, live) = lived_in();
    let before = essence(&world);
    assert!(before.len() >= 3);
    let database = world.state().join("dispatch.db");
    let damage: [&dyn Fn(); 5] = [
        &|| {
            let _ = fs::remove_file(&database);
        },
        &|| fs::write(&database, "no database").unwrap(),
        &|| fs::write(&database, "").unwrap(),
        &|| {
            let mut bytes = fs::read(&database).unwrap();
            bytes.truncate(bytes.len() / 2);
            fs::write(&database, bytes).unwrap();
        },
        &|| {
            let mut bytes = fs::read(&database).unwrap();
            let start = bytes.len().min(200);
            bytes[start..].fill(0xff);
            fs::write(&database, bytes).unwrap();
        },
    ];
    for (n, harm) in damage.iter().enumerate() {
        harm();
        world.dispatch("history").any_stderr().json();
        assert_eq!(essence(&world), before, "damage {n}");
        assert_eq!(world.status("job", "LIVE")["runId"], live.as_str());
        assert_eq!(world.detach("job", "LIVE"), live, "no second start");
    }
    assert_eq!(world.starts().len(), 4);
}

#[test]
fn a_copied_state_folder_kills_and_claims_nothing() {
    let (world, live) = lived_in();
    world.dispatch("run -q --attach none talk LIVE").notes().succeeds();
    let agents = crate::waiting::wait_until("both agents live", || {
        let agents: Vec<i32> = world.starts().into_iter().map(|note| note.pid).filter(|pid| alive(*pid)).collect();
        if agents.len() == 2 { Ok(agents) } else { Err(format!("{agents:?}")) }
    });

    // The whole project, copied while runs live.
    let copy = world.root().join("copy");
    world.helper("cp", &["-a", world.project().to_str().unwrap(), copy.to_str().unwrap()]);
    let there = |words: &str| world.dispatch(words).in_folder(&copy).any_stderr();
    let status = there("status job LIVE").json();
    assert_ne!(status["state"], "running", "{status}");
    for words in ["status", "stop job LIVE", "stop talk LIVE", "stop --all", "prune", "wait job LIVE --timeout 100ms"] {
        there(words).ends_somehow();
    }
    assert!(agents.iter().all(|pid| alive(*pid)), "a copy ended a run of the original");
    assert_eq!(world.status("job", "LIVE")["runId"], live.as_str());
    assert_eq!(world.status("job", "LIVE")["state"], "running");
    assert_eq!(world.status("talk", "LIVE")["state"], "running");
    world.dispatch("stop --all").notes().succeeds();
}

#[test]
fn a_damaged_record_is_set_aside_and_the_others_stay() {
    let mut random = Random::new();
    let world = World::new();
    world.task("OK", "%exit 0").task("BAD", "%exit 7");
    world.dispatch("run -q job OK").notes().succeeds();
    // `__next` reads the queue after each run: it must be over before the files below are changed.
    world.wait_all_quiet();
    for round in 0..rounds(100) {
        world.dispatch("run -q job BAD").any_stderr().fails_with(7);
        world.wait_all_quiet();
        let run = world.status("job", "BAD")["runId"].as_str().unwrap().to_owned();
        let name = ["spec.json", "exit.json", "live.json"][random.below(3)];
        let path = world.run_folder(&run).join(name);
        if !path.exists() {
            continue;
        }
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        match random.below(4) {
            0 => bad.truncate(random.below(good.len())),
            1 => bad.fill(0),
            2 => bad[random.below(good.len())] ^= 1 << random.below(8),
            _ => bad = b"[]".to_vec(),
        }
        fs::write(&path, &bad).unwrap();
        // The index must not hide it.
        fs::remove_file(world.state().join("dispatch.db")).unwrap();
        let seen = format!("seed {} round {round}: {name} of {run}", random.seed);
        let listing = world.dispatch("history").any_stderr().json();
        let runs = listing["runs"].as_array().unwrap();
        assert!(runs.iter().any(|row| row["task"] == "OK" && row["state"] == "succeeded"), "{seen}: {listing}");
        assert!(
            !runs.iter().any(|row| row["runId"] == run.as_str() && row["state"] == "succeeded"),
            "{seen}: an invented success"
        );
        // Set aside or kept, but never gone.
        let found = world.command("sh").args(["-c", "find .dispatch -type f -exec cat {} +"]).output().unwrap().stdout;
        assert!(bad.is_empty() || found.windows(bad.len()).any(|window| window == bad), "{seen}: overwritten");
        world.dispatch("run -q job BAD").any_stderr().fails_with(7);
    }
}

#[test]
fn a_record_that_is_no_file_is_no_panic() {
    let world = World::new();
    world.task("OK", "%exit 0");
    world.dispatch("run -q job OK").notes().succeeds();
    // `__next` reads the queue after each run: it must be over before the files below are changed.
    world.wait_all_quiet();
    let runs = world.state().join("runs");
    for (name, make) in [
        ("01ARZ3NDEKTSV4RRFFQ69G5FAA", "mkdir -p $D && mkfifo $D/spec.json"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAB", "mkdir -p $D && ln -s /dev/zero $D/spec.json"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAC", "mkdir -p $D/spec.json $D/exit.json"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAD", "touch $D"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAE", "ln -s /etc $D"),
        ("not-a-run", "mkdir -p $D"),
    ] {
        let script = format!("D='{}'; {make}", runs.join(name).display());
        world.helper("sh", &["-c", &script]);
        fs::remove_file(world.state().join("dispatch.db")).unwrap();
        world.dispatch("history").any_stderr().json();
        world.dispatch("status").any_stderr().succeeds();
    }
}

#[test]
fn a_newer_record_is_kept_and_named() {
    let world = World::new();
    world.task("OK", "%exit 0");
    world.dispatch("run -q job OK").notes().succeeds();
    // `__next` reads the queue after each run: it must be over before the files below are changed.
    world.wait_all_quiet();
    let run = world.starts()[0].run.clone();
    for name in ["spec.json", "exit.json"] {
        let path = world.run_folder(&run).join(name);
        let text = fs::read_to_string(&path).unwrap();
        let mut record: Value = serde_json::from_str(&text).unwrap();
        record["version"] = 999.into();
        fs::write(&path, record.to_string()).unwrap();
    }
    fs::remove_file(world.state().join("dispatch.db")).unwrap();
    let ended = world.dispatch("history").any_stderr().succeeds();
    let said = format!("{}{}", ended.text(), ended.stderr);
    assert!(said.contains("newer") || said.contains("999"), "{said}");
    assert!(fs::read_to_string(world.run_folder(&run).join("spec.json")).unwrap().contains("999"));
}

#[test]
fn a_record_of_an_unknown_protocol_is_kept_and_named() {
    let world = World::new();
    world.task("LIVE", "%hang");
    let run = world.detach("job", "LIVE");
    world.agent_ready(&run);
    let path = world.run_folder(&run).join("spec.json");
    let mut record: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    record["protocol"] = "later".into();
    // Dead, without an end: a damaged record would be set aside.
    kill(world.supervisor(&run), Signal::KILL);
    fs::write(&path, record.to_string()).unwrap();
    for index in ["as it is", "rebuilt"] {
        if index == "rebuilt" {
            fs::remove_file(world.state().join("dispatch.db")).unwrap();
        }
        let ended = world.dispatch("status").any_stderr().ends_somehow();
        let said = format!("{}{}", ended.text(), ended.stderr);
        assert!(said.contains("newer version") && said.contains("`later`"), "{index}: {said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), record.to_string(), "{index}");
        let refused = world.dispatch("run job LIVE").any_stderr().stderr_has("`later`").ends_somehow();
        assert_ne!(refused.code, 0, "{index}");
    }
}

#[test]
fn unknown_fields_of_a_record_are_no_problem() {
    let world = World::new();
    world.task("OK", "%exit 0");
    world.dispatch("run -q job OK").notes().succeeds();
    // `__next` reads the queue after each run: it must be over before the files below are changed.
    world.wait_all_quiet();
    let run = world.starts()[0].run.clone();
    for name in ["spec.json", "exit.json"] {
        let path = world.run_folder(&run).join(name);
        let mut record: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        record["somethingNew"] = "x".into();
        fs::write(&path, record.to_string()).unwrap();
    }
    fs::remove_file(world.state().join("dispatch.db")).unwrap();
    assert_eq!(world.status("job", "OK")["state"], "succeeded");
}

#[test]
fn a_state_folder_that_cannot_be_written_is_an_error_with_a_cure() {
    let world = World::new();
    world.task("OK", "%exit 0");
    // A file in its place; a read-only folder would not stop root.
    fs::write(world.state(), "").unwrap();
    world.dispatch("run job OK").stderr_has(".dispatch").stderr_has("hint:").ends_somehow();
    assert!(world.starts().is_empty());
    assert_eq!(fs::read(world.state()).unwrap(), b"");
}

#[test]
fn a_planted_link_in_the_state_folder_is_not_followed() {
    let world = World::new();
    world.task("OK", "%out hello");
    fs::create_dir(world.state()).unwrap();
    fs::set_permissions(world.state(), fs::Permissions::from_mode(0o700)).unwrap();
    let outside = world.root().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, world.state().join("runs")).unwrap();
    world.dispatch("run -q job OK").ends_somehow();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn the_state_folder_can_be_elsewhere() {
    let world = World::with("state_dir: ../elsewhere\n");
    world.task("OK", "%exit 0");
    world.dispatch("run -q job OK").notes().succeeds();
    // `__next` reads the queue after each run: it must be over before the files below are changed.
    world.wait_all_quiet();
    assert!(world.root().join("elsewhere/runs").is_dir());
    assert!(!world.state().exists());
}

#[test]
fn an_unreadable_end_is_never_a_success() {
    let world = World::new();
    world.task("OK", "%exit 0");
    world.dispatch("run -q job OK").notes().succeeds();
    // `__next` reads the queue after each run: it must be over before the files below are changed.
    world.wait_all_quiet();
    let run = world.starts()[0].run.clone();
    fs::remove_file(world.run_folder(&run).join("exit.json")).unwrap();
    fs::remove_file(world.state().join("dispatch.db")).unwrap();
    let status = world.dispatch("status job OK").any_stderr().json();
    assert_ne!(status["state"], "succeeded", "{status}");
    world.dispatch("run -q job OK").any_stderr().succeeds();
}

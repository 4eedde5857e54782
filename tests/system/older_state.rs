//! What an older program left is taken over: its state folder, its jobs, its windows, its queue.
//!
//! `older_state/state.json` and `dispatch.db` are the state folder that the program of
//! `older_program::COMMIT` wrote. `RECORD_STATE=1 cargo test --test system older_state` writes both again.

mod scenario;
mod snapshot;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::command::Dispatch;
use crate::older_program;
use crate::waiting::{is, wait_until};
use crate::world::World;
use scenario::{ACTIVE, ENDED};
use snapshot::Machine;

fn recorded(name: &str) -> PathBuf {
    crate::programs::repository().join("tests/system/older_state").join(name)
}

/// A world whose state folder is the recorded one.
fn replayed(of_this_boot: bool) -> World {
    let world = scenario::project();
    scenario::raise_budget(&world);
    let mut machine = Machine::this(&world);
    if !of_this_boot {
        "0d9f4c4e-0000-4000-8000-000000000000".clone_into(&mut machine.boot);
    }
    let entries = serde_json::from_slice(&fs::read(recorded("state.json")).unwrap()).unwrap();
    snapshot::lay_out(&world, &entries, &machine);
    fs::copy(recorded("dispatch.db"), world.state().join("dispatch.db")).unwrap();
    world
}

#[track_caller]
fn every_end_is_as_it_was(world: &World) {
    for (mode, task, state, code) in ENDED {
        let run = world.status(mode, task);
        assert_eq!((run["state"].as_str(), run["exitCode"].as_i64()), (Some(state), code), "{run}");
        world.dispatch("wait").arg(mode).arg(task).any_stderr().fails_with(exit_code(&run));
    }
}

/// What `wait` exits with for these ends.
fn exit_code(run: &Value) -> i32 {
    match run["state"].as_str().unwrap() {
        "succeeded" => 0,
        "timed_out" => 124,
        "stopped" => 143,
        "lost" => 125,
        "failed" => match (run["exitCode"].as_i64(), run["signal"].as_i64()) {
            (Some(code), _) => code.try_into().unwrap(),
            (None, Some(signal)) => 128 + i32::try_from(signal).unwrap(),
            (None, None) => 1,
        },
        _ => 1,
    }
}

/// Both wait for a person, and start once one approves.
fn gates_still_open(world: &World) {
    for mode in ["guarded", "window"] {
        let run = world.status(mode, "YES");
        assert_eq!((&run["state"], &run["waitingFor"]), (&"queued".into(), &"gate".into()), "{run}");
    }
    world.dispatch("approve guarded YES").stdout_has("guarded YES: approved").succeeds();
    world.dispatch("wait guarded YES").notes().succeeds();
    world.dispatch("logs guarded YES").stdout_has("approved").succeeds();
    world.dispatch("approve window YES").stdout_has("window YES: approved").succeeds();
    wait_until("the approved window ended", || {
        let run = world.status("window", "YES");
        is(run["state"] == "succeeded", run.to_string())
    });
}

#[test]
fn a_recorded_state_folder_is_read_after_a_reboot() {
    let world = replayed(false);
    every_end_is_as_it_was(&world);
    for (mode, task, state, _) in ACTIVE {
        if state == "running" {
            let run = world.status(mode, task);
            assert_eq!(run["state"], "lost", "{run}");
            assert!(run["reason"].as_str().unwrap().contains("reboot"), "{run}");
        }
    }
    world.dispatch("logs job BAD").stderr_has("bad").succeeds();
    world.dispatch("logs job LIVE").stdout_has("begun").succeeds();
    gates_still_open(&world);
    let ids: Vec<String> = world.history().iter().map(|run| run["label"].as_str().unwrap().to_owned()).collect();
    for (mode, task, ..) in ENDED {
        assert!(ids.contains(&format!("{task}-{mode}")), "{ids:?}");
    }
    for words in ["status --all", "plan", "tasks", "modes", "check", "prune -n", "history"] {
        world.dispatch(words).any_stderr().succeeds();
    }
    world.dispatch("run -q job BAD").any_stderr().fails_with(7);
    assert!(world.status("job", "BAD")["runId"].as_str().unwrap() > run_id_on_record("job", "BAD").as_str());
}

#[test]
fn a_recorded_state_folder_is_read_in_the_boot_of_its_records() {
    let world = replayed(true);
    every_end_is_as_it_was(&world);
    for (mode, task, state, _) in ACTIVE {
        if state == "running" {
            let run = world.status(mode, task);
            assert_eq!(run["state"], "lost", "its processes are gone: {run}");
        }
    }
    gates_still_open(&world);
    world.dispatch("stop --all").any_stderr().succeeds();
    world.wait_all_quiet();
}

/// The run that the record holds for a pair.
fn run_id_on_record(mode: &str, task: &str) -> String {
    let entries: Value = serde_json::from_slice(&fs::read(recorded("state.json")).unwrap()).unwrap();
    entries[format!("pairs/{mode}/{task}")]["text"].as_str().unwrap().trim().to_owned()
}

#[test]
fn what_an_older_program_started_is_followed_answered_and_ended() {
    let world = scenario::record();
    if std::env::var_os("RECORD_STATE").is_some() {
        let text = serde_json::to_string_pretty(&snapshot::take(&world)).unwrap();
        fs::write(recorded("state.json"), text + "\n").unwrap();
        fs::copy(world.state().join("dispatch.db"), recorded("dispatch.db")).unwrap();
    }
    let ids = |world: &World| -> Vec<Value> {
        ACTIVE.iter().map(|(mode, task, ..)| world.status(mode, task)["runId"].clone()).collect()
    };
    scenario::upgrade(&world);
    every_end_is_as_it_was(&world);
    for (mode, task, state, waiting) in ACTIVE {
        let run = world.status(mode, task);
        let seen = (run["state"].as_str(), run["waitingFor"].as_str().unwrap_or_default());
        assert_eq!(seen, (Some(state), waiting), "{run}");
    }
    scenario::raise_budget(&world);
    world.dispatch("wait asked LATER").notes().succeeds();
    let (started, before) = (world.starts().len(), ids(&world));

    // Joined, not started again; followed to its end, with the exit code that the older supervisor saw.
    let follower = world.dispatch("logs -f job LIVE").any_stderr().start();
    let joined = world.dispatch("run job LIVE").any_stderr().start();
    for call in [&follower, &joined] {
        wait_until("the log so far is shown", || {
            let shown = String::from_utf8(call.stdout_so_far()).unwrap();
            is(shown.contains("begun"), shown)
        });
    }
    world.dispatch("run job LIVE --prompt other").any_stderr().fails_with(1);
    assert_eq!((world.starts().len(), ids(&world)), (started, before), "a look starts nothing again");
    world.write("go", "");
    for call in [follower, joined] {
        assert!(call.ends_with(0).text().contains("over"));
    }
    // What waited for that one.
    world.dispatch("wait needy LIVE").notes().succeeds();

    world.write("other/first", "");
    world.dispatch("wait only FIRST").any_stderr().fails_with(5);
    world.dispatch("wait only SECOND").notes().succeeds();

    // A window: its agent is given a line, and is ended with all of its processes.
    let window = world.status("talk", "OPEN")["runId"].as_str().unwrap().to_owned();
    world.dispatch("send talk OPEN hello").any_stderr().succeeds();
    assert_eq!(world.answer(&window), "hello\n");
    world.dispatch("attach --print talk OPEN").stdout_has("attach").succeeds();
    world.dispatch("stop talk OPEN").any_stderr().succeeds();
    assert_eq!(world.status("talk", "OPEN")["state"], "stopped");

    // A supervisor that sleeps until the next attempt.
    world.dispatch("stop again CRASH").any_stderr().succeeds();
    assert_eq!(world.status("again", "CRASH")["state"], "stopped");

    gates_still_open(&world);
    world.dispatch("stop --all").any_stderr().succeeds();
    world.wait_all_quiet();
    assert!(world.notes().iter().all(|note| note.what != "clash"));
    assert!(older_program::program().exists());
}

#[test]
fn a_program_that_was_replaced_while_its_jobs_run_still_moves_the_queue() {
    let world = World::with("jobs: 1\n");
    world.task("FIRST", "%until go").task("SECOND", "%out second");
    fs::remove_file(scenario::installed(&world)).unwrap();
    scenario::upgrade(&world);
    let installed = |words: &str| {
        let program = world.command(scenario::installed(&world).to_str().unwrap());
        Dispatch::new(program, &world.root().join("calls")).words(words)
    };
    installed("run -d job FIRST").notes().succeeds();
    installed("run -d job SECOND").notes().succeeds();
    scenario::upgrade(&world);
    world.write("go", "");
    // No command looks: the supervisor of the first one starts what comes next.
    wait_until("the second job started", || is(world.starts().len() == 2, format!("{:?}", world.starts())));
    world.dispatch("wait job SECOND").notes().succeeds();
}

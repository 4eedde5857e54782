//! The state folder is removed, or the project moved, while runs live: no second agent of a pair starts,
//! no exit code is lost where it can be written, and what lives can be stopped.

use std::fs;

use rustix::process::Signal;

use crate::waiting::{is, wait_until};
use crate::world::{World, alive, kill};

const QUICK: &str = "  quick: { agent: fake, prompt: \"{{ task.body }}\", stop_grace: 1s }\njobs: 10\n";

/// Ten jobs and two windows, all with a living agent. Gives the runs.
fn busy(script: &str) -> (World, Vec<String>) {
    let world = World::with(QUICK);
    let mut runs = Vec::new();
    for n in 0..10 {
        let task = format!("T-{n}");
        world.task(&task, script);
        runs.push(world.detach("quick", &task));
    }
    for task in ["T-0", "T-1"] {
        let answer = world.dispatch("run --attach none talk").arg(task).notes().json();
        runs.push(answer["runs"][0]["runId"].as_str().unwrap().to_owned());
    }
    for run in &runs {
        world.agent_ready(run);
    }
    (world, runs)
}

#[test]
fn no_second_agent_starts_beside_one_whose_record_was_removed_and_stop_ends_it() {
    let (world, runs) = busy("%hang");
    let supervisor = world.supervisor(&runs[0]);
    fs::remove_dir_all(world.state()).unwrap();
    for _ in 0..2 {
        // The first one makes the state folder anew.
        let refused = world.dispatch("run -d quick T-0").any_stderr().fails_with(1);
        assert!(refused.stderr.contains(&format!("still runs as process {supervisor}")), "{}", refused.stderr);
        assert!(refused.stderr.contains("dispatch stop quick T-0"), "{}", refused.stderr);
    }
    let refused = world.dispatch("run --attach none talk T-1").any_stderr().fails_with(1);
    assert!(refused.stderr.contains("dispatch stop talk T-1"), "{}", refused.stderr);
    assert_eq!(world.starts().len(), runs.len(), "no second agent");
    assert!(runs.iter().all(|run| alive(world.agent_ready(run).pid)), "a refusal ends nothing");
    // A pair of which nothing lives starts.
    world.task("FREE", "%exit 0").dispatch("run -q quick FREE").notes().succeeds();

    world.dispatch("stop quick T-0").stdout_has("quick T-0: stopped").any_stderr().succeeds();
    assert!(!alive(world.agent_ready(&runs[0]).pid));
    let again = world.detach("quick", "T-0");
    world.agent_ready(&again);
    // One supervisor is stopped on top of it.
    kill(world_supervisor_of(&world, &runs[1]), Signal::STOP);
    world.dispatch("stop --all").any_stderr().succeeds();
    world.wait_all_quiet();
    assert_eq!(world.status("quick", "T-0")["state"], "stopped", "what has a record is stopped, too");
    world.dispatch("stop --all").stderr_has("nothing runs").succeeds();
    world.dispatch("run -q --attach none talk T-1").notes().succeeds();
    world.dispatch("stop talk T-1").succeeds();
}

/// The supervisor of a run by its command line: its record is gone.
fn world_supervisor_of(world: &World, run: &str) -> i32 {
    let found = world.processes().into_iter().find(|(_, line)| line.contains("__supervise") && line.contains(run));
    found.unwrap_or_else(|| panic!("no supervisor of {run}")).0
}

#[test]
fn stop_all_ends_what_lives_where_no_state_folder_is_left() {
    let (world, _) = busy("%hang");
    fs::remove_dir_all(world.state()).unwrap();
    let ended = world.dispatch("stop --all --json").any_stderr().succeeds();
    let ended: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    let ended = ended["runs"].as_array().unwrap().clone();
    assert_eq!(ended.len(), 12, "{ended:?}");
    assert!(ended.iter().all(|run| run["state"] == "stopped"), "{ended:?}");
    world.wait_all_quiet();
}

#[test]
fn a_supervisor_whose_folder_was_removed_ends_with_its_agent() {
    let world = World::new();
    world.task("T", "%until go\n%exit 7");
    let run = world.detach("job", "T");
    world.agent_ready(&run);
    fs::remove_dir_all(world.state()).unwrap();
    world.write("go", "");
    world.wait_all_quiet();
    world.dispatch("run -q job T").notes().fails_with(7);
}

#[test]
fn a_project_that_is_renamed_loses_no_exit_code() {
    let (world, runs) = busy("%until go\n%out done\n%exit 7");
    let moved = world.root().join("renamed");
    fs::rename(world.project(), &moved).unwrap();
    // They live, and are seen in their new place.
    let listed = world.dispatch("status").in_folder(&moved).json();
    let states: Vec<_> = listed["runs"].as_array().unwrap().iter().map(|run| run["state"].clone()).collect();
    assert_eq!(states, vec!["running"; 12], "{listed}");
    let joined = world.dispatch("run -d quick T-0").in_folder(&moved).notes().json();
    assert_eq!(joined["runs"][0]["runId"], runs[0].as_str(), "{joined}");
    world.dispatch("stop quick T-9").in_folder(&moved).any_stderr().succeeds();
    // Something else stands at the old place by now, with the same pairs: they are others.
    fs::create_dir_all(world.project().join("tasks")).unwrap();
    for file in ["dispatch.yaml", "tasks/T-0.md"] {
        fs::copy(moved.join(file), world.project().join(file)).unwrap();
    }
    world.write("go", "");
    world.dispatch("run -q quick T-0").notes().fails_with(7);

    fs::write(moved.join("go"), "").unwrap();
    for n in 0..9 {
        world.dispatch("wait quick").arg(format!("T-{n}")).in_folder(&moved).any_stderr().fails_with(7);
        let log = world.dispatch("logs --raw --stdout quick").arg(format!("T-{n}")).in_folder(&moved).succeeds();
        assert!(log.text().contains("done"), "{}", log.text());
    }
    for task in ["T-0", "T-1"] {
        wait_until("the window's end is on record", || {
            let run = world.dispatch("status talk").arg(task).in_folder(&moved).json();
            is(run["exitCode"] == 7, run.to_string())
        });
    }
    let stopped = world.dispatch("status quick T-9").in_folder(&moved).json();
    assert_eq!(stopped["state"], "stopped", "{stopped}");
    world.wait_all_quiet();
}

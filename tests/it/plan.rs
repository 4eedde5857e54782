//! `plan`: every kind of step with its reason, as text and as JSON; it changes nothing.

use std::collections::BTreeMap;
use std::fs;

use crate::waiting::wait_until;
use crate::wanted::{steps, tagged, want, wanting};
use crate::world::World;

fn ready(world: &World, mode: &str, task: &str) {
    let run = world.wait_state(mode, task, "running");
    world.agent_ready(run["runId"].as_str().unwrap());
}

/// What is in the project's folder, with the state, and what tmux shows.
fn everything(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![world.project()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => {
                    found.insert(entry.path().display().to_string(), fs::read(entry.path()).unwrap());
                }
            }
        }
    }
    let panes = world.panes("#{pane_id} #{window_name} #{pane_start_command} #{pane_pid}").join("\n");
    found.insert("panes".to_owned(), panes.into_bytes());
    found
}

#[test]
fn of_a_fresh_project_says_what_is_missing_and_makes_nothing() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: review, tasks: [A] }");
    world.task("A", "%hang");
    let before = everything(&world);
    let text = world.dispatch("plan").stderr_has("3 changes; `dispatch up` makes them").succeeds().text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "+   start review A: missing, after lint A",
            "+ start lint A: missing, needed by `review`",
            "+ start talk A: missing",
        ]
    );
    world.dispatch("plan --exit-code").notes().fails_with(2);
    let plan = world.dispatch("plan").notes().json();
    assert_eq!(plan["changes"], 3);
    let review = plan["steps"].as_array().unwrap().iter().find(|step| step["mode"] == "review").unwrap();
    assert_eq!(review["after"], serde_json::json!([{ "mode": "lint", "task": "A" }]));
    assert_eq!(before, everything(&world));
    assert!(!world.state().exists());
}

#[test]
fn without_entries_there_is_nothing_to_do() {
    let world = wanting("");
    world.dispatch("plan --exit-code").stderr_has("`runs:` wants nothing").fails_with(0);
    let plan = world.dispatch("plan").notes().json();
    assert_eq!((&plan["changes"], &plan["steps"]), (&0.into(), &serde_json::json!([])), "{plan}");
    world.dispatch("up").stderr_has("nothing to do").succeeds();
    assert!(!world.state().exists(), "`up` made a state folder for nothing");
}

#[test]
fn every_kind_of_step_says_why() {
    let world = wanting(
        "{ mode: talk, tasks: [KEPT, DRIFTS, DONE] }\n{ mode: old, tasks: [A] }\n\
         { mode: mine, tasks: { tag: core } }\n{ mode: job, tasks: [FAILS, WAITS], restart: on_failure }",
    );
    world.task("A", "%hang").task("NEW", "%hang").task("KEPT", "%hang").task("DONE", "%exit 0");
    world.task("DRIFTS", "%hang").task("FAILS", "%exit 3").task("WAITS", "%until go");
    tagged(&world, "LEAVES", "core", "%hang");
    world.dispatch("up").notes().succeeds();
    for (mode, task) in [("talk", "KEPT"), ("talk", "DRIFTS"), ("old", "A"), ("mine", "LEAVES"), ("job", "WAITS")] {
        ready(&world, mode, task);
    }
    world.wait_state("talk", "DONE", "succeeded");
    world.wait_state("job", "FAILS", "failed");
    want(
        &world,
        "{ mode: talk, tasks: [KEPT, DRIFTS, DONE, NEW] }\n{ mode: mine, tasks: { tag: core } }\n\
         { mode: job, tasks: [FAILS, WAITS], restart: on_failure }",
    );
    tagged(&world, "LEAVES", "other", "%hang");
    world.task("DRIFTS", "%hang\nand more");

    let before = everything(&world);
    let expected = [
        ("job FAILS", "restart: failed: exit code 3"),
        ("job WAITS", "keep: running"),
        ("mine LEAVES", "unselected: its task left the selection"),
        ("old A", "orphan: orphan: no entry of `runs` wants it"),
        ("talk DONE", "keep: succeeded"),
        ("talk DRIFTS", "drifted: drifted: prompt"),
        ("talk KEPT", "keep: running"),
        ("talk NEW", "start: missing"),
    ];
    let expected: BTreeMap<String, String> = expected.map(|(pair, said)| (pair.to_owned(), said.to_owned())).into();
    assert_eq!(steps(&world, "plan"), expected);
    let mut forced = expected.clone();
    forced.insert("old A".to_owned(), "stop: orphan: no entry of `runs` wants it".to_owned());
    forced.insert("talk DRIFTS".to_owned(), "recreate: drifted: prompt".to_owned());
    assert_eq!(steps(&world, "plan --prune --recreate"), forced);
    let text = world.dispatch("plan").notes().succeeds().text();
    for line in [
        "+ restart job FAILS: failed: exit code 3",
        "+ start talk NEW: missing",
        "= keep talk KEPT: running",
        "! drifted talk DRIFTS: drifted: prompt",
        "! orphan old A: orphan: no entry of `runs` wants it",
        "! unselected mine LEAVES: its task left the selection",
    ] {
        assert!(text.lines().any(|said| said == line), "{line:?} is not in\n{text}");
    }
    assert_eq!(before, everything(&world), "planning changed something");
    world.write("go", "");
}

#[test]
fn what_tmux_does_not_answer_for_is_unknown() {
    let world = wanting("{ mode: talk, tasks: [A], restart: always }");
    world.task("A", "%hang");
    world.dispatch("up").notes().succeeds();
    let server = world.tmux_server_pid().unwrap();
    crate::world::kill(server, rustix::process::Signal::STOP);
    let plan = world.dispatch("plan").any_stderr().json();
    let text = world.dispatch("plan --exit-code").any_stderr().fails_with(0).text();
    crate::world::kill(server, rustix::process::Signal::CONT);
    assert_eq!((&plan["changes"], &plan["steps"][0]["action"]), (&0.into(), &"unknown".into()), "{plan}");
    assert!(text.starts_with("? unknown talk A: "), "{text}");
    wait_until("tmux answers again", || {
        let said = steps(&world, "plan");
        crate::waiting::is(said["talk A"] == "keep: running", format!("{said:?}"))
    });
}

#[test]
fn a_name_without_a_meaning_is_reported_at_its_line() {
    let world = wanting("{ mode: talk, tasks: [TASK-1, TASK-2] }");
    world.task("TASK-1", "%hang");
    for command in ["plan", "up"] {
        let call = world.dispatch(command).stderr_has("unknown task `TASK-2`");
        call.stderr_has("did you mean `TASK-1`?").fails_with(2);
    }
    assert!(world.starts().is_empty());
}

#[test]
fn an_entry_that_selects_no_task_is_named() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: mine, tasks: { tag: nosuch } }");
    world.task("A", "%hang");
    let text = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let line = 1 + text.lines().position(|line| line.contains("nosuch")).unwrap();
    for words in ["plan", "up"] {
        let reported = format!("line {line}: the entry of `runs` for `mine` selects no task");
        world.dispatch(words).stderr_has(reported).succeeds();
    }
    tagged(&world, "B", "nosuch", "%hang");
    let said = world.dispatch("plan").notes().succeeds().stderr;
    assert!(!said.contains("selects no task"), "{said}");
}

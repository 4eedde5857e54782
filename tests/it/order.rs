//! `NN_` and `depends_on`: the order of what one command starts, and what runs side by side.

use std::fs;

use jiff::Timestamp;
use serde_json::Value;

use crate::waiting::{is, wait_until};
use crate::world::{World, time};

/// A task below `P`, with its number.
fn step(world: &World, file: &str, id: &str, more: &str, body: &str) {
    let text = format!("---\nid: {id}\ntitle: Step {id}\nstatus: todo\n{more}---\n\n{body}");
    world.write(format!("tasks/P/{file}.md"), text);
}

/// `P` with A, then B and C together, then D.
fn tree(more: &str) -> World {
    let world = World::with(more);
    world.write("tasks/P/_overview.md", "---\ntitle: The parent\nstatus: todo\n---\n\n%out never by itself\n");
    step(&world, "01_a", "A", "", "%out a\n");
    step(&world, "02_b", "B", "", "%touch b-here\n%until c-here\n");
    step(&world, "02_c", "C", "", "%touch c-here\n%until b-here\n");
    step(&world, "03_d", "D", "", "%out d\n");
    world
}

fn started(world: &World) -> Vec<String> {
    world.starts().into_iter().map(|note| note.task).collect()
}

/// From when to when each of them ran.
fn spans<const N: usize>(world: &World, mode: &str, tasks: [&str; N]) -> [(Timestamp, Timestamp); N] {
    tasks.map(|task| {
        let run = world.status(mode, task);
        (time(&run["startedAt"]), time(&run["endedAt"]))
    })
}

#[test]
fn a_tree_runs_in_its_order_and_equal_numbers_side_by_side() {
    let world = tree("");
    // B and C wait for one another: each in turn would never end.
    world.dispatch("run job P --subtasks").notes().succeeds();
    let [a, b, c, d] = spans(&world, "job", ["A", "B", "C", "D"]);
    assert!(a.1 <= b.0 && a.1 <= c.0, "{a:?} {b:?} {c:?}");
    assert!(b.0 < c.1 && c.0 < b.1, "they overlap: {b:?} {c:?}");
    assert!(b.1 <= d.0 && c.1 <= d.0, "{b:?} {c:?} {d:?}");
    assert_eq!(started(&world).len(), 4, "the parent itself is not run");
}

#[test]
fn with_one_slot_the_order_holds_too() {
    let world = tree("jobs: 1\n");
    for id in ["B", "C"] {
        step(&world, &format!("02_{}", id.to_lowercase()), id, "", "%out x\n");
    }
    world.dispatch("run -q job P --subtasks").notes().succeeds();
    assert_eq!(started(&world), ["A", "B", "C", "D"]);
}

#[test]
fn a_failure_fails_what_comes_after_it_and_k_goes_on_with_the_rest() {
    for keep_going in [false, true] {
        let world = tree("");
        step(&world, "02_c", "C", "", "%until b-here\n%exit 7\n");
        // Not below D, so only `-k` has it run; it waits for B, which goes on.
        step(&world, "E", "E", "depends_on: [B]\n", "%out e\n");
        step(&world, "02_b", "B", "", "%touch b-here\n%until go\n");
        let words = if keep_going { "run -k job P --subtasks" } else { "run job P --subtasks" };
        let call = world.dispatch(words).start();
        let d = world.wait_state("job", "D", "dependency_failed");
        assert!(d["reason"].as_str().unwrap().contains("job C failed"), "{d}");
        if !keep_going {
            // What waits for B would begin something: it is taken out of the queue.
            world.wait_state("job", "E", "stopped");
        }
        world.write("go", "");
        call.ends_with(7);
        let state = |task: &str| world.status("job", task)["state"].clone();
        assert_eq!((state("B"), state("C")), ("succeeded".into(), "failed".into()), "what runs may end");
        let e = if keep_going { "succeeded" } else { "stopped" };
        assert_eq!(state("E"), e, "keep going: {keep_going}");
        assert_eq!(started(&world).contains(&"E".to_owned()), keep_going);
        world.wait_all_quiet();
    }
}

#[test]
fn the_first_failure_ends_all_that_waits_for_it_and_json_tells_each() {
    let world = tree("");
    step(&world, "01_a", "A", "", "%exit 9\n");
    let ended = world.dispatch("run job P --subtasks --json").any_stderr().fails_with(9);
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let states: Vec<(&str, &str)> = answer["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["task"].as_str().unwrap(), run["state"].as_str().unwrap()))
        .collect();
    let failed = "dependency_failed";
    assert_eq!(states, [("A", "failed"), ("B", failed), ("C", failed), ("D", failed)]);
    assert_eq!(started(&world), ["A"]);
}

#[test]
fn depends_on_orders_what_starts_together_and_pulls_nothing() {
    let world = World::new();
    let task = |id: &str, more: &str, body: &str| {
        world.write(format!("tasks/{id}.md"), format!("---\ntitle: {id}\nstatus: todo\n{more}---\n\n{body}"));
    };
    task("X", "", "%until go\n");
    task("Y", "depends_on: [X]\n", "%out y\n");
    let call = world.dispatch("run job Y X").start();
    let y = world.wait_state("job", "Y", "queued");
    assert_eq!(y["waitingFor"], "need", "{y}");
    world.write("go", "");
    call.ends_with(0);
    assert_eq!(started(&world), ["X", "Y"]);
    world.dispatch("run -q job Y").notes().succeeds();
    assert_eq!(started(&world), ["X", "Y", "Y"], "one alone pulls nothing");
}

#[test]
fn what_is_done_or_archived_holds_nothing_back() {
    let world = tree("");
    for (file, id, status) in [("01_a", "A", "done"), ("02_b", "B", "archived"), ("02_c", "C", "done")] {
        let text = format!("---\nid: {id}\ntitle: x\nstatus: {status}\n---\n\n%until go\n");
        world.write(format!("tasks/P/{file}.md"), text);
    }
    let call = world.dispatch("run job P --subtasks").start();
    world.wait_state("job", "D", "succeeded");
    world.write("go", "");
    call.ends_with(0);
}

#[test]
fn a_circle_is_shown_as_a_path_and_its_members_do_not_start() {
    let world = tree("");
    step(&world, "02_b", "B", "depends_on: [C]\n", "%out b\n");
    step(&world, "02_c", "C", "depends_on: [B]\n", "%out c\n");
    let named = |text: &str| text.contains("B → C → B") || text.contains("C → B → C");
    let checked = world.dispatch("check").any_stderr().ends_somehow();
    assert!(checked.code != 0 && named(&checked.stderr), "{}", checked.stderr);
    let ended = world.dispatch("run job P --subtasks").any_stderr().fails_with(2);
    assert!(named(&ended.stderr.replace("`job ", "").replace('`', "")), "{}", ended.stderr);
    assert!(started(&world).is_empty());
    // `NN_` against `depends_on`: each alone is fine.
    let world = tree("");
    step(&world, "01_a", "A", "depends_on: [D]\n", "%out a\n");
    let ended = world.dispatch("run job P --subtasks").any_stderr().fails_with(2);
    assert!(ended.stderr.contains("wait for one another") && ended.stderr.contains('→'), "{}", ended.stderr);
    assert!(started(&world).is_empty());
    let checked = world.dispatch("check").any_stderr().ends_somehow();
    assert_ne!(checked.code, 0, "{}", checked.stderr);
    assert!(checked.stderr.contains('→'), "{}", checked.stderr);
    let world = World::with("  a: { agent: fake, needs: [b] }\n  b: { agent: fake, needs: [a] }\n");
    world.task("T", "x");
    world.dispatch("check").stderr_has("a → b → a").fails_with(1);
    world.dispatch("run a T").stderr_has("a → b → a").fails_with(2);
}

const FILE: &str = r#"- { id: S-1, title: First, parent: T, mode: other, prompt: "%out typed for S-1" }
- { id: S-2, title: Second, parent: T, depends_on: [S-1], gate: approve }
- { id: S-3, title: Third, parent: T, depends_on: [S-2] }
"#;

#[test]
fn a_subtask_files_mode_prompt_gate_and_order_count() {
    let modes = "  other: { agent: fake, prompt: \"{{ prompt }}\" }\n  plain: { agent: fake, prompt: \"%out plain {{ task.id }}\" }\n";
    let world = World::with(modes);
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("tasks:\n", "tasks:\n  - subtasks: steps.yml\n"));
    world.task("T", "x");
    world.write("steps.yml", FILE);
    let call = world.dispatch("run plain T --subtasks").start();
    let gate = wait_until("S-2 waits for a person", || {
        let run = world.dispatch("status plain S-2 --json").any_stderr().ends_somehow();
        let run: Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
        if run["waitingFor"] == "gate" { Ok(run) } else { Err(run.to_string()) }
    });
    assert_eq!(gate["state"], "queued");
    wait_until("S-3 waits for S-2", || {
        let run = world.dispatch("status plain S-3 --json").any_stderr().ends_somehow();
        let run: Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
        is(run["waitingFor"] == "need", run.to_string())
    });
    let first = world.status("other", "S-1");
    assert_eq!(first["state"], "succeeded", "{first}");
    let prompt = String::from_utf8(world.saw(first["runId"].as_str().unwrap(), "stdin")).unwrap();
    assert!(prompt.contains("typed for S-1"), "{prompt}");
    world.dispatch("approve plain S-2").stdout_has("approved").succeeds();
    call.ends_with(0);
    assert_eq!(started(&world), ["S-1", "S-2", "S-3"]);
    is(world.status("plain", "S-3")["state"] == "succeeded", "S-3").unwrap();
}

/// The tree that `task P` prints.
fn progress(world: &World) -> Value {
    world.dispatch("task P").any_stderr().json()["progress"].clone()
}

#[test]
fn a_parent_tells_the_progress_of_its_tree() {
    let world = tree("");
    let counts = |done: u64, succeeded: u64, failed: u64, running: u64, waiting: u64| serde_json::json!({ "all": 4, "done": done, "succeeded": succeeded, "failed": failed, "running": running, "waiting": waiting });
    assert_eq!(progress(&world), counts(0, 0, 0, 0, 0));
    assert_eq!(world.dispatch("task A").json().get("progress"), None, "nothing is below it");
    step(&world, "02_b", "B", "", "%until go\n");
    step(&world, "02_c", "C", "", "%exit 3\n");
    let call = world.dispatch("run -k job P --subtasks").start();
    world.wait_state("job", "D", "dependency_failed");
    assert_eq!(progress(&world), counts(0, 1, 2, 1, 0));
    world.dispatch("task P").stdout_has("0 of 4 done, 1 succeeded, 2 failed, 1 running").succeeds();
    world.write("go", "");
    call.ends_with(3);
    step(&world, "03_d", "D", "", "%out d\n");
    step(&world, "02_c", "C", "", "%until went\n");
    world.detach("job", "C");
    assert_eq!(progress(&world), counts(0, 2, 1, 1, 0), "another run in place of the one that failed");
    world.dispatch("run -d job C D").notes().succeeds();
    assert_eq!(progress(&world), counts(0, 2, 0, 1, 1));
    world.write("went", "");
    world.dispatch("wait job D").notes().succeeds();
    // All have run well, and still none of them is done.
    assert_eq!(progress(&world), counts(0, 4, 0, 0, 0));
    world.dispatch("task P").stdout_has("0 of 4 done, 4 succeeded\n").succeeds();
    // What a person calls done is done.
    let text = "---\nid: A\ntitle: x\nstatus: done\n---\n\n%exit 1\n";
    world.write("tasks/P/01_a.md", text);
    world.dispatch("run -q job A").any_stderr().fails_with(1);
    assert_eq!(progress(&world), counts(1, 3, 0, 0, 0));
}

#[test]
fn a_step_of_a_subtask_file_is_done_by_a_run_in_its_mode() {
    let world = World::with("  lint: { agent: fake, prompt: x }\n");
    world.task("P", "");
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("agents:\n", "  - subtasks: sub.yml\nagents:\n"));
    world.write("sub.yml", "- { id: S-1, parent: P, mode: job }\n- { id: S-2, parent: P }\n");
    world.dispatch("run -q lint S-1 S-2").any_stderr().succeeds();
    world.dispatch("task P").stdout_has("1 of 2 done\n").succeeds();
    world.dispatch("run -q job S-1").any_stderr().succeeds();
    world.dispatch("task P").stdout_has("2 of 2 done\n").succeeds();
}

#[test]
fn a_task_without_subtasks_is_reported() {
    let world = World::new();
    world.task("T", "x");
    world.dispatch("run job T --subtasks").stderr_has("no task is below").fails_with(2);
}

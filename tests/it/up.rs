//! `up` and `down`: `runs:` made true once, or kept true by `--watch`; nothing else is touched.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;

use serde_json::Value;

use crate::waiting::{is, wait_until};
use crate::wanted::{actions, is_empty, manifest, steps, tagged, want, wanting};
use crate::world::World;

pub(crate) fn ready(world: &World, mode: &str, task: &str) -> String {
    let run = world.wait_state(mode, task, "running")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    run
}

/// How often agents of this task were started.
pub(crate) fn starts_of(world: &World, task: &str) -> usize {
    world.starts().iter().filter(|note| note.task == task).count()
}

#[test]
fn makes_it_true_and_reports_every_step() {
    let world = wanting("{ mode: talk, tasks: [A, B] }\n{ mode: review, tasks: [A] }\n{ mode: job, tasks: [C] }");
    world.task("A", "%hang").task("B", "%hang").task("C", "%exit 3");
    let text = world.dispatch("up").notes().succeeds().text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "+   start review A: missing, after lint A",
            "+ start job C: missing",
            "+ start lint A: missing, needed by `review`",
            "+ start talk A: missing",
            "+ start talk B: missing",
        ]
    );
    is_empty(&world);
    ready(&world, "talk", "A");
    ready(&world, "talk", "B");
    ready(&world, "lint", "A");
    assert_eq!(world.status("review", "A")["waitingFor"], "need");
    // Any end satisfies `never`.
    world.wait_state("job", "C", "failed");
    is_empty(&world);
    let again = world.dispatch("up").notes().json();
    assert_eq!(again["changes"], 0, "{again}");
    assert_eq!(actions(&again)["job C"], "keep: failed");
    assert_eq!(starts_of(&world, "C"), 1);
}

#[test]
fn a_state_folder_that_was_never_finished_is() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: job, tasks: [A] }");
    world.task("A", "%hang");
    // The command that made it was killed half-way.
    for folder in ["", "runs"] {
        fs::DirBuilder::new().mode(0o700).create(world.state().join(folder)).unwrap();
    }
    world.dispatch("up").notes().succeeds();
    ready(&world, "talk", "A");
    ready(&world, "job", "A");
}

#[test]
fn as_json_each_change_has_its_run() {
    let world = wanting("{ mode: talk, tasks: [A] }");
    world.task("A", "%hang");
    let report = world.dispatch("up").notes().json();
    assert_eq!(report["changes"], 1);
    assert_eq!(report["steps"][0]["runId"], world.status("talk", "A")["runId"], "{report}");
    assert_eq!(report["steps"][0]["action"], "start");
}

#[test]
fn a_step_that_fails_stops_no_other() {
    let world = wanting("{ mode: gone, tasks: [A] }\n{ mode: talk, tasks: [A] }\n{ mode: job, tasks: [B] }");
    let gone = "  gone: { interactive: true, agent: fake, prompt: \"{{ task.body }}\", cwd: nowhere }\n";
    let text = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", text.replace("runs:\n", &format!("{gone}runs:\n")));
    world.task("A", "%hang").task("B", "%hang");
    let ended = world.dispatch("up").stderr_has("gone A").stderr_has("nowhere").fails_with(1);
    assert_eq!(ended.text().lines().count(), 3, "every step is reported: {}", ended.text());
    ready(&world, "talk", "A");
    ready(&world, "job", "B");
    let left = steps(&world, "plan");
    assert_eq!(left["gone A"], "start: missing");
    assert_eq!(left["talk A"], "keep: running");
    let report = world.dispatch("up --json").any_stderr().fails_with(1);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert!(report["steps"][0]["error"].as_str().unwrap().contains("nowhere"), "{report}");
    // Once the cause is mended, all is done.
    fs::create_dir(world.project().join("nowhere")).unwrap();
    world.dispatch("up").notes().succeeds();
    is_empty(&world);
}

#[test]
fn restarts_follow_the_entrys_policy() {
    let world = wanting(
        "{ mode: talk, tasks: [ENDS], restart: always }\n{ mode: talk, tasks: [FAILS, ONCE], restart: on_failure }\n\
         { mode: talk, tasks: [NEVER] }",
    );
    world.task("ENDS", "%until ends-1\n%exit 0").task("FAILS", "%until fails-1\n%exit 3");
    world.task("ONCE", "%exit 0").task("NEVER", "%signal 9");
    world.dispatch("up").notes().succeeds();
    world.write("ends-1", "");
    world.write("fails-1", "");
    world.wait_state("talk", "ENDS", "succeeded");
    world.wait_state("talk", "FAILS", "failed");
    world.wait_state("talk", "ONCE", "succeeded");
    world.wait_state("talk", "NEVER", "failed");
    let planned = steps(&world, "plan");
    assert_eq!(planned["talk ENDS"], "restart: succeeded");
    assert!(planned["talk FAILS"].starts_with("restart: failed"), "{planned:?}");
    assert_eq!(planned["talk ONCE"], "keep: succeeded");
    assert!(planned["talk NEVER"].starts_with("keep: "), "{planned:?}");
    world.task("ENDS", "%hang").task("FAILS", "%hang");
    world.dispatch("up").notes().succeeds();
    ready(&world, "talk", "ENDS");
    ready(&world, "talk", "FAILS");
    is_empty(&world);
    assert_eq!((starts_of(&world, "ONCE"), starts_of(&world, "NEVER")), (1, 1));
}

#[test]
fn what_a_person_stopped_or_closed_a_plain_up_starts_again() {
    let world = wanting("{ mode: talk, tasks: [A, B], restart: always }");
    world.task("A", "%hang").task("B", "%hang");
    // The server ends with its last window, and the cause of that end is unknown.
    world.tmux(&["new-session", "-d", "-s", "user", "sleep 1000"]);
    world.dispatch("up").notes().succeeds();
    let closed = ready(&world, "talk", "B");
    world.dispatch("stop talk A").notes().succeeds();
    let pane = world.panes("#{pane_id} #{pane_start_command}");
    let pane = pane.iter().find(|row| row.contains(&closed)).unwrap().split(' ').next().unwrap();
    world.tmux(&["kill-pane", "-t", pane]);
    let planned = steps(&world, "plan");
    assert!(planned.values().all(|said| said.starts_with("restart: stopped")), "{planned:?}");
    let held = world.status("talk", "A");
    assert_eq!(held["held"], "stopped by a person; `up` starts it again", "{held}");
    world.dispatch("up").notes().succeeds();
    ready(&world, "talk", "A");
    ready(&world, "talk", "B");
    is_empty(&world);
}

#[test]
fn drift_is_left_alone_unless_it_is_to_be_made_anew() {
    let world = wanting("{ mode: talk, tasks: [A, B] }\n{ mode: job, tasks: [A] }");
    world.task("A", "%hang").task("B", "%hang");
    world.dispatch("up").notes().succeeds();
    let before = [ready(&world, "talk", "A"), ready(&world, "talk", "B"), ready(&world, "job", "A")];
    let text = manifest("{ mode: talk, tasks: [A, B] }\n{ mode: job, tasks: [A] }");
    world.write("dispatch.yaml", text.replace("  job: { agent: fake,", "  job: { agent: fake, timeout: 1h,"));
    world.task("A", "%hang\n%out more");
    let report = actions(&world.dispatch("up").notes().json());
    assert_eq!(report["talk A"], "drifted: drifted: prompt");
    assert_eq!(report["job A"], "drifted: drifted: timeout, prompt");
    assert_eq!(report["talk B"], "keep: running", "another task's change is not its own");
    assert_eq!(world.starts().len(), 3);
    is_empty(&world);
    let report = world.dispatch("up --recreate").notes().json();
    assert_eq!(report["changes"], 2, "{report}");
    let after = [ready(&world, "talk", "A"), ready(&world, "talk", "B"), ready(&world, "job", "A")];
    assert_ne!((&before[0], &before[2]), (&after[0], &after[2]));
    assert_eq!(before[1], after[1]);
    assert_eq!(world.starts().iter().filter(|note| note.is_alive()).count(), 3);
    assert!(steps(&world, "plan --recreate").values().all(|said| said == "keep: running"));
}

#[test]
fn prune_ends_orphans_and_no_others() {
    let world = wanting("{ mode: old, tasks: [A] }\n{ mode: mine, tasks: { tag: core } }\n{ mode: talk, tasks: [A] }");
    world.task("A", "%hang").task("B", "%hang");
    tagged(&world, "LEAVES", "core", "%hang");
    world.dispatch("up").notes().succeeds();
    // A person's own runs, of the same modes, and a window of theirs in the same session.
    world.dispatch("run -q --attach none old B").notes().succeeds();
    world.detach("job", "B");
    let own = world.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "world:", "sleep 1000"]);
    for (mode, task) in [("old", "A"), ("old", "B"), ("mine", "LEAVES"), ("talk", "A"), ("job", "B")] {
        ready(&world, mode, task);
    }
    want(&world, "{ mode: mine, tasks: { tag: core } }\n{ mode: talk, tasks: [A] }");
    tagged(&world, "LEAVES", "other", "%hang");
    let listed = actions(&world.dispatch("up").notes().json());
    assert_eq!(listed["old A"], "orphan: orphan: no entry of `runs` wants it");
    assert_eq!(listed["mine LEAVES"], "unselected: its task left the selection");
    assert_eq!(listed.len(), 3, "what a person started is not spoken of: {listed:?}");
    assert_eq!(world.status("old", "A")["state"], "running");
    let report = world.dispatch("up --prune").notes().json();
    assert_eq!(report["changes"], 1, "{report}");
    assert_eq!(world.status("old", "A")["state"], "stopped");
    for (mode, task) in [("old", "B"), ("mine", "LEAVES"), ("talk", "A"), ("job", "B")] {
        assert_eq!(world.status(mode, task)["state"], "running", "{mode} {task}");
    }
    assert!(world.panes("#{pane_id}").contains(&own));
    assert!(!steps(&world, "plan --prune").contains_key("old A"));
}

#[test]
fn two_projects_on_one_server_prune_only_their_own() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: old, tasks: [A] }");
    world.task("A", "%hang");
    let other = world.root().join("other");
    world.helper("cp", &["-a", world.project().to_str().unwrap(), other.to_str().unwrap()]);
    world.tmux(&["new-session", "-d", "-s", "user", "-n", "talk-A", "sleep 1000"]);
    world.dispatch("up").notes().succeeds();
    world.dispatch("up").in_folder(&other).notes().succeeds();
    // In the project's own session, with the very names of a window of ours.
    world.tmux(&["new-window", "-d", "-t", "world:", "-n", "A-talk", "sleep 1000"]);
    wait_until("all agents run", || is(world.starts().len() == 4, format!("{:?}", world.starts())));
    let mut panes = world.panes("#{pane_id} #{window_name} #{pane_pid}");
    let only_talk = manifest("{ mode: talk, tasks: [A] }");
    for (folder, left) in [(world.project(), 5), (other.clone(), 4)] {
        fs::write(folder.join("dispatch.yaml"), &only_talk).unwrap();
        let report = world.dispatch("up --prune").in_folder(&folder).notes().json();
        assert_eq!(report["changes"], 1, "{report}");
        let again = world.dispatch("up --prune").in_folder(&folder).notes().json();
        assert_eq!(again["changes"], 0, "{again}");
        let now = world.panes("#{pane_id} #{window_name} #{pane_pid}");
        assert_eq!(now.len(), left, "one was ended: {panes:?} → {now:?}");
        assert!(now.iter().all(|pane| panes.contains(pane)), "none was made anew: {panes:?} → {now:?}");
        panes = now;
    }
    let living = world.starts().into_iter().filter(|note| note.is_alive()).count();
    assert_eq!(living, 2);
    world.dispatch("stop --all").in_folder(&other).notes().succeeds();
}

#[test]
fn down_stops_what_up_keeps_and_nothing_else() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: old, tasks: [A] }\n{ mode: job, tasks: [A] }");
    world.task("A", "%hang").task("B", "%hang");
    world.dispatch("down").stderr_has("nothing runs").succeeds();
    world.dispatch("up").notes().succeeds();
    let run = ready(&world, "job", "A");
    world.dispatch("run -q --attach none talk B").notes().succeeds();
    world.detach("job", "B");
    world.tmux(&["new-window", "-d", "-t", "world:", "sleep 1000"]);
    for (mode, task) in [("talk", "A"), ("talk", "B"), ("old", "A"), ("job", "B")] {
        ready(&world, mode, task);
    }
    // An orphan is still what `up` has started.
    want(&world, "{ mode: talk, tasks: [A] }\n{ mode: job, tasks: [A] }");
    for command in ["up", "down", "up --watch"] {
        let call = world.dispatch(command).env("DISPATCH_RUN_ID", run.as_str());
        call.stderr_has("is refused inside a run").fails_with(2);
    }
    let text = world.dispatch("down").notes().succeeds().text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["job A: stopped", "old A: stopped", "talk A: stopped"]);
    for (mode, task) in [("talk", "B"), ("job", "B")] {
        assert_eq!(world.status(mode, task)["state"], "running");
    }
    assert_eq!(world.panes("#{pane_current_command}").iter().filter(|name| *name == "sleep").count(), 1);
    world.dispatch("down").stderr_has("nothing runs").succeeds();
}

#[test]
fn down_lets_nothing_start_that_was_queued() {
    let world = World::with("jobs: 1\nruns:\n  - { mode: job, tasks: { status: todo } }\n");
    // More than are stopped at once.
    for n in 10..60 {
        world.task(&format!("T-{n}"), "%hang");
    }
    world.dispatch("up").notes().succeeds();
    is_empty(&world);
    ready(&world, "job", "T-10");
    world.dispatch("down").notes().succeeds();
    world.wait_all_quiet();
    assert_eq!(world.starts().len(), 1, "{:?}", world.starts());
    is_empty(&world);
}

#[test]
fn what_starts_now_waits_for_a_wanted_run_that_is_on_its_way() {
    let world = wanting("{ mode: job, tasks: [FIRST] }");
    world.task("FIRST", "%hang");
    world.dispatch("up").notes().succeeds();
    let first = ready(&world, "job", "FIRST");
    world.write("tasks/THEN.md", "---\ndepends_on: [FIRST]\n---\n\n%out then");
    want(&world, "{ mode: job, tasks: [THEN, FIRST] }");
    world.dispatch("plan").notes().stdout_has("start job THEN: missing, after job FIRST").succeeds();
    world.dispatch("up").notes().succeeds();
    let then = world.status("job", "THEN");
    assert_eq!((&then["state"], &then["waitingFor"]), (&"queued".into(), &"need".into()), "{then}");
    assert_eq!(starts_of(&world, "THEN"), 0);
    assert_eq!(world.status("job", "FIRST")["runId"], first.as_str());
    world.dispatch("stop job FIRST").notes().succeeds();
    assert_eq!(world.wait_state("job", "THEN", "dependency_failed")["reason"], "job FIRST stopped");
}

#[test]
fn a_window_that_never_started_is_started_once_its_cause_is_gone() {
    let world = wanting("{ mode: talk, tasks: [A] }");
    world.task("A", "%hang");
    world.shadow("tmux", "#!/bin/sh\necho 'tmux: no such thing' >&2\nexit 127\n");
    world.dispatch("up").any_stderr().fails_with(1);
    let planned = steps(&world, "plan");
    assert!(planned["talk A"].starts_with("restart: failed: never started"), "{planned:?}");
    fs::remove_file(world.root().join("bin/tmux")).unwrap();
    world.dispatch("up").notes().succeeds();
    ready(&world, "talk", "A");
    is_empty(&world);
}

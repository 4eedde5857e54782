//! `up` and `down`: `runs:` made true once, or kept true by `--watch`; nothing else is touched.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::command::Started;
use crate::plan::{is_empty, manifest, steps, tagged, told, want, wanting};
use crate::waiting::{is, wait_for, wait_until};
use crate::world::{World, alive, kill};

fn ready(world: &World, mode: &str, task: &str) -> String {
    let run = world.wait_state(mode, task, "running")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    run
}

/// How often agents of this task were started.
fn starts_of(world: &World, task: &str) -> usize {
    world.starts().iter().filter(|note| note.task == task).count()
}

/// `up --watch`, once it has made what is wanted now.
fn watching(world: &World, words: &str) -> Started {
    let watch = world.dispatch("up --watch").words(words).any_stderr().start();
    wait_until("the watch has made its first plan true", || {
        let said = watch.stderr_so_far() + &String::from_utf8_lossy(&watch.stdout_so_far());
        is(!said.is_empty(), "it is silent")
    });
    watch
}

/// Makes the watch do something that can be seen: all that came before it has been looked at then.
fn fence(world: &World, entries: &str, task: &str) {
    world.task(task, "%hang");
    want(world, &format!("{entries}\n{{ mode: mine, tasks: [{task}] }}"));
    wait_for(std::time::Duration::from_secs(40), "the watch has seen the new entry", || {
        is(starts_of(world, task) == 1, format!("{:?}", world.starts()))
    });
}

#[track_caller]
fn leave(watch: Started) {
    watch.signal(Signal::INT);
    let ended = watch.ends_with(130);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

// ---- once

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
    assert_eq!(told(&again)["job C"], "keep: failed");
    assert_eq!(starts_of(&world, "C"), 1);
}

#[test]
fn a_state_folder_that_was_never_finished_is() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: job, tasks: [A] }");
    world.task("A", "%hang");
    // Whoever made it was killed between its parts.
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
fn restarts_as_the_entry_says() {
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
    // With its last window a server goes, and nobody can tell who ended it.
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
    let report = told(&world.dispatch("up").notes().json());
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
    assert_eq!(world.starts().iter().filter(|note| alive(note.pid)).count(), 3);
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
    let listed = told(&world.dispatch("up").notes().json());
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
    let living = world.starts().into_iter().filter(|note| alive(note.pid)).count();
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

// ---- kept

#[test]
fn a_watch_reacts_to_manifest_template_task_and_ends() {
    let entries = "{ mode: talk, tasks: [A], restart: always }\n{ mode: mine, tasks: { tag: core } }";
    let world = wanting(entries);
    world.task("A", "%until end-a");
    let templated = manifest(entries).replace(
        "  mine: { interactive: true, agent: fake, prompt: \"{{ task.body }}\" }",
        "  mine: { interactive: true, agent: fake, template: templates/mine.md }",
    );
    world.write("templates/mine.md", "{{ task.body }}");
    world.write("dispatch.yaml", &templated);
    let watch = watching(&world, "");
    ready(&world, "talk", "A");
    // A task that comes into the selection.
    tagged(&world, "NEW", "core", "%hang");
    ready(&world, "mine", "NEW");
    // A mistake in a template is told and survived, and that it is mended is seen.
    world.write("templates/mine.md", "{{ task.bod }}");
    wait_until("the mistake is told", || is(watch.stderr_so_far().contains("bod"), watch.stderr_so_far()));
    tagged(&world, "LATER", "core", "%hang");
    world.write("templates/mine.md", "{{ task.body }}");
    ready(&world, "mine", "LATER");
    // An end.
    world.task("A", "%hang");
    world.write("end-a", "");
    wait_until("it is started again", || is(starts_of(&world, "A") == 2, format!("{:?}", world.starts())));
    // The manifest.
    world.write("dispatch.yaml", format!("{templated}  - {{ mode: job, tasks: [A] }}\n"));
    ready(&world, "job", "A");
    // A window that a person closes is no reason to start it again; one whose server dies is.
    let first = starts_of(&world, "NEW");
    assert_eq!(first, 1);
    leave(watch);
    for (mode, task) in [("talk", "A"), ("mine", "NEW"), ("mine", "LATER"), ("job", "A")] {
        assert_eq!(world.status(mode, task)["state"], "running", "what it kept goes on without it");
    }
}

#[test]
fn a_watch_holds_what_a_person_ended_until_a_plain_up() {
    let entries = "{ mode: talk, tasks: [A, B], restart: always }\n{ mode: job, tasks: [C], restart: on_failure }";
    let world = wanting(entries);
    world.task("A", "%hang").task("B", "%hang").task("C", "%hang");
    world.tmux(&["new-session", "-d", "-s", "user", "sleep 1000"]);
    let watch = watching(&world, "");
    let closed = ready(&world, "talk", "B");
    ready(&world, "talk", "A");
    ready(&world, "job", "C");
    world.dispatch("stop talk A").notes().succeeds();
    world.dispatch("stop job C").notes().succeeds();
    let panes = world.panes("#{pane_id} #{pane_start_command}");
    let pane = panes.iter().find(|row| row.contains(&closed)).unwrap().split(' ').next().unwrap();
    world.tmux(&["kill-pane", "-t", pane]);
    fence(&world, entries, "F-1");
    fence(&world, entries, "F-2");
    assert_eq!((starts_of(&world, "A"), starts_of(&world, "B"), starts_of(&world, "C")), (1, 1, 1));
    let about = world.dispatch("status").notes().succeeds().text();
    assert!(about.contains("held: stopped by a person"), "{about}");
    world.dispatch("up").notes().succeeds();
    for (mode, task) in [("talk", "A"), ("talk", "B"), ("job", "C")] {
        ready(&world, mode, task);
    }
    is_empty(&world);
    leave(watch);
}

#[test]
fn a_crash_loop_is_braked_and_told() {
    let entries = "{ mode: talk, tasks: [A], restart: always }\n{ mode: job, tasks: [B], restart: on_failure }";
    let world = wanting(entries);
    world.task("A", "%exit 3").task("B", "%signal 11");
    let watch = watching(&world, "");
    wait_for(std::time::Duration::from_secs(60), "both are held", || {
        let runs = world.dispatch("status").notes().json();
        let held = runs["runs"].as_array().unwrap().iter().filter(|run| run["held"].is_string()).count();
        is(held == 2, runs.to_string())
    });
    fence(&world, entries, "F-1");
    assert_eq!((starts_of(&world, "A"), starts_of(&world, "B")), (6, 6), "one start and five restarts");
    let why = "restarted 5 times in 10 minutes";
    for (mode, task) in [("talk", "A"), ("job", "B")] {
        let planned = steps(&world, "plan");
        assert!(planned[&format!("{mode} {task}")].contains(why), "{planned:?}");
        assert!(world.status(mode, task)["held"].as_str().unwrap().contains(why));
        world.dispatch("status").arg(mode).arg(task).stdout_has(format!("held      {why}")).notes().succeeds();
    }
    world.dispatch("status").stdout_has(format!("held: {why}")).notes().succeeds();
    // A person may say so all the same.
    world.task("A", "%hang").task("B", "%hang");
    world.dispatch("up").notes().succeeds();
    ready(&world, "talk", "A");
    ready(&world, "job", "B");
    is_empty(&world);
    leave(watch);
}

#[test]
fn the_brake_holds_where_few_runs_are_kept() {
    let entries = "{ mode: job, tasks: [A], restart: on_failure }";
    let world = wanting(entries);
    let text = manifest(entries) + "retention: { runs_per_pair: 2 }\n";
    world.write("dispatch.yaml", &text);
    world.task("A", "%exit 3");
    let watch = watching(&world, "");
    wait_for(std::time::Duration::from_secs(60), "it is held", || {
        let run = world.status("job", "A");
        is(run["held"].is_string() || starts_of(&world, "A") > 12, run.to_string())
    });
    assert!(starts_of(&world, "A") <= 8, "{} starts", starts_of(&world, "A"));
    leave(watch);
}

#[test]
fn a_watch_prunes_and_does_not_make_anew() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: old, tasks: [A] }");
    world.task("A", "%hang");
    let watch = watching(&world, "--prune --recreate");
    let run = ready(&world, "talk", "A");
    ready(&world, "old", "A");
    world.task("A", "%hang\n%out changed");
    want(&world, "{ mode: talk, tasks: [A] }");
    world.wait_state("old", "A", "stopped");
    fence(&world, "{ mode: talk, tasks: [A] }", "F");
    assert_eq!(world.status("talk", "A")["runId"], run.as_str(), "drift is left alone while nobody asks");
    leave(watch);
}

/// Whether the kernel tells this process of changes in `folder`.
fn watches(watch: &Started, folder: &Path) -> bool {
    let inode = format!(" ino:{:x} ", fs::metadata(folder).unwrap().ino());
    let files = fs::read_dir(format!("/proc/{}/fdinfo", watch.pid())).unwrap();
    files.flatten().any(|file| fs::read_to_string(file.path()).unwrap_or_default().contains(&inode))
}

#[test]
fn a_watch_sees_the_first_task_of_all() {
    let world = wanting("{ mode: talk, tasks: { tag: core } }");
    let watch = watching(&world, "");
    // Else only its timer would find it.
    wait_until("it waits where tasks may come", || is(watches(&watch, &world.project().join("tasks")), "no"));
    tagged(&world, "FIRST", "core", "%hang");
    ready(&world, "talk", "FIRST");
    leave(watch);
}

/// Puts a `tmux` before the real one that counts how often it was asked.
fn count_tmux(world: &World) -> std::path::PathBuf {
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("tmux"))
        .find(|path| path.exists())
        .unwrap();
    let count = world.root().join("asked");
    world.shadow("tmux", &format!("#!/bin/sh\necho >>'{}'\nexec '{}' \"$@\"\n", count.display(), real.display()));
    count
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

/// The noise is the clock: a watch that passes for each line of it would ask hundreds of times.
#[test]
fn a_watch_in_a_noisy_folder_is_not_hot() {
    let world = wanting("{ mode: talk, tasks: [A] }");
    let asked = count_tmux(&world);
    let noise = world.project().join("noise");
    world.task("A", "%hang");
    let watch = watching(&world, "");
    ready(&world, "talk", "A");
    let before = lines(&asked);
    let mut noisy = world.command("sh");
    noisy.args(["-c", "for n in $(seq 400); do echo >>noise; sleep 0.01; done"]);
    let mut noisy = noisy.spawn().unwrap();
    wait_for(std::time::Duration::from_secs(60), "there was noise", || {
        let ended = noisy.try_wait().unwrap();
        ended.map(|_| ()).ok_or_else(|| lines(&noise).to_string())
    });
    let passes = lines(&asked) - before;
    assert!(passes < 400 / 10, "{passes} passes");
    leave(watch);
}

/// What waits at a wall it cannot pass does not run against it again and again.
#[test]
fn a_watch_whose_step_fails_is_not_hot() {
    let entries = "{ mode: talk, tasks: [A], restart: always }\n{ mode: gone, tasks: [A] }";
    let world = wanting("");
    let gone = "  gone: { interactive: true, agent: fake, prompt: \"{{ task.body }}\", cwd: nowhere }\nruns:\n";
    world.write("dispatch.yaml", manifest(entries).replace("runs:\n", gone));
    world.task("A", "%hang");
    let asked = count_tmux(&world);
    let watch = watching(&world, "");
    ready(&world, "talk", "A");
    let before = lines(&asked);
    world.helper("sh", &["-c", "for n in $(seq 300); do echo >>noise; sleep 0.01; done"]);
    let passes = lines(&asked) - before;
    assert!(passes < 300 / 10, "{passes} passes");
    // And yet it sees that the wall is gone.
    fs::create_dir(world.project().join("nowhere")).unwrap();
    wait_for(std::time::Duration::from_secs(40), "the other is started", || {
        is(world.starts().len() == 2, format!("{:?}", world.starts()))
    });
    leave(watch);
}

#[test]
fn a_watch_starts_again_what_its_killed_supervisor_lost() {
    let entries = "{ mode: job, tasks: [A], restart: on_failure }";
    let world = wanting(entries);
    world.task("A", "%hang");
    let watch = watching(&world, "");
    let run = ready(&world, "job", "A");
    kill(world.supervisor(&run), Signal::KILL);
    wait_for(std::time::Duration::from_secs(40), "it runs again", || {
        let again = world.status("job", "A");
        is(again["state"] == "running" && again["runId"] != run.as_str(), again.to_string())
    });
    leave(watch);
}

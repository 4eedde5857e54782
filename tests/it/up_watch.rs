//! `up --watch`: keeps `runs:` true, holds what a person ended, and is never hot.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::Signal;

use crate::command::Started;
use crate::up::{ready, starts_of};
use crate::waiting::{is, wait_for, wait_until};
use crate::wanted::{is_empty, manifest, steps, tagged, want, wanting};
use crate::world::{World, kill};

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
    // An error in a template is reported and survived, and its fix is noticed.
    world.write("templates/mine.md", "{{ task.bod }}");
    wait_until("the mistake is reported", || is(watch.stderr_so_far().contains("bod"), watch.stderr_so_far()));
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
fn a_crash_loop_is_slowed_down_and_reported() {
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
    assert_eq!(world.status("talk", "A")["runId"], run.as_str(), "drift is left alone until `up` runs");
    leave(watch);
}

/// Whether this process has an inotify watch on `folder`.
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
    let real = crate::programs::folder().join("tmux");
    let count = world.root().join("asked");
    world.shadow("tmux", &format!("#!/bin/sh\necho >>'{}'\nexec '{}' \"$@\"\n", count.display(), real.display()));
    count
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

/// The noise is the clock: a watch that passes for each line of it would ask hundreds of times.
#[test]
fn a_watch_in_a_noisy_folder_uses_little_processor_time() {
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
fn a_watch_with_a_failing_step_uses_little_processor_time() {
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

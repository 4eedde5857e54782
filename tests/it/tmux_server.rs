//! The tmux server itself: missing, silent, shared by projects and changed.

use crate::waiting::wait_until;
use crate::world::{World, alive};

fn open(world: &World, task: &str) {
    world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
}

#[test]
fn without_tmux_headless_runs_work_and_windows_say_what_is_missing() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    // A PATH that holds the agent and the shell's basics, but no tmux.
    let bare = world.root().join("bare");
    std::fs::create_dir(&bare).unwrap();
    crate::fake::install(&bare, "fake");
    std::fs::create_dir_all(world.root().join("fake")).unwrap();
    let path = bare.to_str().unwrap();
    world.dispatch("run -q job TASK-1").env("PATH", path).notes().succeeds();
    world.dispatch("run talk TASK-1").env("PATH", path).stderr_has("tmux").stderr_has("hint:").fails_with(2);
    world.dispatch("status").env("PATH", path).notes().succeeds();
    world.dispatch("doctor").env("PATH", path).any_stderr().stdout_has("tmux").ends_somehow();
}

#[test]
fn a_tmux_older_than_3_2_is_refused() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    world.shadow(
        "tmux",
        "#!/bin/sh\n[ \"$1\" = -V ] && { echo tmux 3.1c; exit 0; }\necho 'unknown command' >&2\nexit 1\n",
    );
    world.dispatch("run --attach none talk TASK-1").stderr_has("3.2").fails_with(2);
    assert!(world.starts().is_empty());
}

#[test]
fn a_server_that_does_not_answer_is_unknown_and_starts_and_kills_nothing() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    open(&world, "TASK-1");
    let server = world.tmux_server_pid().unwrap();
    let agent = wait_until("the agent runs", || world.starts().pop().ok_or_else(String::new)).pid;
    crate::world::kill(server, rustix::process::Signal::STOP);
    let status = world.dispatch("status talk TASK-1").any_stderr().json();
    assert_eq!(status["state"], "unknown", "{status}");
    world.dispatch("run -q --attach none talk TASK-1").any_stderr().ends_somehow();
    crate::world::kill(server, rustix::process::Signal::CONT);
    assert!(alive(agent));
    assert_eq!(world.status("talk", "TASK-1")["state"], "running");
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn two_projects_on_one_server_do_not_meet() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    open(&world, "TASK-1");
    let other = world.root().join("other");
    world.helper("cp", &["-a", world.project().to_str().unwrap(), other.to_str().unwrap()]);
    std::fs::remove_dir_all(other.join(".dispatch")).unwrap();
    // Same session, same pair, another project: another run.
    world.dispatch("run -q --attach none talk TASK-1").in_folder(&other).notes().succeeds();
    wait_until("both agents run", || crate::waiting::is(world.starts().len() == 2, "one"));
    world.dispatch("stop --all").in_folder(&other).notes().succeeds();
    assert_eq!(world.status("talk", "TASK-1")["state"], "running");
    let living = world.starts().into_iter().filter(|note| note.is_alive()).count();
    assert_eq!(living, 1);
}

#[test]
fn a_changed_socket_does_not_hide_a_living_run() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    open(&world, "TASK-1");
    let again = world.dispatch("run -q --attach none talk TASK-1").env("DISPATCH_TMUX_SOCKET", "w2");
    again.notes().succeeds();
    let status = world.dispatch("status talk TASK-1").env("DISPATCH_TMUX_SOCKET", "w2").json();
    assert_eq!(status["state"], "running", "{status}");
    assert_eq!(world.starts().len(), 1, "asked on the socket that the run recorded");
    world.dispatch("stop talk TASK-1").env("DISPATCH_TMUX_SOCKET", "w2").notes().succeeds();
    world.wait_all_quiet();
}

#[test]
fn the_session_stands_in_a_folder_that_cannot_vanish() {
    let world = World::with("  sub: { interactive: true, agent: fake, prompt: \"{{ task.body }}\", cwd: sub }\n");
    world.task("TASK-1", "%hang");
    std::fs::create_dir(world.project().join("sub")).unwrap();
    world.dispatch("run -q --attach none sub TASK-1").notes().succeeds();
    let server = world.tmux_server_pid().unwrap();
    let folder = std::fs::read_link(format!("/proc/{server}/cwd")).unwrap();
    assert!(!folder.starts_with(world.project().join("sub")), "{}", folder.display());
}

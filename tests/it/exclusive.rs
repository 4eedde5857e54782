//! `exclusive`: of the runs that ask for a folder of their own, one at a time has it.

use rustix::process::Signal;

use crate::waiting::{is, rounds, wait_until};
use crate::world::{World, kill};

const MODES: &str = r#"  only: { agent: fake, prompt: "{{ task.body }}", exclusive: true }
  window: { interactive: true, agent: fake, prompt: "{{ task.body }}", exclusive: true }
  there: { agent: fake, prompt: "{{ task.body }}", exclusive: true, cwd: other }
jobs: 40
"#;

/// Holds the folder until `go`, and reports another run in it.
fn holds(go: &str) -> String {
    format!("%sh mkdir held || touch overlap\n%until {go}\n%sh rmdir held\n")
}

fn world() -> World {
    let world = World::with(MODES);
    world.write("other/x", "");
    world
}

fn waits_for(world: &World, mode: &str, task: &str, whom: &str) {
    let run = world.wait_state(mode, task, "queued");
    assert_eq!(run["waitingFor"], "folder", "{run}");
    assert!(run["reason"].as_str().unwrap().contains(whom), "it says for whom: {run}");
    world.dispatch("status").arg(mode).arg(task).stdout_has(format!("queued (folder): {whom}")).succeeds();
}

#[test]
fn jobs_and_windows_of_one_folder_take_turns() {
    let world = world();
    for (n, task) in ["A", "B", "C", "D"].iter().enumerate() {
        world.task(task, &holds(&format!("go-{n}")));
    }
    let first = world.detach("only", "A");
    world.agent_ready(&first);
    world.detach("window", "B");
    world.detach("only", "C");
    world.dispatch("run --attach none window D").notes().succeeds();
    for (mode, task) in [("window", "B"), ("only", "C"), ("window", "D")] {
        waits_for(&world, mode, task, "only A");
    }
    for n in 0..4 {
        // The one that ends starts the next. A look helps: a tmux server in which nothing else happens
        // may notice the death of a window's agent late (seen with 3.3a).
        wait_until("the next one holds the folder", || {
            let status = world.dispatch("status").any_stderr().ends_somehow();
            let starts = world.starts();
            is(starts.len() == n + 1, format!("{starts:?}\n{}", status.text()))
        });
        world.write(format!("go-{n}"), "");
    }
    for (mode, task) in [("only", "A"), ("window", "B"), ("only", "C"), ("window", "D")] {
        world.dispatch("wait").arg(mode).arg(task).notes().succeeds();
    }
    assert!(!world.project().join("overlap").exists());
    let order: Vec<String> = world.starts().into_iter().map(|note| note.task).collect();
    assert_eq!(order, ["A", "B", "C", "D"], "in the order they came");
}

#[test]
fn other_folders_and_other_modes_go_on() {
    let world = world();
    world.task("A", "%hang\n").task("B", "%out b\n");
    let held = world.detach("only", "A");
    world.agent_ready(&held);
    world.dispatch("run -q there B").notes().succeeds();
    world.dispatch("run -q job B").notes().succeeds();
    world.detach("only", "B");
    waits_for(&world, "only", "B", "only A");
    // A holder that dies frees it for the first command that looks.
    kill(world.supervisor(&held), Signal::KILL);
    world.wait_state("only", "B", "succeeded");
}

#[test]
fn a_window_that_dies_with_its_server_frees_the_folder() {
    let world = world();
    world.task("A", "%hang\n").task("B", "%out b\n");
    let held = world.detach("window", "A");
    world.agent_ready(&held);
    let call = world.dispatch("run only B").start();
    waits_for(&world, "only", "B", "window A");
    kill(world.tmux_server_pid().unwrap(), Signal::KILL);
    // No command observes A: the run that waits for it finds it lost.
    call.ends_with(0);
    assert_eq!(world.status("window", "A")["state"], "lost");
}

#[test]
fn one_that_waits_can_be_stopped_and_holds_nothing() {
    let world = world();
    world.task("A", "%until go\n").task("B", "%out b\n").task("C", "%out c\n");
    let held = world.detach("only", "A");
    world.agent_ready(&held);
    world.detach("only", "B");
    world.detach("only", "C");
    world.dispatch("stop only B").notes().succeeds();
    world.write("go", "");
    world.dispatch("wait only C").notes().succeeds();
    assert!(world.starts().iter().all(|note| note.task != "B"));
}

#[test]
fn of_twenty_at_once_no_two_ever_have_it() {
    for _ in 0..rounds(5) {
        let world = world();
        for n in 0..20 {
            world.task(&format!("T-{n}"), "%sh mkdir held || touch overlap\n%slow 20\n%sh rmdir held\n");
        }
        let mode = |n: usize| if n % 4 == 3 { "window" } else { "only" };
        let calls: Vec<_> =
            (0..20).map(|n| world.dispatch("run -q -d").arg(mode(n)).arg(format!("T-{n}")).start()).collect();
        for call in calls {
            call.ends_with(0);
        }
        for n in 0..20 {
            world.dispatch("wait").arg(mode(n)).arg(format!("T-{n}")).any_stderr().succeeds();
        }
        assert!(!world.project().join("overlap").exists());
        assert_eq!(world.starts().len(), 20);
    }
}

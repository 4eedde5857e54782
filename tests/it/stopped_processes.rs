//! Something that was stopped by SIGSTOP hangs no command: what can go on is continued, what cannot is
//! named with the command that helps.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::command::Ended;
use crate::fake;
use crate::waiting::{is, wait_until};
use crate::world::{World, alive, kill};

const QUICK: &str = "  quick: { agent: fake, prompt: \"{{ task.body }}\", stop_grace: 1s }\njobs: 10\n";

/// Far below what a test waits at most, and far above what the bound of a command is.
const BOUND: Duration = Duration::from_secs(45);

/// A process of the test's own, ended with it.
struct Own(Child);

impl Own {
    fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("the tests need {command:?}: {error}")))
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn stop_process(pid: i32) {
    kill(pid, Signal::STOP);
    wait_until("the process is stopped", || {
        let state = state_of(pid);
        is(matches!(state, Some('T' | 't')), format!("{state:?}"))
    });
}

fn state_of(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// Holds an exclusive lock on a file of the state folder in a process that is stopped.
fn stopped_holder(world: &World, file: &str) -> Own {
    let lock = File::options().read(true).write(true).create(true).truncate(false).open(world.state().join(file));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    // The lock goes with the open file.
    let holder = Own::start(world.command("sleep").arg("1000").stdin(lock));
    stop_process(holder.pid());
    holder
}

#[track_caller]
fn names(ended: &Ended, holder: &Own) {
    assert_ne!(ended.code, 0, "{}", ended.text());
    let (who, fix) = (format!("process {}", holder.pid()), format!("kill -CONT {}", holder.pid()));
    assert!(ended.stderr.contains(&who) && ended.stderr.contains("is stopped"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&fix), "{}", ended.stderr);
}

#[test]
fn ten_stopped_supervisors_are_continued_and_their_runs_stopped() {
    let world = World::with(QUICK);
    let tasks: Vec<String> = (0..10).map(|n| format!("T-{n}")).collect();
    for task in &tasks {
        world.task(task, "%hang");
    }
    let runs: Vec<String> = tasks.iter().map(|task| world.detach("quick", task)).collect();
    for run in &runs {
        world.agent_ready(run);
        stop_process(world.supervisor(run));
    }
    world.dispatch("stop --all").within(BOUND).any_stderr().succeeds();
    for task in &tasks {
        assert_eq!(world.status("quick", task)["state"], "stopped");
    }
    world.wait_all_quiet();
}

#[test]
fn a_stopped_agent_is_ended_and_its_run_stopped() {
    let world = World::with(QUICK);
    world.task("T", "%hang").task("DEAF", "%ignore-term\n%hang");
    for task in ["T", "DEAF"] {
        let run = world.detach("quick", task);
        stop_process(world.agent_ready(&run).pid);
        world.dispatch("stop quick").arg(task).within(BOUND).any_stderr().succeeds();
        assert_eq!(world.status("quick", task)["state"], "stopped");
    }
    world.wait_all_quiet();
}

#[test]
fn a_supervisor_that_cannot_be_continued_is_replaced() {
    let world = World::with(QUICK);
    world.task("T", "%double-fork\n%hang");
    let run = world.detach("quick", "T");
    let agent = world.agent_ready(&run).pid;
    let supervisor = world.supervisor(&run);
    fake::install(&world.root().join("bin"), "tracer");
    let tracer = Own::start(world.command("tracer").arg(supervisor.to_string()));
    wait_until("it is traced", || {
        let state = state_of(supervisor);
        is(state == Some('t'), format!("{state:?}"))
    });
    world.dispatch("stop quick T").within(BOUND).any_stderr().succeeds();
    let seen = world.status("quick", "T");
    assert_eq!((&seen["state"], &seen["runId"]), (&"stopped".into(), &run.as_str().into()), "{seen}");
    assert!(seen["reason"].as_str().unwrap().contains("its supervisor did not answer"), "{seen}");
    assert!(!alive(agent));
    drop(tracer);
    world.wait_all_quiet();
    let again = world.detach("quick", "T");
    assert!(again > run);
    world.dispatch("stop quick T").any_stderr().succeeds();
}

#[test]
fn a_start_and_a_stop_name_the_stopped_process_that_has_the_pair() {
    let world = World::with(QUICK);
    world.task("T", "%exit 0");
    world.dispatch("run -q quick T").notes().succeeds();
    world.wait_all_quiet();
    let holder = stopped_holder(&world, "pairs/quick/T");
    names(&world.dispatch("run -d quick T").within(BOUND).ends_somehow(), &holder);
    assert_eq!(world.starts().len(), 1);
    drop(holder);
    world.dispatch("run -q quick T").notes().succeeds();
}

#[test]
fn a_command_names_the_stopped_process_that_has_the_index() {
    let world = World::with(QUICK);
    world.task("T", "%exit 0");
    world.dispatch("run -q quick T").notes().succeeds();
    world.wait_all_quiet();
    let holder = stopped_holder(&world, "index.lock");
    names(&world.dispatch("status").within(BOUND).ends_somehow(), &holder);
    drop(holder);
    world.dispatch("status").succeeds();
}

#[test]
fn a_stopped_tmux_server_makes_status_and_stop_wait_for_a_bounded_time() {
    let world = World::new();
    let tasks: Vec<String> = (0..10).map(|n| format!("T-{n}")).collect();
    for task in &tasks {
        world.task(task, "%hang");
        world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
    }
    let server = world.tmux_server_pid().unwrap();
    stop_process(server);
    let seen = world.dispatch("status --json").within(BOUND).any_stderr().succeeds();
    let seen: serde_json::Value = serde_json::from_slice(&seen.stdout).unwrap();
    let states: Vec<_> = seen["runs"].as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap()).collect();
    let stopped = world.dispatch("stop talk T-0").within(BOUND).ends_somehow();
    let started = world.dispatch("run --attach none talk T-1").within(BOUND).ends_somehow();
    kill(server, Signal::CONT);
    assert_eq!(states, ["unknown"; 10]);
    assert!(stopped.code != 0 && stopped.stderr.contains("is unknown"), "{}", stopped.stderr);
    assert!(started.code != 0 && !started.stderr.is_empty(), "{}", started.stderr);
    assert_eq!(world.starts().len(), 10, "no second agent");
    world.dispatch("stop --all").any_stderr().succeeds();
}

//! `jobs` and `-j`: how many run at once, which wait, and that a killed holder frees its slot.

use rustix::process::Signal;

use crate::waiting::{is, wait_until};
use crate::world::{World, kill};

/// How many agents of `job` runs are between their start and their end.
fn running(world: &World) -> usize {
    let runs = world.dispatch("status --all").json();
    runs["runs"].as_array().unwrap().iter().filter(|run| run["state"] == "running").count()
}

#[test]
fn no_more_than_jobs_run_and_the_rest_wait_for_a_slot() {
    let world = World::with("jobs: 2\n");
    for n in 0..5 {
        world.task(&format!("T-{n}"), &format!("%until go-{n}\n%exit {n}"));
        world.detach("job", &format!("T-{n}"));
    }
    wait_until("two run", || is(running(&world) == 2 && world.starts().len() == 2, format!("{:?}", world.starts())));
    let queued = world.status("job", "T-4");
    assert_eq!((&queued["state"], &queued["waitingFor"]), (&"queued".into(), &"slot".into()), "{queued}");
    assert_eq!(queued["running"], false);
    // One slot comes free at a time: two would start two at once, in either order.
    for n in 0..5 {
        world.write(format!("go-{n}"), "");
        let begun = (n + 3).min(5);
        wait_until("the next one starts", || {
            let starts = world.starts();
            is(starts.len() == begun, format!("{starts:?}"))
        });
    }
    for n in 0..5 {
        world.dispatch("wait job").arg(format!("T-{n}")).notes().fails_with(n);
    }
    // In the order they came.
    let order: Vec<String> = world.starts().into_iter().map(|note| note.task).collect();
    assert_eq!(order[2..], ["T-2", "T-3", "T-4"]);
}

#[test]
fn j_lowers_the_limit_for_one_command() {
    let world = World::with("jobs: 4\n");
    world.task("A", "%until go").task("B", "%exit 0");
    let run = world.dispatch("run -j 1 job A B").start();
    wait_until("one runs", || is(running(&world) == 1, "none"));
    assert_eq!(world.starts().len(), 1);
    world.write("go", "");
    run.ends_with(0);
    assert_eq!(world.starts().len(), 2);
    world.dispatch("run -j 0 job A").any_stderr().fails_with(2);
}

#[test]
fn without_k_a_failure_starts_no_further_task() {
    let world = World::with("jobs: 1\n");
    world.task("A", "%exit 3").task("B", "%exit 0");
    world.dispatch("run job A B").any_stderr().fails_with(3);
    assert_eq!(world.starts().len(), 1);
    world.dispatch("run -k job A B").any_stderr().fails_with(3);
    assert_eq!(world.starts().len(), 3);
}

#[test]
fn a_killed_holder_frees_its_slot() {
    let world = World::with("jobs: 1\n");
    world.task("A", "%hang").task("B", "%exit 0");
    let first = world.detach("job", "A");
    world.agent_ready(&first);
    let second = world.detach("job", "B");
    assert_eq!(world.status("job", "B")["state"], "queued");
    kill(world.supervisor(&first), Signal::KILL);
    // The next command that looks moves the queue.
    wait_until("the queue moved", || {
        let run = world.status("job", "B");
        is(run["state"] == "succeeded", run.to_string())
    });
    assert_eq!(world.status("job", "A")["state"], "lost");
    assert_eq!(world.status("job", "B")["runId"], second.as_str());
}

#[test]
fn a_queued_run_can_be_stopped_joined_and_never_starts_then() {
    let world = World::with("jobs: 1\n");
    world.task("A", "%until go").task("B", "%exit 0");
    world.detach("job", "A");
    let queued = world.detach("job", "B");
    assert_eq!(world.detach("job", "B"), queued, "a second run joins the one that waits");
    world.dispatch("stop job B").notes().succeeds();
    assert_eq!(world.status("job", "B")["state"], "stopped");
    world.write("go", "");
    world.dispatch("wait job A").notes().succeeds();
    world.wait_all_quiet();
    assert!(world.starts().iter().all(|note| note.task == "A"));
}

#[test]
fn ctrl_c_takes_a_queued_run_with_it() {
    let world = World::with("jobs: 1\n");
    world.task("A", "%hang").task("B", "%exit 0");
    world.detach("job", "A");
    let run = world.dispatch("run job B").start();
    world.wait_state("job", "B", "queued");
    run.signal(Signal::INT);
    run.ends_with(130);
    assert_eq!(world.status("job", "B")["state"], "stopped");
}

#[test]
fn windows_need_no_slot() {
    let world = World::with("jobs: 1\n");
    world.task("A", "%hang").task("B", "%hang");
    world.detach("job", "A");
    world.dispatch("run --attach none talk B").notes().succeeds();
    world.wait_state("talk", "B", "running");
}

//! A second `run` of an active pair joins it, or is refused where something would be lost unseen.

use rustix::process::Signal;

use crate::world::{World, alive};

#[test]
fn a_second_run_joins_and_gets_the_same_code() {
    let world = World::new();
    world.task("TASK-1", "%out hello\n%until go\n%exit 9");
    let first = world.detach("job", "TASK-1");
    let join = world.dispatch("run job TASK-1").start();
    let again = world.detach("job", "TASK-1");
    assert_eq!(first, again, "`-d` gives the id of the run that is there");
    crate::waiting::wait_until("the joiner follows", || {
        crate::waiting::is(!join.stdout_so_far().is_empty(), "no output yet")
    });
    world.write("go", "");
    let ended = join.ends_with(9);
    assert!(ended.text().contains("hello"), "a joiner sees the job's output");
    assert!(ended.stderr.contains("join") || ended.stderr.contains("already"), "it says so: {}", ended.stderr);
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn ctrl_c_of_a_joiner_only_lets_go() {
    let world = World::new();
    world.task("TASK-1", "%out hello\n%hang");
    let run = world.detach("job", "TASK-1");
    let agent = world.agent_ready(&run).pid;
    let join = world.dispatch("run job TASK-1").start();
    crate::waiting::wait_until("the joiner follows", || {
        crate::waiting::is(!join.stdout_so_far().is_empty(), "no output yet")
    });
    join.signal(Signal::INT);
    join.ends_with(130);
    assert!(alive(agent));
    assert_eq!(world.status("job", "TASK-1")["state"], "running");
}

#[test]
fn another_prompt_extras_or_force_are_refused_while_it_runs() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let run = world.detach("job", "TASK-1");
    for words in [
        "run job TASK-1 --prompt other",
        "run -B job TASK-1",
        "run job TASK-1 -- --extra",
        "run -d job TASK-1 --prompt x",
    ] {
        world.dispatch(words).stderr_has("job TASK-1").stderr_has("hint:").fails_with(1);
    }
    assert_eq!(world.status("job", "TASK-1")["runId"], run.as_str());
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn the_same_prompt_joins() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    for _ in 0..2 {
        world.dispatch("run -d job TASK-1 --prompt same").notes().succeeds();
    }
    let run = world.status("job", "TASK-1")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn an_ended_pair_starts_anew_and_both_runs_are_kept() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    world.dispatch("run -q job TASK-1").notes().succeeds();
    world.dispatch("run -q job TASK-1").notes().succeeds();
    assert_eq!(world.starts().len(), 2);
    assert_eq!(world.history().len(), 2);
}

#[test]
fn two_pairs_with_one_label_run_side_by_side() {
    let world = World::with(
        "  C: { agent: fake, prompt: \"{{ task.body }}\" }\n  B-C: { agent: fake, prompt: \"{{ task.body }}\" }\n",
    );
    world.task("A-B", "%hang").task("A", "%hang");
    let one = world.detach("C", "A-B");
    let two = world.detach("B-C", "A");
    assert_ne!(one, two);
    world.agent_ready(&one);
    let survivor = world.agent_ready(&two).pid;
    world.dispatch("stop C A-B").notes().succeeds();
    assert_eq!(world.status("C", "A-B")["state"], "stopped");
    assert_eq!(world.status("B-C", "A")["state"], "running");
    assert!(alive(survivor));
}

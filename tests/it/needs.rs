//! `needs`: what a mode needs runs first, in the same command, where it has not succeeded yet.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::waiting::{is, wait_until};
use crate::world::{World, alive, kill};

/// `review` needs `build`, and both need `lint`. Each executes its template.
const CHAIN: &str = r#"  lint: { agent: fake, template: lint.md }
  build: { agent: fake, template: build.md, needs: [lint] }
  review: { agent: fake, template: review.md, needs: [lint, build] }
  look: { interactive: true, agent: fake, prompt: "%hang", needs: [lint] }
"#;

fn world() -> World {
    let world = World::with(CHAIN);
    for mode in ["lint", "build", "review"] {
        says(&world, mode, "");
    }
    world.task("T", "x");
    world
}

/// What a mode's agent does from now on: prints its name, then runs `script`.
fn says(world: &World, mode: &str, script: &str) {
    world.write(format!("{mode}.md"), format!("%out this is {mode}\n%sh echo {mode} >>order\n{script}\n"));
}

fn order(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.project().join("order")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until the pair's agent runs, and gives its run.
fn runs(world: &World, mode: &str) -> (String, i32) {
    let run = world.wait_state(mode, "T", "running")["runId"].as_str().unwrap().to_owned();
    let pid = world.agent_ready(&run).pid;
    (run, pid)
}

#[test]
fn what_is_needed_runs_first_and_only_where_it_is_missing_or_failed() {
    let world = world();
    let ended = world.dispatch("run review T").notes().succeeds();
    assert_eq!(order(&world), ["lint", "build", "review"]);
    assert!(ended.text().contains("this is review") && !ended.text().contains("this is lint"), "{}", ended.text());
    assert!(ended.stderr.contains("build needs it") || ended.stderr.contains("review needs it"), "{}", ended.stderr);
    // All are met now; a single `run` of one asks for nothing else.
    world.dispatch("run -q review T").notes().succeeds();
    world.dispatch("run -q build T").notes().succeeds();
    assert_eq!(order(&world)[3..], ["review", "build"]);
    // One that failed is not met any more.
    says(&world, "lint", "%exit 5");
    world.dispatch("run -q lint T").notes().fails_with(5);
    says(&world, "lint", "");
    world.dispatch("run -q review T").notes().succeeds();
    assert_eq!(order(&world)[5..], ["lint", "lint", "review"]);
    // Needs are of the same task.
    world.task("U", "x");
    world.dispatch("run -q build U").notes().succeeds();
    assert_eq!(order(&world)[8..], ["lint", "build"]);
}

#[test]
fn force_is_for_what_was_asked() {
    let world = world();
    world.dispatch("run -q build T").notes().succeeds();
    world.dispatch("run -q -B build T").notes().succeeds();
    assert_eq!(order(&world), ["lint", "build", "build"]);
}

#[test]
fn a_failure_fails_what_needs_it_with_the_cause() {
    let world = world();
    says(&world, "lint", "%exit 5");
    world.dispatch("run review T").stderr_has("dependency failed").stderr_has("lint T").fails_with(1);
    assert_eq!(order(&world), ["lint"]);
    for mode in ["build", "review"] {
        let run = world.status(mode, "T");
        assert_eq!(run["state"], "dependency_failed", "{run}");
        assert!(run["reason"].as_str().unwrap().contains("lint T failed"), "{run}");
        assert!(run.get("exitCode").is_none(), "nothing ran: {run}");
        world.dispatch("wait").arg(mode).arg("T").any_stderr().fails_with(1);
    }
    world.wait_all_quiet();
    // The pairs are free, and the cure is to run again.
    says(&world, "lint", "");
    world.dispatch("run -q review T").notes().succeeds();
}

#[test]
fn what_it_needs_may_be_lost_or_stopped() {
    let world = world();
    says(&world, "lint", "%hang");
    for stopped in [true, false] {
        world.dispatch("run -d build T").notes().succeeds();
        let (run, _) = runs(&world, "lint");
        let waits = world.status("build", "T");
        assert_eq!((&waits["state"], &waits["waitingFor"]), (&"queued".into(), &"need".into()), "{waits}");
        assert!(waits["reason"].as_str().unwrap().contains("lint T"), "it says for whom: {waits}");
        match stopped {
            true => drop(world.dispatch("stop lint T").notes().succeeds()),
            false => kill(world.supervisor(&run), Signal::KILL),
        }
        let end = world.wait_state("build", "T", "dependency_failed");
        let why = if stopped { "stopped" } else { "lost" };
        assert!(end["reason"].as_str().unwrap().contains(why), "{end}");
    }
    assert_eq!(order(&world), ["lint", "lint"]);
}

#[test]
fn a_follower_gets_an_end_that_its_supervisor_did_not_record() {
    let world = world();
    says(&world, "lint", "%hang");
    let client = world.dispatch("run review T").start();
    world.wait_state("review", "T", "queued");
    let waiter = world.dispatch("wait review T").start();
    let (run, _) = runs(&world, "lint");
    kill(world.supervisor(&run), Signal::KILL);
    assert!(client.ends_with(1).stderr.contains("lint T lost"));
    waiter.ends_with(1);
}

#[test]
fn one_that_is_active_is_joined_and_waited_for() {
    let world = world();
    says(&world, "lint", "%until go");
    let lint = world.detach("lint", "T");
    world.agent_ready(&lint);
    let first = world.dispatch("run review T").start();
    let second = world.dispatch("run review T").start();
    wait_until("both follow", || {
        let said = format!("{}{}", first.stderr_so_far(), second.stderr_so_far());
        is(said.matches("review T is active already").count() == 1, said)
    });
    world.write("go", "");
    first.ends_with(0);
    second.ends_with(0);
    assert_eq!(order(&world), ["lint", "build", "review"]);
}

#[test]
fn with_d_all_are_in_the_queue_and_go_on_alone() {
    let world = world();
    says(&world, "lint", "%until go");
    let answer = world.dispatch("run -d review T").notes().json();
    let modes: Vec<&str> = answer["runs"].as_array().unwrap().iter().filter_map(|run| run["mode"].as_str()).collect();
    assert_eq!(modes, ["lint", "build", "review"], "{answer}");
    world.write("go", "");
    // No command looks: each job starts what waits for it.
    wait_until("all three were there", || is(order(&world).len() == 3, format!("{:?}", order(&world))));
    world.wait_all_quiet();
    assert_eq!(world.status("review", "T")["state"], "succeeded");
}

#[test]
fn a_killed_client_leaves_the_rest_going_on() {
    let world = world();
    says(&world, "lint", "%until go");
    let client = world.dispatch("run review T").start();
    runs(&world, "lint");
    world.wait_state("review", "T", "queued");
    client.signal(Signal::KILL);
    client.ends_with(-9);
    world.write("go", "");
    wait_until("all three were there", || is(order(&world).len() == 3, format!("{:?}", order(&world))));
    world.wait_all_quiet();
    assert_eq!(world.status("review", "T")["state"], "succeeded");
}

#[test]
fn ctrl_c_stops_what_this_command_started_and_nothing_else() {
    let world = world();
    says(&world, "lint", "%hang");
    let client = world.dispatch("run review T").start();
    let (_, agent) = runs(&world, "lint");
    world.wait_state("review", "T", "queued");
    client.signal(Signal::INT);
    client.ends_with(130);
    // At once: no process is left that could stop it later.
    assert!(!alive(agent), "it was stopped before the command ended");
    for mode in ["lint", "build", "review"] {
        world.wait_state(mode, "T", "stopped");
    }
    // What was joined goes on; what waited for it is taken back.
    let lint = world.detach("lint", "T");
    let agent = world.agent_ready(&lint).pid;
    let client = world.dispatch("run review T").start();
    world.wait_state("review", "T", "queued");
    client.signal(Signal::INT);
    client.ends_with(130);
    for mode in ["build", "review"] {
        world.wait_state(mode, "T", "stopped");
    }
    assert!(alive(agent));
    assert_eq!(order(&world), ["lint", "lint"]);
}

#[test]
fn a_window_opens_when_what_it_needs_has_succeeded() {
    let world = world();
    says(&world, "lint", "%exit 3");
    world.dispatch("run --attach none look T").any_stderr().fails_with(1);
    let run = world.status("look", "T");
    assert_eq!(run["state"], "dependency_failed", "{run}");
    assert!(world.panes("#{pane_id}").is_empty());
    says(&world, "lint", "%until go");
    let client = world.dispatch("run --attach none look T").start();
    runs(&world, "lint");
    world.wait_state("look", "T", "queued");
    assert!(world.panes("#{pane_id}").is_empty());
    world.write("go", "");
    client.ends_with(0);
    let run = world.wait_state("look", "T", "running");
    world.agent_ready(run["runId"].as_str().unwrap());
    assert_eq!(world.panes("#{pane_id}").len(), 1);
}

#[test]
fn dry_run_shows_what_would_run_first_and_touches_nothing() {
    let world = world();
    let shown = world.dispatch("run -n review T").succeeds().text();
    let place = |mode: &str| shown.find(&format!("this is {mode}")).unwrap_or_else(|| panic!("no {mode} in {shown}"));
    assert!(place("lint") < place("build") && place("build") < place("review"), "{shown}");
    assert!(!world.state().exists());
}

#[test]
fn several_tasks_need_each_their_own() {
    let world = world();
    world.task("U", "x");
    let answer = world.dispatch("run build T U --json").notes().succeeds();
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let runs = answer["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4, "{answer}");
    assert!(runs.iter().all(|run| run["state"] == "succeeded"), "{answer}");
    for task in ["T", "U"] {
        let time = |mode: &str, field: &str| crate::world::time(&world.status(mode, task)[field]);
        assert!(time("lint", "endedAt") <= time("build", "startedAt"));
    }
}

/// Its caller holds the only slot and waits for it: it and what it needs go without one.
#[test]
fn a_nested_run_and_its_needs_wait_for_no_slot() {
    let world = world();
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", format!("jobs: 1\n{manifest}  outer: {{ agent: fake, template: outer.md }}\n"));
    says(&world, "outer", "%sh dispatch run -q review T");
    world.dispatch("run outer T").any_stderr().succeeds();
    assert_eq!(order(&world), ["outer", "lint", "build", "review"]);
}

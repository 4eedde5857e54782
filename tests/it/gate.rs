//! `gate: approve`: a run waits for a person, for as long as it takes, and can be rejected.

use std::fs;

use rustix::process::Signal;

use crate::recovery::age_by_a_boot;
use crate::waiting::{is, wait_until};
use crate::world::World;

const MODES: &str = r#"  guarded: { agent: fake, prompt: "{{ task.body }}", gate: approve }
  after: { agent: fake, prompt: "%out after", needs: [guarded] }
  window: { interactive: true, agent: fake, prompt: "{{ task.body }}", gate: approve }
"#;

fn world() -> World {
    let world = World::with(MODES);
    world.task("T", "%out done\n");
    world
}

fn waits(world: &World, mode: &str) {
    let run = world.status(mode, "T");
    assert_eq!((&run["state"], &run["waitingFor"]), (&"queued".into(), &"gate".into()), "{run}");
}

#[test]
fn it_waits_until_it_is_approved_and_once_is_enough() {
    let world = world();
    let client = world.dispatch("run guarded T").start();
    world.wait_state("guarded", "T", "queued");
    waits(&world, "guarded");
    wait_until("the client says so", || {
        let said = client.stderr_so_far();
        is(said.contains("queued (gate)"), said)
    });
    assert!(world.starts().is_empty());
    world.dispatch("approve guarded T").stdout_has("guarded T: approved").succeeds();
    let ended = client.ends_with(0);
    assert!(ended.text().contains("done"), "{}", ended.text());
    world.dispatch("approve guarded T").stderr_has("does not wait at a gate").stderr_has("hint:").fails_with(1);
    // The next run waits anew.
    world.detach("guarded", "T");
    waits(&world, "guarded");
}

#[test]
fn approving_twice_while_something_else_stands_in_its_way_says_so() {
    let world = World::with(&format!("{MODES}jobs: 1\n"));
    world.task("T", "%out done\n").task("BUSY", "%until go\n");
    world.detach("job", "BUSY");
    world.detach("guarded", "T");
    world.dispatch("approve guarded T").succeeds();
    assert_eq!(world.status("guarded", "T")["waitingFor"], "slot");
    world.dispatch("approve guarded T").stderr_has("does not wait at a gate").fails_with(1);
    world.write("go", "");
    world.dispatch("wait guarded T").notes().succeeds();
}

#[test]
fn rejecting_ends_it_for_all_that_wait() {
    let world = world();
    let client = world.dispatch("run guarded T").start();
    world.wait_state("guarded", "T", "queued");
    let waiter = world.dispatch("wait guarded T").start();
    let after = world.dispatch("run -d after T").notes().json();
    assert_eq!(after["runs"][0]["mode"], "guarded", "joined, and reported: {after}");
    world.dispatch("approve --reject guarded T").stdout_has("rejected").succeeds();
    assert!(client.ends_with(1).stderr.contains("rejected"));
    waiter.ends_with(1);
    let run = world.status("guarded", "T");
    assert_eq!((&run["state"], &run["reason"]), (&"failed".into(), &"rejected".into()), "{run}");
    let after = world.wait_state("after", "T", "dependency_failed");
    assert!(after["reason"].as_str().unwrap().contains("rejected"), "{after}");
    assert!(world.starts().is_empty());
    world.dispatch("approve --reject guarded T").stderr_has("does not wait").fails_with(1);
    // A rejection counts for one run, not for the pair.
    world.detach("guarded", "T");
    world.dispatch("approve guarded T --json").succeeds();
    world.dispatch("wait guarded T").notes().succeeds();
}

#[test]
fn what_does_not_wait_cannot_be_approved() {
    let world = world();
    world.dispatch("approve guarded T").stderr_has("never run").stderr_has("hint:").fails_with(1);
    let run = world.detach("job", "T");
    world.agent_ready(&run);
    world.dispatch("approve job T").stderr_has("does not wait at a gate").fails_with(1);
    world.dispatch("approve nosuch T").any_stderr().fails_with(2);
}

#[test]
fn it_waits_over_a_reboot() {
    let world = world();
    let run = world.detach("guarded", "T");
    waits(&world, "guarded");
    age_by_a_boot(&world.state());
    let status = world.dispatch("status guarded T").any_stderr().json();
    assert_eq!((&status["waitingFor"], &status["runId"]), (&"gate".into(), &run.as_str().into()), "{status}");
    world.dispatch("approve guarded T").any_stderr().succeeds();
    world.dispatch("wait guarded T").any_stderr().succeeds();
    assert_eq!(world.status("guarded", "T")["runId"], run.as_str());
}

#[test]
fn inside_a_run_it_is_refused() {
    let world = world();
    world.task("CHEATS", "%sh dispatch approve guarded T\n%sh dispatch approve --reject guarded T\n");
    world.detach("guarded", "T");
    let cheat = world.detach("job", "CHEATS");
    world.dispatch("wait job CHEATS").notes().succeeds();
    assert_eq!(String::from_utf8(world.saw(&cheat, "sh")).unwrap(), "2\n2\n");
    waits(&world, "guarded");
}

#[test]
fn what_needs_it_waits_with_it() {
    let world = world();
    let client = world.dispatch("run after T").start();
    world.wait_state("after", "T", "queued");
    assert_eq!(world.status("after", "T")["waitingFor"], "need");
    waits(&world, "guarded");
    world.dispatch("approve guarded T").succeeds();
    client.ends_with(0);
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn a_window_waits_too_and_opens_when_approved() {
    let world = world();
    world.task("T", "%hang\n");
    world.dispatch("run --attach none window T").notes().succeeds();
    waits(&world, "window");
    assert!(world.panes("#{pane_id}").is_empty());
    world.dispatch("approve window T").succeeds();
    let run = world.wait_state("window", "T", "running");
    world.agent_ready(run["runId"].as_str().unwrap());
}

#[test]
fn a_client_that_waits_at_a_gate_can_leave_and_the_run_can_be_stopped() {
    let world = world();
    let client = world.dispatch("run guarded T").start();
    world.wait_state("guarded", "T", "queued");
    client.signal(Signal::INT);
    client.ends_with(130);
    assert_eq!(world.status("guarded", "T")["state"], "stopped");
    world.dispatch("approve guarded T").stderr_has("does not wait").fails_with(1);
    world.detach("guarded", "T");
    world.dispatch("stop guarded T").notes().succeeds();
    assert!(world.starts().is_empty());
}

#[test]
fn a_window_that_waits_is_stopped_like_a_job() {
    let world = world();
    for stop in ["stop window T", "stop --all"] {
        world.detach("window", "T");
        waits(&world, "window");
        world.dispatch(stop).stdout_has("window T: stopped").succeeds();
        assert_eq!(world.status("window", "T")["reason"], "before it started");
    }
    world.dispatch("approve window T").stderr_has("does not wait").fails_with(1);
    assert!(world.starts().is_empty());
}

#[test]
fn of_many_words_at_once_one_counts() {
    for round in 0..3 {
        let world = world();
        let run = world.detach("guarded", "T");
        let words = ["approve guarded T", "approve --reject guarded T"];
        let calls: Vec<_> = (0..10).map(|n| world.dispatch(words[(n + round) % 2]).start()).collect();
        let codes: Vec<i32> = calls.into_iter().map(|call| call.ends().code).collect();
        assert!(codes.iter().all(|code| matches!(code, 0 | 1)), "{codes:?}");
        world.dispatch("wait guarded T").any_stderr().ends_somehow();
        let end = world.status("guarded", "T");
        assert_eq!(end["runId"], run.as_str());
        let said = codes.iter().filter(|code| **code == 0).count();
        assert_eq!(said, 1, "the number of accepted answers: {codes:?}, {end}");
        assert_eq!(world.starts().len(), usize::from(end["state"] == "succeeded"), "{end}");
        assert_eq!(fs::read_dir(world.state().join("runs")).unwrap().count(), 1);
    }
}

#[test]
fn what_waits_says_since_when_and_what_to_type() {
    let world = world();
    world.detach("guarded", "T");
    for words in ["status guarded T", "status"] {
        let text = world.dispatch(words).succeeds().text();
        assert!(text.contains("since 20") && text.contains("`dispatch approve guarded T` lets it start"), "{text}");
    }
    // A record of a version that did not write since when.
    let run = world.status("guarded", "T")["runId"].as_str().unwrap().to_owned();
    let path = world.run_folder(&run).join("queued.json");
    std::fs::write(&path, r#"{"version":1,"waitingFor":"gate"}"#).unwrap();
    world.dispatch("status guarded T").stdout_has("queued (gate): `dispatch approve guarded T`").succeeds();
    world.dispatch("approve guarded T").succeeds();
    world.dispatch("wait guarded T").notes().succeeds();
}

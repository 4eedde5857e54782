//! A stopped tmux server delays no command that only shows runs: they are `unknown`.

use std::time::Duration;

use rustix::process::Signal;

use crate::waiting::{is, wait_for};
use crate::world::{World, kill};

/// What a look at a server that is stopped gives as its reason, whichever look it was.
fn is_bounded(reason: &str) -> bool {
    reason.contains("no answer within 1.3 s") || reason.contains("no answer within 0.5 s")
}

#[test]
fn runs_of_a_stopped_server_are_unknown_everywhere_and_seen_again_when_it_goes_on() {
    let world = World::new();
    world.task("A", "%hang\n").task("B", "%hang\n");
    for task in ["A", "B"] {
        let run = world.detach("talk", task);
        world.agent_ready(&run);
    }
    let server = world.serve();
    assert_eq!(server.get("/status/talk/A").json()["state"], "running");
    let tmux = world.tmux_server_pid().unwrap();
    kill(tmux, Signal::STOP);
    wait_for(Duration::from_secs(20), "the server says that it is unknown", || {
        let status = server.get("/status/talk/A").json();
        is(status["state"] == "unknown" && is_bounded(status["reason"].as_str().unwrap_or("")), status.to_string())
    });
    let runs = server.get("/api/runs").json();
    for run in runs["runs"].as_array().unwrap() {
        assert!(run["state"] == "unknown" && is_bounded(run["reason"].as_str().unwrap()), "{run}");
    }
    let board = server.get("/ui/board");
    assert!(board.status == 200 && board.text().contains("data-state=\"unknown\""), "{board:?}");
    for words in ["status", "status talk A"] {
        let status = world.dispatch(words).any_stderr().json();
        let run = if words == "status" { &status["runs"][0] } else { &status };
        assert!(run["state"] == "unknown" && is_bounded(run["reason"].as_str().unwrap()), "{run}");
    }
    kill(tmux, Signal::CONT);
    wait_for(Duration::from_secs(20), "it is seen again", || {
        let status = server.get("/status/talk/A").json();
        is(status["state"] == "running", status.to_string())
    });
    server.assert_alive();
}

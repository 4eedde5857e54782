//! `run --resume` with the real agent: a run goes on in the conversation of the pair's last one.

use std::time::Duration;

use rustix::process::Signal;

use crate::real_claude::{PROMPT, Stage};
use crate::waiting::{is, wait_for, wait_until};
use crate::world::kill;

fn screen(stage: &Stage) -> String {
    let pane = stage.world.panes("#{pane_id}").pop().unwrap_or_default();
    stage.world.tmux_or_none(&["capture-pane", "-p", "-t", &pane]).unwrap_or_default()
}

fn shows(stage: &Stage, text: &str) {
    wait_for(Duration::from_secs(30), &format!("the window shows {text:?}"), || {
        let seen = screen(stage);
        is(seen.contains(text), seen)
    });
}

#[test]
fn after_a_killed_tmux_server_a_window_goes_on_in_its_conversation() {
    let stage = Stage::new();
    let world = &stage.world;
    stage.dispatch("text,say=First%20answer", "run -q --attach none interactive TASK-1").notes().succeeds();
    shows(&stage, "First answer");
    let before = stage.status("interactive");
    kill(world.tmux_server_pid().unwrap(), Signal::KILL);
    let lost = world.wait_state("interactive", "TASK-1", "lost");
    assert_eq!(lost["sessionId"], before["sessionId"]);
    world.dispatch("status interactive TASK-1").stdout_has("run --resume interactive TASK-1").succeeds();
    let words = "run -q --resume --attach none interactive TASK-1 --prompt 'And then?'";
    stage.dispatch("text,say=Second%20answer", words).notes().succeeds();
    shows(&stage, "Second answer");
    assert!(screen(&stage).contains("First answer"), "what was said stands above it: {}", screen(&stage));
    let after = stage.status("interactive");
    assert_eq!(after["sessionId"], before["sessionId"], "{after}");
    assert_ne!(after["runId"], before["runId"]);
    let asked = stage.requests();
    let last = asked.iter().rev().find(|request| request["last_user"].as_str().unwrap_or("").contains("And then?"));
    assert!(last.is_some(), "{asked:?}");
}

#[test]
fn a_job_goes_on_in_its_conversation() {
    let stage = Stage::new();
    stage.dispatch("text,say=First%20answer", "run -q code-review TASK-1").any_stderr().succeeds();
    let before = stage.status("code-review");
    stage
        .dispatch("text,say=Second%20answer", "run -q --resume code-review TASK-1 --prompt 'And then?'")
        .any_stderr()
        .succeeds();
    let after = stage.status("code-review");
    assert_eq!((&after["state"], &after["sessionId"]), (&"succeeded".into(), &before["sessionId"]), "{after}");
    // Nothing typed: it is asked again, in the same conversation.
    stage.dispatch("text", "run -q --resume code-review TASK-1").any_stderr().succeeds();
    assert_eq!(stage.status("code-review")["sessionId"], before["sessionId"]);
    let asked = stage.requests();
    let said = |text: &str| asked.iter().filter(|one| one["last_user"].as_str().unwrap_or("").contains(text)).count();
    assert!(said("And then?") >= 1 && said(PROMPT) >= 2, "{asked:?}");
    wait_until("nothing is left", || is(stage.world.panes("#{pane_id}").is_empty(), "a window"));
}

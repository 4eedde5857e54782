//! An agent's answer counts on its own: one that has answered and does not exit is ended, once, and
//! its answer is kept however its process ends.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::waiting::wait_until;
use crate::world::{World, kill};

const MODES: &str = r#"  asked: { agent: speaks, prompt: "{{ task.body }}", save_to: answer.md, exit_grace: 500ms, stop_grace: 2s, retry: RETRY }
  picky: { agent: speaks, prompt: "{{ task.body }}", exit_grace: 500ms, stop_grace: 2s, expect: { files: [never.txt] }, retry: RETRY }
  checked: { agent: speaks, prompt: "{{ task.body }}", exit_grace: 500ms, stop_grace: 2s, expect: { command: [test, -e, never.txt] } }
  timed: { agent: speaks, prompt: "{{ task.body }}", save_to: answer.md, timeout: 4s, stop_grace: 2s, retry: RETRY }
  brief: { agent: speaks, prompt: "{{ task.body }}", save_to: answer.md, timeout: 1500ms, exit_grace: 1h, stop_grace: 2s }
  slow: { agent: speaks, prompt: "{{ task.body }}", exit_grace: 3s }
  patient: { agent: speaks, prompt: "{{ task.body }}", save_to: answer.md, stop_grace: 2s }
"#;
const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"S"}"#;

/// A world with an agent that is read as `claude` is; `said`, `more` and `failed` hold whole turns.
fn world() -> World {
    let retry = "{ max: 2, backoff: 1ms, on: [timeout, crash, rate_limit] }";
    let world = World::with(&MODES.replace("RETRY", retry));
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let speaks = "agents:\n  speaks: { headless: [fake], prompt: { headless: stdin }, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", speaks, 1));
    world.write(
        "said",
        format!("{INIT}\n{}{}{}", block("m1", "First."), block("m1", "Second."), result("Second.", 0.5)),
    );
    world.write("more", format!("{INIT}\n{}{}", block("m2", "Third."), result("Third.", 0.75)));
    let failed = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"no"}"#;
    world.write("failed", format!("{INIT}\n{failed}\n"));
    world
}

fn block(id: &str, text: &str) -> String {
    let content = format!(r#"[{{"type":"text","text":"{text}"}}]"#);
    format!(r#"{{"type":"assistant","message":{{"id":"{id}","content":{content}}},"parent_tool_use_id":null}}"#) + "\n"
}

fn result(text: &str, cost: f64) -> String {
    format!(
        r#"{{"type":"result","subtype":"success","is_error":false,"result":"{text}","total_cost_usd":{cost},"session_id":"S"}}"#
    ) + "\n"
}

fn saved(world: &World) -> String {
    fs::read_to_string(world.project().join("answer.md")).unwrap_or_default()
}

/// The run has the answer of `said`, has cost it once, and was started once.
fn answered_once(world: &World, run: &Value) {
    assert_eq!(run["answer"], "First.\n\nSecond.", "{run}");
    assert!(run["answeredAt"].is_string(), "{run}");
    assert_eq!((&run["costUsd"], &run["attempt"]), (&0.5.into(), &1.into()), "{run}");
    assert_eq!(world.starts().len(), 1, "it was started once");
}

#[test]
fn an_agent_that_answers_and_hangs_is_ended_and_counts_by_its_answer() {
    let world = world();
    world.task("T", "%sh cat said\n%hang\n");
    world.dispatch("run -q asked T").any_stderr().succeeds();
    let run = world.status("asked", "T");
    assert_eq!((&run["state"], &run["outcomeSource"]), (&"succeeded".into(), &"result".into()), "{run}");
    assert_eq!((&run["reason"], &run["signal"]), (&"did not exit by itself".into(), &15.into()), "{run}");
    answered_once(&world, &run);
    assert_eq!(saved(&world), "First.\n\nSecond.\n");
    world.dispatch("wait asked T").succeeds();
    world.wait_all_quiet();
}

#[test]
fn an_agent_that_ignores_the_signal_is_killed_and_leaves_nothing_behind() {
    let world = world();
    world.task("T", "%ignore-term\n%setsid\n%sh cat said\n%hang\n");
    world.dispatch("run -q asked T").any_stderr().succeeds();
    let run = world.status("asked", "T");
    assert_eq!((&run["state"], &run["signal"]), (&"succeeded".into(), &9.into()), "{run}");
    answered_once(&world, &run);
    world.wait_all_quiet();
}

#[test]
fn what_it_answered_or_left_undone_fails_the_run_with_1_and_is_not_tried_again() {
    let world = world();
    world.task("BAD", "%sh cat failed\n%hang\n").task("POOR", "%sh cat said\n%hang\n");
    world.dispatch("run -q asked BAD").any_stderr().fails_with(1);
    let run = world.status("asked", "BAD");
    assert_eq!((&run["state"], &run["outcomeSource"]), (&"failed".into(), &"result".into()), "{run}");
    assert_eq!(run["reason"], "api error 429: no; did not exit by itself", "{run}");
    assert_eq!((&run["attempt"], saved(&world).as_str()), (&1.into(), ""), "an error is no answer: {run}");
    for mode in ["picky", "checked"] {
        world.dispatch("run -q").arg(mode).arg("POOR").any_stderr().fails_with(1);
        let run = world.status(mode, "POOR");
        assert_eq!((&run["state"], &run["outcomeSource"]), (&"failed".into(), &"expect".into()), "{run}");
        assert_eq!(run["answer"], "First.\n\nSecond.", "{run}");
    }
    assert_eq!(world.starts().len(), 3);
    world.wait_all_quiet();
}

#[test]
fn a_timeout_after_the_answer_loses_nothing_and_costs_nothing_more() {
    let world = world();
    world.task("T", "%sh cat said\n%hang\n");
    world.dispatch("run -q timed T").any_stderr().succeeds();
    let run = world.status("timed", "T");
    assert_eq!((&run["state"], &run["outcomeSource"]), (&"succeeded".into(), &"result".into()), "{run}");
    assert_eq!(run["reason"], "did not exit by itself", "{run}");
    answered_once(&world, &run);
    assert_eq!(saved(&world), "First.\n\nSecond.\n");
    world.wait_all_quiet();
}

#[test]
fn a_timeout_within_a_newer_turn_is_a_timeout() {
    let world = world();
    world.task("T", &format!("%sh cat said\n%out {INIT}\n%hang\n"));
    world.dispatch("run -q brief T").any_stderr().fails_with(124);
    let run = world.status("brief", "T");
    assert_eq!(run["state"], "timed_out", "{run}");
    assert!(run["answeredAt"].is_null() && run["answer"].is_null() && run["outcomeSource"].is_null(), "{run}");
    assert_eq!(saved(&world), "");
}

#[test]
fn output_after_the_end_was_requested_is_no_answer() {
    let world = world();
    world.task("T", "%sh trap 'cat said; exit 0' TERM; while :; do sleep 0.1; done\n");
    world.dispatch("run -q brief T").any_stderr().fails_with(124);
    let run = world.status("brief", "T");
    assert!(run["state"] == "timed_out" && run["answeredAt"].is_null(), "{run}");
}

#[test]
fn several_turns_with_pauses_are_not_cut() {
    let world = world();
    world.task("T", "%sh cat said; sleep 0.8; cat more; sleep 0.8; cat said; sleep 0.8; cat more\n");
    world.dispatch("run -q slow T").any_stderr().succeeds();
    let run = world.status("slow", "T");
    assert_eq!((&run["exitCode"], &run["answer"]), (&0.into(), &"Third.".into()), "{run}");
    assert!(run["reason"].is_null() && run["signal"].is_null(), "{run}");
    // A turn that takes longer than the grace, without a word.
    world.task("U", &format!("%sh cat said\n%out {INIT}\n%sh sleep 1.5; tail -n 1 more\n"));
    world.dispatch("run -q asked U").any_stderr().succeeds();
    let run = world.status("asked", "U");
    assert_eq!((&run["exitCode"], &run["answer"]), (&0.into(), &"Third.".into()), "{run}");
}

#[test]
fn output_of_any_kind_prolongs_the_grace() {
    let world = world();
    world.task("T", "%sh cat said; for n in 1 2 3 4 5 6 7 8 9 10; do echo noise >&2; sleep 0.2; done\n");
    world.dispatch("run -q asked T").any_stderr().succeeds();
    let run = world.status("asked", "T");
    assert!(run["exitCode"] == 0 && run["reason"].is_null(), "{run}");
    assert_eq!(run["outcomeSource"], "result", "{run}");
}

/// Waits until the run is seen to have answered while its process lives.
fn answered(world: &World, mode: &str) -> Value {
    wait_until("it has answered", || {
        let run = world.status(mode, "T");
        if run["answeredAt"].is_string() { Ok(run) } else { Err(run.to_string()) }
    })
}

#[test]
fn status_shows_that_it_has_answered_and_a_stop_keeps_the_answer() {
    let world = world();
    world.task("T", "%sh cat said\n%hang\n");
    world.detach("patient", "T");
    let run = answered(&world, "patient");
    assert_eq!(run["state"], "running", "{run}");
    answered_once(&world, &run);
    let text = world.dispatch("status patient T").succeeds().text();
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("patient/T: running: answered ") || first.contains(": answered "), "{text}");
    assert!(first.ends_with(" ago, has not exited"), "{text}");
    assert!(world.dispatch("status").succeeds().text().contains(" ago, has not exited"));
    world.dispatch("stop patient T").notes().succeeds();
    world.dispatch("wait patient T").any_stderr().fails_with(143);
    let run = world.status("patient", "T");
    assert!(run["state"] == "stopped" && run["outcomeSource"].is_null(), "{run}");
    answered_once(&world, &run);
    assert_eq!(saved(&world), "First.\n\nSecond.\n");
    world.wait_all_quiet();
}

#[test]
fn a_turn_that_begins_takes_the_answer_back() {
    let world = world();
    world.task("T", &format!("%sh cat said\n%until next\n%out {INIT}\n%hang\n"));
    world.detach("patient", "T");
    answered(&world, "patient");
    world.write("next", "");
    wait_until("it works on", || {
        let run = world.status("patient", "T");
        if run["answeredAt"].is_null() { Ok(()) } else { Err(run.to_string()) }
    });
    world.dispatch("stop patient T").notes().succeeds();
    world.wait_all_quiet();
}

#[test]
fn an_answer_outlives_its_supervisor_and_the_run_is_lost() {
    let world = world();
    world.task("T", "%sh cat said\n%hang\n");
    let id = world.detach("patient", "T");
    answered(&world, "patient");
    kill(world.supervisor(&id), Signal::KILL);
    let run = world.wait_state("patient", "T", "lost");
    answered_once(&world, &run);
    world.dispatch("wait patient T").any_stderr().fails_with(125);
    world.wait_all_quiet();
}

#[test]
fn an_exit_decides_for_a_text_agent_and_the_raw_events_are_never_saved() {
    let world = world();
    world.task("T", "%out fine\n").task("BAD", "%exit 3\n").task("MUTE", "%sh tail -n 1 mute\n");
    world.dispatch("run -q job T").any_stderr().succeeds();
    let run = world.status("job", "T");
    assert!(run["outcomeSource"] == "exit" && run["answeredAt"].is_string() && run["answer"].is_null(), "{run}");
    world.dispatch("run -q job BAD").any_stderr().fails_with(3);
    let run = world.status("job", "BAD");
    assert!(run["outcomeSource"] == "exit" && run["answeredAt"].is_null(), "{run}");
    world.write("mute", "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false}\n");
    world.dispatch("run -q patient MUTE").any_stderr().succeeds();
    assert_eq!(saved(&world), "", "an agent without a word has an empty answer");
}

#[test]
fn a_run_records_its_agent_and_its_caller() {
    let world =
        World::with("  first: { agent: fake, prompt: x }\n  second: { agent: fake, prompt: x, needs: [first] }\n");
    world.task("T", "%out x\n").task("NESTED", "%sh dispatch run -q job T >nested.log 2>&1\n");
    world.dispatch("run -q second T").any_stderr().succeeds();
    let by = |mode: &str, task: &str| {
        let run = world.status(mode, task);
        assert_eq!((&run["agent"], &run["executor"]), (&"fake".into(), &"local".into()), "{run}");
        run["startedBy"].as_str().unwrap().to_owned()
    };
    assert_eq!([by("first", "T"), by("second", "T")], ["need", "cli"]);
    world.shadow("dispatch", &format!("#!/bin/sh\nexec {} \"$@\"\n", crate::programs::dispatch()));
    world.dispatch("run -q job NESTED").any_stderr().succeeds();
    assert_eq!([by("job", "NESTED"), by("job", "T")], ["cli", "run"]);
    world.wait_all_quiet();
}

#[test]
fn a_grace_is_no_key_of_a_window() {
    let world = World::with("  open: { interactive: true, agent: fake, exit_grace: 5s }\n");
    world.dispatch("check").stderr_has("interactive mode cannot honour `exit_grace`").fails_with(1);
}

//! The real `claude` against the stub of its API: its answer is saved whole, counts without its exit, and
//! a login that was held back is named.

use std::fs;

use crate::real_claude::{KEY, Stage};

const MODES: &str = r#"  lingers: { agent: lingers, prompt: "{{ task.body }}", save_to: answer.md, exit_grace: 2s, retry: { max: 2, backoff: 1ms, on: [crash, timeout] } }
"#;
/// The real agent in a wrapper that goes on when it has ended.
const LINGERS: &str = "#!/bin/sh\nclaude \"$@\"\nexec sleep 1000\n";

#[test]
fn a_last_message_of_two_blocks_is_saved_whole() {
    let stage = Stage::new();
    let scenario = "text,say=The%20first%20part.,more=The%20second%20part.";
    stage.dispatch(scenario, "run -q code-review TASK-1").any_stderr().succeeds();
    let saved = fs::read_to_string(stage.world.project().join("reviews/TASK-1.md")).unwrap();
    assert_eq!(saved, "The first part.\n\nThe second part.\n");
    let run = stage.status("code-review");
    assert_eq!(run["answer"], "The first part.\n\nThe second part.", "{run}");
    assert!(run["outcomeSource"] == "result" && run["answeredAt"].is_string(), "{run}");
}

#[test]
fn one_that_answers_and_hangs_is_started_and_paid_once() {
    let stage = Stage::new();
    stage.world.shadow("lingers", LINGERS);
    let manifest = fs::read_to_string(stage.world.project().join("dispatch.yaml")).unwrap();
    let agent = "agents:\n  lingers: { headless: [lingers, -p, --output-format, stream-json, --verbose], \
                 prompt: { headless: stdin }, protocol: claude }\n";
    stage.world.write("dispatch.yaml", manifest.replacen("agents:\n", agent, 1) + MODES);
    stage.dispatch("text,say=Done", "run -q lingers TASK-1").any_stderr().succeeds();
    let run = stage.status("lingers");
    assert_eq!((&run["state"], &run["outcomeSource"]), (&"succeeded".into(), &"result".into()), "{run}");
    assert_eq!((&run["reason"], &run["attempt"]), (&"did not exit by itself".into(), &1.into()), "{run}");
    assert_eq!(run["answer"], "Done", "{run}");
    let asked =
        stage.requests().into_iter().filter(|request| request["path"].as_str().unwrap_or("").contains("/v1/messages?"));
    assert_eq!(asked.count(), 1, "one conversation: {:?}", stage.requests());
    assert_eq!(fs::read_to_string(stage.world.project().join("answer.md")).unwrap(), "Done\n");
    stage.world.wait_all_quiet_but(stage.stub.id());
}

#[test]
fn a_key_that_was_not_passed_is_named() {
    let stage = Stage::new();
    let manifest = fs::read_to_string(stage.world.project().join("dispatch.yaml")).unwrap();
    stage.world.write("dispatch.yaml", manifest.replace("pass_env: [ANTHROPIC_API_KEY, ", "pass_env: ["));
    let ended = stage.dispatch("text", "run code-review TASK-1").any_stderr().fails_with(1);
    assert!(ended.stderr.contains("`pass_env: [ANTHROPIC_API_KEY]`"), "{}", ended.stderr);
    let run = stage.status("code-review");
    assert!(run["hint"].is_string() && !run.to_string().contains(KEY), "{run}");
}

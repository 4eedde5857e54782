//! How a headless run ends: its state, its reason, and the exit code of `run` and `wait`.

use std::fs;

use crate::world::World;

/// Modes whose ends differ, beside the shared ones.
const MODES: &str = r#"  quick: { agent: fake, prompt: "{{ task.body }}", timeout: 1s, stop_grace: 1s }
  saves: { agent: fake, prompt: "{{ task.body }}", save_to: "out/{{ task.id }}.md" }
  small: { agent: fake, prompt: "{{ task.body }}", log_max: 1MiB, stop_grace: 1s }
  talks: { agent: fake, prompt: "{{ task.body }}", expect: { non_empty: true } }
  makes: { agent: fake, prompt: "{{ task.body }}", expect: { files: ["made.txt"] } }
  tested: { agent: fake, prompt: "{{ task.body }}", expect: { command: "test -s made.txt" } }
"#;

#[test]
fn the_agents_exit_code_is_the_commands() {
    let world = World::new();
    for code in [0, 1, 7, 124, 125, 126, 127, 128, 255] {
        let id = format!("EXIT-{code}");
        world.task(&id, &format!("%exit {code}"));
        world.dispatch("run job").arg(&id).notes().fails_with(code);
        let run = world.status("job", &id);
        assert_eq!(run["state"], if code == 0 { "succeeded" } else { "failed" }, "{run}");
        assert_eq!(run["exitCode"], code);
        assert_eq!(run["running"], false);
        assert!(run.get("signal").is_none(), "{run}");
        world.dispatch("wait job").arg(&id).notes().fails_with(code);
    }
}

#[test]
fn a_death_by_signal_is_128_and_the_signal_and_never_0() {
    let world = World::new();
    for signal in [1, 2, 6, 9, 11, 13, 15] {
        let id = format!("SIG-{signal}");
        world.task(&id, &format!("%signal {signal}"));
        world.dispatch("run job").arg(&id).notes().fails_with(128 + signal);
        let run = world.status("job", &id);
        assert_eq!((&run["state"], &run["signal"]), (&"failed".into(), &signal.into()), "{run}");
        assert!(run.get("exitCode").is_none(), "{run}");
    }
}

#[test]
fn a_timeout_is_124_and_ends_the_whole_tree() {
    let world = World::with(MODES);
    world.task("SLOW", "%out before\n%setsid\n%ignore-term\n%hang");
    world.dispatch("run quick SLOW").notes().stdout_has("before").fails_with(124);
    let run = world.status("quick", "SLOW");
    assert_eq!(run["state"], "timed_out");
    world.wait_all_quiet();
}

#[test]
fn an_agent_that_is_missing_or_not_executable_is_127_or_126() {
    let world = World::with("  gone: { agent: gone, prompt: x }\n  dull: { agent: dull, prompt: x }\n");
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let agents = "agents:\n  gone: { interactive: no-such-agent, headless: no-such-agent, prompt: none, protocol: text }\n  \
                  dull: { interactive: ./dull, headless: ./dull, prompt: none, protocol: text }\n";
    world.write("dispatch.yaml", manifest.replace("agents:\n", agents));
    world.write("dull", "no program");
    world.task("TASK-1", "x");
    world.dispatch("run gone TASK-1").stderr_has("`no-such-agent`").stderr_has("hint:").fails_with(127);
    world.dispatch("run dull TASK-1").stderr_has("dull").fails_with(126);
    // Nothing was started, so nothing is on record.
    world.dispatch("status gone TASK-1").any_stderr().fails_with(1);
}

#[test]
fn the_answer_is_saved_to_where_the_mode_says() {
    let world = World::with(MODES);
    world.task("TASK-1", "%out the answer");
    world.dispatch("run saves TASK-1").notes().succeeds();
    assert_eq!(fs::read_to_string(world.project().join("out/TASK-1.md")).unwrap().trim_end(), "the answer");
    world.dispatch("run job TASK-1 --save-to elsewhere.md").notes().succeeds();
    assert!(world.project().join("elsewhere.md").exists());
    world.dispatch("run job TASK-1 --save-to ../outside.md").any_stderr().fails_with(2);
    assert!(!world.root().join("outside.md").exists());
}

#[test]
fn an_answer_is_not_saved_through_a_link_that_leaves_the_folder() {
    let world = World::with(MODES);
    world.task("TASK-1", "%out the answer");
    std::os::unix::fs::symlink(world.root(), world.project().join("out")).unwrap();
    let ended = world.dispatch("run saves TASK-1").ends_somehow();
    assert_ne!(ended.code, 0);
    assert!(!world.root().join("TASK-1.md").exists());
}

#[test]
fn what_is_expected_decides_after_exit_0() {
    let world = World::with(MODES);
    world.task("QUIET", "%exit 0").task("LOUD", "%out words").task("MAKER", "%sh echo x > made.txt");
    for (mode, task, code) in
        [("talks", "QUIET", 1), ("talks", "LOUD", 0), ("makes", "QUIET", 1), ("tested", "QUIET", 1)]
    {
        world.dispatch("run").arg(mode).arg(task).any_stderr().fails_with(code);
        let run = world.status(mode, task);
        assert_eq!(run["state"], if code == 0 { "succeeded" } else { "failed" }, "{run}");
        if code != 0 {
            assert!(run["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{run}");
        }
    }
    world.dispatch("run makes MAKER").notes().succeeds();
    world.dispatch("run tested MAKER").notes().succeeds();
}

#[test]
fn a_log_over_its_limit_fails_the_run() {
    let world = World::with(MODES);
    world.task("NOISY", "%bytes 3000000\n%hang");
    world.dispatch("run -q small NOISY").any_stderr().ends_somehow();
    let run = world.status("small", "NOISY");
    assert_eq!(run["state"], "failed", "{run}");
    assert!(run["reason"].as_str().unwrap_or_default().contains("log"), "{run}");
    world.wait_all_quiet();
}

/// What Claude's protocol decides: the last `result` event together with the exit code.
#[test]
fn a_claude_run_succeeds_only_with_a_result_and_without_error() {
    let world = World::with(
        "  claude-like: { agent: like, prompt: \"{{ task.body }}\" }\n  saved: { agent: like, prompt: \"{{ task.body }}\", save_to: answer.md }\n",
    );
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let like = "agents:\n  like: { interactive: fake, headless: fake, prompt: { interactive: arg, headless: stdin }, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replace("agents:\n", like));
    let result = |error: bool, more: &str| {
        format!(
            "%out {{\"total_cost_usd\":0.5,\"session_id\":\"11111111-2222-4333-8444-555555555555\",\"is_error\":{error},\
             \"subtype\":\"success\",\"result\":\"the answer\",\"usage\":{{\"input_tokens\":200,\"output_tokens\":50}},\
             \"permission_denials\":[],\"type\":\"result\"}}\n{more}"
        )
    };
    world.task("OK", &result(false, "%exit 0"));
    world.task("ERROR", &result(true, "%exit 0"));
    world.task("CODE", &result(false, "%exit 9"));
    world.task("MUTE", "%out hello\n%exit 0");
    world.task("TORN", "%out {\"type\":\"result\",\"subtype\":\"succ\n%exit 0");
    for (task, code, state) in [
        ("OK", 0, "succeeded"),
        ("ERROR", 1, "failed"),
        ("CODE", 9, "failed"),
        ("MUTE", 1, "failed"),
        ("TORN", 1, "failed"),
    ] {
        world.dispatch("run claude-like").arg(task).any_stderr().fails_with(code);
        assert_eq!(world.status("claude-like", task)["state"], state, "{task}");
    }
    let run = world.status("claude-like", "OK");
    assert_eq!(run["costUsd"], 0.5);
    assert_eq!(run["sessionId"], "11111111-2222-4333-8444-555555555555");
    world.dispatch("run saved OK").notes().succeeds();
    assert_eq!(fs::read_to_string(world.project().join("answer.md")).unwrap().trim_end(), "the answer");
}

#[test]
fn of_several_tasks_the_first_failing_in_argument_order_decides() {
    let world = World::new();
    world.task("A", "%exit 0").task("B", "%until go\n%exit 5").task("C", "%touch go\n%exit 6");
    world.dispatch("run -k job A B C").notes().fails_with(5);
    for (task, code) in [("A", 0), ("B", 5), ("C", 6)] {
        assert_eq!(world.status("job", task)["exitCode"], code);
    }
}

#[test]
fn a_pair_that_never_ran() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    for words in ["status job TASK-1", "logs job TASK-1", "wait job TASK-1"] {
        world.dispatch(words).stderr_has("job TASK-1").fails_with(1);
    }
    let ended = world.dispatch("stop job TASK-1").notes().succeeds();
    assert!(format!("{}{}", ended.text(), ended.stderr).contains("job TASK-1"), "it says so");
}

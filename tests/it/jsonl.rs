//! Agents of protocol `jsonl`: the last line of their output reports the answer, the cost, or an error.

use std::fs;

use serde_json::Value;

use crate::world::World;

const MODES: &str = r#"  ask: { agent: reports, prompt: "{{ task.body }}" }
  saves: { agent: reports, prompt: "{{ task.body }}", save_to: answer.md, expect: { non_empty: true } }
  tries: { agent: reports, prompt: "{{ task.body }}", retry: { max: 1, backoff: 1ms, on: [crash] } }
"#;

fn world() -> World {
    let world = World::with(MODES);
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let reports = "agents:\n  reports: { headless: [fake], prompt: { headless: stdin }, protocol: jsonl }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", reports, 1));
    world
}

/// The state, the reason and what decided.
fn end(run: &Value) -> (&str, &str, &str) {
    let text = |key: &str| run[key].as_str().unwrap_or_default();
    (text("state"), text("reason"), text("outcomeSource"))
}

#[test]
fn a_report_gives_the_answer_and_the_cost() {
    let world = world();
    world.task("T", "%out working\n%out {\"result\":\"All done.\",\"costUsd\":0.25,\"sessionId\":\"S-1\"}\n");
    let shown = "working\nresult     All done.\ndone       success  $0.25\n";
    world.dispatch("run ask T").notes().stdout_is(shown).succeeds();
    let run = world.status("ask", "T");
    assert_eq!(end(&run), ("succeeded", "", "result"), "{run}");
    assert_eq!((&run["answer"], &run["costUsd"]), (&"All done.".into(), &0.25.into()), "{run}");
    assert_eq!(run["sessionId"], "S-1", "{run}");
    assert!(run["answeredAt"].is_string(), "{run}");
    let past = world.dispatch("history").json();
    assert_eq!(
        (&past["runs"][0]["costUsd"], &past["runs"][0]["answer"]),
        (&0.25.into(), &"All done.".into()),
        "{past}"
    );
    world.dispatch("logs ask T").stdout_is(shown).succeeds();
    world.dispatch("logs --raw ask T").stdout_has("{\"result\":\"All done.\",\"costUsd\":0.25").succeeds();
    world.dispatch("status ask T").stdout_has("$0.2500").succeeds();
    world.dispatch("run -q saves T").any_stderr().succeeds();
    assert_eq!(fs::read_to_string(world.project().join("answer.md")).unwrap(), "All done.\n");
}

#[test]
fn an_error_is_a_failure_with_its_reason_though_the_exit_code_is_0() {
    let world = world();
    world.task("T", "%out {\"error\":\"no such branch\",\"costUsd\":0.5}\n");
    world.dispatch("run ask T").notes().stdout_has("done       failed: no such branch").fails_with(1);
    let run = world.status("ask", "T");
    assert_eq!(end(&run), ("failed", "no such branch", "result"), "{run}");
    assert_eq!((&run["costUsd"], &run["exitCode"]), (&0.5.into(), &0.into()), "{run}");
    assert!(run.get("answer").is_none_or(Value::is_null), "{run}");
    world.dispatch("run -q tries T").any_stderr().fails_with(1);
    let run = world.status("tries", "T");
    assert_eq!(
        (&run["attempt"], &run["costUsd"]),
        (&2.into(), &1.0.into()),
        "it failed as an agent that crashes: {run}"
    );
}

#[test]
fn an_exit_code_other_than_0_is_a_failure_whatever_the_report_says() {
    let world = world();
    world.task("T", "%out {\"result\":\"fine\",\"costUsd\":0.5}\n%exit 3\n");
    world.dispatch("run -q ask T").any_stderr().fails_with(3);
    let run = world.status("ask", "T");
    assert_eq!(end(&run), ("failed", "exit code 3", "exit"), "{run}");
    assert_eq!(run["costUsd"], 0.5, "{run}");
}

#[test]
fn without_a_report_the_exit_code_decides() {
    let world = world();
    for (id, last) in [
        ("NONE", "%out plain"),
        ("BROKEN", "%out {\"result\":\"cut"),
        ("OTHER", "%out {\"level\":\"info\"}"),
        ("EARLIER", "%out {\"error\":\"passed\"}\n%out after"),
    ] {
        world.task(id, &format!("{last}\n"));
        world.dispatch("run -q ask").arg(id).any_stderr().succeeds();
        let run = world.status("ask", id);
        assert_eq!(end(&run), ("succeeded", "", "exit"), "{run}");
        assert!(run.get("answer").is_none_or(Value::is_null), "{run}");
    }
    world.task("BAD", "%out {\"result\":\"cut\n%exit 4\n");
    world.dispatch("run -q ask BAD").any_stderr().fails_with(4);
    // The answer is then all that was printed.
    world.task("TEXT", "%out one\n%out two\n");
    world.dispatch("run -q saves TEXT").any_stderr().succeeds();
    assert_eq!(fs::read_to_string(world.project().join("answer.md")).unwrap(), "one\ntwo\n");
}

#[test]
fn the_page_of_a_run_names_what_decided() {
    let world = world();
    world.task("T", "%out {\"result\":\"All done.\"}\n");
    world.task("NONE", "%out plain\n");
    let server = world.serve();
    for (id, decided) in [("T", "`success`, no error"), ("NONE", "its exit code alone: it reported no result")] {
        world.dispatch("run -q ask").arg(id).any_stderr().succeeds();
        let run = world.status("ask", id);
        let page = server.get(&format!("/ui/runs/{}", run["runId"].as_str().unwrap())).text();
        assert!(page.contains(decided), "{page}");
    }
}

#[test]
fn a_report_that_is_too_long_is_named_in_the_reason() {
    let world = world();
    let long = "head -c 17000000 /dev/zero | tr '\\0' x";
    let report = format!("%out {{\"error\":\"passed\"}}\n%sh printf '{{\"result\":\"'; {long}; echo '\"}}'\n");
    world.task("LONG", &report).task("BAD", &format!("{report}%exit 4\n"));
    let reason = "the last line of its output is too long to be read as its report";
    world.dispatch("run -d ask LONG BAD").any_stderr().succeeds();
    world.dispatch("wait ask LONG BAD").any_stderr().fails_with(4);
    let run = world.status("ask", "LONG");
    assert_eq!(end(&run), ("succeeded", reason, "exit"), "{run}");
    let run = world.status("ask", "BAD");
    assert_eq!(end(&run), ("failed", format!("exit code 4; {reason}").as_str(), "exit"), "{run}");
}

#[test]
fn a_conversation_cannot_be_resumed() {
    let world = world();
    world.task("T", "%out {\"result\":\"x\",\"sessionId\":\"S-1\"}\n");
    world.dispatch("run -q ask T").any_stderr().succeeds();
    world.dispatch("run --resume ask T").stderr_has("`ask T` has no conversation to resume").fails_with(1);
    let ended = world.dispatch("status ask T").succeeds();
    assert!(!ended.text().contains("--resume"), "{}", ended.text());
}

#[test]
fn the_manifest_and_doctor_know_the_protocol() {
    let world = world();
    world.dispatch("check").succeeds();
    let schema: Value = serde_json::from_slice(&world.dispatch("schema").succeeds().stdout).unwrap();
    let variants = schema.pointer("/$defs/AGENT/properties/protocol/anyOf/0/oneOf").and_then(Value::as_array).unwrap();
    let names: Vec<&str> = variants.iter().filter_map(|variant| variant["const"].as_str()).collect();
    assert!(names.len() >= 3 && names.contains(&"jsonl"), "{names:?}");
    world.dispatch("doctor").any_stderr().stdout_has("agent reports").ends_somehow();
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("protocol: jsonl", "protocol: jsonn"));
    let ended = world.dispatch("check").any_stderr().fails_with(1);
    assert!(names.iter().all(|name| ended.stderr.contains(&format!("`{name}`"))), "{}", ended.stderr);
}

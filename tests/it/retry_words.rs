//! What a user reads between two attempts, and when an agent has no login: the reason and the next step.

use std::fs;

use serde_json::Value;

use crate::waiting::wait_until;
use crate::world::World;

const MODES: &str = r#"  again: { agent: fake, prompt: "{{ task.body }}", retry: { max: 1, backoff: 10ms, on: [crash] } }
  late: { agent: fake, prompt: "{{ task.body }}", retry: { max: 1, backoff: 1h, on: [crash] } }
  asked: { agent: speaks, prompt: "{{ task.body }}", retry: { max: 1, backoff: 1ms, on: [rate_limit] } }
jobs: 2
"#;

fn world(more: &str) -> World {
    let world = World::with(&format!("{MODES}{more}"));
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let speaks = "agents:\n  speaks: { headless: [fake], prompt: { headless: stdin }, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", speaks, 1));
    world
}

#[test]
fn run_prints_between_two_attempts_what_failed_and_when_it_continues() {
    let world = world("");
    world.task("A", "%exit 3\n").task("B", "%signal 9\n");
    let ended = world.dispatch("run again A").any_stderr().fails_with(3);
    assert!(ended.stderr.contains("attempt 1 failed (exit 3); trying again in "), "{}", ended.stderr);
    assert!(!ended.stderr.contains("attempt 2"), "nothing follows the last one: {}", ended.stderr);
    let ended = world.dispatch("run -k again A B").any_stderr().ends_somehow();
    for said in [": attempt 1 failed (exit 3); trying again in ", ": attempt 1 failed (signal 9 (SIGKILL)); trying"] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    let quiet = world.dispatch("run -q again A").any_stderr().fails_with(3);
    assert!(!quiet.stderr.contains("attempt"), "{}", quiet.stderr);
}

#[test]
fn a_rate_limit_is_shown_with_the_local_time_of_the_next_attempt() {
    let world = world("");
    let limited = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"busy"}"#;
    world.write("limited", format!("{limited}\n"));
    world.task("T", "%sh cat limited\n%exit 1\n");
    let ended = world.dispatch("run asked T").env("TZ", "XXX-9").any_stderr().fails_with(1);
    let line = ended.stderr.lines().find(|line| line.contains("attempt 1 failed")).unwrap_or_default();
    assert!(line.contains("attempt 1 failed (api error 429: busy); trying again in "), "{}", ended.stderr);
    let run = world.status("asked", "T");
    let attempts = fs::read_to_string(world.run_folder(run["runId"].as_str().unwrap()).join("attempts.jsonl")).unwrap();
    let first: Value = serde_json::from_str(attempts.lines().next().unwrap()).unwrap();
    assert!(line.ends_with(&format!(", at {}", nine_hours_east(&first["againAt"]))), "{line} {first}");
}

#[test]
fn a_sleeping_run_tells_the_time_of_day_where_its_user_is() {
    let world = world("");
    world.task("T", "%exit 3\n");
    world.detach("late", "T");
    let run = wait_until("it sleeps", || {
        let run = world.dispatch("status late T").env("TZ", "XXX-9").json();
        if run["waitingFor"] == "retry" { Ok(run) } else { Err(run.to_string()) }
    });
    let live = fs::read_to_string(world.run_folder(run["runId"].as_str().unwrap()).join("live.json")).unwrap();
    let live: Value = serde_json::from_str(&live).unwrap();
    let at = nine_hours_east(&live["retry"]["until"]);
    let reason = run["reason"].as_str().unwrap();
    assert!(reason.starts_with("retry 1 of 1 at ") && reason.ends_with(&format!("{at}, after: exit code 3")), "{run}");
    world.dispatch("stop late T").notes().succeeds();
    world.wait_all_quiet();
}

fn nine_hours_east(at: &Value) -> String {
    let at: jiff::Timestamp = at.as_str().unwrap().parse().unwrap();
    at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(9))).strftime("%H:%M:%S").to_string()
}

/// What `claude` prints without a login.
const NO_LOGIN: &str = r#"{"type":"assistant","message":{"id":"m","model":"<synthetic>","content":[{"type":"text","text":"Not logged in"}]},"parent_tool_use_id":null,"error":"authentication_failed"}
{"type":"result","subtype":"success","is_error":true,"result":"Not logged in · Please run /login"}
"#;
const SECRET: &str = "secret-4711";
const HINT: &str = "hint: ANTHROPIC_API_KEY is set but not passed to the agent; add to the manifest: \
                    `pass_env: [ANTHROPIC_API_KEY]`";

fn fails(world: &World, words: &str) -> String {
    let ended = world.dispatch(words).env("ANTHROPIC_API_KEY", SECRET).any_stderr().fails_with(1);
    ended.stderr
}

#[test]
fn a_login_that_was_not_passed_is_named_and_never_written_down() {
    let world = world("");
    world.write("no-login", NO_LOGIN);
    world.task("T", "%sh cat no-login\n%exit 1\n").task("U", "%sh cat no-login\n%exit 1\n");
    let said = fails(&world, "run asked T");
    assert!(said.contains("Not logged in") && said.contains(HINT), "{said}");
    assert_eq!(fails(&world, "run -k asked T U").matches(HINT).count(), 1, "said once for all");
    world.dispatch("wait asked T").stderr_has(HINT).fails_with(1);
    let run = world.status("asked", "T");
    assert!(run["hint"].as_str().unwrap().ends_with("`pass_env: [ANTHROPIC_API_KEY]`"), "{run}");
    assert!(world.dispatch("status asked T").succeeds().text().contains("pass_env: [ANTHROPIC_API_KEY]"));
    let found = world.command("grep").args(["-rl", SECRET]).arg(world.state()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "no file holds the value");
}

#[test]
fn a_missing_login_is_reported_only_if_it_was_the_cause() {
    let world = world("pass_env: [ANTHROPIC_API_KEY]\n");
    world.write("no-login", NO_LOGIN);
    world.task("T", "%sh cat no-login\n%exit 1\n").task("BAD", "%out Not logged in\n%exit 1\n");
    assert!(!fails(&world, "run asked T").contains("pass_env"), "it was passed");
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("pass_env: [ANTHROPIC_API_KEY]\n", ""));
    assert!(!fails(&world, "run asked BAD").contains("pass_env"), "it did not say so in its own terms");
    let unset = world.dispatch("run asked T").any_stderr().fails_with(1);
    assert!(!unset.stderr.contains("pass_env"), "none was set: {}", unset.stderr);
}

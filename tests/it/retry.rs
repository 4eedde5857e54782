//! Failed attempts are tried again, by their own run's supervisor, and sleep without a slot.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::waiting::{is, wait_until};
use crate::world::{World, kill};

const ONE_SLOT: &str = r#"  saved: { agent: fake, prompt: "{{ task.body }}", save_to: "answer.txt" }
  brief: { agent: fake, prompt: "{{ task.body }}", timeout: 300ms }
  picky: { agent: fake, prompt: "{{ task.body }}", expect: { files: [never.txt] } }
  asked: { agent: speaks, prompt: "{{ task.body }}" }
  patient: { agent: speaks, prompt: "{{ task.body }}", timeout: 300ms }
  tracked: { agent: fake, prompt: "{{ task.body }}", sources: ["*.txt"], generates: [out.txt] }
jobs: 1
"#;

/// One slot, and an agent that is read as `claude` is.
fn world() -> World {
    let world = World::with(ONE_SLOT);
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let speaks = "agents:\n  speaks: { headless: [fake], prompt: { headless: stdin }, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", speaks, 1));
    world
}

/// Has the mode retry so, in the manifest, and starts it.
fn start(world: &World, mode: &str, task: &str, retry: &Value) -> String {
    set(world, mode, "retry", retry);
    world.detach(mode, task)
}

/// Gives a mode of one line a key of the manifest, in place of the one it has.
fn set(world: &World, mode: &str, key: &str, value: &Value) {
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let head = format!("  {mode}: {{ agent:");
    let line = manifest.lines().find(|line| line.starts_with(&head)).unwrap().to_owned();
    let body = line.split(&format!(", {key}: ")).next().unwrap().trim_end().trim_end_matches('}').trim_end();
    world.write("dispatch.yaml", manifest.replace(&line, &format!("{body}, {key}: {value} }}")));
}

fn ended(world: &World, mode: &str, task: &str) -> Value {
    world.dispatch("wait").arg(mode).arg(task).any_stderr().ends_somehow();
    world.status(mode, task)
}

/// Waits until the run sleeps between two attempts.
fn rests(world: &World, mode: &str, task: &str) -> Value {
    wait_until("it rests", || {
        let seen = world.status(mode, task);
        if seen["waitingFor"] == "retry" { Ok(seen) } else { Err(seen.to_string()) }
    })
}

fn attempts(world: &World, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(world.run_folder(run).join("attempts.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the agent does the first time only: `first`, then it is killed.
fn once(first: &str) -> String {
    format!("%sh test -e second || {{ touch second; {first} kill -KILL $PPID; }}\n%until second\n")
}

#[test]
fn a_killed_agent_is_tried_again_and_only_its_last_words_count() {
    let world = world();
    let body = format!("%out said\n{}%out answer\n", once(""));
    world.task("T", &body);
    let run = start(&world, "saved", "T", &json!({ "max": 2, "backoff": "10ms", "on": ["crash"] }));
    let end = ended(&world, "saved", "T");
    assert_eq!(
        (&end["state"], &end["attempt"], &end["exitCode"]),
        (&"succeeded".into(), &2.into(), &0.into()),
        "{end}"
    );
    let attempts = attempts(&world, &run);
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert_eq!((&attempts[0]["state"], &attempts[0]["signal"]), (&"failed".into(), &9.into()), "{attempts:?}");
    assert_eq!((&attempts[1]["state"], &attempts[1]["attempt"]), (&"succeeded".into(), &2.into()), "{attempts:?}");
    assert_eq!(attempts[0]["stdoutTo"], attempts[1]["stdoutFrom"], "{attempts:?}");
    let logs = fs::read_to_string(world.run_folder(&run).join("stdout.log")).unwrap();
    assert_eq!(logs, "said\nsaid\nanswer\n", "the log goes on");
    assert_eq!(fs::read_to_string(world.project().join("answer.txt")).unwrap(), "said\nanswer\n");
    let prompt = String::from_utf8(world.saw(&run, "stdin")).unwrap();
    assert_eq!(prompt.matches("%out answer").count(), 2, "the prompt was given anew: {prompt}");
    world.wait_all_quiet();
}

#[test]
fn it_sleeps_without_its_slot_until_a_stop() {
    let world = world();
    world.task("T", "%exit 3\n");
    let run = start(&world, "job", "T", &json!({ "max": 1, "backoff": "1h", "on": ["crash"] }));
    assert_eq!(rests(&world, "job", "T")["attempt"], 1);
    world.task("NEXT", "%out x\n");
    world.dispatch("run -q job NEXT").any_stderr().succeeds();
    world.dispatch("stop job T").notes().succeeds();
    let end = ended(&world, "job", "T");
    assert_eq!((&end["state"], &end["attempt"]), (&"stopped".into(), &1.into()), "{end}");
    assert_eq!(attempts(&world, &run).len(), 1);
    world.wait_all_quiet();
}

#[test]
fn a_sleeper_that_is_killed_is_lost_and_its_pair_is_free() {
    let world = world();
    world.task("T", "%exit 3\n");
    let run = start(&world, "job", "T", &json!({ "max": 1, "backoff": "1h", "on": ["crash"] }));
    rests(&world, "job", "T");
    kill(world.supervisor(&run), Signal::KILL);
    assert_eq!(world.wait_state("job", "T", "lost")["attempt"], 1);
    world.task("T", "%out x\n");
    world.dispatch("run -q job T").any_stderr().succeeds();
    world.wait_all_quiet();
}

#[test]
fn a_queued_run_gets_the_slot_while_another_one_sleeps() {
    let world = world();
    world.task("T", "%out T\n%until third\n%exit 3\n").task("NEXT", "%out x\n");
    let run = start(&world, "job", "T", &json!({ "max": 1, "backoff": "1h", "on": ["crash"] }));
    world.agent_ready(&run);
    let next = world.detach("job", "NEXT");
    assert_eq!(world.starts().iter().filter(|note| note.run == next).count(), 0, "it waits");
    world.write("third", "");
    // No command runs: the sleeping supervisor advances the queue.
    world.agent_ready(&next);
    world.dispatch("stop job T").notes().succeeds();
    world.wait_all_quiet();
}

#[test]
fn each_attempt_has_the_whole_time_and_only_named_failures_count() {
    let world = world();
    let retry = json!({ "max": 1, "backoff": "1ms", "on": ["timeout"] });
    world.task("SLOW", "%hang\n").task("BAD", "%exit 7\n").task("POOR", "%out x\n");
    let run = start(&world, "brief", "SLOW", &retry);
    let end = ended(&world, "brief", "SLOW");
    assert_eq!((&end["state"], &end["attempt"]), (&"timed_out".into(), &2.into()), "{end}");
    let both = attempts(&world, &run);
    assert!(both.len() == 2 && both.iter().all(|attempt| attempt["state"] == "timed_out"), "{both:?}");
    start(&world, "job", "BAD", &retry);
    let end = ended(&world, "job", "BAD");
    assert_eq!((&end["state"], &end["attempt"], &end["exitCode"]), (&"failed".into(), &1.into(), &7.into()), "{end}");
    let all = json!({ "max": 3, "backoff": "1ms", "on": ["timeout", "crash", "rate_limit"] });
    start(&world, "picky", "POOR", &all);
    let end = ended(&world, "picky", "POOR");
    assert_eq!((&end["state"], &end["attempt"]), (&"failed".into(), &1.into()), "an expectation is not retried: {end}");
}

#[test]
fn a_rate_limit_that_clears_is_one_run_with_two_conversations_and_both_costs() {
    let world = world();
    let result = |rest: &str| format!("{{\"type\":\"result\",\"result\":\"words\",{rest}}}\n");
    world.write(
        "limited",
        result(r#""subtype":"success","is_error":true,"api_error_status":429,"total_cost_usd":0.25"#),
    );
    world.write("fine", result(r#""subtype":"success","is_error":false,"total_cost_usd":0.5"#));
    world.task("T", &format!("{}%sh cat fine\n", once("cat limited;")));
    // A rate limit is what is retried where nothing else is named.
    let run = start(&world, "asked", "T", &json!({ "max": 1, "backoff": "1ms" }));
    let end = ended(&world, "asked", "T");
    assert_eq!(
        (&end["state"], &end["attempt"], &end["costUsd"]),
        (&"succeeded".into(), &2.into(), &0.75.into()),
        "{end}"
    );
    let words = world.saw_words(&run, "argv");
    let ids: Vec<&String> = words.windows(2).filter(|pair| pair[0] == "--session-id").map(|pair| &pair[1]).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{words:?}");
    assert_eq!(end["sessionId"], **ids[1], "the last attempt's: {end}");
    let both = attempts(&world, &run);
    assert_eq!((&both[0]["costUsd"], &both[0]["sessionId"]), (&0.25.into(), &json!(ids[0])), "{both:?}");
    is(both.len() == 2, format!("{both:?}")).unwrap();
}

#[test]
fn an_agent_whose_time_is_up_while_it_waits_for_a_limit_was_limited() {
    let world = world();
    let waits = r#"{"type":"system","subtype":"api_retry","retry_delay_ms":20,"error_status":429}"#;
    world.task("T", &format!("%out {waits}\n%hang\n"));
    start(&world, "patient", "T", &json!({ "max": 1, "backoff": "1ms", "on": ["rate_limit"] }));
    let end = ended(&world, "patient", "T");
    assert_eq!((&end["state"], &end["attempt"]), (&"timed_out".into(), &2.into()), "{end}");
}

#[test]
fn inputs_are_recorded_after_a_success_that_changed_none_of_them() {
    let world = world();
    let recorded = |task: &str, body: &str| {
        world.task(task, body);
        let run = world.detach("tracked", task);
        ended(&world, "tracked", task);
        fs::read(world.run_folder(&run).join("fresh.json")).ok().map(|text| serde_json::from_slice(&text).unwrap())
    };
    world.write("in.txt", "in");
    let record: Value = recorded("T", "%sh echo made >out.txt\n").expect("it succeeded");
    let sources = record["fingerprint"]["sources"].as_object().unwrap();
    assert_eq!(sources.keys().collect::<Vec<_>>(), ["in.txt"], "{record}");
    assert_eq!(recorded("U", "%sh echo more >>in.txt\n"), None, "it changed a source");
    assert_eq!(recorded("V", "%sh echo new >new.txt\n"), None, "it made one");
    assert_eq!(recorded("W", "%exit 1\n"), None, "it failed");
    assert!(recorded("X", "%out x\n").is_some());
}

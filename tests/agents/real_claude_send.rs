//! The real `claude`: what is sent arrives byte for byte, and a job that needs a decision goes on with its
//! user there.

use std::time::Duration;

use serde_json::Value;

use crate::random::Random;
use crate::real_claude::Stage;
use crate::waiting::{is, rounds, wait_for};

/// Whatever is asked of the stub, it is asked soon.
const SOON: Duration = Duration::from_secs(30);

fn asked(stage: &Stage, text: &str) {
    wait_for(SOON, &format!("the agent received {text:?}"), || {
        let requests = stage.requests();
        let reported = |request: &Value| request["last_user"].as_str().unwrap_or("").contains(text);
        is(requests.iter().any(reported), format!("{:?}", requests.last()))
    });
}

/// The last that the agent said of itself.
fn record(stage: &Stage) -> Option<Value> {
    let run = stage.status("interactive")["runId"].as_str()?.to_owned();
    serde_json::from_slice(&std::fs::read(stage.world.run_folder(&run).join("agent.json")).ok()?).ok()
}

/// What this agent keeps as it is, in up to some 400 bytes: the stub shows no more.
fn text(random: &mut Random, n: usize) -> String {
    let pieces = [
        "word ",
        "\n",
        "\n\n",
        "  ",
        "é",
        "日本",
        "'",
        "\"",
        "$(id)",
        "\\",
        ";",
        "#{pane_id}",
        "%s",
        "!",
        "~",
        "-t ",
        "C-c",
    ];
    let most = if random.below(3) == 0 { 90 } else { 12 };
    let count = 1 + random.below(most);
    let text: String = (0..count).map(|_| pieces[random.below(pieces.len())]).collect();
    format!("message {n}: {text}{}", if random.below(4) == 0 { "\\" } else { "." })
}

fn sends(stage: &Stage, text: &str) {
    let answer = stage
        .world
        .dispatch("send interactive TASK-1 -")
        .stdin(format!("{text}\n"))
        .within(Duration::from_secs(120))
        .json();
    assert_eq!((&answer["confirmed"], &answer["exact"]), (&true.into(), &true.into()), "{text:?} {answer}");
    asked(stage, text);
}

#[test]
fn texts_arrive_exactly_while_it_starts_works_and_rests() {
    let stage = Stage::new();
    let mut random = Random::new();
    println!("SEED={}", random.seed);
    // Each turn takes a second: what follows comes in the middle of it.
    stage.dispatch("slow,n=4,ms=250", "run -q --attach none interactive TASK-1").notes().succeeds();
    for n in 0..rounds(20).max(4) {
        sends(&stage, &text(&mut random, n));
    }
    // Commands work as typed: another conversation begins.
    let rests = || record(&stage).filter(|record| record["state"] == "idle").ok_or("it works".to_owned());
    let before = wait_for(SOON, "it rests", rests);
    stage.world.dispatch("send interactive TASK-1 /clear").notes().within(SOON).succeeds();
    wait_for(SOON, "it is another conversation", || {
        let now = record(&stage).unwrap_or_default();
        is(now["sessionId"].is_string() && now["sessionId"] != before["sessionId"], now.to_string())
    });
    sends(&stage, "after the clearing\nall is new");
}

#[test]
fn nothing_is_typed_while_it_asks_for_permission() {
    let stage = Stage::new();
    stage.dispatch("tool,cmd=touch%20made.txt", "run -q --attach none interactive TASK-1").notes().succeeds();
    let screen = || {
        let pane = stage.world.panes("#{pane_id}").pop().unwrap_or_default();
        stage.world.tmux_or_none(&["capture-pane", "-p", "-t", &pane]).unwrap_or_default()
    };
    wait_for(SOON, "it asks", || is(screen().contains("1. Yes"), screen()));
    let ended = stage
        .world
        .dispatch("send interactive TASK-1 1")
        .stderr_has("hint: dispatch attach interactive TASK-1")
        .fails_with(1);
    assert!(ended.stderr.contains("nothing was typed"), "{}", ended.stderr);
    assert!(screen().contains("1. Yes"), "{}", screen());
    assert!(!stage.world.project().join("made.txt").exists());
}

#[test]
fn a_job_that_needs_a_decision_says_so_and_goes_on_in_a_window() {
    let stage = Stage::new();
    let world = &stage.world;
    let ended = stage.dispatch("tool,cmd=touch%20made.txt", "run code-review TASK-1").any_stderr().succeeds();
    let run = stage.status("code-review");
    let go_on = run["goOn"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned();
    assert!(
        ended.stderr.contains("needs a decision: permission (Bash)") && ended.stderr.contains(&go_on),
        "{}",
        ended.stderr
    );
    assert_eq!(
        (&run["state"], &run["reason"]),
        (&"succeeded".into(), &"needs a decision: permission (Bash)".into()),
        "{run}"
    );
    world
        .dispatch("status code-review TASK-1")
        .stdout_has(format!("go on     {go_on}"))
        .stdout_has("denied    Bash")
        .succeeds();
    world.dispatch("status").stdout_has("needs a decision").succeeds();
    world.dispatch("history").stdout_has("succeeded (needs a decision)").succeeds();
    assert_eq!(world.history()[0]["goOn"], go_on.as_str());
    // The very command, by a shell; its end is the window's.
    let words = go_on.strip_prefix("dispatch ").unwrap();
    stage.dispatch("text,say=Now%20you%20are%20here", words).arg("-q").arg("--attach").arg("none").notes().succeeds();
    let window = world.status("none", "TASK-1");
    assert_eq!((&window["sessionId"], &window["headless"]), (&run["sessionId"], &false.into()), "{window}");
    stage.world.dispatch("send none TASK-1").arg("Do it, then.").notes().within(SOON).succeeds();
    wait_for(SOON, "it goes on in what was said before", || {
        let requests = stage.requests();
        let last =
            requests.iter().rev().find(|request| request["last_user"].as_str().unwrap_or("").contains("Do it, then."));
        // The prompt, its answer with a tool, the refusal, the answer, and this.
        is(last.is_some_and(|request| request["nmsg"].as_u64().unwrap_or(0) >= 5), format!("{last:?}"))
    });
    // Joined, where it is asked for again; a conversation of another run is not that.
    stage.dispatch("text", words).arg("-q").arg("--attach").arg("none").notes().succeeds();
    stage.dispatch("text,say=x", "run -q code-review TASK-1").any_stderr().succeeds();
    let other = stage.status("code-review")["runId"].as_str().unwrap().to_owned();
    world
        .dispatch(&format!("run --resume={other} --attach none none TASK-1"))
        .stderr_has("another conversation")
        .fails_with(1);
    let never = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    world.dispatch(&format!("run --resume={never} none TASK-1")).stderr_has(never).fails_with(1);
    world.dispatch("run --resume=what none TASK-1").any_stderr().fails_with(2);
}

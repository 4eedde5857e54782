//! The real `claude` program against a stub of its API on the loopback: no account, no network.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::waiting::{is, wait_until};
use crate::world::World;

const MODES: &str = r#"version: 1
session: world
tasks: [{ files: "tasks/*.md" }]
env: { DISABLE_AUTOUPDATER: "1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", CLAUDE_CODE_MAX_RETRIES: "0", IS_SANDBOX: "1" }
pass_env: [ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL]
jobs: 1
agents:
  fake: { headless: [fake], prompt: { headless: stdin }, protocol: text }
modes:
  job: { agent: fake, prompt: "{{ task.body }}" }
  code-review:
    prompt: "{{ task.body }}"
    flags: [--permission-mode, default]
    save_to: "reviews/{{ task.id }}.md"
  retries:
    prompt: "{{ task.body }}"
    flags: [--permission-mode, default]
    save_to: "reviews/{{ task.id }}.md"
    retry: { max: 1, backoff: 10ms }
  few-turns: { prompt: "{{ task.body }}", flags: [--max-turns, "2"] }
  bad-flag: { prompt: "{{ task.body }}", flags: [--no-such-flag] }
  brief: { prompt: "{{ task.body }}", timeout: 4s, stop_grace: 5s }
  interactive:
    interactive: true
    prompt: "{{ task.body }}"
    flags: [--permission-mode, default]
"#;

pub(crate) const KEY: &str = "dummy-key-0001";
pub(crate) const PROMPT: &str =
    "First line; \"quoted\" 'single' $HOME `tick`\n\n- second {{ no }} #{pane_id}\nlast line;";

/// A world with the real agent, and the stub it talks to.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) stub: Child,
    port: u16,
}

/// The agent's own program, as `scripts/test.sh` installs it.
fn agent() -> PathBuf {
    let modules = crate::programs::repository().join("target/test-tools/node_modules/@anthropic-ai");
    let candidates = fs::read_dir(&modules).into_iter().flatten().flatten().map(|entry| entry.path().join("claude"));
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no claude below {}; `bash scripts/test.sh` installs it", modules.display()))
}

impl Stage {
    pub(crate) fn new() -> Self {
        let world = World::bare();
        world.write("dispatch.yaml", MODES);
        world.task("TASK-1", PROMPT);
        world.git_init();
        std::os::unix::fs::symlink(agent(), world.root().join("bin/claude")).unwrap();
        let project = world.project();
        let answers = serde_json::json!({
            "hasCompletedOnboarding": true,
            "customApiKeyResponses": { "approved": [KEY], "rejected": [] },
            "projects": { project.to_str().unwrap(): { "hasTrustDialogAccepted": true } },
        });
        fs::write(world.root().join("home/.claude.json"), answers.to_string()).unwrap();

        let script = crate::programs::repository().join("tests/agents/stub_messages_api.mjs");
        let stub = world.command("node").arg(script).args(["--port", "0"]).stdout(Stdio::piped()).spawn();
        let mut stub = stub.unwrap_or_else(|error| panic!("the tests need `node`: {error}"));
        let mut line = String::new();
        BufReader::new(stub.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening ").and_then(|port| port.parse().ok());
        Self { world, stub, port: port.unwrap_or_else(|| panic!("the stub said {line:?}")) }
    }

    /// `dispatch` with the agent pointed at one of the stub's scenarios.
    pub(crate) fn dispatch(&self, scenario: &str, words: &str) -> crate::command::Dispatch {
        self.world
            .dispatch(words)
            .env("ANTHROPIC_API_KEY", KEY)
            .env("ANTHROPIC_BASE_URL", format!("http://127.0.0.1:{}/{scenario}", self.port))
    }

    /// What the stub was asked so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /__log HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    pub(crate) fn status(&self, mode: &str) -> Value {
        self.world.status(mode, "TASK-1")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.stub.kill();
        let _ = self.stub.wait();
    }
}

#[test]
fn doctor_shows_its_version_and_its_login() {
    let stage = Stage::new();
    let found = |call: crate::command::Dispatch| {
        let ended = call.any_stderr().ends_somehow();
        let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let all = report["findings"].as_array().unwrap().clone();
        let of = |what: &str| all.iter().find(|finding| finding["what"] == what).cloned().unwrap_or_default();
        (of("agent claude"), of("login of claude"))
    };
    let (agent, login) = found(stage.dispatch("text", "doctor --json"));
    assert!(agent["state"] == "ok" && agent["found"].as_str().unwrap().contains("(Claude Code)"), "{agent}");
    assert!(login["state"] == "ok" && login["found"] == "logged in (api_key)", "{login}");
    // The questions that it would ask in a window: none, until the folder is no longer trusted.
    let first = |words: &str| {
        let ended = stage.dispatch("text", "doctor --json").any_stderr().ends_somehow();
        let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let all = report["findings"].as_array().unwrap().clone();
        let reported = all.into_iter().find(|finding| finding["what"] == "first run of claude").unwrap();
        assert!(reported["found"].as_str().unwrap().contains(words), "{reported}");
    };
    first("asks nothing");
    let config = stage.world.root().join("home/.claude.json");
    fs::write(&config, fs::read_to_string(&config).unwrap().replace("hasTrustDialogAccepted", "hasOther")).unwrap();
    first("trust dialog");
    let (_, login) = found(stage.world.dispatch("doctor --json"));
    assert!(login["state"] == "fail" && login["cure"].as_str().unwrap().contains("auth login"), "{login}");
    let asked: Vec<Value> = stage.requests().into_iter().filter(|request| request["method"] == "POST").collect();
    assert!(asked.is_empty(), "no conversation was begun: {asked:?}");
}

#[test]
fn a_review_succeeds_with_its_cost_session_and_answer() {
    let stage = Stage::new();
    let ended = stage.dispatch("text,say=Looks%20good", "run code-review TASK-1").any_stderr().succeeds();
    assert!(ended.text().contains("Looks good"), "{}", ended.text());
    assert!(!ended.text().contains("\"type\":\"assistant\""), "messages, not JSON: {}", ended.text());
    let run = stage.status("code-review");
    assert_eq!((&run["state"], &run["exitCode"]), (&"succeeded".into(), &0.into()), "{run}");
    assert!(run["costUsd"].as_f64().unwrap() > 0.0, "{run}");
    assert_eq!(run["sessionId"].as_str().unwrap().len(), 36, "{run}");
    let saved = fs::read_to_string(stage.world.project().join("reviews/TASK-1.md")).unwrap();
    assert_eq!(saved.trim_end(), "Looks good");
    // The prompt came whole, by stdin.
    let asked =
        stage.requests().into_iter().any(|request| request["last_user"].as_str().unwrap_or("").contains(PROMPT));
    assert!(asked, "{:?}", stage.requests());
    let raw = stage.world.dispatch("logs code-review TASK-1 --raw --stdout").succeeds().text();
    assert!(raw.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "--raw is the agent's own JSON");
}

#[test]
fn a_tool_that_runs_and_one_that_is_denied() {
    let stage = Stage::new();
    stage.dispatch("tool,cmd=touch%20made.txt", "run code-review TASK-1").any_stderr().succeeds();
    let run = stage.status("code-review");
    assert_eq!(run["state"], "succeeded", "a denial alone is no failure: {run}");
    assert_eq!(run["denials"][0]["tool"], "Bash", "{run}");
    assert!(!stage.world.project().join("made.txt").exists());
}

#[test]
fn an_api_error_fails_though_the_agent_calls_it_success() {
    let stage = Stage::new();
    stage.dispatch("400", "run code-review TASK-1").any_stderr().fails_with(1);
    let run = stage.status("code-review");
    assert_eq!(run["state"], "failed", "{run}");
    assert!(run["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{run}");
}

#[test]
fn a_rate_limit_that_clears_is_retried_in_one_run() {
    let stage = Stage::new();
    stage.dispatch("429,times=1,say=Good%20now", "run -q retries TASK-1").any_stderr().succeeds();
    let end = stage.status("retries");
    let run = end["runId"].as_str().unwrap();
    assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &2.into()), "{end}");
    let saved = fs::read_to_string(stage.world.project().join("reviews/TASK-1.md")).unwrap();
    assert_eq!(saved.trim_end(), "Good now");
    let text = fs::read_to_string(stage.world.run_folder(run).join("attempts.jsonl")).unwrap();
    let both: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(both.len() == 2 && both[0]["sessionId"] != both[1]["sessionId"], "{text}");
    assert!(both[0]["reason"].as_str().unwrap().contains("429"), "{text}");
    assert_eq!(both[1]["sessionId"], end["sessionId"], "{text}");
}

#[test]
fn too_many_turns_fail() {
    let stage = Stage::new();
    stage.dispatch("toolloop", "run few-turns TASK-1").any_stderr().fails_with(1);
    assert_eq!(stage.status("few-turns")["state"], "failed");
}

#[test]
fn a_bad_flag_fails_with_the_agents_own_words() {
    let stage = Stage::new();
    let ended = stage.dispatch("text", "run bad-flag TASK-1").any_stderr().fails_with(1);
    assert!(ended.stderr.contains("no-such-flag"), "{}", ended.stderr);
    assert_eq!(stage.status("bad-flag")["state"], "failed");
}

#[test]
fn a_hang_past_its_timeout_is_124() {
    let stage = Stage::new();
    stage.dispatch("hang", "run brief TASK-1").any_stderr().fails_with(124);
    assert_eq!(stage.status("brief")["state"], "timed_out");
    stage.world.wait_all_quiet_but(stage.stub.id());
}

#[test]
fn stop_ends_it_with_143_and_its_tools_too() {
    let stage = Stage::new();
    stage.dispatch("hang", "run -d code-review TASK-1").notes().succeeds();
    wait_until("the agent asked the stub", || {
        let asked = stage.requests();
        is(
            asked.iter().any(|request| request["path"].as_str().unwrap_or("").contains("/v1/messages")),
            format!("{asked:?}"),
        )
    });
    stage.world.dispatch("stop code-review TASK-1").notes().succeeds();
    stage.world.dispatch("wait code-review TASK-1").any_stderr().fails_with(143);
    let run = stage.status("code-review");
    assert_eq!(run["state"], "stopped", "{run}");
    stage.world.wait_all_quiet_but(stage.stub.id());
}

#[test]
fn in_a_window_it_gets_its_prompt_and_its_exit_is_read() {
    let stage = Stage::new();
    let world = &stage.world;
    stage.dispatch("text,say=Hello", "run -q --attach none interactive TASK-1").notes().succeeds();
    let screen = |world: &World| {
        let pane = world.panes("#{pane_id}").pop().unwrap_or_default();
        world.tmux_or_none(&["capture-pane", "-p", "-t", &pane]).unwrap_or_default()
    };
    crate::waiting::wait_for(std::time::Duration::from_secs(30), "the stub was asked with the whole prompt", || {
        let asked = stage.requests();
        let whole = asked.iter().any(|request| request["last_user"].as_str().unwrap_or("").contains(PROMPT));
        is(whole, format!("{}\n{asked:?}", screen(world)))
    });
    wait_until("it answered", || {
        let seen = screen(world);
        is(seen.contains("Hello"), seen)
    });
    assert_eq!(stage.status("interactive")["state"], "running");
    let pane = world.panes("#{pane_id}").pop().unwrap();
    world.tmux(&["send-keys", "-t", &pane, "-l", "/exit"]);
    wait_until("the command is typed", || {
        let seen = screen(world);
        is(seen.contains("/exit"), seen)
    });
    world.tmux(&["send-keys", "-t", &pane, "Enter"]);
    let run = world.wait_state("interactive", "TASK-1", "succeeded");
    assert_eq!(run["exitCode"], 0, "{run}");
    assert_eq!(run["sessionId"].as_str().map(str::len), Some(36), "{run}");
}

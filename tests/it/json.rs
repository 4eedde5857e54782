//! `--json`: one document from each command, on success and on failure; JSON Lines from what goes on.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::command::{Ended, Started};
use crate::git::WORKTREES;
use crate::waiting::{is, wait_until};
use crate::world::{BASE, World};

const MODES: &str = r#"  idle: { agent: fake, prompt: "%until go" }
  more: { agent: fake, prompt: "%exit 0" }
  gated: { agent: fake, prompt: "%exit 0", gate: approve }
  fails: { agent: fake, prompt: "%out no\n%exit 3" }
  gone: { agent: nowhere, prompt: "x" }
"#;

/// The call with its expected exit code, and a member of its document.
type Row = (&'static str, i32, &'static str);

/// In this order: a later row may need what an earlier one did.
const RESULTS: &[Row] = &[
    ("init -C ../fresh", 0, "files"),
    ("schema", 0, "properties"),
    ("completions bash", 0, "script"),
    ("check", 0, "ok"),
    ("modes", 0, "modes"),
    ("tasks", 0, "tasks"),
    ("task T", 0, "body"),
    ("render job T", 0, "argv"),
    ("status", 0, "runs"),
    ("status --tmux", 0, "running"),
    ("status --tmux -C ..", 0, "running"),
    ("history", 0, "runs"),
    ("history --by mode", 0, "groups"),
    ("prune", 0, "pruned"),
    ("plan", 0, "steps"),
    ("down", 0, "runs"),
    ("wait --all", 0, "runs"),
    ("stop --all", 0, "runs"),
    ("stop T", 0, "runs"),
    ("run -n job T", 0, "argv"),
    ("run job T", 0, "runId"),
    ("--json more T", 0, "runId"),
    ("run fails T", 3, "exitCode"),
    ("run job T U", 0, "runs"),
    ("run fails T U", 3, "runs"),
    ("run -d idle T", 0, "runs"),
    ("run -d gated T", 0, "runs"),
    ("run --attach none talk W", 0, "runs"),
    ("status idle T", 0, "runId"),
    ("status T", 0, "runs"),
    ("status --explain", 0, "runs"),
    ("approve gated T", 0, "runId"),
    ("wait gated T", 0, "runs"),
    ("wait fails T", 3, "runs"),
    ("attach --print talk W", 0, "attachCommand"),
    ("attach --terminal none talk W", 0, "attached"),
    ("attach talk W", 0, "attached"),
    ("send talk W hello", 0, "sent"),
    ("restart -n job T", 0, "replaces"),
    ("restart job T", 0, "replaces"),
    ("stop idle T", 0, "runs"),
    ("stop --mode talk", 0, "runs"),
    ("up", 0, "steps"),
    ("diff T", 0, "mergeBase"),
    ("merge T", 0, "method"),
    ("clean -n T", 0, "removed"),
    ("clean -n --merged", 0, "cleaned"),
    ("task new Words", 0, "path"),
    ("task done U", 0, "changed"),
    ("doctor", 1, "findings"),
];

/// Commands that have failed, with the exit code and the `code` of their document.
const FAILURES: &[Row] = &[
    ("", 2, "usage"),
    ("--json nonsense", 2, "usage"),
    ("run nope T", 2, "unknown_mode"),
    ("run job nope", 2, "unknown_task"),
    ("run job", 2, "usage"),
    ("run gone T", 127, "agent_not_found"),
    ("run -d gone T", 127, "agent_not_found"),
    ("run gone T U", 127, "agent_not_found"),
    ("run --resume=zz job T", 2, "usage"),
    ("status nope", 2, "unknown_task"),
    ("status nope T", 2, "unknown_mode"),
    ("status U", 1, "never_run"),
    ("status --watch nope", 2, "unknown_task"),
    ("ui", 2, "usage"),
    ("logs", 2, "usage"),
    ("logs job U", 1, "never_run"),
    ("logs --run zz", 2, "usage"),
    ("logs -f --all --tail x", 2, "usage"),
    ("stop nope", 2, "unknown_task"),
    ("stop", 2, "usage"),
    ("restart job U", 1, "never_run"),
    ("wait --mode nope", 2, "unknown_mode"),
    ("wait job U", 1, "never_run"),
    ("wait idle T --timeout 20ms", 124, "timed_out"),
    ("attach job T", 1, "failed"),
    ("attach", 2, "usage"),
    ("attach --here talk W", 2, "usage"),
    ("attach --terminal nonsense talk W", 2, "usage"),
    ("send idle T hello", 2, "usage"),
    ("plan -C ..", 2, "bad_manifest"),
    ("up -C ..", 2, "bad_manifest"),
    ("down -C ..", 2, "bad_manifest"),
    ("approve job T", 1, "not_waiting"),
    ("tasks -C ..", 2, "bad_manifest"),
    ("task nope", 2, "unknown_task"),
    ("modes -C ..", 2, "bad_manifest"),
    ("modes -f broken.yaml", 2, "bad_manifest"),
    ("render job nope", 2, "unknown_task"),
    ("history --mode nope", 2, "unknown_mode"),
    ("check -C ..", 2, "bad_manifest"),
    ("diff nope", 2, "unknown_task"),
    ("shell T", 2, "usage"),
    ("merge nope", 2, "unknown_task"),
    ("merge T", 1, "conflict"),
    ("pr nope", 2, "unknown_task"),
    ("clean T", 1, "conflict"),
    ("clean --merged -C ..", 2, "bad_manifest"),
    ("task edit T", 2, "usage"),
    ("task done nope", 2, "unknown_task"),
    ("prune -C ..", 2, "bad_manifest"),
    ("serve --bind 192.0.2.1", 2, "usage"),
    ("token -C ../fresh", 1, "failed"),
    ("doctor --nonsense", 2, "usage"),
    ("init -C tasks/T.md", 1, "failed"),
    ("schema nonsense", 2, "usage"),
    ("completions nonsense", 2, "usage"),
];

fn world() -> World {
    let world = World::bare();
    let manifest = format!("{BASE}{MODES}{WORKTREES}");
    let nowhere = "agents:\n  nowhere: { headless: [not-there], protocol: text }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", nowhere, 1));
    world.task("T", "%exit 0").task("U", "%exit 0").task("W", "%hang");
    std::fs::create_dir(world.root().join("fresh")).unwrap();
    world.git_init();
    world
}

/// Stdout as one document.
#[track_caller]
fn document(words: &str, ended: &Ended) -> Value {
    let seen = || format!("$ dispatch {words}\nstdout:\n{}\nstderr:\n{}", ended.text(), ended.stderr);
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("not one document: {error}\n{}", seen()))
}

#[track_caller]
fn is_error(words: &str, document: &Value, code: &str) {
    let error = &document["error"];
    assert_eq!(error["code"], code, "$ dispatch {words}\n{document}");
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "$ dispatch {words}\n{document}");
    assert!(error.get("hint").is_none_or(Value::is_string), "$ dispatch {words}\n{document}");
    assert_eq!(document.as_object().unwrap().len(), 1, "$ dispatch {words}\n{document}");
}

/// The commands that `--help` lists.
fn commands(world: &World) -> Vec<String> {
    let help = world.dispatch("--help").succeeds().text();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let name = |line: &str| line.strip_prefix("  ").and_then(|line| line.split(' ').next()).map(str::to_owned);
    listed.filter_map(name).filter(|name| !name.is_empty()).collect()
}

/// Calls with `--json`. In the short form it comes before the mode: what comes after the task is for the agent.
#[track_caller]
fn call(world: &World, words: &str) -> Ended {
    let call = world.dispatch(words);
    if words.starts_with("--json") { call.ends_somehow() } else { call.arg("--json").ends_somehow() }
}

#[test]
fn every_command_prints_one_document() {
    let world = world();
    let mut done = vec!["serve", "ui", "shell", "pr", "logs", "token"];
    for (words, code, member) in RESULTS {
        let ended = call(&world, words);
        assert_eq!(ended.code, *code, "$ dispatch {words}\n{}\n{}", ended.text(), ended.stderr);
        let document = document(words, &ended);
        assert!(document.get(member).is_some(), "`{member}` of $ dispatch {words}\n{document}");
        assert!(document.get("error").is_none(), "$ dispatch {words}\n{document}");
        done.extend(words.split(' ').next());
    }
    world.dispatch("stop --all").any_stderr().succeeds();
    let missing: Vec<String> = commands(&world).into_iter().filter(|name| !done.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "add these commands to RESULTS: {missing:?}");
}

#[test]
fn every_command_prints_its_error_as_one_document() {
    let world = world();
    world.write("broken.yaml", "modes: 3\n");
    world.dispatch("init -C ../fresh").any_stderr().succeeds();
    let idle = world.detach("idle", "T");
    world.agent_ready(&idle);
    world.dispatch("run --attach none talk W").any_stderr().succeeds();
    for (words, code, name) in FAILURES {
        let ended = call(&world, words);
        assert_eq!(ended.code, *code, "$ dispatch {words}\n{}\n{}", ended.text(), ended.stderr);
        let document = document(words, &ended);
        // Errors in files come with their places.
        let mut without = document.clone();
        without["error"].as_object_mut().unwrap().remove("problems");
        is_error(words, &without, name);
        assert!(ended.stderr.contains("error"), "$ dispatch {words}\n{}", ended.stderr);
        assert_eq!(ended.text().lines().count(), 1, "$ dispatch {words}\n{document}");
    }
    world.dispatch("stop --all").any_stderr().succeeds();
    let broken = document("", &call(&world, "modes -f broken.yaml"));
    assert!(broken["error"]["problems"][0]["line"].is_number(), "{broken}");
    for command in commands(&world) {
        let words = format!("{command} --no-such-option");
        let ended = call(&world, &words);
        is_error(&words, &document(&words, &ended), "usage");
        assert_eq!(ended.code, 2, "{words}");
        let (named, known) = (format!("{command} "), |row: &Row| format!("{} ", row.0));
        assert!(FAILURES.iter().any(|row| known(row).starts_with(&named)), "add `{command}` to FAILURES");
    }
    // Without `--json` an error is text alone.
    for words in ["status nope", "status --no-such-option"] {
        world.dispatch(words).stdout_is("").stderr_has("error: ").fails_with(2);
    }
    // What follows `--` is not an option.
    world.dispatch("run job nope -- --json").stdout_is("").stderr_has("unknown task").fails_with(2);
}

#[test]
fn a_server_prints_its_address_and_another_why_it_cannot_be() {
    let world = world();
    let server = world.dispatch("serve --port 0 --json").start();
    wait_until("it serves", || is(server.stdout_so_far().ends_with(b"}\n"), server.stderr_so_far()));
    let served: Value = serde_json::from_slice(&server.stdout_so_far()).unwrap();
    assert!(served["address"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{served}");
    let token = document("token", &call(&world, "token"));
    assert_eq!((&token["address"], token["token"].is_string()), (&served["address"], true), "{token}");
    is_error("serve", &document("serve", &call(&world, "serve --port 0")), "failed");
    server.signal(Signal::TERM);
    server.ends_with(0);
}

#[test]
fn a_run_that_goes_on_without_the_command_is_printed_as_it_is() {
    let world = World::new();
    world.task("T", "%hang");
    let run = world.detach("job", "T");
    world.agent_ready(&run);
    let joined = world.dispatch("run job T --json").start();
    wait_until("it has joined", || is(joined.stderr_so_far().contains("joined run"), joined.stderr_so_far()));
    // The signal must not come before the command follows the run.
    wait_until("it follows", || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", joined.pid())).into_iter().flatten().flatten();
        let mut names = tasks.map(|task| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default());
        is(names.any(|name| name.trim() == "await-owner"), "not yet")
    });
    joined.signal(Signal::INT);
    let ended = joined.ends_with(130);
    let run = document("run job T", &ended);
    assert_eq!((&run["task"], &run["state"]), (&json!("T"), &json!("running")), "{run}");
    world.dispatch("stop T").notes().succeeds();
}

fn events(text: &str) -> Vec<Value> {
    let event = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(event).collect()
}

/// `stream: text` of the lines of a task.
fn lines(events: &[Value], task: &str) -> Vec<String> {
    let lines = events.iter().filter(|event| event["event"] == "line" && event["task"] == task);
    lines.map(|line| format!("{}: {}", line["stream"].as_str().unwrap(), line["text"].as_str().unwrap())).collect()
}

#[test]
fn logs_are_one_line_for_each_line_and_the_end() {
    let world = World::new();
    world.task("one", "%out first\n%sh printf '\\377\\033[1m\\tlast'\n%exit 3").task("two", "%out here\n%hang");
    world.dispatch("run -q job one").any_stderr().fails_with(3);
    let read = events(&world.dispatch("logs one --json").succeeds().text());
    assert_eq!(lines(&read, "one"), ["stdout: first", "stdout: \u{fffd}\u{1b}[1m\tlast"]);
    let end = read.last().unwrap();
    assert_eq!((&end["event"], &end["run"]["exitCode"]), (&json!("end"), &json!(3)), "{end}");
    let first = &read[0];
    assert!(first["at"].is_string() && first["runId"] == end["run"]["runId"] && first["mode"] == "job", "{first}");
    let tail = events(&world.dispatch("logs one --json --tail 1").succeeds().text());
    assert_eq!(lines(&tail, "one").len(), 1, "{tail:?}");
    // A run that goes on has no end yet; with `-f` it comes.
    world.detach("job", "two");
    let follow = world.dispatch("logs -f two --json").start();
    let all = world.dispatch("logs -f --all --json").start();
    for call in [&follow, &all] {
        wait_until("its line is there", || is(call.stdout_so_far().ends_with(b"}\n"), call.stderr_so_far()));
    }
    let so_far = events(&world.dispatch("logs two --json").succeeds().text());
    assert_eq!((lines(&so_far, "two"), so_far.len()), (vec!["stdout: here".to_owned()], 1), "{so_far:?}");
    world.dispatch("stop two").notes().succeeds();
    for call in [follow, all] {
        let read = events(&call.ends_with(0).text());
        assert_eq!(lines(&read, "two"), ["stdout: here"]);
        assert_eq!(read.last().unwrap()["run"]["state"], "stopped", "{read:?}");
    }
}

#[test]
fn logs_have_the_set_up_and_the_screen_of_a_window() {
    let world = World::new();
    let set_up = "worktree: { path: \"../trees/{{ task.id }}\", create: true, setup: \"echo prepared\" }\n";
    world.write("dispatch.yaml", format!("{BASE}{set_up}"));
    world.task("one", "%out at work\n%err trouble").task("two", "%out on the screen\n%hang");
    world.git_init();
    world.dispatch("run -q job one").any_stderr().succeeds();
    let read = events(&world.dispatch("logs one --json").succeeds().text());
    let mut seen = lines(&read, "one");
    assert!(seen.iter().any(|line| line == "setup: prepared"), "{seen:?}");
    seen.retain(|line| !line.starts_with("setup: "));
    seen.sort();
    assert_eq!(seen, ["stderr: trouble", "stdout: at work"]);
    world.dispatch("run --attach none talk two").any_stderr().succeeds();
    wait_until("the screen is read", || {
        let read = events(&world.dispatch("logs two --json").any_stderr().succeeds().text());
        is(lines(&read, "two").contains(&"screen: on the screen".to_owned()), format!("{read:?}"))
    });
    world.dispatch("stop two").notes().succeeds();
}

#[test]
fn up_that_goes_on_prints_json_lines() {
    let world = World::with("runs: [{ mode: job, tasks: [one] }]\n");
    world.task("one", "%exit 0").task("two", "%exit 0");
    let up: Started = world.dispatch("up --watch --json").start();
    wait_until("the first pass is printed", || is(up.stdout_so_far().ends_with(b"}\n"), up.stderr_so_far()));
    world.write("dispatch.yaml", "modes: 3\n");
    wait_until("the error is printed", || {
        let text = String::from_utf8_lossy(&up.stdout_so_far()).into_owned();
        is(text.lines().count() > 1 && text.ends_with('\n'), text)
    });
    up.signal(Signal::INT);
    let read = events(&up.ends_with(130).text());
    assert_eq!(read[0]["steps"][0]["task"], "one", "{read:?}");
    assert_eq!(read.last().unwrap()["error"]["code"], "bad_manifest", "{read:?}");
}

//! The child process of the server (`dispatch __worker`): one request on stdin, one response on stdout.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use serde_json::{Value, json};

use crate::command::Dispatch;
use crate::world::World;

const MODES: &str = r#"  first: { agent: fake, prompt: "{{ task.body }}" }
  then: { agent: fake, prompt: "{{ task.body }}", needs: [first] }
  fresh: { agent: fake, prompt: "{{ task.body }}", sources: ["in.txt"], generates: ["out.txt"] }
"#;

fn call(world: &World, request: &Value) -> Dispatch {
    world.dispatch("__worker").arg(world.project().join("dispatch.yaml")).stdin(request.to_string())
}

#[track_caller]
fn answer(call: Dispatch) -> Value {
    let ended = call.succeeds();
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.text()))
}

#[track_caller]
fn done(world: &World, request: Value) -> Value {
    let answer = answer(call(world, &request));
    assert!(answer["done"].is_object(), "{request} was not done: {answer}");
    answer["done"].clone()
}

#[track_caller]
fn failed(world: &World, request: Value, kind: &str) -> Value {
    let answer = answer(call(world, &request));
    assert_eq!(answer["failed"]["kind"], kind, "{request}: {answer}");
    answer["failed"].clone()
}

fn start(mode: &str, task: &str) -> Value {
    json!({ "do": "start", "mode": mode, "task": task })
}

#[test]
fn a_job_is_started_once_and_then_joined() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let new = done(&world, start("job", "TASK-1"));
    assert_eq!((&new["created"], &new["skipped"]), (&json!(true), &json!(false)), "{new}");
    assert_eq!(new["runs"].as_array().unwrap().len(), 1);
    assert_eq!(new["attach"], Value::Null);
    let run = new["run"]["runId"].as_str().unwrap();
    // The child is gone, and what it started is not.
    world.agent_ready(run);
    let joined = done(&world, start("job", "TASK-1"));
    assert_eq!((&joined["created"], &joined["run"]["runId"]), (&json!(false), &json!(run)), "{joined}");
    let other = json!({ "do": "start", "mode": "job", "task": "TASK-1", "prompt": "another" });
    let failure = failed(&world, other, "conflict");
    assert!(failure["hints"][0].as_str().unwrap().contains("dispatch stop job TASK-1"), "{failure}");
    failed(&world, json!({ "do": "start", "mode": "job", "task": "TASK-1", "force": true }), "conflict");
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_window_is_opened_with_the_command_that_attaches_to_it() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    let new = done(&world, start("talk", "TASK-1"));
    let attach: Vec<&str> = new["attach"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(attach[0].ends_with("tmux") && attach.iter().any(|word| word.contains("attach")), "{attach:?}");
    assert_eq!((&new["run"]["session"], &new["run"]["window"]), (&json!("world"), &json!("TASK-1-talk")));
    world.agent_ready(new["run"]["runId"].as_str().unwrap());
    let joined = done(&world, start("talk", "TASK-1"));
    assert_eq!((&joined["created"], &joined["attach"]), (&json!(false), &new["attach"]));
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn given_words_reach_the_agent_as_they_are() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    let prompt = "“quotes” $HOME {{ 7 * 7 }}\n#{pane_id}\n";
    let extras = ["--x=1 2", "'", ""];
    let new =
        done(&world, json!({ "do": "start", "mode": "job", "task": "TASK-1", "prompt": prompt, "extras": extras }));
    let run = new["run"]["runId"].as_str().unwrap();
    assert!(String::from_utf8(world.saw(run, "stdin")).unwrap().ends_with(prompt));
    assert_eq!(world.saw_words(run, "argv")[1..], extras);
}

#[test]
fn what_is_needed_goes_first_and_what_is_up_to_date_is_skipped() {
    let world = World::with(MODES);
    world.write("in.txt", "1");
    world.task("TASK-1", "%sh echo made >out.txt");
    let new = done(&world, start("then", "TASK-1"));
    let modes: Vec<&str> = new["runs"].as_array().unwrap().iter().map(|run| run["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["first", "then"]);
    assert_eq!(new["run"]["mode"], "then");
    world.wait_state("then", "TASK-1", "succeeded");

    let first = done(&world, start("fresh", "TASK-1"));
    world.wait_state("fresh", "TASK-1", "succeeded");
    let skipped = done(&world, start("fresh", "TASK-1"));
    assert_eq!((&skipped["created"], &skipped["skipped"]), (&json!(false), &json!(true)), "{skipped}");
    assert_eq!(skipped["run"]["runId"], first["run"]["runId"]);
    let again = done(&world, json!({ "do": "start", "mode": "fresh", "task": "TASK-1", "force": true }));
    assert_eq!(again["created"], true);
    world.wait_state("fresh", "TASK-1", "succeeded");
}

#[test]
fn unknown_names_are_reported_with_the_nearest() {
    let world = World::new();
    world.task("TASK-1", "hello");
    let known = done(&world, json!({ "do": "know", "mode": "job", "task": "TASK-1" }));
    assert_eq!(known, json!({ "mode": "job", "task": "TASK-1" }));
    for what in ["start", "know", "render"] {
        let request = |mode: &str, task: &str| json!({ "do": what, "mode": mode, "task": task });
        assert_eq!(failed(&world, request("jab", "TASK-1"), "unknown_mode")["hints"][0], "did you mean `job`?");
        assert_eq!(failed(&world, request("job", "TASK-2"), "unknown_task")["hints"][0], "did you mean `TASK-1`?");
        failed(&world, request("../job", "TASK-1"), "invalid_name");
        failed(&world, request("job", "-x"), "invalid_name");
    }
    failed(&world, json!({ "do": "task", "id": "TASK-9" }), "unknown_task");
    failed(&world, json!({ "do": "start", "mode": "job", "task": "TASK-1", "subtasks": true }), "usage");
    assert!(!world.state().exists() && world.starts().is_empty());
}

#[test]
fn the_answers_are_the_commands_own() {
    let runs = "runs:\n  - { mode: job, tasks: [TASK-1] }\n";
    let world = World::with(&format!("{MODES}{runs}"));
    world.task("TASK-1", "%exit 0").task("TASK-2", "hello");
    assert_eq!(done(&world, json!({ "do": "modes" })), world.dispatch("modes").json());
    assert_eq!(done(&world, json!({ "do": "tasks" })), world.dispatch("tasks").json());
    assert_eq!(done(&world, json!({ "do": "task", "id": "TASK-2" })), world.dispatch("task TASK-2").json());
    let render = json!({ "do": "render", "mode": "job", "task": "TASK-2", "prompt": "p", "extras": ["-x"] });
    let rendered = world.dispatch("render job TASK-2 --prompt p --json -- -x").succeeds();
    assert_eq!(done(&world, render), serde_json::from_slice::<Value>(&rendered.stdout).unwrap());
    let plan = done(&world, json!({ "do": "plan" }));
    assert_eq!(plan["changes"], 1);
    assert_eq!(plan, world.dispatch("plan").json());
    assert!(!world.state().exists(), "looking made something");
    let report = done(&world, json!({ "do": "up" }))["applied"].clone();
    assert_eq!((&report["changes"], &report["steps"][0]["mode"]), (&json!(1), &json!("job")), "{report}");
    assert_eq!(report["steps"][0]["runId"], world.wait_state("job", "TASK-1", "succeeded")["runId"]);
    let inside = answer(call(&world, &json!({ "do": "up" })).env("DISPATCH_RUN_ID", "01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    assert_eq!(inside["failed"]["kind"], "usage");
}

#[test]
fn a_template_that_explodes_is_a_failure_and_leaves_nothing() {
    for bomb in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{{ undefined_name }}",
    ] {
        let world = World::with("  bomb: { agent: fake, template: templates/bomb.md }\n");
        world.task("TASK-1", "hello");
        world.write("templates/bomb.md", bomb);
        for what in ["render", "start"] {
            let request = json!({ "do": what, "mode": "bomb", "task": "TASK-1" });
            let ended = call(&world, &request).succeeds();
            let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
            assert_eq!(answer["failed"]["kind"], "bad_manifest", "{answer}");
        }
        world.wait_all_quiet();
        assert!(world.starts().is_empty());
    }
}

#[test]
fn what_is_no_request_is_refused_and_does_nothing() {
    let world = World::new();
    for text in ["", "{", "[]", r#"{"do":"other"}"#, r#"{"do":"start"}"#, r#"{"do":"know","mode":1,"task":"T"}"#] {
        let call = world.dispatch("__worker").arg(world.project().join("dispatch.yaml"));
        let ended = call.stdin(text).ends_somehow();
        assert!(ended.code == 1 && ended.stdout.is_empty(), "{text}: {} {}", ended.code, ended.text());
    }
    assert!(!world.state().exists());
}

// ---- files

fn read(name: &str) -> Value {
    json!({ "do": "readFile", "name": name })
}

fn write(name: &str, text: &str, etag: &Value) -> Value {
    json!({ "do": "writeFile", "name": name, "text": text, "etag": etag })
}

#[test]
fn a_file_is_read_changed_and_not_overwritten_unseen() {
    let world = World::new();
    let path = world.project().join("dispatch.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let old = done(&world, read("dispatch.yaml"));
    assert_eq!(old["text"], fs::read_to_string(&path).unwrap());
    let text = format!("{}# more\n", old["text"].as_str().unwrap());
    let new = done(&world, write("dispatch.yaml", &text, &old["etag"]));
    assert_ne!(new["etag"], old["etag"]);
    assert_eq!(
        done(&world, read("dispatch.yaml")),
        json!({ "name": "dispatch.yaml", "text": text, "etag": new["etag"] })
    );
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    // A client with the old version gets a conflict.
    failed(&world, write("dispatch.yaml", "version: 1\n", &old["etag"]), "stale");
    failed(&world, write("dispatch.yaml", "version: 1\n", &json!("")), "stale");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    let names: Vec<_> = fs::read_dir(world.project()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "something was left behind: {names:?}");
}

#[test]
fn a_text_with_mistakes_is_refused_with_their_places() {
    let world = World::new();
    let old = done(&world, read("dispatch.yaml"));
    let before = old["text"].as_str().unwrap();
    let wrong = format!("{before}  bad: {{ agent: nobody, prompt: x }}\n");
    let failure = failed(&world, write("dispatch.yaml", &wrong, &old["etag"]), "bad_manifest");
    let problem = &failure["problems"][0];
    assert!(problem["message"].as_str().unwrap().contains("nobody"), "{failure}");
    assert_eq!(problem["path"], world.project().join("dispatch.yaml").to_str().unwrap());
    let line = wrong.lines().nth(usize::try_from(problem["line"].as_u64().unwrap()).unwrap() - 1).unwrap();
    let column = usize::try_from(problem["column"].as_u64().unwrap()).unwrap();
    assert!(line[column - 1..].starts_with("nobody"), "{failure}");
    // A template that is not there is seen too, as `check` sees it.
    let wrong = format!("{before}  bad: {{ agent: fake, template: gone.md }}\n");
    failed(&world, write("dispatch.yaml", &wrong, &old["etag"]), "bad_manifest");
    failed(&world, write("dispatch.yaml", &"#".repeat((1 << 20) + 1), &old["etag"]), "usage");
    assert_eq!(done(&world, read("dispatch.yaml")), old);
}

#[test]
fn a_broken_manifest_can_be_mended() {
    let world = World::new();
    let sound = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", "version: [\n");
    failed(&world, json!({ "do": "modes" }), "bad_manifest");
    let broken = done(&world, read("dispatch.yaml"));
    done(&world, write("dispatch.yaml", &sound, &broken["etag"]));
    done(&world, json!({ "do": "modes" }));
}

#[test]
fn subtask_files_and_own_settings_are_made_and_changed() {
    let world = World::bare();
    world.write("dispatch.yaml", crate::world::BASE.replace("agents:", "  - subtasks: plans/steps.yaml\nagents:"));
    fs::create_dir(world.project().join("plans")).unwrap();
    failed(&world, read("plans/steps.yaml"), "unknown_file");
    let new = done(&world, write("plans/steps.yaml", "- { id: S-1, mode: job }\n", &json!("")));
    failed(&world, write("plans/steps.yaml", "- { id: S-2 }\n", &json!("")), "stale");
    failed(&world, write("plans/steps.yaml", "- { id: S-1, mode: jab }\n", &new["etag"]), "bad_manifest");
    done(&world, write("plans/steps.yaml", "- { id: S-2, mode: job }\n", &new["etag"]));
    done(&world, json!({ "do": "know", "mode": "job", "task": "S-2" }));

    failed(&world, write("dispatch.local.yaml", "jobs: many\n", &json!("")), "bad_manifest");
    done(&world, write("dispatch.local.yaml", "jobs: 2\n", &json!("")));
    assert_eq!(done(&world, read("dispatch.local.yaml"))["text"], "jobs: 2\n");
}

#[test]
fn no_other_file_is_read_or_written() {
    let world = World::new();
    world.task("TASK-1", "hello");
    fs::write(world.root().join("secret"), "SECRET").unwrap();
    let absolute = world.project().join("dispatch.yaml");
    let names = ["", ".", "..", "tasks/TASK-1.md", "../secret", "/etc/passwd", "tasks/../dispatch.yaml"];
    for name in names.into_iter().chain([absolute.to_str().unwrap(), "dispatch.yaml/", "DISPATCH.yaml", "a\nb"]) {
        failed(&world, read(name), "unknown_file");
        failed(&world, write(name, "version: 1\n", &json!("")), "unknown_file");
    }
    // A link is followed only as far as the project goes.
    let local = world.project().join("dispatch.local.yaml");
    std::os::unix::fs::symlink(world.root().join("secret"), &local).unwrap();
    let failure = failed(&world, read("dispatch.local.yaml"), "unknown_file");
    assert!(!failure.to_string().contains("SECRET"));
    failed(&world, write("dispatch.local.yaml", "jobs: 2\n", &json!("")), "unknown_file");
    assert_eq!(fs::read_to_string(world.root().join("secret")).unwrap(), "SECRET");
}

#[test]
fn of_two_writes_at_once_one_is_refused() {
    let world = World::new();
    for round in 0..5 {
        let old = done(&world, read("dispatch.yaml"));
        let calls: Vec<_> = (0..4)
            .map(|writer| {
                let text = format!("{}# {round} {writer}\n", old["text"].as_str().unwrap());
                call(&world, &write("dispatch.yaml", &text, &old["etag"])).start()
            })
            .collect();
        let answers: Vec<Value> =
            calls.into_iter().map(|call| serde_json::from_slice(&call.ends_with(0).stdout).unwrap()).collect();
        let (done, stale): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer["done"].is_object());
        assert!(done.len() == 1 && stale.iter().all(|answer| answer["failed"]["kind"] == "stale"), "{answers:?}");
    }
}

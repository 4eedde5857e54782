//! The plan over HTTP: its id, what of it is applied, and what happens where it changed meanwhile.

use std::fs;

use serde_json::{Value, json};

use crate::server::Server;
use crate::up::{ready, starts_of};
use crate::waiting::{is, rounds, wait_until};
use crate::wanted::{actions, want, wanting};

fn plan(server: &Server) -> Value {
    let plan = server.get("/api/plan").json();
    assert!(plan["planId"].as_str().is_some_and(|id| id.len() == 32), "{plan}");
    plan
}

fn apply(server: &Server, plan: &Value, only: Option<Value>) -> (u16, Value) {
    let mut body = json!({ "planId": plan["planId"] });
    if let Some(only) = only {
        body["only"] = only;
    }
    let reply = server.post("/api/up", &body.to_string());
    (reply.status, reply.json())
}

#[test]
fn the_id_names_what_would_be_done_and_with_what() {
    let world = wanting("{ mode: talk, tasks: [A, B] }");
    world.task("A", "%hang").task("B", "%hang");
    let server = world.serve();
    let first = plan(&server);
    assert_eq!(plan(&server)["planId"], first["planId"], "it is the same while nothing changes");
    assert_eq!(world.dispatch("plan").notes().json()["planId"], first["planId"], "the command has it too");
    // What a start would be given.
    world.task("A", "%hang\nother words");
    let other = plan(&server);
    assert_ne!(other["planId"], first["planId"]);
    assert_eq!(actions(&other), actions(&first));
    world.task("A", "%hang");
    assert_eq!(plan(&server)["planId"], first["planId"]);
    // A pair more.
    want(&world, "{ mode: talk, tasks: [A, B] }\n{ mode: job, tasks: [A] }");
    assert_ne!(plan(&server)["planId"], first["planId"]);
    want(&world, "{ mode: talk, tasks: [A, B] }");
    let (status, report) = apply(&server, &first, None);
    assert_eq!((status, &report["changes"]), (200, &json!(2)), "{report}");
    ready(&world, "talk", "A");
    ready(&world, "talk", "B");
    // A run that is kept does not count; its drift does.
    let kept = plan(&server);
    assert_eq!(kept["changes"], 0, "{kept}");
    server.post("/stop/talk/B", "");
    want(&world, "{ mode: talk, tasks: [A, B] }");
    assert_eq!(plan(&server)["planId"], kept["planId"], "any end satisfies the entry");
    world.task("A", "%hang\nother words");
    let drifted = plan(&server);
    assert_ne!(drifted["planId"], kept["planId"]);
    let step = drifted["steps"].as_array().unwrap().iter().find(|step| step["task"] == "A").unwrap().clone();
    assert_eq!((&step["action"], &step["settledBy"]), (&json!("drifted"), &json!("dispatch up --recreate")), "{step}");
    assert_eq!(
        step["drift"],
        json!([{ "field": "prompt", "was": "%hang", "wouldBe": "%hang\nother words" }]),
        "{step}"
    );
    server.assert_alive();
}

#[test]
fn a_plan_that_changed_is_refused_and_shown_anew() {
    let world = wanting("{ mode: talk, tasks: [A] }");
    world.task("A", "%hang").task("B", "%hang");
    let server = world.serve();
    let seen = plan(&server);
    want(&world, "{ mode: talk, tasks: [A, B] }");
    for only in [None, Some(json!([{ "mode": "talk", "task": "A" }]))] {
        let (status, answer) = apply(&server, &seen, only);
        assert_eq!((status, &answer["error"]["code"]), (409, &json!("plan_changed")), "{answer}");
        assert_eq!(answer["plan"], plan(&server));
    }
    assert!(world.starts().is_empty(), "nothing was done");
    let (status, report) = apply(&server, &plan(&server), None);
    assert_eq!((status, &report["changes"]), (200, &json!(2)), "{report}");
    // Without a body it applies whatever the plan is.
    want(&world, "{ mode: talk, tasks: [A, B] }\n{ mode: job, tasks: [B] }");
    let report = server.post("/api/up", "").json();
    assert_eq!(report["changes"], 1, "{report}");
    assert_eq!(server.post("/api/up", "{}").json()["changes"], 0);
}

#[test]
fn only_the_named_entries_are_applied_with_what_they_need() {
    let world = wanting("{ mode: talk, tasks: [A] }\n{ mode: review, tasks: [A, B] }");
    world.task("A", "%hang").task("B", "%hang");
    let server = world.serve();
    let seen = plan(&server);
    assert_eq!(seen["changes"], 5, "{seen}");
    let (status, report) = apply(&server, &seen, Some(json!([{ "mode": "review", "task": "B" }])));
    assert_eq!(status, 200, "{report}");
    let done = actions(&report);
    assert_eq!(done.keys().collect::<Vec<_>>(), ["lint B", "review B"], "{report}");
    ready(&world, "lint", "B");
    assert_eq!(world.status("review", "B")["waitingFor"], "need");
    assert_eq!(world.starts().len(), 1, "no other entry was started");
    // An entry that needs nothing done is no error.
    let (status, report) = apply(&server, &plan(&server), Some(json!([{ "mode": "lint", "task": "B" }])));
    assert_eq!((status, &report["changes"], actions(&report).len()), (200, &json!(0), 1), "{report}");
    let now = plan(&server);
    for (only, status, code) in [
        (json!([{ "mode": "talk", "task": "B" }]), 422, "usage"),
        (json!([{ "mode": "talk", "task": "A" }, { "mode": "nosuch", "task": "A" }]), 422, "usage"),
        (json!([]), 400, "bad_value"),
        (json!([{ "mode": "talk" }]), 400, "bad_value"),
        (json!([{ "mode": "talk", "task": "../x" }]), 400, "bad_value"),
        (json!([{ "mode": "-x", "task": "A" }]), 400, "bad_value"),
        (json!([{ "mode": "talk", "task": "A", "more": 1 }]), 400, "bad_value"),
        (json!("talk/A"), 400, "bad_value"),
        (json!(["talk/A"]), 400, "bad_value"),
    ] {
        let (found, answer) = apply(&server, &now, Some(only.clone()));
        assert_eq!((found, answer["error"]["code"].as_str()), (status, Some(code)), "{only}: {answer}");
    }
    assert_eq!(server.post("/api/up", r#"{"planId":7}"#).status, 400);
    assert_eq!(server.post("/api/up", r#"{"planid":"x"}"#).status, 400);
    assert_eq!(world.starts().len(), 1, "nothing more was started");
    // Without an id the current plan is used.
    let report = server.post("/api/up", r#"{"only":[{"mode":"talk","task":"A"}]}"#).json();
    assert_eq!(report["changes"], 1, "{report}");
    ready(&world, "talk", "A");
    server.assert_alive();
}

#[test]
fn clients_that_apply_at_once_start_each_pair_once() {
    // Runs that end at once: a client that looks after that must not start them again.
    let world = wanting("");
    let server = world.serve();
    for round in 0..rounds(50) {
        let ids: Vec<String> = (0..4).map(|at| format!("R{round}-{at}")).collect();
        for id in &ids {
            world.task(id, "%exit 1");
        }
        want(&world, &format!("{{ mode: job, tasks: [{}] }}", ids.join(", ")));
        let seen = plan(&server);
        let replies: Vec<(u16, Value)> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4).map(|_| scope.spawn(|| apply(&server, &seen, None))).collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let applied = replies.iter().filter(|(status, _)| *status == 200).count();
        assert!(replies.iter().all(|(status, _)| matches!(status, 200 | 409)), "{replies:?}");
        assert_eq!(applied, 1, "one applies the plan, the others see that it changed: {replies:?}");
        for id in &ids {
            world.wait_state("job", id, "failed");
            assert_eq!(starts_of(&world, id), 1, "{id}");
        }
    }
    server.assert_alive();
}

#[test]
fn a_pair_that_was_run_after_the_plan_was_made_is_not_run_again() {
    let world = wanting("{ mode: job, tasks: [A0, A1, A2], restart: on_failure }");
    for task in ["A0", "A1", "A2"] {
        world.task(task, "%exit 1");
    }
    world.dispatch("run job A1").any_stderr().fails_with(1);
    let server = world.serve();
    let seen = plan(&server);
    assert_eq!(actions(&seen).len(), 3, "{seen}");
    // The second start waits for its pair, which this test holds.
    let pairs = world.state().join("pairs/job");
    let held = fs::File::open(pairs.join("A1")).unwrap();
    held.lock().unwrap();
    let (status, report) = std::thread::scope(|scope| {
        let client = scope.spawn(|| apply(&server, &seen, None));
        wait_until("the plan is being applied", || is(pairs.join("A0").exists(), "no start yet".to_owned()));
        world.dispatch("run job A2").any_stderr().fails_with(1);
        held.unlock().unwrap();
        client.join().unwrap()
    });
    assert_eq!(status, 200, "{report}");
    let step = report["steps"].as_array().unwrap().iter().find(|step| step["task"] == "A2").unwrap().clone();
    assert_eq!(step["runId"], world.status("job", "A2")["runId"], "{report}");
    assert_eq!(starts_of(&world, "A2"), 1, "{report}");
}

#[test]
fn a_plan_of_hostile_tasks_is_data() {
    let world = wanting("{ mode: talk, tasks: [A] }");
    let words = "<script>took = 1</script> {{ 7 * 7 }} \u{1b}[31m \"quoted\" #(touch taken)";
    world.write("tasks/A.md", format!("---\n{}\n---\n\n%hang\n{words}\n", json!({ "title": words })));
    let server = world.serve();
    assert_eq!(apply(&server, &plan(&server), None).0, 200);
    ready(&world, "talk", "A");
    world.write("tasks/A.md", format!("---\n{}\n---\n\n%hang\n{words}\n{words}\n", json!({ "title": words })));
    let drifted = plan(&server);
    let shown = drifted["steps"][0]["drift"][0]["wouldBe"].as_str().unwrap().to_owned();
    assert!(shown.contains("<script>took = 1</script> {{ 7 * 7 }}"), "{drifted}");
    assert!(fs::read_dir(world.project()).unwrap().flatten().all(|entry| entry.file_name() != "taken"));
    // A long prompt is cut.
    world.task("A", &format!("%hang\n{}", "long ".repeat(10_000)));
    let drifted = plan(&server);
    let shown = drifted["steps"][0]["drift"][0]["wouldBe"].as_str().unwrap().chars().count();
    assert!(shown < 700, "{shown}");
    server.assert_alive();
}

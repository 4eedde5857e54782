//! The results of the tasks below a task over HTTP, as JSON and as Markdown.

use std::fs;

use serde_json::{Value, json};

use crate::world::World;

/// Steps of a subtask file: one after the other but for B and C, of which C waits for nothing.
const STEPS: &str = "\
- { id: B, title: Second, parent: P, depends_on: [A], prompt: \"%out answer of B\\n\" }
- { id: A, title: First, parent: P, mode: other, prompt: \"%out answer of A\\n\" }
- { id: C, title: Third, parent: P, prompt: \"%exit 3\" }
- { id: D, title: Fourth, parent: P, depends_on: [B], prompt: \"%out never\" }
";

/// A world with these modes, and an agent that reports its answer and its cost.
fn reporting(modes: &str) -> World {
    let world = World::with(modes);
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let reports = "agents:\n  reports: { headless: [fake], prompt: { headless: stdin }, protocol: jsonl }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", reports, 1));
    world
}

fn stepped() -> World {
    let world = World::with(
        "  other: { agent: fake, prompt: \"{{ prompt }}\" }\n  plain: { agent: fake, prompt: \"{{ prompt }}\" }\n",
    );
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest.replace("tasks:\n", "tasks:\n  - subtasks: steps.yml\n"));
    world.write("steps.yml", STEPS);
    world.task("P", "the parent");
    world
}

fn ids(results: &Value) -> Vec<&str> {
    results["steps"].as_array().unwrap().iter().map(|step| step["task"].as_str().unwrap()).collect()
}

fn step<'a>(results: &'a Value, id: &str) -> &'a Value {
    results["steps"].as_array().unwrap().iter().find(|step| step["task"] == id).unwrap()
}

#[test]
fn every_step_has_its_outcome_answer_and_cost_in_run_order() {
    let world = reporting("  lines: { agent: reports, prompt: \"{{ task.body }}\" }\n");
    world.write("tasks/P/_overview.md", "---\ntitle: The parent\n---\nx\n");
    let answer = json!({ "result": "done: <b>A</b>\n```\nnot out of the block", "costUsd": 0.25 });
    let other = json!({ "result": "done: C", "costUsd": 0.5 });
    world.write("tasks/P/a.md", format!("---\nid: A\ntitle: First\ndepends_on: [C]\n---\n\n%out {answer}\n"));
    world.write("tasks/P/b.md", "---\nid: B\ntitle: '<script>*x*</script> [l](javascript:x)'\n---\n\n%exit 3\n");
    world.write("tasks/P/c.md", format!("---\nid: C\ntitle: Third\n---\n\n%out {other}\n"));
    let server = world.serve();
    let fresh = server.get("/api/results/P").json();
    assert_eq!(ids(&fresh), ["B", "C", "A"], "a task comes after what it depends on: {fresh}");
    assert!(step(&fresh, "A")["outcome"].is_null() && fresh["costUsd"].is_null(), "{fresh}");
    let done = server.post("/dispatch/lines/P", r#"{"subtasks":true}"#);
    assert_eq!(done.status, 201, "{}", done.text());
    for (task, state) in [("A", "succeeded"), ("B", "failed"), ("C", "succeeded")] {
        world.wait_state("lines", task, state);
    }
    let results = server.get("/api/results/P").json();
    assert_eq!((&results["costUsd"], &results["progress"]["succeeded"]), (&json!(0.75), &json!(2)), "{results}");
    let a = step(&results, "A");
    assert_eq!((&a["outcome"], &a["answer"]), (&json!("succeeded"), &answer["result"]), "{a}");
    assert_eq!((&a["costUsd"], &a["dependsOn"], &a["mode"]), (&json!(0.25), &json!(["C"]), &json!("lines")), "{a}");
    assert_eq!(a["runId"], world.status("lines", "A")["runId"]);
    assert_eq!(step(&results, "B")["outcome"], "failed");
    assert_eq!(server.get("/api/results/P?format=json").json(), results);
    let reply = server.get("/api/results/P?format=md");
    assert_eq!(reply.header("content-type"), Some("text/markdown; charset=utf-8"));
    let markdown = reply.text();
    let places = ["# P: The parent", "## B: ", "## C: Third", "## A: First"].map(|line| markdown.find(line));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{markdown}");
    for line in [
        "## B: &lt;script&gt;\\*x\\*&lt;/script&gt; \\[l\\](javascript&#58;x)",
        "````text\ndone: <b>A</b>\n```\nnot out of the block\n````",
        "- Cost: $0.2500",
        "- After: C",
        "Cost: $0.7500",
    ] {
        assert!(markdown.contains(line), "{line}\n{markdown}");
    }
    for (path, status) in [
        ("/api/results/NONE", 404),
        ("/api/results/-x", 400),
        ("/api/results/P?format=html", 400),
        ("/api/results/P?other=1", 400),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    // Nothing is below it: an empty list.
    assert_eq!(server.get("/api/results/A").json()["steps"], json!([]));
    server.assert_alive();
}

#[test]
fn a_tree_is_run_from_a_step_on() {
    let world = stepped();
    let server = world.serve();
    assert_eq!(ids(&server.get("/api/results/P").json()), ["A", "B", "C", "D"]);
    for (body, status) in [
        (r#"{"subtasks":true,"from":"P"}"#, 422),
        (r#"{"subtasks":true,"from":"NONE"}"#, 422),
        (r#"{"from":"B"}"#, 400),
        (r#"{"subtasks":true,"from":"../x"}"#, 400),
    ] {
        assert_eq!(server.post("/dispatch/plain/P", body).status, status, "{body}");
    }
    assert!(world.starts().is_empty());
    let done = server.post("/dispatch/plain/P", r#"{"subtasks":true,"from":"C"}"#).json();
    let started: Vec<&str> = done["runs"].as_array().unwrap().iter().map(|run| run["task"].as_str().unwrap()).collect();
    assert_eq!(started, ["C", "D"], "{done}");
    world.wait_state("plain", "C", "failed");
    world.wait_state("plain", "D", "succeeded");
    // A step with a mode of its own runs in it.
    let done = server.post("/dispatch/plain/P", r#"{"subtasks":true}"#).json();
    let modes: Vec<&str> = done["runs"].as_array().unwrap().iter().map(|run| run["mode"].as_str().unwrap()).collect();
    assert_eq!(modes.iter().filter(|mode| **mode == "other").count(), 1, "{done}");
    server.assert_alive();
}

#[test]
fn the_changes_of_the_worktrees_are_counted() {
    let (world, tree) = crate::git::world();
    fs::write(tree.join("new"), "a\nb\n").unwrap();
    world.write("tasks/S.md", "---\ntitle: Sub\nparent_task: T\n---\n\n%out x\n");
    world.dispatch("run job S").any_stderr().ends_somehow();
    let server = world.serve();
    let results = server.get("/api/results/T").json();
    let changes = &results["worktrees"][0];
    assert_eq!(step(&results, "S")["worktree"], 0, "{results}");
    let diff = server.get("/api/diff/S").json();
    assert_eq!((&changes["added"], &changes["branch"]), (&diff["added"], &diff["branch"]), "{results}");
    assert_eq!(changes["count"], diff["files"].as_array().unwrap().len(), "{results}");
    let markdown = server.get("/api/results/T?format=md").text();
    assert!(markdown.contains("\tnew\n") && markdown.contains("- Changes: "), "{markdown}");
}

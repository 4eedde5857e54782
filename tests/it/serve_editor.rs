//! What the editor asks the server for: the schema, the files that can be edited, and the check of unsaved texts.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::serve_input::files;
use crate::server::{Reply, Server};
use crate::world::{BASE, World};

const SUBTASKS: &str = "- id: S-1\n  title: First\n  mode: job\n  prompt: do it\n";

/// A project with a subtask file.
fn world() -> World {
    let world = World::bare();
    let tasks = "tasks:\n  - files: \"tasks/**/*.md\"\n";
    world.write("dispatch.yaml", BASE.replace(tasks, &format!("{tasks}  - subtasks: .claude/sub.yml\n")));
    world.write(".claude/sub.yml", SUBTASKS);
    world.task("T", "x");
    world
}

#[track_caller]
fn check(server: &Server, files: &Value) -> Reply {
    server.post("/api/check", &json!({ "files": files }).to_string())
}

/// The problems of these texts as severity, line, column, end column and message.
#[track_caller]
fn problems(server: &Server, files: &Value) -> Vec<(String, u64, u64, u64, String)> {
    let reply = check(server, files);
    assert_eq!(reply.status, 200, "{reply:?}");
    let view = reply.json();
    let problems = view["problems"].as_array().unwrap();
    assert_eq!(view["problemCount"], problems.len());
    assert_eq!(view["ok"], problems.iter().all(|problem| problem["severity"] != "error"));
    let number = |problem: &Value, name: &str| problem[name].as_u64().unwrap_or_default();
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap().to_owned();
    problems
        .iter()
        .map(|it| {
            let (line, column, end) = (number(it, "line"), number(it, "column"), number(it, "endColumn"));
            (text(it, "severity"), line, column, end, text(it, "message"))
        })
        .collect()
}

pub(crate) fn put(server: &Server, name: &str, condition: &str, text: &str) -> Reply {
    let length = format!("Content-Length: {}", text.len());
    let head = server.head("PUT", &format!("/api/files/{name}"), &["Content-Type: text/yaml", condition, &length]);
    server.say(head + text)
}

#[test]
fn unsaved_texts_are_checked_and_nothing_is_written() {
    let world = world();
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let server = world.serve();
    // The board's catalog and the snapshot are read once, so that they write nothing later.
    server.get("/ui/board");
    let (before, bytes) = (files(world.root()), manifest.clone());
    assert_eq!(problems(&server, &json!({ "dispatch.yaml": manifest })), []);
    let broken = manifest.replace("version: 1\n", "version: 1\njobss: 3\n");
    let found = problems(&server, &json!({ "dispatch.yaml": broken }));
    assert_eq!(found.len(), 1, "{found:?}");
    let (severity, line, column, end, message) = &found[0];
    assert_eq!((severity.as_str(), *line, *column, *end), ("error", 2, 1, 6), "{message}");
    let reply = check(&server, &json!({ "dispatch.yaml": broken })).json();
    let problem = &reply["problems"][0];
    assert_eq!(problem["path"], world.project().join("dispatch.yaml").canonicalize().unwrap().to_str().unwrap());
    assert!(problem["hints"][0].as_str().unwrap().contains("`jobs`"), "the fix: {problem}");
    assert_eq!((&reply["tasks"], &reply["modes"]), (&json!([]), &json!([])), "an unusable manifest gives nothing");

    // The subtask file with the manifest as it is, and both at once: the text decides which file belongs.
    let found = problems(&server, &json!({ ".claude/sub.yml": "- id: S-1\n  mode: jbo\n" }));
    assert_eq!((found.len(), found[0].1), (1, 2), "{found:?}");
    let moved = manifest.replace(".claude/sub.yml", "other.yml");
    let tree = check(&server, &json!({ "dispatch.yaml": moved, "other.yml": "- id: NEW\n  parent: T\n" })).json();
    let ids: Vec<&str> = tree["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    assert_eq!((ids, &tree["taskCount"]), (vec!["T", "NEW"], &json!(2)), "{tree}");
    let modes: Vec<&str> =
        tree["modes"].as_array().unwrap().iter().map(|mode| mode["name"].as_str().unwrap()).collect();
    assert_eq!(modes, ["job", "none", "talk"]);

    // A prompt of an unsaved mode.
    let more = format!("{manifest}  fresh: {{ agent: fake, prompt: \"new {{{{ task.id }}}}\" }}\n");
    assert_eq!(server.post("/api/render/fresh/T", "").status, 404);
    let rendered = server.post("/api/render/fresh/T", &json!({ "files": { "dispatch.yaml": more } }).to_string());
    assert_eq!(rendered.json()["prompt"], "new T", "{rendered:?}");
    assert_eq!(
        server.post("/api/render/job/T", &json!({ "files": { "dispatch.yaml": broken } }).to_string()).status,
        422
    );
    assert_eq!(
        server.post("/dispatch/fresh/T", &json!({ "files": { "dispatch.yaml": more } }).to_string()).status,
        400
    );

    assert_eq!(files(world.root()), before);
    assert_eq!(fs::read_to_string(world.project().join("dispatch.yaml")).unwrap(), bytes);
    assert_eq!(fs::read_to_string(world.project().join(".claude/sub.yml")).unwrap(), SUBTASKS);
    assert!(world.runs() == 0);
    server.assert_alive();
}

#[test]
fn unsaved_texts_are_bounded() {
    let world = world();
    let server = world.serve();
    // Longer than a body may be.
    assert_eq!(check(&server, &json!({ "dispatch.yaml": "#".repeat(1 << 20) })).status, 413);
    let tasks: String = (0..600).map(|n| format!("- {{ id: N-{n} }}\n")).collect();
    let view = check(&server, &json!({ ".claude/sub.yml": tasks })).json();
    assert_eq!((view["tasks"].as_array().unwrap().len(), &view["taskCount"]), (500, &json!(601)));
    // Many mistakes: those of the given text come first, and all are counted.
    for n in 0..600 {
        world.write(format!("tasks/bad-{n}.md"), "---\ntitle: [\n---\n");
    }
    let view = check(&server, &json!({ ".claude/sub.yml": "- id: S\n  wrong: 1\n" })).json();
    assert_eq!((view["problems"].as_array().unwrap().len(), &view["problemCount"]), (500, &json!(601)), "{view}");
    assert_eq!((&view["problems"][0]["line"], &view["taskCount"]), (&json!(2), &json!(1)), "{view}");
    // YAML that grows, is deep, or is none.
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()
        + &(0..20).map(|n| format!("b{n}: &b{n} [*a, *a, *a, *a, *a]\n")).collect::<String>();
    for text in
        [bomb, "[".repeat(100_000), "a: \u{1}\n".to_owned(), "\0".to_owned(), String::new(), "\u{feff}".to_owned()]
    {
        let reply = check(&server, &json!({ "dispatch.yaml": text }));
        assert_eq!((reply.status, &reply.json()["ok"]), (200, &json!(false)), "{text:.40}");
    }
    // Few files, each once.
    let many: serde_json::Map<String, Value> = (0..17).map(|n| (format!("f{n}"), json!(""))).collect();
    assert_eq!(check(&server, &Value::Object(many)).status, 400);
    for body in [
        r#"{"files":{"dispatch.yaml":"a","dispatch.yaml":"b"}}"#,
        r#"{"files":["a"]}"#,
        r#"{"files":{"dispatch.yaml":1}}"#,
        r#"{"files":{},"x":1}"#,
        "{}",
        "",
    ] {
        assert_eq!(server.post("/api/check", body).status, 400, "{body}");
    }
    server.assert_alive();
}

#[test]
fn only_the_editable_files_are_taken_as_texts() {
    let world = world();
    fs::write(world.root().join("outside.yml"), "- id: OUT\n").unwrap();
    fs::remove_file(world.project().join(".claude/sub.yml")).unwrap();
    symlink(world.root().join("outside.yml"), world.project().join(".claude/sub.yml")).unwrap();
    let server = world.serve();
    for name in [
        "../outside.yml",
        "/etc/passwd",
        "tasks/T.md",
        ".dispatch/server.json",
        "x.yml",
        "",
        ".",
        "..",
        ".claude",
        "./dispatch.yaml/../../outside.yml",
        "dispatch.yaml\0",
        "<script>",
        // A link that leads out of the project.
        ".claude/sub.yml",
    ] {
        let reply = check(&server, &json!({ name: "- id: A\n" }));
        assert_eq!((reply.status, reply.code().as_str()), (404, "unknown_file"), "{name:?} {reply:?}");
        let body = json!({ "files": { name: "- id: A\n" } }).to_string();
        assert_eq!(server.post("/api/render/job/T", &body).status, 404, "{name:?}");
    }
    assert_eq!(fs::read_to_string(world.root().join("outside.yml")).unwrap(), "- id: OUT\n");
    for path in ["/edit/../x", "/edit//x", "/edit/%2e%2e/x", "/edit/a%2fb", "/edit/", "/ui/edit/../x", "/ui/edit/x.yml"]
    {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    server.assert_alive();
}

#[test]
fn the_schema_is_cached_by_its_tag() {
    let world = World::new();
    let server = world.serve();
    let reply = server.get("/api/schema");
    assert_eq!(reply.json(), world.dispatch("schema").json(), "as the command prints it");
    let tag = reply.header("etag").unwrap().to_owned();
    let again = server.ask("GET", "/api/schema", &[&format!("If-None-Match: {tag}")]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(server.ask("GET", "/api/schema", &["If-None-Match: W/\"0-0\""]).status, 200);
    assert_eq!(server.get("/api/schema?x=1").status, 400);
}

#[test]
fn the_editable_files_are_listed_and_a_new_one_is_made_once() {
    let world = world();
    fs::remove_file(world.project().join(".claude/sub.yml")).unwrap();
    let server = world.serve();
    let list = || {
        let files = server.get("/api/files").json()["files"].clone();
        let row = |file: &Value| {
            let text = |name: &str| file[name].as_str().unwrap().to_owned();
            assert_eq!(PathBuf::from(text("path")), world.project().canonicalize().unwrap().join(text("name")));
            (text("name"), text("kind"), file["exists"].as_bool().unwrap())
        };
        files.as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let row = |name: &str, kind: &str, exists| (name.to_owned(), kind.to_owned(), exists);
    let (manifest, local) = (row("dispatch.yaml", "manifest", true), row("dispatch.local.yaml", "local", false));
    assert_eq!(list(), [manifest.clone(), local.clone(), row(".claude/sub.yml", "subtasks", false)]);
    assert_eq!(put(&server, ".claude/sub.yml", "If-None-Match: \"x\"", SUBTASKS).status, 400);
    assert_eq!(put(&server, ".claude/sub.yml", "If-None-Match: *", SUBTASKS).status, 200);
    assert_eq!(put(&server, ".claude/sub.yml", "If-None-Match: *", "- id: B\n").status, 412);
    assert_eq!(fs::read_to_string(world.project().join(".claude/sub.yml")).unwrap(), SUBTASKS);
    assert_eq!(list(), [manifest.clone(), local.clone(), row(".claude/sub.yml", "subtasks", true)]);
    // A broken manifest can be repaired.
    world.write("dispatch.yaml", "version: 1\nmodes: [\n");
    assert_eq!(list(), [manifest, local]);
    assert_eq!(server.get("/ui/edit").status, 200);
    server.assert_alive();
}

#[test]
fn errors_of_other_files_do_not_stop_a_save_and_new_ones_do() {
    let world = world();
    world.write("tasks/twin.md", "---\nid: T\n---\n");
    world.write(".claude/sub.yml", "- id: S\n  wrong: 1\n");
    let server = world.serve();
    let tag = |name: &str| format!("If-Match: {}", server.get(&format!("/api/files/{name}")).header("etag").unwrap());
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.dispatch("check").any_stderr().fails_with(1);
    let saved = put(&server, "dispatch.yaml", &tag("dispatch.yaml"), &format!("{manifest}# more\n"));
    assert_eq!(saved.status, 200, "two tasks of one id and a broken subtask file are no fault of this text: {saved:?}");
    // Without the mode, the subtask file has one more error.
    world.write(".claude/sub.yml", "- id: S\n  mode: talk\n");
    let less = manifest.replace("  talk: ", "  other: ");
    let refused = put(&server, "dispatch.yaml", &tag("dispatch.yaml"), &less);
    assert_eq!(refused.status, 422, "{refused:?}");
    let problems = refused.json()["error"]["problems"].clone();
    assert_eq!(problems.as_array().unwrap().len(), 1, "{refused:?}");
    let subtasks = world.project().join(".claude/sub.yml").canonicalize().unwrap();
    assert_eq!((&problems[0]["path"], &problems[0]["line"]), (&json!(subtasks), &json!(2)), "the line that it breaks");
    assert_eq!(fs::read_to_string(world.project().join("dispatch.yaml")).unwrap(), format!("{manifest}# more\n"));
    // Its own error, though the file has it already.
    world.write(".claude/sub.yml", "- id: S\n  wrong: 1\n");
    let own = put(&server, ".claude/sub.yml", &tag(".claude/sub.yml"), "- id: S\n  wrong: 1\n# x\n");
    assert_eq!(own.status, 422, "{own:?}");
    assert_eq!(put(&server, ".claude/sub.yml", &tag(".claude/sub.yml"), SUBTASKS).status, 200);
    // Its own error, though it is better than what the file has: a text with an error is never written.
    for broken in ["version: 1\nmodes: [\n", "version: 1\nodd: 1\nodder: 2\n"] {
        world.write("dispatch.yaml", broken);
        world.write(".claude/sub.yml", "- id: S\n  wrong: 1\n");
        let own = put(&server, "dispatch.yaml", &tag("dispatch.yaml"), "version: 1\nodd: 1\n");
        assert_eq!(own.status, 422, "{own:?}");
        // Errors of other files, which nobody could know while the manifest was broken.
        let mended = put(&server, "dispatch.yaml", &tag("dispatch.yaml"), &manifest);
        assert_eq!(mended.status, 200, "{mended:?}");
        let errors = mended.json()["problems"].as_array().unwrap().len();
        assert!(errors >= 2, "they are named all the same: {mended:?}");
    }
    server.assert_alive();
}

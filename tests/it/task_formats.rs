//! Task files that other tools keep: Backlog.md, scopecraft, MDTM. They list completely, with what their own
//! tools would make of them, and with at most one warning of a kind.

mod generated;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::world::World;

fn listing(world: &World) -> Value {
    world.dispatch("tasks").any_stderr().json()
}

#[track_caller]
fn task(listing: &Value, id: &str) -> Value {
    let tasks = listing["tasks"].as_array().expect("`tasks --json` holds `tasks`");
    tasks.iter().find(|task| task["id"] == id).unwrap_or_else(|| panic!("no {id} in {listing:#}")).clone()
}

/// The messages of all problems.
fn messages(listing: &Value) -> Vec<String> {
    let problems = listing["problems"].as_array().expect("`tasks --json` holds `problems`");
    problems.iter().map(|problem| problem["message"].as_str().unwrap().to_owned()).collect()
}

/// The project reads every Markdown file below `backlog/`.
fn backlog(files: &[(&str, &str)]) -> World {
    let world = World::bare();
    world.write(
        "dispatch.yaml",
        "version: 1\ntasks: [{ files: \"backlog/**/*.md\" }]\nagents: { fake: { headless: [fake], prompt: stdin, protocol: text } }\n\
         modes: { job: { agent: fake, prompt: \"{{ task.body }}\" } }\n",
    );
    for (path, text) in files {
        world.write(format!("backlog/{path}"), text);
    }
    world
}

#[test]
fn a_backlog_task_is_read_as_its_own_tool_reads_it() {
    let world = backlog(&[
        (
            "tasks/task-1 - Parse-the-file.md",
            "---\nid: TASK-1\ntitle: Parse the file\nstatus: To Do\nassignee: []\ncreated_date: '2025-06-01 10:00'\n\
             labels: [core, parser]\ndependencies: []\npriority: high\nordinal: 1000\n---\n\n## Description\n\nText\n",
        ),
        (
            "tasks/task-1.1 - Read-the-head.md",
            "---\nid: TASK-1.1\ntitle: Read the head\nstatus: In Progress\nassignee: @codex\nlabels:\n  - core\n\
             parent_task_id: task-1\ndependencies:\n  - task-2\n---\n",
        ),
        (
            "completed/task-2 - Set-up.md",
            "---\nid: TASK-2\nstatus: Done\nassignee:\n  - '@ann'\n  - \"@bob\"\nlabels: []\n---\n",
        ),
    ]);
    let listing = listing(&world);
    assert_eq!(messages(&listing), Vec::<String>::new());
    let first = task(&listing, "TASK-1");
    assert_eq!((&first["tags"], &first["subtasks"]), (&json!(["core", "parser"]), &json!(["TASK-1.1"])));
    let second = task(&listing, "TASK-1.1");
    assert_eq!((&second["parent"], &second["dependsOn"]), (&json!("TASK-1"), &json!(["TASK-2"])));
    assert_eq!((&second["assignee"], &second["tags"]), (&json!("@codex"), &json!(["core"])));
    let third = task(&listing, "TASK-2");
    assert_eq!((&third["assignee"], &third["title"]), (&json!("@ann, @bob"), &json!("Set up")));
    world.dispatch("check").stdout_is("ok: 2 modes, 3 tasks\n").succeeds();
}

#[test]
fn unquoted_handles_are_read_in_every_place_and_other_mistakes_keep_their_line() {
    let world = backlog(&[
        ("a.md", "---\nassignee: @a # who does it\nreporter: Ann: the boss\nlabels: [x]\n---\n"),
        ("b.md", "---\nassignee: [@a, 'b', @c]\n---\n"),
        ("c.md", "---\nassignee:\n  - @a\n  - @b\n---\n"),
        ("d.md", "+++\nassigned_to = [\"@a\"]\n+++\n"),
        ("e.md", "---\nassignee: @a\nlabels: [x\n---\n"),
    ]);
    let listing = listing(&world);
    for (id, who) in [("a", "@a"), ("b", "@a, b, @c"), ("c", "@a, @b"), ("d", "@a")] {
        assert_eq!(task(&listing, id)["assignee"], who, "{id}");
    }
    let problem = &listing["problems"][0];
    assert!(problem["path"].as_str().unwrap().ends_with("e.md") && problem["line"].as_u64() > Some(2), "{problem}");
}

#[test]
fn all_names_of_a_list_count() {
    let world = backlog(&[
        ("one.md", "---\ntags: [a]\nlabels: [b, a]\ndepends_on: two\ndependencies: [three]\n---\n"),
        ("two.md", "---\nLabels: c, d\nparentTaskId: one\n---\n"),
        ("three.md", ""),
    ]);
    let listing = listing(&world);
    assert_eq!(messages(&listing), Vec::<String>::new());
    assert_eq!(task(&listing, "one")["tags"], json!(["a", "b"]));
    assert_eq!(task(&listing, "one")["dependsOn"], json!(["two", "three"]));
    assert_eq!((&task(&listing, "two")["tags"], &task(&listing, "two")["parent"]), (&json!(["c", "d"]), &json!("one")));
}

#[test]
fn references_are_resolved_as_their_tools_resolve_them() {
    let world = backlog(&[
        ("task-007 - Seven.md", "---\nid: TASK-007\n---\n"),
        ("a.md", "---\nid: TASK-8\ndependencies: [task-7, 'task-9 - Nine', 9]\n---\n"),
        ("task-9 - Nine.md", "---\nid: task-9\n---\n"),
        // Two that differ in case alone: only the exact one is meant.
        ("b.md", "---\nid: UP\n---\n"),
        ("c.md", "---\nid: up\n---\n"),
        ("d.md", "---\ndependencies: [UP, Up]\n---\n"),
    ]);
    let listing = listing(&world);
    assert_eq!(task(&listing, "TASK-8")["dependsOn"], json!(["TASK-007", "task-9"]));
    assert_eq!(task(&listing, "d")["dependsOn"], json!(["UP"]));
    assert_eq!(messages(&listing), ["task `d`: its dependency `Up` is not a known task"]);
}

#[test]
fn a_warning_of_one_kind_is_printed_once_with_its_count() {
    let world = backlog(&[]);
    for n in 0..40 {
        world.write(format!("backlog/t-{n:02}.md"), "---\nstatus: Someday\ndependencies: [gone]\ntags: {a: 1}\n---\n");
    }
    let listing = listing(&world);
    assert_eq!(listing["tasks"].as_array().unwrap().len(), 40);
    assert_eq!(
        messages(&listing),
        [
            "unknown status `Someday` (39 more like this)",
            "`tags` is not a list of texts, and is ignored (39 more like this)",
            "task `t-00`: its dependency `gone` is not a known task (39 more like this)",
        ]
    );
    assert_eq!(listing["problems"][0]["hints"][1], "also in `t-01.md`, `t-02.md`, `t-03.md`, `t-04.md`, `t-05.md`, …");
    let ended = world.dispatch("check").any_stderr().succeeds();
    assert_eq!(ended.stderr.matches("warning").count(), 3, "{}", ended.stderr);
}

#[test]
fn a_scopecraft_folder_is_a_parent_by_its_short_name() {
    let world = World::new();
    let file = |path: &str, meta: &str| world.write(format!("tasks/{path}"), format!("+++\n{meta}+++\n"));
    file("v1/FEATURE_sessions/_overview.md", "id = \"_overview\"\nparent_task = \"_overview\"\n");
    file("v1/FEATURE_sessions/01_a.md", "id = \"A\"\nparent_task = \"sessions\"\n");
    file("v1/FEATURE_sessions/02_b.md", "id = \"B\"\nparent_task = \"_overview\"\ndepends = [\"_overview\"]\n");
    file("v1/AREA_ui/_overview.md", "parent_task = \"sessions\"\n");
    file("v1/AREA_ui/c.md", "parent_task = \"ui\"\n");
    // A folder of which there is no task.
    file("v1/AREA_core/d.md", "parent_task = \"core\"\n");
    file("v1/AREA_core/e.md", "parent_task = \"_overview\"\n");
    let listing = listing(&world);
    assert_eq!(messages(&listing), Vec::<String>::new());
    for (id, parent) in [
        ("FEATURE_sessions", Value::Null),
        ("A", json!("FEATURE_sessions")),
        ("B", json!("FEATURE_sessions")),
        ("AREA_ui", json!("FEATURE_sessions")),
        ("c", json!("AREA_ui")),
        ("d", Value::Null),
        ("e", Value::Null),
    ] {
        assert_eq!(task(&listing, id)["parent"], parent, "{id}");
    }
    assert_eq!(task(&listing, "B")["dependsOn"], json!(["FEATURE_sessions"]));
    file("v1/AREA_core/f.md", "parent_task = \"nowhere\"\n");
    world.dispatch("tasks").stderr_has("its parent `nowhere` is not a known task").succeeds();
}

#[test]
fn an_mdtm_file_is_read() {
    let world = World::new();
    world.write(
        "tasks/TASK-RUST-20250518-01.md",
        "+++\nid = \"TASK-RUST-20250518-01\"\ntitle = \"Do it\"\nstatus = \"🔵 In Progress\"\ntype = \"🌟 Feature\"\n\
         priority = \"▶️ High\"\ncreated_date = \"2025-05-18\"\nparent_task = \"\"\ndepends_on = [\"TASK-0\"]\n\
         assigned_to = \"dev-rust\"\nrelated_docs = []\ntags = [\"rust\"]\n+++\n# Do it\n",
    );
    world.write("tasks/TASK-0.md", "+++\nstatus = \"🟢 Done\"\n+++\n");
    let listing = listing(&world);
    assert_eq!(messages(&listing), Vec::<String>::new());
    let read = task(&listing, "TASK-RUST-20250518-01");
    assert_eq!((&read["status"], &read["assignee"]), (&json!("in_progress"), &json!("dev-rust")));
    assert_eq!((&read["dependsOn"], &read["tags"]), (&json!(["TASK-0"]), &json!(["rust"])));
}

#[test]
fn a_broken_file_is_named_by_the_id_that_it_holds_and_its_error_says_what_to_write() {
    let world = World::new();
    world.task("T-10", "%exit 0");
    world.write("tasks/first.md", "---\nid: T-1\ntitle: Colon: in title\nstatus: todo\n---\n");
    let line = "hint: put the value in quotes: `title: 'Colon: in title'`";
    for words in ["task T-1", "run job T-1", "run job first", "job T-1"] {
        let ended = world.dispatch(words).stderr_has("first.md:3:1").stderr_has(line).fails_with(2);
        assert!(!ended.stderr.contains("T-10"), "{words}: {}", ended.stderr);
    }
    world.dispatch("check").stderr_has("first.md:3:1").stderr_has(line).fails_with(crate::manifest::PROBLEMS);
    for (broken, written) in [
        ("title: [WIP] thing", "`title: '[WIP] thing'`"),
        ("title: \"Two\" words", "`title: '\"Two\" words'`"),
        ("title: 'It's here'", "`title: \"It's here\"`"),
        ("title: *star", "`title: '*star'`"),
        ("title: %done", "`title: '%done'`"),
        ("title: It's: \"so\"", "`title: 'It''s: \"so\"'`"),
    ] {
        world.write("tasks/first.md", format!("---\nid: T-1\n{broken}\nstatus: todo\n---\n"));
        world.dispatch("task T-1").stderr_has("first.md:3:1").stderr_has(written).fails_with(2);
    }
    world.write("tasks/first.md", "+++\nid = \"T-1\"\ntitle = Some words\n+++\n");
    world.dispatch("task T-1").stderr_has("`title = \"Some words\"`").fails_with(2);
    // What quotes do not cure is not said to be cured by them.
    world.write("tasks/first.md", "---\nid: T-1\ntags: [a\nstatus: {\n---\n");
    let ended = world.dispatch("task T-1").stderr_has("first.md").fails_with(2);
    assert!(!ended.stderr.contains("quotes"), "{}", ended.stderr);
}

#[test]
fn a_utf_16_file_is_called_so_and_the_command_converts_it() {
    let world = World::new();
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let mut marked = vec![0xff, 0xfe];
    marked.extend(wide("---\ntitle: Wide\n---\n"));
    world.write("tasks/W-1.md", &marked);
    world.write("tasks/W-2.md", wide("---\ntitle: Wide\n---\n"));
    let ended = world.dispatch("check").stderr_has("is UTF-16, not UTF-8").fails_with(crate::manifest::PROBLEMS);
    assert!(ended.stderr.contains("is UTF-16LE, not UTF-8"), "{}", ended.stderr);
    let commands: Vec<&str> = ended.stderr.split('`').filter(|text| text.starts_with("iconv")).collect();
    assert_eq!(commands.len(), 2, "{}", ended.stderr);
    for command in commands {
        world.helper("sh", &["-c", command]);
    }
    assert_eq!(task(&listing(&world), "W-1")["title"], "Wide");
    assert_eq!(task(&listing(&world), "W-2")["title"], "Wide");
    world.dispatch("check").any_stderr().succeeds();

    let manifest = world.project().join("dispatch.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(wide(&text));
    std::fs::write(&manifest, bytes).unwrap();
    let ended = world.dispatch("tasks").stderr_has("the manifest is UTF-16, not UTF-8").fails_with(2);
    let command = ended.stderr.split('`').find(|text| text.starts_with("iconv")).expect("a command");
    world.helper("sh", &["-c", command]);
    world.dispatch("tasks").any_stderr().succeeds();
}

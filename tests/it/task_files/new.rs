//! `task new`: the next file of the project's own form.

use std::fs;

use super::{read, world};
use crate::world::World;

/// Runs `task new`, which must say the id and the path, and returns the file's text.
#[track_caller]
fn made(world: &World, words: &str, id: &str, path: &str) -> String {
    world.dispatch("task new").words(words).stdout_is(format!("{id} tasks/{path}\n")).succeeds();
    read(world, path)
}

/// The text with its date and time replaced.
fn undated(text: &str) -> String {
    let is_date = |word: &str| word.len() == 10 && word.chars().all(|c| c.is_ascii_digit() || c == '-');
    let is_time = |word: &str| word.len() == 5 && word.chars().all(|c| c.is_ascii_digit() || c == ':');
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let words = words.iter().map(|word| {
            let bare = word.trim_matches(['\'', '"']);
            if is_date(bare) {
                word.replace(bare, "DATE")
            } else if is_time(bare) {
                word.replace(bare, "TIME")
            } else {
                (*word).to_owned()
            }
        });
        words.collect::<Vec<_>>().join(" ")
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_first_task_gets_a_plain_file() {
    let world = World::new();
    let text = made(&world, "Make the parser: fast", "TASK-1", "TASK-1.md");
    assert_eq!(text, "---\ntitle: 'Make the parser: fast'\nstatus: todo\n---\n\n");
    assert_eq!(
        made(&world, "'And the lexer'", "TASK-2", "TASK-2.md"),
        "---\ntitle: And the lexer\nstatus: todo\n---\n\n"
    );
    let task = world.dispatch("task new Third --id X.1").json();
    assert_eq!(
        (task["id"].as_str(), task["title"].as_str(), task["status"].as_str()),
        (Some("X.1"), Some("Third"), Some("todo"))
    );
    assert!(world.project().join("tasks/X.1.md").exists());
}

#[test]
fn the_form_the_names_and_the_ids_are_those_of_the_files_beside_it() {
    let backlog = world(&[
        (
            "task-9 - Old.md",
            "---\nid: TASK-9\ntitle: Old\nstatus: To Do\nassignee: []\ncreated_date: '2025-06-01 10:00'\nlabels: [a]\n\
             dependencies: []\npriority: high\n---\n\n## Description\n",
        ),
        ("task-2.1 - Sub.md", "---\nid: TASK-2.1\nstatus: Done\n---\n"),
    ]);
    let text = made(&backlog, "Fix it/now please", "TASK-10", "task-10 - Fix-it-now-please.md");
    assert_eq!(
        undated(&text),
        "---\nid: TASK-10\ntitle: Fix it/now please\nstatus: To Do\nassignee: []\ncreated_date: 'DATE TIME'\nlabels: []\n\
         dependencies: []\n---\n\n"
    );

    let scopecraft = world(&[(
        "FEATURE_x/03_TASK-007.task.md",
        "+++\r\nid = \"TASK-007\"\r\ntitle = \"Old\"\r\nstatus = \"ðŸŸ¡ To Do\"\r\ntype = \"bug\"\r\ncreated_date = \"2025-05-08\"\r\nassigned_to = \"\"\r\n+++\r\n",
    )]);
    let text = made(&scopecraft, "A \\\"new\\\" one", "TASK-008", "FEATURE_x/04_TASK-008.task.md");
    assert_eq!(
        undated(&text.replace("\r\n", "\n")),
        "+++\nid = \"TASK-008\"\ntitle = \"A \\\"new\\\" one\"\nstatus = \"🟡 To Do\"\ntype = \"bug\"\ncreated_date = \"DATE\"\n+++\n\n"
    );
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());

    let title_first =
        world(&[("old-words.task.md", "# Old words\n\n---\ntype: feature\nstatus: In Progress\narea: ui\n---\n")]);
    let text = made(&title_first, "New, better words", "new-better-words", "new-better-words.task.md");
    assert_eq!(text, "# New, better words\n\n---\ntype: feature\nstatus: To Do\n---\n\n");
    made(&title_first, "New better words!", "new-better-words-2", "new-better-words-2.task.md");

    let plain = world(&[("A.md", "# Old\n")]);
    assert_eq!(made(&plain, "New", "new", "new.md"), "# New\n\n");

    let mdtm = world(&[(
        "TASK-CMD-20250421-144500.md",
        "+++\nid = \"TASK-CMD-20250421-144500\"\nstatus = \"🟡 To Do\"\n+++\n",
    )]);
    let task = mdtm.dispatch("task new Words").json();
    let id = task["id"].as_str().unwrap();
    assert!(
        id.starts_with("TASK-CMD-2") && id.len() == "TASK-CMD-20250421-144500".len() && !id.contains("20250421"),
        "{id}"
    );
    assert!(read(&mdtm, &format!("{id}.md")).contains("# Words\n"), "the title is the heading where no field has it");
}

#[test]
fn another_task_can_be_the_model() {
    let world = world(&[
        ("a/A-1.md", "---\nstatus: todo\n---\n"),
        ("a/A-2.md", "x"),
        ("b/B-1.md", "+++\ntitle = \"x\"\n+++\n"),
    ]);
    made(&world, "One", "A-3", "a/A-3.md");
    assert_eq!(made(&world, "Two --like B-1", "B-2", "b/B-2.md"), "+++\ntitle = \"Two\"\n+++\n\n");
    assert_eq!(made(&world, "Three --like A-1", "A-4", "a/A-4.md"), "---\nstatus: todo\n---\n\n# Three\n\n");
    world.dispatch("task new Four --like NO").stderr_has("unknown task `NO`").fails_with(2);
}

#[test]
fn what_is_there_is_not_overwritten() {
    let world = world(&[("T-1.md", "x")]);
    let call = world.dispatch("task new Words --id T-1").stderr_has("there is a task `T-1` already: `");
    call.stderr_has("hint: leave `--id` out for a free one").stdout_is("").fails_with(1);
    // A file that is no task: it has another id.
    world.write("tasks/T-2.md", "---\nid: other\n---\n");
    let call = world.dispatch("task new Words").stderr_has("T-2.md` cannot be written: it was created meanwhile");
    call.stdout_is("").fails_with(1);
    assert_eq!((read(&world, "T-1.md"), read(&world, "T-2.md")), ("x".to_owned(), "---\nid: other\n---\n".to_owned()));
    world.dispatch("task new Words --id a/b").stderr_has("invalid task id").fails_with(2);
    world.dispatch("task new ''").stderr_has("the title is empty").fails_with(2);
    world.dispatch("task new").stderr_has("TITLE").fails_with(2);
    assert_eq!(fs::read_dir(world.project().join("tasks")).unwrap().count(), 2);
    // Where nothing would list the file, none is written.
    let manifest = |tasks: &str| {
        format!(
            "version: 1\ntasks: [{tasks}]\nagents: {{ fake: {{ headless: [fake], prompt: stdin, protocol: text }} }}\nmodes: {{ job: {{ agent: fake, prompt: x }} }}\n"
        )
    };
    let none = World::bare();
    none.write("dispatch.yaml", manifest("{ files: \"work/*/todo.md\" }"));
    none.dispatch("task new Words")
        .stderr_has("work/TASK-1.md` would not be listed")
        .stderr_has("hint: ")
        .fails_with(2);
    assert!(!none.project().join("work").exists());
    none.write("dispatch.yaml", manifest("{ list: [{ id: L }] }"));
    none.dispatch("task new Words").stderr_has("no `tasks:` entry lists files").fails_with(2);
}

#[test]
fn two_at_once_get_two_ids() {
    let world = world(&[("task-1 - Old.md", "---\nid: TASK-1\nstatus: To Do\n---\n")]);
    let titles = ["One", "Two", "Three", "Four", "Five", "Six"];
    let calls: Vec<_> = titles.iter().map(|title| world.dispatch("task new").arg(title).start()).collect();
    let mut ids: Vec<String> = calls.into_iter().map(|call| call.ends_with(0).text()[..6].to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["TASK-2", "TASK-3", "TASK-4", "TASK-5", "TASK-6", "TASK-7"]);
    let listed = world.dispatch("tasks").json();
    assert_eq!(listed["tasks"].as_array().unwrap().len(), 7);
}

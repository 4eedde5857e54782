//! `task done` on 200 generated files of the shapes of several tools: the status changes, and not one other byte.

use std::fs;
use std::path::PathBuf;

use crate::random::Random;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// A file in three parts; the middle one is the value of its status.
struct Generated {
    id: String,
    path: PathBuf,
    parts: [Vec<u8>; 3],
    /// What the middle part becomes.
    done: String,
}

/// The folder and the ending of the files, and the status that is written there for "done".
const SHAPES: [(&str, &str, &str); 5] = [
    ("scopecraft", ".task.md", "🟢 Done"),
    ("mdtm", ".md", "🟢 Done"),
    ("backlog", ".md", "Done"),
    ("title-first", ".task.md", "Done"),
    ("plain", ".md", "done"),
];

fn generated(random: &mut Random, shape: usize, number: usize) -> Generated {
    let (folder, ending, spelled) = SHAPES[shape];
    let id = format!("{}-{number}", folder.to_uppercase());
    let comment =
        |random: &mut Random, text: &str| format!("{}{}", random.one(&["", "  ", " \t"]), random.one(&["", text]));
    let emoji =
        |random: &mut Random| random.one(&["🟡 To Do", "ðŸŸ¡ To Do", "🔵 In Progress", "ðŸ”µ In Progress"]).to_owned();
    let (head, old, quote, tail) = match folder {
        "scopecraft" | "mdtm" => {
            let head = format!(
                "+++\nid = \"{id}\"\ntitle = \"A status = {number}\"\n{}status{}=",
                random.one(&["", "# status = \"x\"\n"]),
                random.one(&[" ", "  "])
            );
            let more = "\ntags = [\"a\", \"b\"]\nnote = '''\nstatus = \"not this\"\n'''\n[status_of]\nstatus = \"nor this\"\n+++\n";
            let quote = random.one(&["\"", "'"]);
            (head, emoji(random), quote, format!("{}{more}", comment(random, " # << status: a comment")))
        }
        "title-first" => {
            let head = format!("# Title: of {number}\n\n---\ntype: feature\narea: a: b\nstatus:");
            (head, "To Do".to_owned(), "", "\nassignee: @me\n---\n".to_owned())
        }
        _ => {
            let key = if folder == "plain" { random.one(&["status", "Status"]) } else { "status" };
            let more = if folder == "plain" {
                "x: 1\n"
            } else {
                "assignee: @codex\nlabels:\n  - status: no\ncreated_date: '2025-06-01 10:00'\n"
            };
            let old = if folder == "plain" {
                random.one(&["todo", "in_progress", "blocked"])
            } else {
                random.one(&["To Do", "In Progress"])
            };
            let quote = random.one(&["", "", "'", "\""]);
            let head = format!("---\nid: {id}\nnote: |\n  status: not this\n{key}:");
            (head, old.to_owned(), quote, format!("{}\n{more}---\n", comment(random, " # status: a comment")))
        }
    };
    let body = random.one(&[
        "",
        "\nText\n",
        "\n# Head\n\n---\nstatus: To Do\n---\n+++\nstatus = \"x\"\n",
        "no newline at the end",
    ]);
    let gap = random.one(&[" ", " ", "   "]);
    let mut parts = [format!("{head}{gap}{quote}"), old, format!("{quote}{tail}{body}")].map(String::into_bytes);
    if random.below(3) == 0 {
        for part in &mut parts {
            *part = String::from_utf8_lossy(part).replace('\n', "\r\n").into_bytes();
        }
    }
    match random.below(8) {
        0 => parts[0].splice(0..0, "\u{feff}".bytes()).for_each(drop),
        // Beyond what a listing reads, a body may be no text at all.
        1 => {
            parts[2].extend(std::iter::repeat_n(b' ', 70_000));
            parts[2].extend(b"\xff\xfe\x00\x80");
        }
        _ => {}
    }
    Generated { path: PathBuf::from(format!("tasks/{folder}/{id}{ending}")), id, parts, done: spelled.to_owned() }
}

#[test]
fn done_changes_the_status_and_not_one_other_byte() {
    let world = World::new();
    let mut random = Random::new();
    let files: Vec<Generated> = (0..200).map(|n| generated(&mut random, n % SHAPES.len(), n)).collect();
    for file in &files {
        world.write(&file.path, file.parts.concat());
    }
    let listed = world.dispatch("tasks").any_stderr().json();
    assert_eq!(listed["tasks"].as_array().unwrap().len(), files.len(), "{}", listed["problems"]);
    for pair in files.chunks(2) {
        // Two at once, so that nothing of one gets lost by the other.
        let calls: Vec<_> = pair.iter().map(|file| world.dispatch("task done").arg(&file.id).start()).collect();
        for (call, file) in calls.into_iter().zip(pair) {
            let ended = call.ends();
            assert!(
                ended.code == 0 && ended.text().starts_with(&format!("{} is done: `{}`", file.id, file.done)),
                "seed {}: {}{}",
                random.seed,
                ended.text(),
                ended.stderr
            );
        }
    }
    for file in &files {
        let [before, _, after] = &file.parts;
        let expected = [before.as_slice(), file.done.as_bytes(), after].concat();
        let found = fs::read(world.project().join(&file.path)).unwrap();
        assert!(
            found == expected,
            "seed {}: {}\n{}",
            random.seed,
            file.path.display(),
            String::from_utf8_lossy(&found[..found.len().min(400)])
        );
    }
    let listed = world.dispatch("tasks").any_stderr().json();
    assert!(listed["tasks"].as_array().unwrap().iter().all(|task| task["status"] == "done"), "{listed}");
}

#[test]
fn two_that_change_one_file_at_once_lose_nothing() {
    let world = World::new();
    let text = "---\nid: T\nstatus: todo\n---\n".to_owned() + &"line\n".repeat(20_000);
    let path = world.project().join("tasks/T.md");
    for _ in 0..crate::waiting::rounds(40) {
        world.write("tasks/T.md", &text);
        let calls: Vec<_> = (0..4).map(|_| world.dispatch("task done T").start()).collect();
        let ended: Vec<String> = calls.into_iter().map(|call| call.ends_with(0).text()).collect();
        assert_eq!(ended.iter().filter(|text| text.contains("is done: `done`, was `todo`")).count(), 1, "{ended:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text.replacen("todo", "done", 1));
    }
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn what_another_process_writes_meanwhile_is_kept() {
    let world = World::new();
    let path = world.write("tasks/T.md", "---\nid: T\nstatus: todo\n---\n");
    let held = fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let call = world.dispatch("task done T").start();
    wait_until("it waits for the lock", || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        let pid = call.pid().to_string();
        let waits = |line: &str| line.contains("-> FLOCK") && line.split_whitespace().any(|word| word == pid);
        is(locks.lines().any(waits), locks.clone())
    });
    let fresh = world.write("tasks/fresh", "---\nid: T\ntags: [new]\nstatus: todo\n---\nmore\n");
    fs::rename(fresh, &path).unwrap();
    drop(held);
    call.ends_with(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "---\nid: T\ntags: [new]\nstatus: done\n---\nmore\n");
}

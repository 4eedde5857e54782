//! Task files: what is read, what is named as a problem, and that one bad file hides no other.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::manifest::PROBLEMS;
use crate::world::World;

fn find(listing: &Value, id: &str) -> Value {
    let tasks = listing["tasks"].as_array().expect("`tasks --json` holds `tasks`");
    tasks.iter().find(|task| task["id"] == id).unwrap_or_else(|| panic!("no {id} in {listing}")).clone()
}

fn problems(listing: &Value) -> String {
    listing["problems"].to_string()
}

#[test]
fn all_three_ways_of_writing_a_task_are_read() {
    let world = World::new();
    world.write("tasks/A-1.md", "+++\nid = \"A-1\"\ntitle = \"By TOML\"\nstatus = \"🔵 In Progress\"\n+++\n\nBody\n");
    world.write("tasks/A-2.md", "---\ntitle: By YAML\nstatus: todo\ntags: [x, y]\n---\n\nBody\n");
    world.write("tasks/A-3.md", "# By title\n\n---\nstatus: done\n---\n\nBody\n");
    world.write("tasks/A-4.task.md", "# Only a title\n");
    let listing = world.dispatch("tasks").json();
    for (id, title, status) in
        [("A-1", "By TOML", "in_progress"), ("A-2", "By YAML", "todo"), ("A-3", "By title", "done")]
    {
        let task = find(&listing, id);
        assert_eq!((task["title"].as_str(), task["status"].as_str()), (Some(title), Some(status)));
    }
    assert_eq!(find(&listing, "A-4")["title"], "Only a title");
    assert_eq!(find(&listing, "A-2")["tags"], serde_json::json!(["x", "y"]));
}

/// The front matter of a real file whose emoji were read in a wrong encoding.
const REAL: &str = "+++\nid = \"_overview\"\ntitle = \"Task-Aware Sessions\"\ntype = \"feature\"\n\
    status = \"ðŸŸ¡ To Do\"\ncreated_date = \"2025-05-19\"\nis_overview = true\nassigned_to = \"\"\n\
    tags = [ \"tmux\", \"orchestration\" ]\n+++\n\n## Feature\n\n```bash\n# not a heading\ntmux ls\n```\n\n\
    ### Part\n\n- [ ] One\n- [x] Two\n";

#[test]
fn an_overview_takes_its_folders_name_and_damaged_emoji_are_read() {
    let world = World::new();
    world.write("tasks/FEATURE_sessions/_overview.md", REAL);
    world.write("tasks/FEATURE_sessions/02_second.md", "---\nid: SECOND\ntitle: Second\n---\n");
    world.write("tasks/FEATURE_sessions/01_first.md", "---\nid: FIRST\ntitle: First\n---\n");
    let listing = world.dispatch("tasks").json();
    let overview = find(&listing, "FEATURE_sessions");
    assert_eq!(overview["status"], "todo");
    assert_eq!(find(&listing, "FIRST")["parent"], "FEATURE_sessions");
    assert_eq!(overview["subtasks"], serde_json::json!(["FIRST", "SECOND"]));
    // The only overview can be called so.
    world.dispatch("task _overview").stdout_has("Task-Aware Sessions").succeeds();
}

#[test]
fn a_broken_file_is_named_and_the_others_are_listed() {
    let world = World::new();
    world.task("GOOD", "fine");
    world.write("tasks/UNCLOSED.md", "+++\ntitle = \"x\"\n");
    world.write("tasks/YAMLBAD.md", "---\ntitle: [\n---\n");
    world.write("tasks/BYTES.md", b"# \xff\xfe\n");
    world.write("tasks/bad name.md", "# A name that is no id\n");
    fs::File::create(world.project().join("tasks/LARGE.md")).unwrap().set_len(50 << 20).unwrap();
    world.helper("mkfifo", &["tasks/FIFO.md"]);
    symlink("/dev/zero", world.project().join("tasks/ZERO.md")).unwrap();
    symlink(".", world.project().join("tasks/loop")).unwrap();

    let listing = world.dispatch("tasks").notes().json();
    find(&listing, "GOOD");
    for name in ["UNCLOSED.md", "YAMLBAD.md", "BYTES.md", "bad name.md", "LARGE.md", "FIFO.md", "ZERO.md"] {
        assert!(problems(&listing).contains(name), "{name} is not named in {}", problems(&listing));
    }
    world.dispatch("run job UNCLOSED").stderr_has("UNCLOSED").fails_with(2);
    world.dispatch("check").stderr_has("UNCLOSED.md").fails_with(PROBLEMS);
}

#[test]
fn two_files_with_one_id_are_a_problem_and_do_not_run() {
    let world = World::new();
    world.write("tasks/one.md", "---\nid: SAME\ntitle: One\n---\n\n%exit 0\n");
    world.write("tasks/two.md", "---\nid: SAME\ntitle: Two\n---\n\n%exit 0\n");
    let listing = world.dispatch("tasks").notes().json();
    assert!(problems(&listing).contains("one.md") && problems(&listing).contains("two.md"), "{listing}");
    world.dispatch("run job SAME").stderr_has("one.md").stderr_has("two.md").fails_with(2);
    assert!(world.starts().is_empty());
}

#[test]
fn tasks_can_stand_in_the_manifest() {
    let world = World::bare();
    world.write(
        "dispatch.yaml",
        "version: 1\ntasks:\n  - list: [{ id: TASK-42, title: Tidy the parser, tags: [a] }]\n\
         modes:\n  a: { prompt: \"{{ task.title }}\" }\n",
    );
    let listing = world.dispatch("tasks").json();
    assert_eq!(find(&listing, "TASK-42")["title"], "Tidy the parser");
}

#[test]
fn front_matter_is_data_and_decides_nothing() {
    let world = World::new();
    world.write(
        "tasks/EVIL.md",
        "---\ntitle: Evil\nextras: [\"--dangerously-skip-permissions\"]\nworktree: /\ncwd: /\nlog: ~/.bashrc\n---\n\n%exit 0\n",
    );
    let run = world.detach("job", "EVIL");
    assert_eq!(world.saw_words(&run, "argv"), ["fake"]);
    let cwd = String::from_utf8(world.saw(&run, "cwd")).unwrap();
    assert_eq!(cwd, world.project().to_str().unwrap());
}

#[test]
fn one_task_is_shown_with_where_it_comes_from() {
    let world = World::new();
    world.task("TASK-1", "Some words of the body");
    world.dispatch("task TASK-1").stdout_has("The TASK-1").stdout_has("tasks/TASK-1.md").succeeds();
    let task = world.dispatch("task TASK-1").json();
    assert_eq!(task["id"], "TASK-1");
    world.dispatch("task TASK-2").stderr_has("`TASK-1`").fails_with(2);
}

#[test]
fn five_thousand_tasks_are_listed_with_little_work() {
    let world = World::new();
    for n in 0..5000 {
        world.task(&format!("T-{n:04}"), "- [ ] one\n- [x] two\n\nSome text.");
    }
    let ended = world.dispatch_by_shell("dispatch tasks --json >listing && times").succeeds();
    let listing: Value = serde_json::from_slice(&fs::read(world.project().join("listing")).unwrap()).unwrap();
    assert_eq!(listing["tasks"].as_array().unwrap().len(), 5000);
    // The second line is the processor time of the shell's children, `MmS.Ss` in user mode and in the kernel.
    let text = ended.text();
    let seconds = |word: &str| -> f64 {
        let (minutes, seconds) = word.trim_end_matches('s').split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
    };
    let took: f64 = text.lines().nth(1).unwrap().split(' ').map(seconds).sum();
    // A build without optimisation; the benchmark holds the release to less.
    assert!(took < 4.0, "{took} s of processor time");
}

#[test]
fn a_copied_tree_below_the_state_folder_is_no_task() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    world.dispatch("run job TASK-1").notes().succeeds();
    let listing = world.dispatch("tasks").json();
    assert_eq!(listing["tasks"].as_array().unwrap().len(), 1, "{listing}");
}

//! How a task is named: ids with dots, by a template of the manifest, by the path of its file; and what text of
//! a task may not do to a terminal.

use serde_json::{Value, json};

use crate::manifest::PROBLEMS;
use crate::world::{World, alive};

fn ids(world: &World) -> Vec<String> {
    let listing = world.dispatch("tasks").any_stderr().json();
    listing["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_id_with_dots_runs_as_any_other() {
    let world = World::with("  code-review: { agent: fake, prompt: \"{{ task.body }}\" }\n");
    world.task("T-1.2", "%out said\n").task("T-1", "%out other\n").task("x", "%out x\n");
    world.dispatch("run code-review T-1.2").stdout_has("said").notes().succeeds();
    world.dispatch("code-review T-1.2").stdout_has("said").notes().succeeds();
    let run = world.status("code-review", "T-1.2");
    assert_eq!((&run["label"], &run["window"]), (&json!("T-1.2-code-review"), &json!("T-1_2-code-review")));
    assert!(world.state().join("pairs/code-review/T-1.2").is_file());
    world.dispatch("logs code-review T-1.2").stdout_has("said").succeeds();
    world.dispatch("wait code-review T-1.2").any_stderr().succeeds();
    world.dispatch("history --task T-1.2").stdout_has("T-1.2").succeeds();
    world.dispatch("stop code-review T-1.2").any_stderr().stdout_has("not running").succeeds();
    // A mode has no dots.
    world.dispatch("run code-review.x T-1").stderr_has("`code-review.x` holds `.`").fails_with(2);
    let completed = world
        .dispatch("-- dispatch run code-review T-1")
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "3")
        .env("_CLAP_IFS", "\n")
        .succeeds();
    assert!(completed.text().lines().any(|line| line == "T-1.2"), "{}", completed.text());
    for bad in ["T-1.", ".T", "T..1"] {
        world.write(format!("tasks/bad/{bad}.md"), "");
    }
    // A pattern does not match hidden files.
    let listing = world.dispatch("check").any_stderr().fails_with(PROBLEMS);
    assert_eq!(listing.stderr.matches("invalid task id").count(), 2, "{}", listing.stderr);
}

#[test]
fn two_windows_whose_names_in_tmux_are_equal_stay_two_runs() {
    let world = World::new();
    world.task("A.B", "%hang\n").task("A_B", "%hang\n");
    let open = |task: &str| -> (String, i32) {
        world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
        let run = world.status("talk", task)["runId"].as_str().unwrap().to_owned();
        let pid = world.agent_ready(&run).pid;
        (run, pid)
    };
    let (dotted, first) = open("A.B");
    let (plain, second) = open("A_B");
    assert_ne!(dotted, plain);
    assert_eq!(world.panes("#{window_name}").iter().filter(|name| *name == "A_B-talk").count(), 2);
    assert_eq!((open("A.B").0, open("A_B").0), (dotted.clone(), plain.clone()), "each is found again");
    let window = |run: &str| {
        let rows = world.panes("#{window_id} #{pane_start_command}");
        rows.iter().find(|row| row.contains(run)).unwrap().split(' ').next().unwrap().to_owned()
    };
    for (task, run) in [("A.B", &dotted), ("A_B", &plain)] {
        world.dispatch("attach --print talk").arg(task).stdout_has(window(run)).succeeds();
    }
    world.dispatch("send talk A.B words").any_stderr().succeeds();
    world.dispatch("stop talk A.B").notes().succeeds();
    assert_eq!(world.status("talk", "A_B")["state"], "running");
    assert!(!alive(first) && alive(second));
}

#[test]
fn the_server_takes_ids_with_dots_and_no_paths() {
    let world = World::new();
    world.task("T-1.2", "%out said\n");
    world.write("tasks/v1/01_design.md", "---\nid: D-1\n---\n");
    let server = world.serve();
    for (path, status) in [
        ("/api/tasks/T-1.2", 200),
        ("/ui/tasks/T-1.2", 200),
        ("/tasks/T-1.2", 200),
        ("/api/tasks/D-1", 200),
        ("/api/tasks/design", 404),
        ("/api/tasks/v1%2Fdesign", 400),
        ("/api/tasks/T-1.", 400),
        ("/api/tasks/T..1", 400),
        ("/api/tasks/.T", 400),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    let started = server.post("/dispatch/job/T-1.2", "{}");
    assert_eq!(started.status, 201, "{}", started.text());
    world.wait_state("job", "T-1.2", "succeeded");
    assert_eq!(server.get("/status/job/T-1.2").status, 200);
}

/// Two phases of a project, each with a folder of the same name.
fn phases(entry: &str) -> World {
    let world = World::bare();
    world.write(
        "dispatch.yaml",
        format!(
            "version: 1\ntasks:\n  - files: \"tasks/**/*.md\"\n{entry}agents: {{ fake: {{ headless: [fake], prompt: stdin, protocol: text }} }}\n\
             modes: {{ job: {{ agent: fake, prompt: \"{{{{ task.body }}}}\" }} }}\n"
        ),
    );
    for phase in ["release-v1", "release-v1.1"] {
        world.write(
            format!("tasks/{phase}/AREA_UI/_overview.md"),
            format!("---\ntitle: UI of {phase}\n---\n\n%out {phase}\n"),
        );
        world.write(format!("tasks/{phase}/AREA_UI/01_page.md"), "+++\nparent_task = \"UI\"\n+++\n");
    }
    world
}

#[test]
fn a_template_tells_tasks_of_one_name_apart() {
    let world = phases("");
    let line = "id: \"{{ file.parts[1] }}_{{ file.stem }}\"";
    world.dispatch("check").stderr_has("the id `AREA_UI` is used 2 times").stderr_has(line).fails_with(PROBLEMS);
    world.dispatch("run job AREA_UI").stderr_has("is used 2 times").fails_with(2);
    world.dispatch("run job release-v1/AREA_UI").stderr_has("is used 2 times").fails_with(2);

    let world = phases(&format!("    {line}\n"));
    world.dispatch("check").stdout_is("ok: 2 modes, 4 tasks\n").succeeds();
    let all = ["release-v1_AREA_UI", "release-v1_page", "release-v1.1_AREA_UI", "release-v1.1_page"];
    assert_eq!(ids(&world), all);
    let page = world.dispatch("task release-v1.1_page").json();
    assert_eq!(page["parent"], "release-v1.1_AREA_UI", "the nearest of two is meant");
    for (word, said) in [
        ("release-v1_AREA_UI", "release-v1"),
        ("release-v1/AREA_UI", "release-v1"),
        ("release-v1.1/AREA_UI", "release-v1.1"),
        ("tasks/release-v1.1/AREA_UI/_overview.md", "release-v1.1"),
        ("./tasks/release-v1/AREA_UI/", "release-v1"),
    ] {
        world.dispatch("run -B job").arg(word).stdout_is(format!("{said}\n")).notes().succeeds();
    }
    let ended = world.dispatch("run job AREA_UI").stderr_has("could be 2 different tasks").fails_with(2);
    for id in &all[..1] {
        assert!(ended.stderr.contains(id), "{}", ended.stderr);
    }
    assert!(ended.stderr.contains("release-v1.1_AREA_UI"), "{}", ended.stderr);
}

#[test]
fn an_id_template_that_fails_is_a_problem_of_that_file_or_of_the_manifest() {
    let entry = |id: &str| phases(&format!("    id: {id}\n"));
    let world = entry("\"{{ file.parts[1] }}/{{ file.stem }}\"");
    world
        .dispatch("check")
        .stderr_has("makes an invalid task id of this file")
        .stderr_has("holds `/`")
        .fails_with(PROBLEMS);
    let world = entry("\"{{ meta.title }}\"");
    let listing = world.dispatch("tasks").any_stderr().json();
    let problems = listing["problems"].to_string();
    assert!(problems.contains("01_page.md") && problems.contains("fails here"), "{problems}");
    for (id, said, place) in [
        ("\"{% if x %}{% endif %}\"", "`id` holds a statement", "dispatch.yaml:4:10"),
        ("\"{{ file.stemm }}\"", "`file` has no field `stemm`", "dispatch.yaml:4:"),
        ("\"{{ task.id }}\"", "`task` is not known here", "dispatch.yaml:4:"),
        ("\"{{ file.stem | lwoer }}\"", "there is no filter `lwoer`", "dispatch.yaml:4:"),
        ("\"\"", "`id` cannot be empty", "dispatch.yaml:4:"),
    ] {
        entry(id).dispatch("check").stderr_has(said).stderr_has(place).fails_with(PROBLEMS);
    }
    let world = World::bare();
    world.write("dispatch.yaml", "version: 1\ntasks: [{ list: [{ id: A }], id: \"{{ file.stem }}\" }]\nmodes: {}\n");
    world.dispatch("check").stderr_has("`id` names the tasks of `files`").fails_with(PROBLEMS);
    // A text that grows without end is given up.
    let world = entry("\"{{ ('x' * 99999999) * 99999999 }}\"");
    let listing = world.dispatch("tasks").any_stderr().json();
    assert_eq!(listing["tasks"], json!([]));
}

#[test]
fn a_task_is_named_by_its_file_where_a_command_takes_one() {
    let world = World::new();
    world.write("tasks/v1/01_design.md", "---\nid: D-1\n---\n\n%out designed\n");
    world.write("tasks/v2/01_design.md", "---\nid: D-2\n---\n\n%out again\n");
    world.write("tasks/v2/broken.md", "---\ntitle: [\n---\n");
    world.dispatch("run job tasks/v1/01_design.md").stdout_is("designed\n").any_stderr().succeeds();
    world.dispatch("job v2/design").stdout_is("again\n").any_stderr().succeeds();
    for words in ["status job", "logs job", "wait job", "render job", "task"] {
        world.dispatch(words).arg("v1/design").any_stderr().succeeds();
    }
    world
        .dispatch("task")
        .arg("01_design.md")
        .in_folder(world.project().join("tasks/v2"))
        .stdout_has("D-2")
        .any_stderr()
        .succeeds();
    world.dispatch("stop job v1/design").any_stderr().stdout_has("D-1").succeeds();
    let ended = world.dispatch("run job design").stderr_has("`design` could be 2 different tasks").fails_with(2);
    assert!(ended.stderr.contains("D-1 (tasks/v1/01_design.md), D-2 (tasks/v2/01_design.md)"), "{}", ended.stderr);
    world.dispatch("run job v3/design").stderr_has("there is no task file `v3/design`").fails_with(2);
    world.dispatch("run job v2/broken").stderr_has("broken.md:2").fails_with(2);
    // An id comes first.
    world.write("tasks/v2/D-1.md", "---\nid: OTHER\n---\n");
    world.dispatch("task D-1").stdout_has("tasks/v1/01_design.md").any_stderr().succeeds();
}

const TURNING: &str = "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}";

#[track_caller]
fn turns_nothing(text: &str) {
    assert!(!text.contains(|c| TURNING.contains(c)), "{text:?}");
}

#[test]
fn text_of_a_task_or_an_agent_does_not_turn_a_terminal_around() {
    let world = World::new();
    let text = format!("a{TURNING}z");
    world.write(
        "tasks/T-1.md",
        format!("---\ntitle: \"{text}\"\nstatus: \"{text}\"\ntags: [\"{text}\"]\n---\n\n%out {text}\n"),
    );
    world.write("tasks/T-2.md", format!("---\ntitle: {text}: b\n---\n"));
    let on_a_terminal = |words: &str| -> String {
        let script = format!("TERM=xterm script -qec 'dispatch {words}' /dev/null </dev/null");
        let ended = world.dispatch_by_shell(&script).ends_somehow();
        ended.text() + &ended.stderr
    };
    for words in ["task T-1", "tasks", "check", "run -q job T-1", "logs job T-1", "render job T-1"] {
        let shown = on_a_terminal(words);
        turns_nothing(&shown);
        assert!(words == "check" || shown.contains("az"), "{words}: {shown:?}");
    }
    let ended = world.dispatch("task T-1").any_stderr().succeeds();
    turns_nothing(&(ended.text() + &ended.stderr));
    // JSON escapes them.
    let ended = world.dispatch("task T-1 --json").any_stderr().succeeds();
    turns_nothing(&ended.text());
    let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(document["title"], text.as_str());
    // Exact where that is asked for, and into a file.
    assert!(on_a_terminal("logs --raw job T-1").contains(&text));
    world.dispatch("logs job T-1").stdout_is(format!("{text}\n")).succeeds();
}

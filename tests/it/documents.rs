//! What is written down is true: examples, the project's own manifest, the README.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::World;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Copies a folder into a fresh world, so that no state is written beside the sources.
fn copied(folder: &Path) -> (World, PathBuf) {
    let world = World::bare();
    let target = world.root().join("copy");
    world.helper("cp", &["-R", folder.to_str().unwrap(), target.to_str().unwrap()]);
    (world, target)
}

/// The fenced blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(name)) => block = (name.trim() == language).then(|| (number + 2, String::new())),
            (Some(_), Some(_)) => found.extend(block.take()),
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

#[test]
fn every_example_passes_check_and_lists_its_tasks() {
    let mut seen = 0;
    for entry in fs::read_dir(repository().join("examples")).unwrap().flatten() {
        if !entry.path().join("dispatch.yaml").exists() {
            continue;
        }
        seen += 1;
        let (world, copy) = copied(&entry.path());
        for program in ["claude", "codex", "gemini", "opencode", "aider"] {
            crate::fake::install(&world.root().join("bin"), program);
        }
        world.dispatch("check").in_folder(&copy).notes().succeeds();
        let tasks = world.dispatch("tasks").in_folder(&copy).json();
        assert!(!tasks["tasks"].as_array().unwrap().is_empty(), "{}", copy.display());
        assert_eq!(tasks["problems"].as_array().map_or(0, Vec::len), 0, "{tasks}");
    }
    assert!(seen >= 5, "{seen} examples");
}

#[test]
fn the_pipeline_plans_orders_and_asks() {
    let (world, copy) = copied(&repository().join("examples/pipeline"));
    crate::fake::install(&world.root().join("bin"), "claude");
    let there = |words: &str| world.dispatch(words).in_folder(&copy);
    let plan = there("plan").notes().succeeds().text();
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    for line in plan.lines().filter(|line| line.starts_with('+') && line.contains("INDEX")) {
        assert!(readme.contains(line), "the README shows another plan than {plan}");
    }
    assert!(plan.contains("start lint INDEX: missing, needed by `code-review`"), "{plan}");
    let shown = there("run -n implement RELEASE --subtasks").succeeds().text();
    let heads: Vec<&str> = shown.lines().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(
        heads,
        [
            "# implement REL-1 (headless)",
            "# lint REL-2 (headless)",
            "# code-review REL-2 (headless)",
            "# implement REL-3 (headless)"
        ],
        "{shown}"
    );
    assert!(!copy.join(".dispatch").exists());
}

#[test]
fn the_projects_own_manifest_renders_every_mode_for_every_task() {
    let world = World::bare();
    crate::fake::install(&world.root().join("bin"), "claude");
    for part in ["dispatch.yaml", "templates", "tasks"] {
        let from = repository().join(part);
        world.helper("cp", &["-R", from.to_str().unwrap(), "."]);
    }
    world.dispatch("check").notes().succeeds();
    let modes = world.dispatch("modes").json();
    let names: Vec<&str> = modes["modes"].as_array().unwrap().iter().filter_map(|mode| mode["name"].as_str()).collect();
    for name in ["interactive", "none", "code-review", "documentation", "test-writer", "release-notes"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let tasks = world.dispatch("tasks").json();
    for task in tasks["tasks"].as_array().unwrap() {
        for mode in &names {
            world.dispatch("render").arg(mode).arg(task["id"].as_str().unwrap()).succeeds();
        }
    }
}

#[test]
fn every_yaml_block_of_the_readme_passes_check() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let found = blocks(&readme, "yaml");
    assert!(found.len() >= 2, "the README shows manifests");
    let shared = found[0].1.clone();
    let mut personal = 0;
    for (line, text) in found {
        let world = World::bare();
        crate::fake::install(&world.root().join("bin"), "claude");
        world.write("dispatch.yaml", &text);
        for name in ["interactive", "code-review", "documentation", "test-writer"] {
            world.write(format!("templates/{name}.md"), "{{ task.id }}\n");
        }
        world.task("TASK-42", "x");
        let ended = world.dispatch("check").ends_somehow();
        assert_eq!(ended.code, 0, "README.md line {line}:\n{text}\n{}", ended.stderr);
        // What holds a person's own settings only may stand in their file, too.
        if top_level_keys(&text).iter().all(|key| PERSONAL.contains(key)) {
            personal += 1;
            world.write("dispatch.yaml", &shared);
            world.write("dispatch.local.yaml", &text);
            let ended = world.dispatch("check").ends_somehow();
            assert_eq!(ended.code, 0, "README.md line {line} as dispatch.local.yaml:\n{text}\n{}", ended.stderr);
        }
    }
    assert!(personal >= 1, "the README shows a dispatch.local.yaml");
}

#[test]
fn every_yaml_block_of_the_documents_passes_check() {
    let mut checked = 0;
    for entry in fs::read_dir(repository().join("docs")).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        for (line, text) in blocks(&fs::read_to_string(&path).unwrap(), "yaml") {
            let world = World::bare();
            for name in ["claude", "my-agent", "my-reviewer"] {
                crate::fake::install(&world.root().join("bin"), name);
            }
            for name in ["interactive", "code-review"] {
                world.write(format!("templates/{name}.md"), "{{ task.id }}\n");
            }
            world.write("dispatch.yaml", &text);
            world.task("TASK-42", "x");
            let ended = world.dispatch("check").ends_somehow();
            assert_eq!(ended.code, 0, "{} line {line}:\n{text}\n{}", path.display(), ended.stderr);
            checked += 1;
        }
    }
    assert!(checked >= 2, "the documents show manifests");
}

/// Keys that `dispatch.local.yaml` takes as a whole. (Of `modes` it takes `flags` only.)
const PERSONAL: [&str; 8] = ["version", "terminal", "editor", "jobs", "budget", "notify", "env", "pass_env"];

fn top_level_keys(text: &str) -> Vec<&str> {
    let keys = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()));
    keys.filter_map(|line| line.split_once(':')).map(|(key, _)| key).collect()
}

#[test]
fn the_readmes_first_two_commands_exist_and_are_plain() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    for command in ["bash examples/demo/demo.sh", "bash scripts/test.sh"] {
        assert!(readme.contains(command), "the README does not name `{command}`");
        let script = repository().join(command.trim_start_matches("bash "));
        World::bare().helper("bash", &["-n", script.to_str().unwrap()]);
    }
    let machine = fs::read_to_string(repository().join(".ci/run")).unwrap();
    assert!(machine.contains("scripts/test.sh"));
}

#[test]
fn the_exit_code_table_of_the_readme_names_them_all() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    for code in ["124", "125", "126", "127", "130", "143", "128+N"] {
        assert!(readme.contains(code), "{code}");
    }
}

#[test]
fn the_demos_agent_takes_no_options_value_for_its_prompt() {
    let (world, copy) = copied(&repository().join("examples/demo"));
    let manifest = fs::read_to_string(copy.join("dispatch.yaml")).unwrap();
    fs::write(copy.join("dispatch.yaml"), format!("{manifest}\nbudget: {{ run: 2 }}\n")).unwrap();
    let run = world.dispatch("run code-review TASK-1 -- --model opus").env("DEMO_PACE", "0").in_folder(&copy);
    let said = run.any_stderr().succeeds().text();
    assert!(said.contains("I look at what the task is about: Review "), "{said}");
}

#[test]
fn the_demo_reviews_fails_hangs_and_asks() {
    let (world, copy) = copied(&repository().join("examples/demo"));
    let demo = |words: &str| world.dispatch(words).env("DEMO_PACE", "0").in_folder(&copy);
    // The agent's environment is closed; its pace is not passed on and stays short by itself.
    demo("run code-review TASK-1").any_stderr().stdout_has("Verdict: changes needed").succeeds();
    let run = demo("status code-review TASK-1").json();
    assert_eq!(run["costUsd"], 0.0123, "{run}");
    assert!(fs::read_to_string(copy.join("reviews/TASK-1.md")).unwrap().starts_with("Verdict"));
    demo("run code-review TASK-2").any_stderr().fails_with(3);
    demo("run -d code-review TASK-3").notes().succeeds();
    demo("stop code-review TASK-3").notes().succeeds();
    demo("wait code-review TASK-3").any_stderr().fails_with(143);
    demo("history").stdout_has("TASK-1").stdout_has("TASK-2").stdout_has("TASK-3").succeeds();

    demo("run -q --attach none interactive TASK-1").notes().succeeds();
    crate::waiting::wait_until("it asks", || {
        let pane = world.panes("#{pane_id}").pop().ok_or("no pane")?;
        let screen = world.tmux(&["capture-pane", "-p", "-t", &pane]);
        crate::waiting::is(screen.contains("when there is no name?"), screen)
    });
    let pane = world.panes("#{pane_id}").pop().unwrap();
    world.tmux(&["send-keys", "-t", &pane, "stranger", "Enter"]);
    demo("wait interactive TASK-1").notes().succeeds();
}

//! `check`, and what every command prints for a bad manifest: all problems, with places and fixes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::world::World;

/// The exit code of `check` where it found problems.
pub(crate) const PROBLEMS: i32 = 1;

/// A world with exactly this manifest.
fn manifest(text: impl AsRef<[u8]>) -> World {
    let world = World::bare();
    world.write("dispatch.yaml", text);
    world
}

#[test]
fn a_good_manifest_passes_without_a_word_on_stderr() {
    let world = World::new();
    world.task("TASK-1", "hello");
    world.dispatch("check").succeeds();
}

#[test]
fn all_problems_come_in_one_go_each_with_file_line_and_column() {
    let world = manifest(
        "version: 1\n\
         jobz: 2\n\
         modes:\n  \
           review:\n    \
             tiemout: 5m\n    \
             template: templates/gone.md\n  \
           talk:\n    \
             interactive: true\n    \
             agent: nobody\n    \
             timeout: 5m\n",
    );
    world
        .dispatch("check")
        .stderr_has("error: ")
        .stderr_has("dispatch.yaml:2:1")
        .stderr_has("`jobz`")
        .stderr_has("`jobs`")
        .stderr_has("dispatch.yaml:5:5")
        .stderr_has("`timeout`")
        .fails_with(PROBLEMS);
}

#[test]
fn references_templates_and_misplaced_keys_are_reported_together() {
    let world = manifest(
        "version: 1\n\
         modes:\n  \
           review:\n    \
             template: templates/gone.md\n  \
           talk:\n    \
             interactive: true\n    \
             agent: nobody\n    \
             timeout: 5m\n  \
           typo:\n    \
             prompt: \"{{ task.titel }} {{ nope }}\"\n",
    );
    world
        .dispatch("check")
        .stderr_has("templates/gone.md")
        .stderr_has("`nobody`")
        .stderr_has("dispatch.yaml:8:")
        .stderr_has("timeout")
        .stderr_has("nope")
        .fails_with(PROBLEMS);
}

#[test]
fn a_command_that_needs_the_manifest_ends_with_2_and_starts_nothing() {
    let world = manifest("version: 1\nmodes:\n  job: { agnet: fake }\n");
    world.task("TASK-1", "%exit 0");
    world.dispatch("run job TASK-1").stderr_has("dispatch.yaml:3:").stderr_has("`agent`").fails_with(2);
    assert!(world.starts().is_empty());
    assert!(!world.state().exists(), "a refused command leaves no state folder");
}

#[test]
fn duplicate_keys_are_errors_and_never_silently_the_last() {
    for (text, place) in [
        ("version: 1\njobs: 1\njobs: 2\n", "dispatch.yaml:3:1"),
        ("version: 1\nmodes:\n  a: { prompt: x }\n  a: { prompt: y }\n", "dispatch.yaml:4:3"),
        ("version: 1\nmodes:\n  a:\n    prompt: x\n    prompt: y\n", "dispatch.yaml:5:5"),
    ] {
        manifest(text).dispatch("check").stderr_has(place).fails_with(PROBLEMS);
    }
}

#[test]
fn wrong_types_values_and_documents_are_errors_with_a_place() {
    for text in [
        "version: 1\njobs: many\n",
        "version: 1\njobs: 0\n",
        "version: 1\njobs: -1\n",
        "version: 2\n",
        "version: one\n",
        "version: 1\nmodes: [a, b]\n",
        "version: 1\nmodes:\n  a: { interactive: nope }\n",
        "version: 1\nmodes:\n  a: { prompt: x, timeout: 30 }\n",
        "version: 1\nmodes:\n  a: { prompt: x, timeout: -5m }\n",
        "version: 1\nmodes:\n  a: { prompt: x, log_max: lots }\n",
        "version: 1\nmodes:\n  a: { prompt: x, flags: --one }\n  b: { prompt: x, flags: { a: 1 } }\n",
        "version: 1\nmodes:\n  -x: { prompt: x }\n",
        "version: 1\nmodes:\n  a b: { prompt: x }\n",
        "version: 1\nmodes:\n  ＡＢ: { prompt: x }\n",
        "version: 1\nmodes:\n  a: { prompt: x, template: y.md }\n",
        "version: 1\nenv: { CI: 1 }\npass_env: { A: B }\n",
        "version: 1\nmodes:\n\ta: { prompt: x }\n",
        "version: 1\n---\nversion: 1\n",
        "version: 1\nmodes: {\n",
        "version: 1\nmodes:\n  a: !!python/object:os.system { prompt: x }\n",
        "version: 1\nmodes:\n  a: { prompt: x, save_to: ../../outside.md }\n",
        "version: 1\nmodes:\n  a: { prompt: x, save_to: /tmp/outside.md }\n",
    ] {
        let ended = manifest(text).dispatch("check").stderr_has("error: ").fails_with(PROBLEMS);
        assert!(ended.stderr.contains("dispatch.yaml:"), "no place for {text:?}:\n{}", ended.stderr);
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    manifest("\u{feff}version: 1\r\nmodes:\r\n  a: { prompt: x }\r\n").dispatch("check").succeeds();
}

#[test]
fn what_is_no_text_or_too_large_is_an_error_and_never_a_panic() {
    for bytes in [b"version: 1\n\xff\xfe\n".to_vec(), b"version: 1\0\n".to_vec(), vec![b'#'; (1 << 20) + 1]] {
        manifest(bytes).dispatch("check").stderr_has("dispatch.yaml").fails_with(PROBLEMS);
    }
}

#[test]
fn bombs_end_quickly() {
    let mut aliases = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = level - 1;
        let row = vec![format!("*a{before}"); 9].join(", ");
        aliases.push_str(&format!("a{level}: &a{level} [{row}]\n"));
    }
    let deep = format!("version: 1\nmodes: {}{}\n", "[".repeat(200_000), "]".repeat(200_000));
    let keys: String = (0..60_000).map(|n| format!("k{n}: 1\n")).collect();
    for text in [aliases, deep, format!("version: 1\n{keys}"), "version: 1\nx: &x [*x]\n".to_owned()] {
        let world = manifest(text);
        world.dispatch("check").stderr_has("error: ").fails_with(PROBLEMS);
    }
}

#[test]
fn wrong_conditions_and_wanted_runs_are_reported_together_with_their_places() {
    manifest(
        "version: 1\n\
         modes:\n  \
           a: { prompt: x, needs: [b] }\n  \
           b: { prompt: x, needs: [a, lnit] }\n  \
           lint: { prompt: x, retry: { max: 1, on: [crsh] } }\n\
         runs:\n  \
           - { mode: lint, tasks: [T-1], restart: always }\n  \
           - { mode: lint, tasks: [T-1] }\n",
    )
    .dispatch("check")
    .stderr_has("a → b → a")
    .stderr_has("dispatch.yaml:4:30")
    .stderr_has("`lint`")
    .stderr_has("dispatch.yaml:5:44")
    .stderr_has("`crash`")
    .stderr_has("dispatch.yaml:7:42")
    .stderr_has("dispatch.yaml:8:27")
    .fails_with(PROBLEMS);
}

#[test]
fn names_in_runs_and_circles_of_tasks_are_found_by_check() {
    let world = World::with("runs:\n  - { mode: job, tasks: [TASK-2] }\n");
    world.task("TASK-1", "%exit 0");
    world
        .dispatch("check")
        .stderr_has("`TASK-2`")
        .stderr_has("`TASK-1`")
        .stderr_has("dispatch.yaml:15:3")
        .fails_with(PROBLEMS);
    world.write("tasks/TASK-2/_overview.md", "---\n---\n");
    world.dispatch("check").succeeds();
    world.write("tasks/TASK-2/01_a.md", "---\ndepends_on: b\n---\n");
    world.write("tasks/TASK-2/02_b.md", "---\n---\n");
    world.dispatch("check").stderr_has("a → b → a").fails_with(PROBLEMS);
}

#[test]
fn subtasks_of_a_file_are_tasks_and_a_mistake_in_it_stops_nothing_else() {
    let world = manifest(
        "version: 1\ntasks: [{ files: \"tasks/*.md\" }, { subtasks: sub.yml }]\n\
         agents: { fake: { headless: [fake] } }\nmodes: { job: { agent: fake, prompt: x } }\n",
    );
    world.task("TASK-1", "%exit 0");
    world.write("sub.yml", "- { id: S-1, title: First step, parent: TASK-1, mode: job, gate: approve }\n");
    world.dispatch("check").succeeds();
    world.dispatch("tasks").stdout_has("First step").succeeds();
    world.write("sub.yml", "- { id: S-1, mode: jbo }\n");
    world.dispatch("check").stderr_has("sub.yml:1:20").stderr_has("`job`").fails_with(PROBLEMS);
    world.dispatch("run -n job TASK-1").any_stderr().succeeds();
    world.dispatch("run -n job S-1").stderr_has("there is no mode `jbo`").fails_with(2);
}

#[test]
fn an_unknown_mode_or_task_names_the_nearest() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    world.dispatch("run jbo TASK-1").stderr_has("`jbo`").stderr_has("`job`").fails_with(2);
    world.dispatch("run job TASK-2").stderr_has("`TASK-2`").stderr_has("`TASK-1`").fails_with(2);
    world.dispatch("status job TASK-9").stderr_has("`TASK-9`").ends_somehow();
    assert!(world.starts().is_empty());
}

#[test]
fn names_that_a_shell_tmux_or_a_path_would_read_are_wrong_usage() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    for id in ["../x", "a b", "A\nB", "ＴＡＳＫ", "A..B", ".A", "A.", "A:B", "", "/etc", "x;y", "$(id)", "A/B"] {
        for words in ["run job --", "stop job --", "status job --", "logs job --", "wait job --"] {
            let ended = world.dispatch(words).arg(id).ends_somehow();
            assert_eq!(ended.code, 2, "{words} {id:?}: {}", ended.stderr);
        }
    }
    world.dispatch("run job -x").any_stderr().fails_with(2);
    assert!(world.starts().is_empty());
}

#[test]
fn an_argument_that_is_not_text_is_wrong_usage() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let bad = std::ffi::OsStr::from_bytes(b"TASK-\xff");
    world.dispatch("run job").arg(bad).any_stderr().fails_with(2);
}

#[test]
fn the_manifest_is_found_from_a_subfolder_and_by_name() {
    let world = World::new();
    world.task("TASK-1", "hello");
    let below = world.project().join("src/deep");
    fs::create_dir_all(&below).unwrap();
    world.dispatch("tasks").in_folder(&below).stdout_has("TASK-1").succeeds();
    world.dispatch("tasks").in_folder("/").arg("-C").arg(world.project()).stdout_has("TASK-1").succeeds();
    let file = world.project().join("dispatch.yaml");
    world.dispatch("tasks -f").arg(&file).in_folder("/").stdout_has("TASK-1").succeeds();
    world.dispatch("tasks").env("DISPATCH_MANIFEST", &file).in_folder("/").stdout_has("TASK-1").succeeds();
    world.dispatch("tasks").in_folder(world.root()).stderr_has("dispatch.yaml").stderr_has("init").fails_with(2);
}

#[test]
fn a_local_file_overlays_what_it_may_and_nothing_else() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    world.write("dispatch.local.yaml", "version: 1\nenv: { LOCAL: here }\nmodes:\n  job: { flags: [--mine] }\n");
    let run = world.detach("job", "TASK-1");
    world.dispatch("wait job TASK-1").notes().succeeds();
    assert!(world.saw_words(&run, "env").contains(&"LOCAL=here".to_owned()));
    assert!(world.saw_words(&run, "argv").contains(&"--mine".to_owned()));

    world.write("dispatch.local.yaml", "session: other\n");
    world.dispatch("check").stderr_has("dispatch.local.yaml:1:").fails_with(PROBLEMS);
}

#[test]
fn loading_a_strangers_manifest_runs_nothing() {
    let world = manifest(
        "version: 1\nsession: s\ntasks: [{ files: \"tasks/*.md\" }]\n\
         worktree: { path: \"../w/{{ task.id }}\", setup: \"touch CANARY\" }\n\
         agents:\n  evil: { interactive: \"touch CANARY\", headless: \"touch CANARY\", prompt: none, protocol: text }\n\
         modes:\n  a: { agent: evil, prompt: \"$(touch CANARY)\" }\n",
    );
    world.task("TASK-1", "`touch CANARY` {{ 7 * 7 }}");
    for words in ["status", "check", "tasks", "modes", "history", "doctor", "render a TASK-1", "run -n a TASK-1", ""] {
        world.dispatch(words).ends_somehow();
    }
    let found = world.helper("find", &[world.root().to_str().unwrap(), "-name", "CANARY"]);
    assert_eq!(found, "");
}

#[test]
fn init_writes_a_manifest_that_passes_and_never_overwrites() {
    let world = World::bare();
    world.dispatch("init").notes().succeeds();
    world.dispatch("check").notes().succeeds();
    let before = fs::read(world.project().join("dispatch.yaml")).unwrap();
    world.dispatch("init").stderr_has("kept dispatch.yaml (already exists)").succeeds();
    assert_eq!(fs::read(world.project().join("dispatch.yaml")).unwrap(), before);
}

#[test]
fn init_adds_no_example_to_a_folder_of_tasks_and_names_what_it_cannot_write() {
    let world = World::bare();
    world.task("MINE-1", "x");
    world.dispatch("init").stdout_has("wrote dispatch.yaml").stderr_has("kept tasks (already exists)").succeeds();
    assert!(!world.project().join("tasks/EXAMPLE-1.md").exists());
    let tasks = world.dispatch("tasks").json();
    assert_eq!(tasks["tasks"].as_array().unwrap().len(), 1, "{tasks}");

    // A file where a folder is needed fails for root, too.
    let world = World::bare();
    let path = world.write("templates", "");
    let failed = format!("error: cannot write `{}/interactive.md`", path.display());
    world.dispatch("init").stderr_has(failed).fails_with(1);
}

#[test]
fn the_schema_is_json_and_knows_the_keys() {
    let world = World::bare();
    let ended = world.dispatch("schema").succeeds();
    let schema: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    for key in ["version", "session", "modes", "agents", "tasks", "runs"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}

#[test]
fn a_state_folder_that_others_can_write_is_refused() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    fs::create_dir(world.state()).unwrap();
    fs::set_permissions(world.state(), fs::Permissions::from_mode(0o777)).unwrap();
    world.dispatch("run job TASK-1").stderr_has(".dispatch").stderr_has("hint:").ends_somehow();
    assert!(world.starts().is_empty());
}

#[test]
fn the_modes_are_listed_with_their_origin() {
    let world = World::new();
    let modes = world.dispatch("modes").json();
    let names: Vec<&str> = modes["modes"].as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
    assert!(names.contains(&"none") && names.contains(&"job") && names.contains(&"talk"), "{names:?}");
    world.dispatch("modes").stdout_has("job").stdout_has("talk").succeeds();
}

#[test]
fn command_files_become_modes_and_their_prompt_is_the_command() {
    let world = World::with("mode_files: [\".claude/commands/*.md\"]\n");
    world.task("TASK-1", "hello");
    world.write(".claude/commands/polish.md", "Polish $ARGUMENTS\n");
    fake_claude(&world);
    world.dispatch("render polish TASK-1").stdout_has("/polish TASK-1").succeeds();
    world.dispatch("modes").stdout_has("polish").succeeds();
}

/// The default agent's name, for tests that only look at what would be started.
fn fake_claude(world: &World) {
    crate::fake::install(&world.root().join("bin"), "claude");
}

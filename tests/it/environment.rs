//! What an agent is given: exactly the contract's environment, descriptors and signals.

use std::collections::BTreeMap;
use std::fs;

use crate::world::World;

/// `NAME=value` words as a map.
fn variables(words: &[String]) -> BTreeMap<String, String> {
    words.iter().filter_map(|word| word.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

const MORE: &str = "env: { CI: \"1\", PATH_EXTRA: \"a b\" }\npass_env: [TOKEN, ABSENT]\n";

fn expect_exactly(world: &World, run: &str, mode: &str, extra: &[&str]) {
    let seen = variables(&world.saw_words(run, "env"));
    let mut names: Vec<&str> = vec![
        "CI",
        "DISPATCH_MANIFEST",
        "DISPATCH_MODE",
        "DISPATCH_RUN_ID",
        "DISPATCH_TASK",
        "HOME",
        "LANG",
        "LC_TIME",
        "PATH",
        "PATH_EXTRA",
        "SHELL",
        "TERM",
        "TMPDIR",
        "TOKEN",
        "USER",
        "XDG_DATA_HOME",
    ];
    names.extend(extra);
    names.sort_unstable();
    let seen_names: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(seen_names, names, "the {mode} run's environment");
    assert_eq!(seen["TOKEN"], "canary-token");
    assert_eq!(seen["PATH_EXTRA"], "a b");
    assert_eq!(seen["DISPATCH_RUN_ID"], run);
    assert_eq!((seen["DISPATCH_MODE"].as_str(), seen["DISPATCH_TASK"].as_str()), (mode, "TASK-1"));
    assert_eq!(seen["DISPATCH_MANIFEST"], world.project().join("dispatch.yaml").to_str().unwrap());
}

fn start(world: &World, mode: &str) -> String {
    let call = world.dispatch("run -d --attach none").arg(mode).arg("TASK-1");
    let answer = call
        .env("TOKEN", "canary-token")
        .env("STRAY", "never passed")
        .env("LC_TIME", "C")
        .env("SHELL", "/bin/sh")
        .env("USER", "tester")
        .env("TMPDIR", "/tmp")
        .env("XDG_DATA_HOME", "/nowhere")
        .notes()
        .json();
    answer["runs"][0]["runId"].as_str().unwrap().to_owned()
}

#[test]
fn a_headless_agent_gets_exactly_the_list() {
    let world = World::with(MORE);
    world.task("TASK-1", "%hang");
    let run = start(&world, "job");
    expect_exactly(&world, &run, "job", &[]);
}

#[test]
fn an_interactive_agent_gets_the_callers_values_and_not_the_servers() {
    let world = World::with(MORE);
    world.task("TASK-1", "%hang");
    // A server that was started long ago with other values.
    let mut old = world.command("tmux");
    old.args(["-f", "/dev/null", "-L", "w", "new-session", "-d", "-s", "old", "sleep 1000"]);
    assert!(old.env("TOKEN", "stale").env("STALE", "x").env("CI", "stale").status().unwrap().success());
    let run = start(&world, "talk");
    // tmux's own two are what makes it a window.
    expect_exactly(&world, &run, "talk", &["TMUX", "TMUX_PANE"]);
    let shown = world.tmux(&["show-environment", "-g"]);
    assert!(!shown.contains("canary-token"), "the secret stays out of the server: {shown}");
}

#[test]
fn no_descriptor_mask_or_ignored_signal_leaks_into_the_agent() {
    let world = World::new();
    world.task("TASK-1", "%hang");
    // A caller with an open descriptor and with signals ignored, as `nohup` leaves them.
    world.helper("sh", &["-c", "trap '' HUP PIPE; exec 7</dev/null; dispatch run -d job TASK-1 >/dev/null"]);
    let run = world.dispatch("status job TASK-1").json()["runId"].as_str().unwrap().to_owned();
    let state = String::from_utf8(world.saw(&run, "state")).unwrap();
    let fds: Vec<&str> = state.lines().filter_map(|line| line.strip_prefix("fd ")).collect();
    assert_eq!(fds, ["0", "1", "2"], "{state}");
    for line in state.lines().filter(|line| line.starts_with("Sig")) {
        // 32 and 33 are the C library's own, and no program can set them.
        let set = u64::from_str_radix(line.rsplit('\t').next().unwrap(), 16).unwrap() & !(0b11 << 31);
        assert_eq!(set, 0, "{line}");
    }
}

#[test]
fn stdin_is_the_prompt_and_then_ends() {
    let world = World::with("  none-given: { agent: fake }\n");
    world.task("TASK-1", "the prompt");
    let run = world.detach("job", "TASK-1");
    assert_eq!(world.saw(&run, "stdin"), b"the prompt");
    world.dispatch("run -q none-given TASK-1").stdin("not for the agent").notes().succeeds();
    let run = world.starts()[1].run.clone();
    assert_eq!(world.saw(&run, "stdin"), b"");
}

#[test]
fn a_secret_is_in_no_file_that_dispatch_wrote() {
    let world = World::with(MORE);
    world.task("TASK-1", "%hang").task("TASK-2", "%exit 1");
    for mode in ["job", "talk"] {
        let run = start(&world, mode);
        world.agent_ready(&run);
    }
    let found = world.command("grep").args(["-rla", "canary-token", ".", "../home", "../calls"]).output().unwrap();
    // The agent's own record is not ours; the environment file is gone by the time it runs.
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    let lines = world.processes().into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    assert!(!lines.contains("canary-token"), "{lines}");
}

#[test]
fn the_work_folder_is_where_the_mode_says() {
    let world = World::with("  below: { agent: fake, prompt: x, cwd: sub }\n");
    world.task("TASK-1", "x");
    fs::create_dir(world.project().join("sub")).unwrap();
    world.dispatch("run -q below TASK-1").notes().succeeds();
    let run = world.starts()[0].run.clone();
    assert_eq!(String::from_utf8(world.saw(&run, "cwd")).unwrap(), world.project().join("sub").to_str().unwrap());
    fs::remove_dir(world.project().join("sub")).unwrap();
    world.dispatch("run -q below TASK-1").stderr_has("sub").ends_somehow();
    assert_eq!(world.starts().len(), 1, "a missing folder starts nothing");
}

#[test]
fn nesting_is_at_most_three_deep() {
    let world = World::new();
    world.task("ONE", "%sh dispatch run -q job TWO");
    world.task("TWO", "%sh dispatch run -q job THREE");
    world.task("THREE", "%sh dispatch run -q job FOUR");
    world.task("FOUR", "%exit 0");
    world.dispatch("run -q job ONE").any_stderr().ends_somehow();
    let tasks: Vec<String> = world.starts().into_iter().map(|note| note.task).collect();
    assert_eq!(tasks, ["ONE", "TWO", "THREE"]);
    let parent = world.status("job", "TWO")["parentRun"].clone();
    assert_eq!(parent, world.status("job", "ONE")["runId"]);
}

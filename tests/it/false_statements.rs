//! Commands about a run, a mode or a task that does not exist: the message is true and names the next command.

use crate::world::World;

/// One success of `lint one`, and a task that never ran.
fn world() -> World {
    let world = World::with("  lint: { agent: fake, prompt: \"{{ task.body }}\" }\n");
    world.task("one", "%exit 0").task("two", "%exit 0").task("three", "%exit 0");
    world.dispatch("run -q lint one").notes().succeeds();
    world
}

#[test]
fn logs_of_a_run_of_another_pair_name_its_pair() {
    let world = world();
    let run = world.history()[0]["runId"].as_str().unwrap().to_owned();
    world.dispatch("run -q lint two").notes().succeeds();
    for words in ["lint two", "lint three"] {
        // A pair with runs of its own, and one without.
        let call = world.dispatch(&format!("logs {words} --run {run}"));
        if words == "lint two" {
            call.stderr_has(format!("error: run `{run}` is one of `lint one`, not of `lint two`"))
                .stderr_has(format!("hint: dispatch logs --run {run}"))
                .fails_with(2);
        } else {
            call.stderr_has(format!("error: run `{run}` is one of `lint one`, not of `lint three`")).fails_with(2);
        }
    }
    world
        .dispatch("logs lint two --run 01ARZ3NDEKTSV4RRFFQ69G5FAV")
        .stderr_has("error: there is no run `01ARZ3NDEKTSV4RRFFQ69G5FAV`")
        .stderr_has("hint: `dispatch history` lists them")
        .fails_with(2);
    world.dispatch(&format!("logs lint one --run {run}")).notes().succeeds();
    world.dispatch("logs lint three").stderr_has("`lint three` has never run").fails_with(1);
}

#[test]
fn history_of_a_name_that_means_nothing_is_an_error_with_the_nearest_name() {
    let world = world();
    world.dispatch("history --task on").stderr_has("unknown task `on`").stderr_has("did you mean `one`?").fails_with(2);
    world.dispatch("history --mode lnt").stderr_has("unknown mode `lnt`").stderr_has("`lint`").fails_with(2);
    world.dispatch("history --mode lnt --json").stderr_has("unknown mode `lnt`").fails_with(2);
    world.dispatch("history --limit 0").stderr_has("write a whole number from 1 to 4294967295").fails_with(2);
    // A run without a recorded end is named in the message.
    let note = |words: &str, text: &str| {
        world.dispatch(words).stdout_is("").stderr_has(text).succeeds();
    };
    note("history --task two", "no ended run matches --task two\n");
    note("history --mode job --task one --since 10m", "no ended run matches --mode job --task one --since 10m\n");
}

#[test]
fn history_of_what_is_gone_from_the_project_goes_on() {
    let world = world();
    std::fs::remove_file(world.project().join("tasks/one.md")).unwrap();
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let without: String =
        manifest.lines().filter(|line| !line.contains("lint:")).map(|line| format!("{line}\n")).collect();
    world.write("dispatch.yaml", without);
    for words in ["history --mode lint", "history --task one", "history --mode lint --task one"] {
        let runs = world.dispatch(words).json();
        assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{words}: {runs}");
    }
    // Known, and outside the time that was asked for.
    world.dispatch("history --mode lint --since 0s").stderr_has("no ended run matches").succeeds();
    world.dispatch("history --task one --mode job").stderr_has("no ended run matches").succeeds();
}

#[test]
fn words_that_are_no_number_are_refused_with_the_range() {
    let world = world();
    for (words, text) in [
        ("run lint one -j x", "write a whole number from 1 to 1000"),
        ("run lint one -j 0", "write a whole number from 1 to 1000"),
        ("logs lint one --tail many", "write a whole number, 0 or more"),
        ("history --limit 1.5", "write a whole number from 1 to 4294967295"),
        ("serve --port 70000", "write a whole number from 0 to 65535"),
    ] {
        let ended = world.dispatch(words).stderr_has(text).fails_with(2);
        assert!(!ended.stderr.contains("digit found"), "{}", ended.stderr);
    }
}

#[test]
fn a_manifest_of_the_other_ending_is_named_with_the_command_that_renames_it() {
    let world = World::bare();
    let wrong = world.write("dispatch.yml", "version: 1\n");
    let below = world.project().join("src");
    std::fs::create_dir(&below).unwrap();
    let right = wrong.with_extension("yaml");
    world
        .dispatch("tasks")
        .in_folder(&below)
        .stderr_has("no `dispatch.yaml` here or in a parent folder")
        .stderr_has(format!("mv {} {}", wrong.display(), right.display()))
        .fails_with(2);
    world.helper("mv", &[wrong.to_str().unwrap(), right.to_str().unwrap()]);
    world.dispatch("tasks").in_folder(&below).notes().succeeds();
}

#[test]
fn check_warns_of_a_mode_that_a_command_hides_and_of_a_job_without_a_prompt() {
    let world = World::with(
        "  status: { agent: fake, prompt: \"{{ task.body }}\" }\n  ui: { agent: fake, prompt: x }\n  empty: {}\n",
    );
    world.task("T", "%exit 0");
    let ended = world
        .dispatch("check")
        .stderr_has("warning: `status` is a command: `dispatch status` does not run the mode `status`")
        .stderr_has("hint: rename the mode, or run it by `dispatch run status TASK`")
        .stderr_has("`ui` is a command")
        .stderr_has("warning: the headless mode `empty` has no prompt, so it runs only with `--prompt TEXT`")
        .stderr_has("hint: write one below `modes.empty`: `prompt: \"Work on {{ task.path }}.\"`")
        .succeeds();
    assert!(ended.stderr.contains("dispatch.yaml:14:3"), "at the mode's name: {}", ended.stderr);
    // It runs by its long form, and other commands do not repeat the warnings.
    world.dispatch("run -q status T").succeeds();
    assert_eq!(world.history()[0]["mode"], "status");
    world.dispatch("modes").succeeds();
}

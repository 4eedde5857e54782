//! A failure shows the last lines of what failed: the agent, the set-up or the check after it.

use crate::world::{BASE, World};

const MODES: &str = r#"  checked: { agent: fake, prompt: "%out agreed", expect: { command: [sh, -c, "echo 2 tests failed >&2; exit 1"] } }
  after: { agent: fake, prompt: "%exit 0", needs: [job] }
  silent: { agent: fake, prompt: "%exit 4" }
"#;

/// A world where `job one` prints 15 lines and fails.
fn world() -> World {
    let world = World::with(MODES);
    let lines: String = (1..=14).map(|n| format!("%out line {n}\n")).collect();
    world.task("one", &format!("{lines}%out\n%err it \u{1b}[31mbroke\n%exit 3")).task("two", "%out fine");
    world
}

/// The lines after `head` that begin with a bar.
fn tail(text: &str, head: &str) -> Vec<String> {
    let after = text.lines().skip_while(|line| *line != head).skip(1);
    after.map_while(|line| line.strip_prefix("  | ")).map(str::to_owned).collect()
}

#[test]
fn status_shows_the_end_of_the_output_of_a_failed_run_only() {
    let world = world();
    world.dispatch("run -q job one").any_stderr().fails_with(3);
    let shown = world.dispatch("status job one").succeeds().text();
    let lines = tail(&shown, "last lines of the output of job one:");
    assert_eq!((lines.len(), lines.last().map(String::as_str)), (10, Some("it broke")), "{shown}");
    assert_eq!(lines[0], "line 6", "{shown}");
    world.dispatch("run -q job two").notes().succeeds();
    let shown = world.dispatch("status job two").succeeds().text();
    assert!(!shown.contains("last lines"), "{shown}");
    // A run that printed nothing has no lines.
    world.dispatch("run -q silent two").any_stderr().fails_with(4);
    let shown = world.dispatch("status silent two").succeeds().text();
    assert!(!shown.contains("last lines"), "{shown}");
}

#[test]
fn wait_and_a_run_of_several_show_it_and_a_run_that_streams_does_not_repeat_it() {
    let world = world();
    let ended = world.dispatch("run job one").any_stderr().fails_with(3);
    assert!(ended.stderr.contains("it ") && !ended.stderr.contains("  | "), "{}", ended.stderr);
    for words in ["wait job one", "run -k job one two"] {
        let ended = world.dispatch(words).any_stderr().fails_with(3);
        let lines = tail(&ended.stderr, "job one: last lines of its output:");
        assert_eq!(
            (lines.len(), lines.last().map(String::as_str)),
            (10, Some("it broke")),
            "{words}\n{}",
            ended.stderr
        );
        let quiet = world.dispatch(&format!("-q {words}")).any_stderr().fails_with(3);
        assert!(!quiet.stderr.contains("  | "), "{words}\n{}", quiet.stderr);
        world.dispatch(&format!("{words} --json")).any_stderr().fails_with(3);
    }
}

#[test]
fn the_output_of_a_check_is_shown() {
    let world = world();
    world.dispatch("run -q checked two").any_stderr().fails_with(1);
    let shown = world.dispatch("status checked two").succeeds().text();
    assert_eq!(tail(&shown, "last lines of the stderr of checked two:"), ["2 tests failed"], "{shown}");
}

#[test]
fn the_output_of_the_set_up_is_shown_by_the_run_too() {
    let world = World::new();
    let set_up = "worktree: { path: \"../trees/{{ task.id }}\", create: true, setup: [sh, -c, \"echo no such package; exit 9\"] }\n";
    world.write("dispatch.yaml", format!("{BASE}{set_up}"));
    world.task("one", "%out never");
    world.git_init();
    let ended = world.dispatch("run job one").any_stderr().ends_somehow();
    assert_ne!(ended.code, 0);
    let lines = tail(&ended.stderr, "job one: last lines of its set-up:");
    assert!(lines.contains(&"no such package".to_owned()), "{}", ended.stderr);
    let shown = world.dispatch("status job one").succeeds().text();
    assert_eq!(tail(&shown, "last lines of the set-up of job one:"), lines, "{shown}");
}

#[test]
fn what_a_run_needs_and_failed_is_shown() {
    let world = world();
    let ended = world.dispatch("run after one").any_stderr().fails_with(1);
    let lines = tail(&ended.stderr, "job one: last lines of its output:");
    assert_eq!(lines.last().map(String::as_str), Some("it broke"), "{}", ended.stderr);
    let shown = world.dispatch("status after one").succeeds().text();
    assert_eq!(tail(&shown, "last lines of the output of job one:"), lines, "{shown}");
}

//! What is printed on a terminal of 80 columns, or on one that can do nothing: whole, and without colours.

use crate::waiting::wait_until;
use crate::world::World;

/// What a command prints on a terminal of 80 columns, byte for byte.
fn printed(world: &World, term: &str, words: &str) -> String {
    let out = world.root().join("typescript");
    let line = format!("stty cols 80 rows 30; TERM={term} dispatch {words}");
    let out_text = out.to_str().unwrap();
    world.command("script").args(["-qec", &line, out_text]).output().unwrap();
    let text = wait_until("it is printed", || {
        let text = String::from_utf8_lossy(&std::fs::read(&out).unwrap_or_default()).into_owned();
        if text.contains("Script done") { Ok(text) } else { Err(text) }
    });
    text.lines().filter(|line| !line.starts_with("Script ")).map(|line| format!("{line}\n")).collect()
}

fn world() -> World {
    let world = World::with("  a-mode-with-a-name-that-is-long: { agent: fake, prompt: \"{{ task.body }}\" }\n");
    world.task("TASK-WITH-A-LONG-NAME", "%exit 3");
    let words = "run -q a-mode-with-a-name-that-is-long TASK-WITH-A-LONG-NAME";
    world.dispatch(words).notes().fails_with(3);
    world
}

#[test]
fn run_ids_of_the_history_are_not_cut_on_eighty_columns() {
    let world = world();
    let run = world.history()[0]["runId"].as_str().unwrap().to_owned();
    let shown = printed(&world, "xterm-256color", "history");
    let last = shown.lines().nth(1).and_then(|line| line.split_whitespace().last()).unwrap_or_default();
    assert!(last.len() >= 8 && run.starts_with(last) && shown.contains('\u{1b}'), "{run}: {shown}");
}

#[test]
fn findings_of_the_doctor_are_whole_on_eighty_columns() {
    let world = world();
    let long = "worktree: { path: \"../trees/{{ task.id }}\", create: true, base: \"{{ 'main' }}\" }\n";
    let manifest = std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", manifest + long);
    let shown = printed(&world, "xterm-256color", "--color never doctor");
    let table: String = shown.lines().take_while(|line| !line.starts_with("hint:")).collect::<Vec<_>>().join("\n");
    assert!(!table.contains('…'), "{table}");
    assert!(table.lines().all(|line| line.trim_end().chars().count() <= 80 || !line.trim().contains("  ")), "{table}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    let report: serde_json::Value =
        serde_json::from_slice(&world.dispatch("doctor --json").any_stderr().ends_somehow().stdout).unwrap();
    let logout = report["findings"].as_array().unwrap().iter().find(|finding| finding["what"] == "worktrees").unwrap();
    assert!(words(&table).contains(&words(logout["found"].as_str().unwrap())), "{table}\n{logout}");
}

#[test]
fn a_dumb_terminal_gets_neither_colours_nor_a_moving_cursor() {
    let world = world();
    for words in ["history", "status", "doctor", "history --mode lnt"] {
        let shown = printed(&world, "dumb", words);
        assert!(!shown.contains('\u{1b}'), "{words}: {shown:?}");
    }
    let run = "run -j 2 a-mode-with-a-name-that-is-long TASK-WITH-A-LONG-NAME";
    let shown = printed(&world, "dumb", run);
    assert!(shown.contains("exit code 3") && !shown.contains('\u{1b}'), "{shown:?}");
    assert!(printed(&world, "dumb", "--color always history").contains('\u{1b}'), "it was asked for");
}

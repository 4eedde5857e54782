//! `ui`: the changes of a task, the plan, and the programs that get the terminal for a while.

use std::fs;

use crate::git;
use crate::ui::ui;
use crate::user_terminal::UserTerminal;
use crate::waiting::{is, wait_until};
use crate::wanted::{want, wanting};
use crate::world::World;

/// The view, started with these variables.
fn ui_with<'a>(world: &'a World, variables: &str) -> UserTerminal<'a> {
    let ui = UserTerminal::start(world, (120, 30), &format!("{variables} dispatch ui"));
    ui.shows("dispatch  project");
    ui
}

#[test]
fn the_changes_of_a_worktree_are_shown_and_read_again() {
    let (world, tree) = git::world();
    let run = world.detach("job", "T");
    world.agent_ready(&run);
    fs::write(tree.join("src/a.txt"), "one\ntwo\nthree\nfour\n").unwrap();
    let ui = ui(&world);
    ui.press(&["d"]);
    ui.shows("task/t against main: 1 files, +1 -0");
    ui.shows("+four");
    assert!(ui.styled_screen().contains("38;5;2m+four"), "added lines are green: {}", ui.styled_screen());
    fs::write(tree.join("src/a.txt"), "one\ntwo\nthree\nfour\nfive\n").unwrap();
    ui.press(&["d"]);
    ui.shows("+five");
}

#[test]
fn the_plan_is_shown_and_applied_and_one_that_moved_is_not() {
    let world = wanting("{ mode: job, tasks: [A] }");
    world.task("A", "%hang\n").task("B", "%hang\n");
    let ui = ui(&world);
    ui.press(&["p"]);
    let screen = ui.shows("1 change.");
    assert!(screen.contains("start     job A") && screen.contains("missing"), "{screen}");
    want(&world, "{ mode: job, tasks: [B] }");
    ui.press(&["Enter"]);
    let screen = ui.shows("The plan has changed: nothing was applied.");
    assert!(screen.contains("start     job B") && !screen.contains("job A"), "{screen}");
    assert_eq!(world.runs(), 0);
    ui.press(&["Enter"]);
    ui.shows("applied the plan: 1 change");
    let run = world.wait_state("job", "B", "running");
    world.agent_ready(run["runId"].as_str().unwrap());
    ui.press(&["p"]);
    ui.shows("Nothing to do.");
    ui.press(&["Enter"]);
    ui.shows("Nothing to do.");
    ui.press(&["Escape"]);
    ui.hides("Nothing to do.");
    assert_eq!(world.runs(), 1);
}

#[test]
fn the_whole_log_is_shown_in_the_pager_which_has_the_terminal() {
    let world = World::new();
    let lines: String = (0..300).map(|n| format!("%out line {n}.\n")).collect();
    world.task("A", &lines);
    world.dispatch("run -q job A").notes().succeeds();
    world.shadow("my-pager", "#!/bin/sh\ncat > paged\necho 'in the pager'\nread key < /dev/tty\necho \"$key\" > key\n");
    let ui = ui_with(&world, "PAGER='my-pager -x'");
    ui.press(&["l"]);
    ui.shows("in the pager");
    ui.types("typed");
    ui.press(&["Enter"]);
    ui.shows("│line 299.");
    let paged = fs::read_to_string(world.project().join("paged")).unwrap();
    assert!(paged.contains("line 0.\n") && paged.contains("line 299.\n"), "{paged}");
    assert_eq!(fs::read_to_string(world.project().join("key")).unwrap(), "typed\n");
    ui.press(&["q"]);
    assert_eq!(ui.code(), 0);
}

#[test]
fn a_prompt_is_written_in_the_editor() {
    let world = World::with("  told: { agent: fake, prompt: \"{{ prompt }}\" }\n");
    world.task("A", "");
    world.dispatch("run -q job A").notes().succeeds();
    world.shadow(
        "my-editor",
        "#!/bin/sh\n[ \"$1\" = -w ] || exit 9\n[ -e broken ] && exit 1\nprintf '\\nsecond\\n\\n  third\\n' >> \"$2\"\n",
    );
    let ui = ui_with(&world, "EDITOR='my-editor -w'");
    ui.press(&["r", "G", "k", "Enter"]);
    ui.shows("Run told A: text for the agent");
    ui.types("first");
    ui.shows("> first");
    world.write("broken", "");
    ui.press(&["C-o"]);
    ui.shows("the editor failed");
    ui.shows("> first");
    fs::remove_file(world.project().join("broken")).unwrap();
    ui.press(&["C-o"]);
    ui.shows("> first⏎second⏎⏎  third");
    ui.press(&["Enter"]);
    ui.shows("started told A");
    let run = world.status("told", "A")["runId"].as_str().unwrap().to_owned();
    assert_eq!(String::from_utf8_lossy(&world.saw(&run, "stdin")), "first\nsecond\n\n  third");
}

#[test]
fn an_ended_conversation_is_resumed() {
    let world = World::with("  talks: { agent: speaks, prompt: \"%hang\" }\n");
    let manifest = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    let speaks = "agents:\n  speaks: { headless: [fake], prompt: { headless: stdin }, protocol: claude }\n";
    world.write("dispatch.yaml", manifest.replacen("agents:\n", speaks, 1));
    world.task("A", "");
    let first = world.detach("talks", "A");
    let session = |run: &str, flag: &str| {
        let words = world.saw_words(run, "argv");
        words.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].clone())
    };
    let conversation = session(&first, "--session-id").unwrap();
    let ui = ui(&world);
    ui.press(&["R"]);
    ui.shows("talks A is running; stop it first");
    world.dispatch("stop talks A").notes().succeeds();
    ui.shows("· stopped A");
    ui.press(&["R"]);
    ui.shows("Resume talks A: text for the agent");
    ui.types("go on then");
    ui.press(&["Enter"]);
    ui.shows("started talks A");
    let second = wait_until("the second run is there", || {
        let run = world.status("talks", "A")["runId"].as_str().unwrap().to_owned();
        is(run != first, "the first").map(|()| run)
    });
    assert_eq!(session(&second, "--resume"), Some(conversation));
    assert!(String::from_utf8_lossy(&world.saw(&second, "stdin")).contains("go on then"));
}

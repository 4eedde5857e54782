//! `ui` where something breaks under it, or where the terminal can do little: the view stays and says what it is.

use std::fs;

use rustix::process::Signal;

use crate::ui::{SIZE, open, ui};
use crate::user_terminal::UserTerminal;
use crate::waiting::{is, wait_until};
use crate::world::{BASE, World, kill};

#[test]
fn the_tmux_server_of_the_runs_is_killed_and_the_view_stays() {
    let world = World::new();
    world.task("A", "%out in the window\n%hang\n").task("B", "%hang\n");
    open(&world, "A");
    let job = world.detach("job", "B");
    world.agent_ready(&job);
    let ui = ui(&world);
    ui.press(&["G"]);
    ui.chooses(" A ");
    ui.shows("in the window");
    kill(world.tmux_server_pid().unwrap(), Signal::KILL);
    ui.shows_that("what became of the window", |screen| {
        screen.lines().any(|line| line.contains("lost") && line.contains(" A ")) && screen.contains("1 needs you")
    });
    ui.press(&["i"]);
    ui.shows("talk A has no window to type into now");
    ui.press(&["r", "Enter"]);
    ui.shows("Run talk A: text for the agent");
    ui.press(&["Enter"]);
    ui.shows("started talk A");
    ui.shows("in the window");
    ui.press(&["q"]);
    assert_eq!(ui.code(), 0);
}

const BROKEN: &str = "dispatch.yaml:5:1: ";

fn break_manifest(world: &World) {
    world.write("dispatch.yaml", BASE.replacen("agents:", "agentz:", 1));
}

#[test]
fn a_manifest_that_breaks_is_named_with_its_place_until_it_is_mended() {
    let world = World::new();
    world.task("A", "%hang\n");
    let run = world.detach("job", "A");
    world.agent_ready(&run);
    let ui = ui(&world);
    ui.chooses(" A ");
    break_manifest(&world);
    ui.shows(BROKEN);
    ui.press(&["r"]);
    ui.shows("nothing can be started: dispatch.yaml:5:1");
    ui.press(&["p"]);
    ui.shows_that("why there is no plan", |screen| screen.matches(BROKEN).count() == 2);
    ui.press(&["Escape"]);
    // A run needs no manifest to be stopped.
    ui.press(&["s", "y"]);
    ui.shows("job A: stopped");
    world.write("dispatch.yaml", BASE);
    ui.hides(BROKEN);
    ui.press(&["r", "Enter"]);
    ui.shows("Run job A: text for the agent");
}

#[test]
fn it_starts_with_a_broken_manifest_and_recovers() {
    let world = World::new();
    world.task("A", "%hang\n");
    let run = world.detach("job", "A");
    world.agent_ready(&run);
    break_manifest(&world);
    let ui = UserTerminal::start(&world, SIZE, "dispatch ui");
    ui.shows(BROKEN);
    ui.chooses(" A ");
    ui.press(&["r"]);
    ui.shows("nothing can be started: dispatch.yaml:5:1");
    ui.press(&["Escape"]);
    world.write("dispatch.yaml", BASE);
    ui.hides(BROKEN);
    ui.shows("dispatch  project");
    ui.press(&["r", "Enter"]);
    ui.shows("Run job A: text for the agent");
}

/// The numbers of the SGR sequences of a screen.
fn attributes(styled: &str) -> Vec<&str> {
    let parts = styled.split("\u{1b}[").skip(1).filter_map(|part| part.split_once('m'));
    parts.flat_map(|(numbers, _)| numbers.split(';')).collect()
}

#[test]
fn without_colours_the_chosen_row_and_the_states_are_told_apart() {
    let world = World::new();
    world.task("A", "%sh printf '\\033[31mred words\\033[0m\\n'\n%hang\n").task("B", "%exit 3\n");
    open(&world, "A");
    world.dispatch("run -q job B").notes().fails_with(3);
    for line in ["NO_COLOR=1 dispatch ui", "dispatch --color never ui"] {
        let ui = UserTerminal::start(&world, SIZE, line);
        ui.chooses("✗ failed");
        ui.press(&["G"]);
        ui.chooses(" A ");
        ui.shows("red words");
        let styled = ui.styled_screen();
        let is_colour = |number: &&str| number.parse().is_ok_and(|n: u8| matches!(n, 30..=38 | 40..=48 | 90..=107));
        let colours: Vec<&str> = attributes(&styled).into_iter().filter(is_colour).collect();
        assert_eq!(colours, [""; 0], "{styled:?}");
    }
}

#[test]
fn without_utf_8_everything_is_ascii() {
    let world = World::new();
    world.write("tasks/A.md", "---\ntitle: Größe und 日本\nstatus: todo\n---\n%out Größe\n%hang\n");
    let run = world.detach("job", "A");
    world.agent_ready(&run);
    let ui = UserTerminal::start(&world, SIZE, "LC_ALL=C dispatch ui");
    let assert_ascii = |screen: String| assert!(screen.is_ascii(), "{screen}");
    assert_ascii(ui.shows("|Gr??e"));
    ui.chooses("* running");
    for (key, shown) in [("?", "leave; nothing is stopped"), ("r", "another task"), ("s", "Stop job A?")] {
        ui.press(&[key]);
        assert_ascii(ui.shows(shown));
        ui.press(&["Escape"]);
        ui.hides(shown);
    }
    ui.press(&["R"]);
    assert_ascii(ui.shows("is running; stop it first"));
}

#[test]
fn no_escape_sequence_of_a_text_reaches_the_terminal() {
    let world = World::with(
        "worktree: { path: \"../trees/{{ task.id }}\", create: true, branch: \"b\u{202e}ranch-{{ task.id }}\" }\n",
    );
    let hostile =
        "\u{1b}]0;stolen\u{7}\u{1b}]52;c;c3RvbGVu\u{7}\u{1b}[2J\u{9b}5A\u{202e}\u{1b}P1$r\u{1b}\\\u{1b}[?1049l";
    let title =
        hostile.replace('\\', "\\\\").replace('\u{1b}', "\\e").replace('\u{7}', "\\a").replace('\u{9b}', "\\x9b");
    world.write("tasks/A.md", format!("---\ntitle: \"before{title}after\"\nstatus: todo\n---\n%out log{hostile}line\n%err err{hostile}line\n%hang\n"));
    world.write(
        "tasks/B.md",
        format!("---\ntitle: \"before{title}after\"\nstatus: todo\n---\n%out screen{hostile}line\n%hang\n"),
    );
    world.git_init();
    let job = world.detach("job", "A");
    world.agent_ready(&job);
    open(&world, "B");
    let ui = UserTerminal::start(&world, SIZE, "until [ -e piped ]; do sleep 0.01; done; dispatch ui");
    let own_title = ui.format("#{pane_title}");
    ui.tmux(&["pipe-pane", "-t", "=user:", "cat > bytes"]);
    world.write("piped", "");
    ui.shows("dispatch  project");
    // A window's screen was cleared by the text, as it asked.
    for (key, output) in [("G", "log"), ("g", "5A")] {
        ui.press(&[key]);
        ui.shows_that("the output", |screen| screen.contains(output) && screen.contains("line"));
        // Diff, evidence, task.
        ui.press(&["Tab", "Tab"]);
        ui.shows("state      running");
        ui.press(&["Tab"]);
        ui.shows_that("the title", |screen| {
            screen.lines().any(|line| line.contains("before") && line.contains("after"))
        });
        ui.press(&["BTab", "BTab"]);
        ui.shows("against main");
        ui.press(&["BTab"]);
    }
    ui.press(&["r"]);
    ui.shows("another task");
    ui.press(&["G", "Enter"]);
    ui.shows("Run which task?");
    ui.press(&["Escape", "i"]);
    ui.types(&format!("\u{1b}[200~typed{hostile}text\u{1b}[201~"));
    ui.shows("> typed");
    ui.press(&["Escape", "q"]);
    assert_eq!(ui.code(), 0);
    let bytes = wait_until("all bytes are recorded", || {
        let bytes = fs::read(world.project().join("bytes")).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        is(text.contains("\u{1b}[?1049l"), "not yet").map(|()| text)
    });
    for forbidden in ["\u{1b}]", "\u{1b}P", "\u{7}", "\u{9b}", "\u{202e}", "\u{1b}[5A"] {
        assert!(!bytes.contains(forbidden), "{forbidden:?} reached the terminal");
    }
    assert_eq!(bytes.matches("\u{1b}[?1049l").count(), 1);
    assert_eq!(ui.format("#{pane_title}"), own_title);
    assert_eq!(ui.tmux(&["list-buffers"]), "");
}

#[test]
fn without_a_terminal_the_command_that_works_there_is_named() {
    let world = World::new();
    world.dispatch("ui").stderr_has("error: `ui` needs a terminal").stderr_has("hint: dispatch status").fails_with(2);
    world.dispatch("ui --json").stderr_has("`ui` has no JSON").stderr_has("dispatch status --json").fails_with(2);
    let dumb = UserTerminal::start(&world, SIZE, "TERM=dumb dispatch ui");
    assert_eq!(dumb.code(), 2);
    assert!(dumb.stderr().contains("hint: dispatch status"), "{}", dumb.stderr());
    assert!(!world.state().exists(), "a refusal made a state folder");
}

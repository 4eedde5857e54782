//! `ui`: the view at the terminal, driven by keys: runs are started, watched, answered, approved and stopped.

use crate::user_terminal::UserTerminal;
use crate::world::{BASE, World, alive};

pub(crate) const SIZE: (u16, u16) = (120, 30);

/// The view in a terminal in which both halves are shown.
pub(crate) fn ui(world: &World) -> UserTerminal<'_> {
    let ui = UserTerminal::start(world, SIZE, "dispatch ui");
    // The tasks are read.
    ui.shows("dispatch  project");
    ui
}

/// Opens a window and gives the run's id.
pub(crate) fn open(world: &World, task: &str) -> String {
    world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
    let run = world.status("talk", task)["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    run
}

#[test]
fn without_runs_a_task_is_picked_and_its_run_is_watched_and_stopped() {
    let world = World::with("  told: { agent: fake, prompt: \"{{ task.body }}{{ prompt }}\" }\n");
    world.task("A", "%out other\n").task("B", "%out first\n%err to stderr\n%until go\n%out second\n%hang\n");
    let ui = ui(&world);
    ui.press(&["r"]);
    ui.shows("Run which task?");
    ui.types("the b");
    ui.hides("The A");
    ui.press(&["Enter"]);
    ui.shows("Run B in which mode?");
    ui.press(&["G", "k", "Enter"]);
    ui.shows("Run told B: text for the agent");
    ui.types("carefully; now");
    ui.shows("> carefully; now");
    ui.press(&["Enter"]);
    ui.shows("started told B");
    let run = world.status("told", "B")["runId"].as_str().unwrap().to_owned();
    assert!(String::from_utf8_lossy(&world.saw(&run, "stdin")).ends_with("carefully; now"));
    // Its log grows beside the list.
    let screen = ui.shows_that("both streams", |screen| screen.contains("│first") && screen.contains("│to stderr"));
    assert!(!screen.contains("second"), "{screen}");
    world.write("go", "");
    ui.shows("│second");
    let agent = world.agent_ready(&run).pid;
    for no in ["n", "Escape", "q"] {
        ui.press(&["s"]);
        ui.shows("Stop told B?");
        ui.press(&[no]);
        ui.hides("Stop told B?");
    }
    assert!(alive(agent), "a refused question stopped it");
    ui.press(&["s"]);
    ui.shows("Stop told B?");
    ui.press(&["y"]);
    ui.shows("told B: stopped");
    assert!(!alive(agent));
    ui.shows("· stopped");
    ui.press(&["q"]);
    assert_eq!((ui.code(), ui.stderr()), (0, String::new()));
}

#[test]
fn a_started_run_is_chosen_and_another_task_can_be_run() {
    let world = World::new();
    world.task("A", "%hang\n").task("B", "%hang\n");
    let first = world.detach("job", "A");
    world.agent_ready(&first);
    let ui = ui(&world);
    ui.chooses("A");
    ui.press(&["r"]);
    ui.shows("Run A in which mode?");
    ui.press(&["Escape"]);
    ui.hides("Run A in which mode?");
    ui.press(&["r", "G", "Enter"]);
    ui.shows("Run which task?");
    ui.press(&["Down", "Enter"]);
    ui.shows("Run B in which mode?");
    ui.press(&["1"]);
    ui.shows("Run job B: text for the agent");
    ui.press(&["Enter"]);
    ui.shows("started job B");
    ui.chooses(" B ");
}

#[test]
fn the_screen_of_a_window_is_shown_with_its_colours_and_a_typed_line_reaches_its_agent() {
    let world = World::new();
    world.task("A", "%sh printf '\\033[31mred words\\033[0m and plain ones\\n'\n%ask\n%out heard it\n%hang\n");
    let run = open(&world, "A");
    let ui = ui(&world);
    ui.shows("red words and plain ones");
    let styled = ui.styled_screen();
    let line = styled.lines().find(|line| line.contains("red words")).unwrap();
    assert!(line.contains("38;5;1mred words\u{1b}[39m and plain"), "{line:?}");
    ui.press(&["i"]);
    ui.shows("Type to talk A");
    ui.press(&["Enter"]);
    ui.shows("The text is empty.");
    ui.types("yes, the sëcond");
    ui.press(&["Left", "Left", "BSpace", "Delete"]);
    ui.types("on");
    ui.press(&["C-e", "!"]);
    ui.shows("> yes, the sëcond!");
    ui.press(&["Enter"]);
    ui.shows("typed into talk A");
    assert_eq!(world.answer(&run), "yes, the sëcond!\n");
    ui.shows("heard it");
}

#[test]
fn a_text_for_a_run_that_ends_meanwhile_is_kept() {
    let world = World::new();
    world.task("A", "%until go\n%exit 3\n");
    open(&world, "A");
    let ui = ui(&world);
    ui.shows("talk A");
    ui.press(&["i"]);
    ui.shows("Type to talk A");
    ui.types("a long answer");
    world.write("go", "");
    let screen = ui.shows("The run has ended. The text is kept");
    assert!(screen.contains("> a long answer"), "{screen}");
    ui.press(&["Enter"]);
    let screen = ui.shows_that("why it was not sent", |screen| screen.contains("is not running"));
    assert!(screen.contains("> a long answer"), "{screen}");
    // That stays when the list changes.
    world.task("B", "%hang\n");
    world.detach("job", "B");
    let screen = ui.shows("Running 1");
    assert!(screen.contains("is not running"), "{screen}");
    ui.press(&["Escape"]);
    ui.hides("a long answer");
}

#[test]
fn what_waits_at_its_gate_is_approved_or_rejected_with_a_reason() {
    let world = World::with("  guarded: { agent: fake, prompt: \"{{ task.body }}\", gate: approve }\n");
    world.task("A", "%out approved it\n%hang\n").task("B", "%hang\n");
    world.detach("guarded", "A");
    let ui = ui(&world);
    // Why it waits is shown, with its prompt.
    ui.shows("Waits for approval: y approves, x rejects");
    ui.shows("%out approved it");
    ui.press(&["y"]);
    ui.shows("approved guarded A");
    ui.shows("│approved it");
    ui.press(&["y"]);
    ui.shows("guarded A does not wait for approval");
    world.detach("guarded", "B");
    ui.shows("1 needs you");
    ui.press(&["."]);
    ui.chooses(" B ");
    ui.press(&["x"]);
    ui.shows("Reject guarded B: reason");
    ui.types("not on a Friday");
    ui.press(&["Enter"]);
    ui.shows("rejected guarded B");
    assert_eq!(world.wait_state("guarded", "B", "failed")["reason"], "rejected: not on a Friday");
    ui.shows("not on a Friday");
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn a_failure_is_shown_with_its_reason_until_it_is_looked_at() {
    let world = World::new();
    world.task("A", "%err it broke\n%exit 7\n");
    world.dispatch("run -q job A").notes().fails_with(7);
    let ui = ui(&world);
    ui.shows("1 needs you");
    ui.shows("exit code 7");
    ui.shows("│it broke");
    ui.shows("[w] why");
    ui.press(&["Enter"]);
    ui.hides("1 needs you");
    ui.press(&["w"]);
    ui.shows("state      failed");
    ui.press(&["Tab"]);
    ui.shows("The A");
    ui.shows("tasks/A.md");
}

#[test]
fn a_run_is_restarted_as_the_manifest_is_now_and_the_new_one_is_chosen() {
    let world = World::with("  told: { agent: fake, prompt: \"%out as before\\n%hang\" }\n");
    world.task("A", "").task("B", "%hang\n");
    let first = world.detach("told", "A");
    let agent = world.agent_ready(&first).pid;
    let other = world.detach("job", "B");
    world.agent_ready(&other);
    let ui = ui(&world);
    ui.press(&["G"]);
    ui.shows("│as before");
    let manifest = format!("{BASE}  told: {{ agent: fake, prompt: \"%out as it is now\\n%hang\" }}\n");
    world.write("dispatch.yaml", manifest);
    ui.press(&["B"]);
    ui.shows("Stop told A, and start it again");
    ui.press(&["n"]);
    ui.hides("Stop told A, and start it again");
    assert!(alive(agent), "a refused question stopped it");
    ui.press(&["B"]);
    ui.shows("Stop told A, and start it again");
    ui.press(&["y"]);
    ui.shows("restarted told A; changed: prompt");
    ui.shows("│as it is now");
    ui.chooses("running A");
    assert!(!alive(agent));
}

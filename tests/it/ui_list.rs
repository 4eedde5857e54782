//! `ui`: the list of runs, by keys and by the mouse, in terminals of every size.

use crate::random::Random;
use crate::ui::{SIZE, ui};
use crate::user_terminal::UserTerminal;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// Buttons as terminals report them.
const CLICK: u16 = 0;
const WHEEL_DOWN: u16 = 65;

/// `GATED-1` and `GATED-2` need their user, `BUSY` runs, `DONE` has ended.
fn world() -> World {
    let world = World::with("  guarded: { agent: fake, prompt: x, gate: approve }\n");
    world.task("GATED-1", "").task("GATED-2", "").task("BUSY", "%out line of the log\n%hang\n").task("DONE", "");
    world.dispatch("run -q job DONE").notes().succeeds();
    let busy = world.detach("job", "BUSY");
    world.agent_ready(&busy);
    world.detach("guarded", "GATED-1");
    world.detach("guarded", "GATED-2");
    world
}

#[test]
fn the_list_is_walked_filtered_and_reduced_to_what_needs_its_user() {
    let world = world();
    let ui = ui(&world);
    ui.shows("2 need you");
    ui.chooses("GATED-1");
    for (key, task) in [("j", "GATED-2"), ("j", "BUSY"), ("k", "GATED-2"), ("G", "DONE"), ("g", "GATED-1")] {
        ui.press(&[key]);
        ui.chooses(task);
    }
    for task in ["GATED-2", "GATED-1"] {
        ui.press(&["."]);
        ui.chooses(task);
    }
    ui.press(&["n"]);
    ui.shows("what needs me");
    ui.hides("BUSY");
    ui.press(&["n"]);
    ui.shows("BUSY");
    ui.press(&["/"]);
    ui.types("job bus");
    ui.hides("GATED");
    ui.chooses("BUSY");
    ui.press(&["Enter"]);
    ui.shows(" runs /job bus ");
    // The next that needs its user is filtered out: the filter goes.
    ui.press(&["."]);
    ui.chooses("GATED-1");
    ui.shows("BUSY");
    ui.press(&["/"]);
    ui.types("nothing like it");
    ui.shows("nothing matches");
    ui.press(&["Escape"]);
    ui.shows("DONE");
    ui.press(&["?"]);
    ui.shows("leave; nothing is stopped");
    ui.press(&["?"]);
    ui.hides("leave; nothing is stopped");
}

#[test]
fn the_mouse_chooses_a_row_and_a_tab_and_the_wheel_scrolls() {
    let world = world();
    let lines: String = (0..200).map(|n| format!("%out line {n}.\n")).collect();
    world.task("LONG", &format!("{lines}%hang\n"));
    let run = world.detach("job", "LONG");
    world.agent_ready(&run);
    let ui = ui(&world);
    ui.shows("LONG");
    ui.chooses("GATED-1");
    ui.mouse(CLICK, ui.place(" BUSY"));
    ui.chooses("BUSY");
    ui.mouse(CLICK, ui.place(" LONG"));
    ui.chooses("LONG");
    let screen = ui.shows("│line 199.");
    assert!(!screen.contains("│line 99."), "{screen}");
    let preview = ui.place("line 190.");
    wait_until("the wheel comes to the first lines", || {
        (0..10).for_each(|_| ui.mouse(WHEEL_DOWN - 1, preview));
        let screen = ui.screen();
        is(screen.contains("│line 0."), screen)
    });
    ui.mouse(WHEEL_DOWN, preview);
    ui.hides("│line 0.");
    ui.mouse(CLICK, ui.place(" Why "));
    ui.shows("state      running");
    ui.mouse(WHEEL_DOWN, ui.place(" LONG"));
    ui.chooses("BUSY");
}

#[test]
fn it_is_usable_in_terminals_of_every_size() {
    let world = world();
    let ui = UserTerminal::start(&world, (60, 15), "dispatch ui");
    for size in [(60, 15), (80, 24), (200, 50)] {
        ui.resize(size);
        ui.shows_that(&format!("a frame of {size:?}"), |screen| {
            let last = screen.lines().last().unwrap_or_default();
            screen.lines().count() == usize::from(size.1)
                && last.contains("y approve")
                && last.ends_with("? help  q quit")
        });
        ui.chooses("GATED-1");
        ui.press(&["G"]);
        ui.chooses("DONE");
        ui.press(&["g"]);
        ui.chooses("GATED-1");
        // A narrow terminal shows one half: the other one is a key away.
        ui.press(&["Right"]);
        ui.shows("Waits for approval: y approves, x rejects");
        ui.press(&["Left"]);
        ui.shows("DONE");
        ui.press(&["?"]);
        ui.shows("next, previous");
        // Every line of the help can be reached.
        wait_until("the last line of the help is shown", || {
            let screen = ui.screen();
            if screen.contains("leave; nothing is stopped") {
                return Ok(());
            }
            ui.press(&["j"]);
            Err(screen)
        });
        ui.press(&["Escape"]);
        ui.hides("leave; nothing is stopped");
        ui.press(&["x"]);
        ui.shows("Reject guarded GATED-1: reason");
        // Also of a text that is longer than the screen, the end with the cursor is seen, and the keys.
        for n in 0..30 {
            ui.types(&format!("reason {n} is a rather long one; "));
        }
        let screen = ui.shows("reason 29 is");
        assert!(screen.contains("Esc: not now"), "{screen}");
        ui.press(&["Escape"]);
        ui.hides("Esc: not now");
        ui.press(&["r"]);
        ui.shows("another task");
        ui.press(&["Escape"]);
        ui.hides("another task");
    }
}

#[test]
fn a_storm_of_resizes_ends_with_the_right_screen() {
    let world = world();
    let ui = ui(&world);
    ui.shows("DONE");
    let mut random = Random::new();
    println!("SEED={}", random.seed);
    let mut up_to = |most: usize| u16::try_from(1 + random.below(most)).unwrap();
    for _ in 0..50 {
        let (columns, rows) = (up_to(200), up_to(60));
        ui.resize_later((columns, rows));
        ui.press(&["Right", "?", "j", "Escape", "Left"]);
    }
    ui.resize(SIZE);
    ui.press(&["g"]);
    let fresh = UserTerminal::start(&world, SIZE, "dispatch ui");
    wait_until("the screen is as a fresh one", || {
        let (old, new) = (without_ages(&ui.styled_screen()), without_ages(&fresh.styled_screen()));
        is(old == new, format!("{old}\n{new}"))
    });
}

/// The screen without its seconds: each view counts them from its own start.
fn without_ages(screen: &str) -> String {
    screen.chars().fold(String::new(), |mut kept, next| {
        if next == 's' && kept.ends_with(|last: char| last.is_ascii_digit()) {
            let age = |last: char| last.is_ascii_digit() || last == ' ';
            kept.truncate(kept.trim_end_matches(age).len());
        }
        kept.push(next);
        kept
    })
}

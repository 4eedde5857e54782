//! `ui` at a terminal behind a network of 200 ms in each direction.

use crate::programs;
use crate::user_terminal::UserTerminal;
use crate::waiting::{is, wait_until};
use crate::world::World;

#[test]
fn with_200_ms_each_way_keys_typed_ahead_and_resizes_arrive_and_the_terminal_is_as_it_was() {
    let world = World::new();
    world.task("A", "%ask\n%out heard it\n%hang\n").task("B", "%err it broke\n%exit 7\n");
    world.task("THIRD", "%hang\n");
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let asks = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&asks);
    world.dispatch("run -q job B").notes().fails_with(7);
    world.detach("job", "THIRD");
    let far = programs::repository().join("tests/terminals/far.py");
    let ui = UserTerminal::start(&world, (100, 30), &format!("python3 {} 0.2 dispatch ui", far.display()));
    ui.shows("│it broke");
    // Everything is typed before the first of it is shown; arrows are sequences of several bytes.
    ui.press(&["g", "G", "Up", "Down", "i"]);
    ui.types("blue, I think");
    ui.press(&["Left", "Left", "Left", "Left", "Left", "BSpace", "C-e", "!", "Enter"]);
    ui.shows("heard it");
    assert_eq!(world.answer(&asks), "blue, Ithink!\n");
    ui.resize((60, 15));
    ui.press(&["?"]);
    ui.shows("Keys   j/k: scroll");
    ui.resize((100, 30));
    ui.press(&["Escape"]);
    ui.hides("j/k: scroll");
    ui.press(&["/"]);
    ui.types("THIRD");
    ui.press(&["Enter"]);
    ui.shows("job THIRD");
    ui.press(&["s", "y"]);
    ui.shows("job THIRD: stopped");
    wait_until("it is stopped", || {
        let state = world.status("job", "THIRD")["state"].clone();
        is(state == "stopped", state.to_string())
    });
    ui.press(&["Escape", "q"]);
    assert_eq!((ui.code(), ui.stderr()), (0, String::new()));
}

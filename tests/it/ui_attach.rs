//! `ui`: the window of a run is shown and left again: outside tmux, in the tmux server of the runs, and from a popup.

use crate::ui::{SIZE, open, ui};
use crate::user_terminal::UserTerminal;
use crate::waiting::{is, wait_until};
use crate::world::World;

/// Windows `A` and `B`, and the ids of their windows.
fn world() -> (World, [String; 2]) {
    let world = World::new();
    world.task("A", "%out the window of A\n%hang\n").task("B", "%out the window of B\n%hang\n");
    let windows = ["A", "B"].map(|task| {
        let run = open(&world, task);
        let rows = world.panes("#{window_id} #{pane_start_command}");
        rows.iter().find(|row| row.contains(&run)).unwrap().split(' ').next().unwrap().to_owned()
    });
    (world, windows)
}

/// A client of the tmux server of the runs, in a terminal of its own. Its session's window shows a shell.
fn client(world: &World) -> UserTerminal<'_> {
    // Not a login shell, whose PATH is not the world's.
    world.tmux(&["new-session", "-d", "-s", "mine", "-c", world.project().to_str().unwrap(), "exec sh -i"]);
    let client = UserTerminal::start(world, SIZE, "tmux -u -L w attach -t =mine");
    wait_until("the client is attached", || {
        let clients = world.tmux(&["list-clients", "-F", "#{client_session}"]);
        is(clients == "mine", clients)
    });
    client
}

/// Waits until a client shows this window.
#[track_caller]
fn shown(world: &World, window: &str) {
    wait_until("a client shows the window", || {
        let clients = world.tmux(&["list-clients", "-F", "#{window_id}"]);
        is(clients.lines().any(|line| line == window), format!("{clients:?} lacks {window}"))
    });
}

#[test]
fn outside_tmux_the_terminal_shows_the_window_until_the_person_detaches() {
    let (world, [a, b]) = world();
    let ui = ui(&world);
    let pid = ui.pid();
    for (key, task, window) in [("g", "B", b), ("G", "A", a)] {
        ui.press(&[key]);
        ui.chooses(&format!(" {task} "));
        ui.press(&["Enter"]);
        shown(&world, &window);
        ui.hides("dispatch  project");
        ui.shows(&format!("the window of {task}"));
        ui.press(&["C-b", "d"]);
        ui.shows("dispatch  project");
        wait_until("no client is left", || {
            let clients = world.tmux(&["list-clients", "-F", "#{window_id}"]);
            is(clients.is_empty(), clients)
        });
    }
    assert_eq!(ui.pid(), pid);
    ui.press(&["q"]);
    assert_eq!((ui.code(), ui.stderr()), (0, String::new()));
}

#[test]
fn in_the_server_of_the_runs_the_client_turns_to_the_window_and_the_view_stays() {
    let (world, [a, _]) = world();
    let client = client(&world);
    client.types("dispatch ui\r");
    client.shows("dispatch  project");
    client.press(&["G"]);
    client.chooses(" A ");
    client.press(&["Enter"]);
    shown(&world, &a);
    client.shows("the window of A");
    let clients = world.tmux(&["list-clients", "-F", "#{client_session}"]);
    assert_eq!(clients.lines().count(), 1, "no second client: {clients}");
    world.tmux(&["switch-client", "-t", "=mine:"]);
    client.shows("dispatch  project");
    client.press(&["q"]);
    client.hides("dispatch  project");
}

#[test]
fn from_a_popup_the_client_turns_to_the_window_and_the_popup_closes() {
    let (world, [a, b]) = world();
    let client = client(&world);
    world.tmux(&[
        "bind",
        "D",
        "display-popup",
        "-E",
        "-w",
        "90%",
        "-h",
        "90%",
        "-d",
        "#{pane_current_path}",
        "dispatch ui",
    ]);
    for (key, task, window) in [("G", "A", a), ("g", "B", b)] {
        client.press(&["C-b", "D"]);
        client.shows("dispatch  project");
        client.press(&[key]);
        client.shows(&format!("talk {task}"));
        client.press(&["Enter"]);
        shown(&world, &window);
        client.hides("dispatch  project");
        client.shows(&format!("the window of {task}"));
    }
    // Without attaching, too, and a popup cannot be stopped: nothing would continue it.
    client.press(&["C-b", "D"]);
    client.shows("dispatch  project");
    client.press(&["C-z", "?"]);
    // More keys than rows.
    client.shows("Keys   j/k: scroll");
    client.press(&["j"; 9]);
    client.shows("leave; nothing is stopped");
    client.press(&["Escape", "q"]);
    client.hides("dispatch  project");
}

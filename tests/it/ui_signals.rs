//! `ui`: signals, job control, and the end of its terminal. However it is left, the terminal is as it was.

use std::fs;

use rustix::process::Signal;

use crate::ui::{SIZE, open, ui};
use crate::user_terminal::UserTerminal;
use crate::waiting::{is, wait_until};
use crate::world::{World, alive, kill};

fn modes(world: &World, name: &str) -> String {
    wait_until(&format!("{name} is written"), || {
        let text = fs::read_to_string(world.project().join(name)).unwrap_or_default();
        is(text.contains("echoke"), text.clone()).map(|()| text)
    })
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_it_was() {
    let world = World::new();
    world.task("A", "%hang\n");
    open(&world, "A");
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        for keys in [&[][..], &["i", "t", "e", "x", "t"], &["/", "x"]] {
            let ui = ui(&world);
            ui.chooses(" A ");
            ui.press(keys);
            kill(ui.pid(), signal);
            assert_eq!(ui.code(), 143, "{signal:?}");
            assert_eq!(ui.stderr(), "");
        }
    }
    let ui = ui(&world);
    ui.press(&["C-c"]);
    assert_eq!(ui.code(), 0);
}

#[test]
fn a_signal_that_comes_while_a_program_has_the_terminal_ends_it_afterwards() {
    let world = World::new();
    world.task("A", "%out a line\n");
    world.dispatch("run -q job A").notes().succeeds();
    world.shadow("my-pager", "#!/bin/sh\ncat > /dev/null\necho 'in the pager'\nread key < /dev/tty\n");
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 143), (Signal::INT, 0)] {
        let ui = UserTerminal::start(&world, SIZE, "PAGER=my-pager dispatch ui");
        ui.chooses(" A ");
        ui.press(&["l"]);
        ui.shows("in the pager");
        kill(ui.pid(), signal);
        ui.press(&["Enter"]);
        if code == 0 {
            // Ctrl-C was meant for the program.
            ui.chooses(" A ");
            ui.press(&["q"]);
        }
        assert_eq!(ui.code(), code, "{signal:?}");
    }
}

#[test]
fn it_is_stopped_and_continued_by_the_shell() {
    let world = World::new();
    world.task("A", "%hang\n").task("B", "%hang\n");
    open(&world, "A");
    let shell = UserTerminal::start(&world, SIZE, "bash --norc --noprofile -i 2> /dev/tty; true");
    shell.types("PS1='ready> '; stty -a > 1; dispatch ui\r");
    shell.shows("dispatch  project");
    shell.chooses(" A ");
    for round in 0..3 {
        shell.press(&["C-z"]);
        shell.shows("Stopped");
        let now = format!("{}", 2 + round);
        shell.types(&format!("stty -a > {now}\r"));
        assert_eq!(modes(&world, "1"), modes(&world, &now));
        assert_eq!(shell.format("#{alternate_on} #{cursor_flag} #{mouse_any_flag}"), "0 1 0");
        shell.types("clear; fg\r");
        shell.shows("dispatch  project");
        shell.chooses(" A ");
    }
    // What happened meanwhile is shown, also in another size.
    shell.press(&["C-z"]);
    shell.shows("Stopped");
    open(&world, "B");
    world.dispatch("stop talk A").notes().succeeds();
    shell.resize((80, 24));
    shell.types("clear; fg\r");
    shell.shows("dispatch  project");
    shell.shows_that("both runs", |screen| screen.contains(" B ") && screen.contains("stopped"));
    shell.press(&["q"]);
    shell.hides("dispatch  project");
    shell.resize(SIZE);
    // A script that started it is stopped too.
    shell.types("clear; sh -c 'dispatch ui; echo it was $?'\r");
    shell.shows("dispatch  project");
    shell.press(&["C-z"]);
    shell.shows("Stopped");
    shell.types("clear; fg\r");
    shell.shows("dispatch  project");
    shell.press(&["q"]);
    shell.shows("it was 0");
    shell.types("exit\r");
    assert_eq!(shell.code(), 0);
}

#[test]
fn the_key_that_stops_it_does_nothing_where_no_shell_would_continue_it() {
    let world = World::new();
    world.task("A", "%hang\n");
    open(&world, "A");
    // A session of its own, as `xterm -e dispatch ui` makes one.
    let ui = UserTerminal::start(&world, SIZE, "script -q -E never -e -c 'exec dispatch ui' /dev/null");
    ui.shows("dispatch  project");
    ui.press(&["C-z", "?"]);
    ui.shows("leave; nothing is stopped");
    ui.press(&["Escape", "q"]);
    assert_eq!(ui.code(), 0);
}

#[test]
fn it_ends_with_its_terminal() {
    let world = World::new();
    world.task("A", "%hang\n");
    open(&world, "A");
    for is_attached in [false, true] {
        let ui = ui(&world);
        let pid = ui.pid();
        if is_attached {
            ui.press(&["Enter"]);
            ui.hides("dispatch  project");
        }
        ui.tmux(&["kill-server"]);
        wait_until("it has ended", || is(!alive(pid), format!("{pid} lives")));
    }
    assert_eq!(world.status("talk", "A")["state"], "running");
}

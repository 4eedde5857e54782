//! `attach` without a name: `--next` attaches to the window that has waited longest; on a terminal there is a picker.

use rustix::process::Signal;

use crate::user_terminal::UserTerminal;
use crate::waiting::{is, wait_until};
use crate::world::{World, kill};

/// Opens windows `T0`…; gives their panes.
fn open(world: &World, count: usize) -> Vec<String> {
    for n in 0..count {
        world.task(
            &format!("T{n}"),
            &format!("%until ring{n}\n%bell\n%until on{n}\n%out on\n%until again{n}\n%bell\n%hang\n"),
        );
    }
    (0..count)
        .map(|n| {
            let task = format!("T{n}");
            world.dispatch("run -q --attach none talk").arg(&task).notes().succeeds();
            let run = world.status("talk", &task)["runId"].as_str().unwrap().to_owned();
            world.agent_ready(&run);
            let rows = world.panes("#{pane_id} #{pane_start_command}");
            rows.iter().find(|row| row.contains(&run)).unwrap().split(' ').next().unwrap().to_owned()
        })
        .collect()
}

/// Rings, and waits until that counts, in a second of its own.
fn rings(world: &World, n: usize, file: &str) {
    let task = format!("T{n}");
    let begun = jiff::Timestamp::now().as_second();
    wait_until("a second of its own", || is(jiff::Timestamp::now().as_second() > begun, "the same"));
    world.write(format!("{file}{n}"), "");
    wait_until("it waits", || {
        let run = world.status("talk", &task);
        is(run["activity"] == "waiting", run.to_string())
    });
}

/// The window that `attach --next` means, as the line it prints.
fn next(world: &World) -> String {
    world.dispatch("attach --next --print").succeeds().text()
}

fn window(world: &World, pane: &str) -> String {
    world.tmux(&["display-message", "-p", "-t", pane, "#{window_id}"])
}

#[test]
fn of_ten_windows_the_three_that_wait_are_visited_in_order_of_age() {
    let world = World::new();
    world.dispatch("attach --next").stderr_has("nothing has run yet").fails_with(1);
    let panes = open(&world, 10);
    world.dispatch("attach --next").stderr_has("no run waits for you").stderr_has("dispatch status").fails_with(1);
    for n in [7, 2, 4] {
        rings(&world, n, "ring");
    }
    let windows: Vec<String> = panes.iter().map(|pane| window(&world, pane)).collect();
    let goes_to = |n: usize| {
        let line = next(&world);
        let meant: Vec<usize> = (0..10)
            .filter(|n| line.contains(&format!("{}'", windows[*n])) || line.trim_end().ends_with(&windows[*n]))
            .collect();
        assert_eq!(meant, [n], "{line} {windows:?}");
    };
    for n in [7, 2, 4, 7, 2] {
        goes_to(n);
    }
    // One that goes on is left out, and one that waits anew comes first: it was not visited since.
    world.write("on7", "");
    wait_until("it works", || is(world.status("talk", "T7")["activity"] != "waiting", "it waits"));
    goes_to(4);
    rings(&world, 7, "again");
    goes_to(7);
    goes_to(2);
    // Attaching by name counts as a visit.
    world.dispatch("attach --print talk T4").succeeds();
    goes_to(7);
    world.dispatch("attach --next talk T4").any_stderr().fails_with(2);
    // Without a terminal there is no picker: the commands are printed, waiting windows first.
    let reported = world.dispatch("attach").stderr_has("name a mode and a task").fails_with(2).stderr;
    let first = reported.lines().find(|line| line.starts_with("hint:")).unwrap();
    assert_eq!(first, "hint: dispatch attach talk T2", "{reported}");
    assert_eq!(reported.matches("hint: dispatch attach talk").count(), 10, "{reported}");
}

fn picker<'a>(world: &'a World, line: &str) -> UserTerminal<'a> {
    let picker = UserTerminal::start(world, (100, 12), line);
    picker.shows("q: leave");
    picker
}

#[test]
fn on_a_terminal_one_is_picked_and_it_is_left_as_it_was() {
    let world = World::new();
    let panes = open(&world, 3);
    rings(&world, 1, "ring");
    let attached = |n: usize| {
        let id = window(&world, &panes[n]);
        wait_until("a client shows its window", || {
            let clients = world.tmux(&["list-clients", "-F", "#{window_id}"]);
            is(clients.lines().any(|line| line == id), format!("{clients} is not {id}"))
        });
    };
    {
        // Waiting windows come first, with the reason.
        let picker = picker(&world, "dispatch attach");
        let seen = picker.screen();
        let first = seen.lines().nth(1).unwrap();
        assert!(first.starts_with("> 1  T1") && first.contains("waits for you: it rang the bell"), "{seen}");
        picker.press(&["Enter"]);
        attached(1);
    }
    {
        let picker = picker(&world, "dispatch attach");
        picker.press(&["/"]);
        picker.types("t0");
        let seen = picker.shows("/t0");
        assert!(seen.contains("T0") && !seen.contains("T2"), "{seen}");
        picker.press(&["Enter"]);
        attached(0);
    }
    {
        let picker = picker(&world, "dispatch attach");
        picker.press(&["Down", "Down", "Up", "3"]);
        attached(0);
    }
    for (keys, code) in [(&["Escape"][..], 0), (&["q"], 0), (&["/", "x", "C-c"], 130)] {
        let picker = picker(&world, "dispatch attach");
        picker.press(keys);
        assert_eq!(picker.code(), code, "{keys:?}");
        assert_eq!(picker.stderr(), "");
    }
    {
        let picker = picker(&world, "dispatch attach");
        kill(picker.pid(), Signal::TERM);
        assert_eq!(picker.code(), 143);
    }
    // A terminal that can move no cursor.
    let dumb = UserTerminal::start(&world, (100, 12), "TERM=dumb dispatch attach");
    assert_eq!(dumb.code(), 2);
    assert!(dumb.stderr().contains("name a mode and a task"), "{}", dumb.stderr());
}

//! Windows that are made or moved inside a browser's terminal belong to the session of the runs:
//! what runs in them goes on when the connection or the server ends.

use std::fs;

use rustix::process::Signal;
use tungstenite::Message;

use crate::server::Ws;
use crate::waiting::{is, wait_until};
use crate::windows::{assert_they_live, pid, stay, world};
use crate::world::World;

const PATH: &str = "/api/terminal/talk/A";

#[track_caller]
fn until(terminal: &mut Ws, text: &str) {
    let mut seen = String::new();
    while !seen.contains(text) {
        match terminal.next() {
            Message::Binary(bytes) => seen.push_str(&String::from_utf8_lossy(&bytes)),
            other => panic!("{other:?} before {text:?}; seen: {seen}"),
        }
    }
}

fn type_in(terminal: &mut Ws, bytes: &[u8]) {
    terminal.0.send(Message::Binary(bytes.to_vec().into())).unwrap();
}

/// A window by the prefix key and `c`, and one whose pane is broken out of it.
fn make_windows(world: &World, terminal: &mut Ws, name: &str) -> [i32; 2] {
    type_in(terminal, b"\x02c");
    type_in(terminal, stay(world, &format!("{name}-made")).as_bytes());
    let made = pid(world, &format!("{name}-made"));
    type_in(terminal, b"\x02%");
    type_in(terminal, stay(world, &format!("{name}-broken")).as_bytes());
    let broken = pid(world, &format!("{name}-broken"));
    let windows = world.panes("#{window_id}").iter().collect::<std::collections::BTreeSet<_>>().len();
    type_in(terminal, b"\x02!");
    wait_until("its pane has a window of its own", || {
        let now = world.panes("#{window_id}").iter().collect::<std::collections::BTreeSet<_>>().len();
        is(now == windows + 1, format!("{windows} {now}"))
    });
    [made, broken]
}

#[test]
fn what_is_made_in_a_terminal_outlives_its_connection_and_the_server() {
    let (world, _) = world();
    let server = world.serve();
    let mut terminal = server.ws(PATH);
    until(&mut terminal, "here");
    let mut pids = make_windows(&world, &mut terminal, "first").to_vec();
    terminal.0.close(None).unwrap();
    drop(terminal);
    assert_they_live(&world, &pids);

    let mut terminal = server.ws(PATH);
    until(&mut terminal, "here");
    pids.extend(make_windows(&world, &mut terminal, "second"));
    server.signal(Signal::KILL);
    server.ended();
    assert_they_live(&world, &pids);
    assert_eq!(world.status("talk", "A")["state"], "running");
}

#[test]
fn a_window_that_is_moved_into_the_view_is_not_lost_with_it() {
    let (world, _) = world();
    let own =
        world.tmux(&["new-window", "-d", "-P", "-F", "#{pane_pid} #{window_id}", "-t", "=world:", "sleep", "600"]);
    let (own, window) = own.split_once(' ').unwrap();
    let server = world.serve();
    let mut terminal = server.ws(PATH);
    until(&mut terminal, "here");
    let sessions = world.tmux(&["list-sessions", "-F", "#{session_name}"]);
    let view = sessions.lines().find(|name| name.starts_with("dispatch-view-")).unwrap();
    world.tmux(&["move-window", "-s", window, "-t", &format!("={view}:7")]);
    let windows = world.tmux(&["list-windows", "-a", "-F", "#{session_name} #{window_id}"]);
    assert!(windows.lines().any(|line| line == format!("{view} {window}")), "{windows}");
    drop(terminal);
    assert_they_live(&world, &[own.parse().unwrap()]);
    server.assert_alive();
}

#[test]
fn a_window_that_the_agent_makes_while_it_is_watched_outlives_the_watching() {
    let (world, _) = world();
    let server = world.serve();
    let ticket = server.ticket(PATH, false);
    let protocol = format!("dispatch.v1, ticket.{ticket}");
    let mut watching = server.try_ws(PATH, &[("Sec-WebSocket-Protocol", &protocol)]).unwrap();
    until(&mut watching, "here");
    fs::write(world.project().join("../go"), "").unwrap();
    let made = pid(&world, "agents");
    drop(watching);
    assert_they_live(&world, &[made]);
    server.assert_alive();
}

//! Windows that are made or moved inside a browser's terminal belong to the session of the runs:
//! what runs in them goes on when the tab, its connection or the server ends.

use std::fs;

use rustix::process::Signal;
use serde_json::json;
use tungstenite::Message;

use crate::browser::Page;
use crate::server::{Server, Ws};
use crate::waiting::{is, wait_until};
use crate::world::{World, alive};

const PATH: &str = "/api/terminal/talk/A";

fn world() -> (World, String) {
    let world = World::new();
    world.task(
        "A",
        "%out here\n%until ../go\n%sh tmux new-window -d 'echo $$ > ../pid-agents; exec sleep 600'\n%hang\n",
    );
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let run = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    (world, run)
}

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

/// The process that wrote its number into `pid-NAME`.
#[track_caller]
fn pid(world: &World, name: &str) -> i32 {
    let file = world.project().join(format!("../pid-{name}"));
    wait_until(&format!("{name} has started"), || {
        fs::read_to_string(&file)
            .unwrap_or_default()
            .trim()
            .parse()
            .map_err(|_| format!("{:?}", world.panes("#{pane_id}")))
    })
}

/// What a shell is to do so that [`pid`] finds it; it then stays.
fn stay(world: &World, name: &str) -> String {
    format!("echo $$ > {}/pid-{name}; exec sleep 600\r", world.project().join("..").canonicalize().unwrap().display())
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

/// Waits until no view is left: what is in a window then is in the session of the runs.
#[track_caller]
fn assert_they_live(world: &World, pids: &[i32]) {
    wait_until("no view is left", || {
        let sessions = world.tmux(&["list-sessions", "-F", "#{session_name}"]);
        is(sessions == "world", sessions)
    });
    let panes = world.tmux(&["list-panes", "-s", "-t", "=world:", "-F", "#{pane_pid}"]);
    for pid in pids {
        assert!(alive(*pid), "{pid} has ended");
        assert_eq!(panes.lines().filter(|line| *line == pid.to_string()).count(), 1, "{pid} in {panes:?}");
    }
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

/// Types into the page's terminal a command for a shell, which then stays.
fn stay_on_page(world: &World, page: &mut Page, name: &str) -> i32 {
    page.play(&format!(
        "await page.keyboard.type({}); await page.keyboard.press('Enter')",
        json!(stay(world, name).trim_end())
    ));
    pid(world, name)
}

fn live(page: &mut Page) {
    page.wait("the terminal is connected", "document.querySelector('.term-box')?.dataset.link === 'live'");
    page.play("await page.evaluate(() => document.getElementById('terminal').terminal.focus())");
}

#[test]
fn what_is_made_in_a_tab_outlives_a_reload_and_the_tab() {
    let (world, run) = world();
    let server: Server = world.serve();
    let mut page = Page::at(&world, &server, &format!("/runs/{run}"));
    let mut pids = Vec::new();
    for name in ["one", "two"] {
        live(&mut page);
        page.play("await page.keyboard.press('Control+b'); await page.keyboard.press('c')");
        pids.push(stay_on_page(&world, &mut page, &format!("{name}-made")));
        page.play("await page.keyboard.press('Control+b'); await page.keyboard.type('%')");
        pids.push(stay_on_page(&world, &mut page, &format!("{name}-broken")));
        page.play("await page.keyboard.press('Control+b'); await page.keyboard.type('!')");
        wait_until("its pane has a window of its own", || {
            let windows = world.panes("#{window_id} #{pane_pid}");
            let of = |pid: &i32| windows.iter().find_map(|row| row.strip_suffix(&format!(" {pid}")));
            is(of(&pids[pids.len() - 1]) != of(&pids[pids.len() - 2]), format!("{windows:?}"))
        });
        if name == "one" {
            page.reload();
        } else {
            page.play("await page.close()");
        }
    }
    assert_they_live(&world, &pids);
    assert_eq!(world.status("talk", "A")["state"], "running");
    drop(page);
    server.assert_alive();
}

//! `/api/terminal`: a run's window in a page. Bytes go both ways, other views do not change, and
//! nothing is left behind, whichever end goes first.

use std::fs;
use std::net::Shutdown;
use std::time::Duration;

use rustix::process::Signal;
use tungstenite::Message;

use crate::command::Started;
use crate::server::{Server, Ws};
use crate::waiting::{is, rounds, wait_for, wait_until};
use crate::world::World;

const PATH: &str = "/api/terminal/talk/A";

/// A run whose agent executes `body` in a window, once the agent is there.
fn open(world: &World, task: &str, body: &str) -> String {
    world.task(task, body);
    world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
    let run = world.status("talk", task)["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    run
}

/// Reads on until the terminal has shown `text`.
#[track_caller]
fn until(terminal: &mut Ws, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        match terminal.next() {
            Message::Binary(bytes) => seen.push_str(&String::from_utf8_lossy(&bytes)),
            other => panic!("{other:?} before {text:?}; seen: {seen}"),
        }
    }
    seen
}

fn resize(terminal: &mut Ws, size: &str) {
    terminal.0.send(Message::Text(format!("{{\"resize\":{size}}}").into())).unwrap();
}

fn type_in(terminal: &mut Ws, bytes: &[u8]) {
    terminal.0.send(Message::Binary(bytes.to_vec().into())).unwrap();
}

/// With a ticket, as a page does it.
fn with_ticket(server: &Server, path: &str, write: bool) -> Ws {
    let ticket = server.ticket(path, write);
    let protocol = format!("dispatch.v1, ticket.{ticket}");
    server.try_ws(path, &[("Sec-WebSocket-Protocol", &protocol)]).unwrap()
}

#[track_caller]
fn wait_size(world: &World, run: &str, size: &str) {
    wait_until(&format!("the window is {size}"), || {
        let rows = world.panes("#{pane_start_command} #{window_width}x#{window_height}");
        let row = rows.iter().find(|row| row.contains(run)).cloned().unwrap_or_default();
        is(row.ends_with(&format!(" {size}")), row)
    });
}

/// Only the session of the runs, no client, and no process that looks.
#[track_caller]
fn wait_no_views(world: &World) {
    wait_until("no view is left", || {
        let sessions = world.tmux(&["list-sessions", "-F", "#{session_name}"]);
        let clients = world.tmux(&["list-clients", "-F", "#{client_tty}"]);
        is(sessions == "world" && clients.is_empty(), format!("{sessions:?} {clients:?}"))
    });
    // A tmux client is no process of the world's own list.
    wait_until("no client process is left", || {
        let looks: Vec<_> = world.processes().into_iter().filter(|(_, line)| line.contains("__pty")).collect();
        is(looks.is_empty(), format!("{looks:?}"))
    });
}

#[test]
fn what_is_typed_reaches_the_agent_and_what_it_shows_comes_back() {
    let world = World::new();
    let run = open(&world, "A", "%out what now?\n%ask\n%out thanks\n%hang\n");
    let server = world.serve();
    let mut terminal = with_ticket(&server, PATH, true);
    until(&mut terminal, "what now?");
    type_in(&mut terminal, "gr\u{fc}n \u{1f7e2}".as_bytes());
    until(&mut terminal, "\u{1f7e2}");
    type_in(&mut terminal, b"\r");
    until(&mut terminal, "thanks");
    assert_eq!(world.answer(&run), "gr\u{fc}n \u{1f7e2}\n");
    drop(terminal);
    wait_no_views(&world);
    server.assert_alive();
}

#[test]
fn any_size_is_brought_to_sense_and_the_agent_sees_it() {
    let world = World::new();
    let run = open(&world, "A", "%sh trap 'stty size > ../size' WINCH; while :; do sleep 0.05; done\n");
    let server = world.serve();
    let mut terminal = server.ws(&format!("{PATH}?cols=91&rows=31"));
    wait_size(&world, &run, "91x31");
    for (size, seen) in [
        ("[100,40]", "100x40"),
        ("[0,0]", "1x1"),
        ("[70,20]", "70x20"),
        ("[-1,-1]", "1x1"),
        ("[65535,65535]", "1000x500"),
        ("[80,24]", "80x24"),
        ("[1000000000,1000000000]", "1000x500"),
        ("[83,23]", "83x23"),
    ] {
        resize(&mut terminal, size);
        wait_size(&world, &run, seen);
    }
    wait_until("the agent saw it", || {
        let seen = fs::read_to_string(world.project().join("../size")).unwrap_or_default();
        is(seen == "23 83\n", seen)
    });
    for nonsense in ["[1]", "[1,2,3]", "\"a\"", "[1.5,2]", "[99999999999999999999,1]", "{}"] {
        let mut other = server.ws(PATH);
        resize(&mut other, nonsense);
        let (_, closed) = other.read_to_end();
        assert_eq!(u16::from(closed.unwrap().code), 1008, "{nonsense}");
    }
    for query in ["?cols=-1", "?cols=x", "?cols=80&cols=80", "?other=1"] {
        let bearer = format!("Bearer {}", server.token);
        let status = server.try_ws(&format!("{PATH}{query}"), &[("Authorization", &bearer)]).err();
        assert_eq!(status, Some(400), "{query}");
    }
    drop(server.ws(&format!("{PATH}?cols=1000000000&rows=0")));
    drop(terminal);
    wait_no_views(&world);
    server.assert_alive();
}

#[test]
fn a_ticket_to_read_neither_types_nor_resizes() {
    let world = World::new();
    let run = open(&world, "A", "%out look at me\n%ask\n%hang\n");
    let server = world.serve();
    let mut watching = with_ticket(&server, PATH, false);
    until(&mut watching, "look at me");
    let pane = || {
        let rows = world.panes("#{pane_start_command} #{pane_id} #{window_width}x#{window_height}");
        let row = rows.into_iter().find(|row| row.contains(&run)).unwrap();
        let id = row.split(' ').rev().nth(1).unwrap().to_owned();
        (world.tmux(&["capture-pane", "-p", "-t", &id]), row)
    };
    let before = pane();
    let text = r#"{"resize":[60,10]}"#;
    for message in [
        Message::Binary(b"never\r".to_vec().into()),
        Message::Binary(b"\x1b[200~never\r\x1b[201~".to_vec().into()),
        Message::Text(text.into()),
    ] {
        let mut reader = with_ticket(&server, PATH, false);
        until(&mut reader, "look at me");
        // Nothing after the first one is processed either.
        for _ in 0..20 {
            let _ = reader.0.send(message.clone());
        }
        let (_, closed) = reader.read_to_end();
        assert_eq!(u16::from(closed.unwrap().code), 1008);
    }
    assert_eq!(pane(), before);
    assert!(!world.fake_folder().join(format!("{run}.answer")).exists());
    // A read-only client sees what another one types.
    let mut typing = with_ticket(&server, PATH, true);
    type_in(&mut typing, b"for all to see");
    until(&mut watching, "for all to see");
    drop((watching, typing));
    wait_no_views(&world);
    server.assert_alive();
}

#[test]
fn a_paste_of_megabytes_arrives_whole_and_runs_nothing_by_itself() {
    const SIZE: usize = 5_000_000;
    let world = World::new();
    // Raw, as every agent with a screen has its terminal.
    let sh = format!("stty raw -echo; echo rea''dy; head -c {SIZE} > ../got.part; mv ../got.part ../got; stty sane");
    open(&world, "A", &format!("%sh {sh}\n%hang\n"));
    let server = world.serve();
    let mut terminal = server.ws(PATH);
    until(&mut terminal, "ready");
    // Line ends, ends of brackets and keys of tmux itself are bytes like all others.
    let line = "rm -rf canary\r\n\x1b[201~; touch canary\n\x03\x04 and more 0123456789\r";
    let paste: Vec<u8> = line.bytes().cycle().take(SIZE).collect();
    for frame in paste.chunks(64 * 1024) {
        type_in(&mut terminal, frame);
    }
    // tmux takes in a megabyte a second, and less beside others.
    wait_for(Duration::from_secs(60), "all of it arrived", || {
        let part = fs::metadata(world.project().join("../got.part")).map_or(0, |file| file.len());
        is(world.project().join("../got").exists(), format!("{part}"))
    });
    let got = fs::read(world.project().join("../got")).unwrap();
    let differs = got.iter().zip(&paste).position(|(got, sent)| got != sent);
    assert!(got == paste, "{} bytes; another one at {differs:?}", got.len());
    assert!(!world.project().join("canary").exists());
    drop(terminal);
    server.assert_alive();
}

#[test]
fn thirty_terminals_leave_nothing_however_they_end() {
    let world = World::new();
    let run = open(&world, "A", "%out here\n%hang\n");
    let mut server = world.serve();
    for round in 0..rounds(20).max(2) {
        let mut terminals: Vec<Ws> = (0..15).map(|number| with_ticket(&server, PATH, number % 2 == 0)).collect();
        terminals.extend((0..15).map(|_| server.ws("/logs/talk/A")));
        for terminal in &mut terminals {
            until(terminal, "here");
        }
        for (number, mut terminal) in terminals.into_iter().enumerate() {
            match number % 3 {
                0 => terminal.0.close(None).unwrap(),
                1 => terminal.0.get_ref().shutdown(Shutdown::Both).unwrap(),
                _ => {}
            }
        }
        wait_no_views(&world);
        server.assert_alive();
        if round == 0 {
            let mut left: Vec<Ws> = (0..10).map(|_| server.ws(PATH)).collect();
            for terminal in &mut left {
                until(terminal, "here");
            }
            server.signal(Signal::KILL);
            server.ended();
            wait_no_views(&world);
            server = world.serve();
        }
    }
    assert_eq!(world.status("talk", "A")["runId"], run.as_str());
    assert_eq!(world.status("talk", "A")["state"], "running");
}

/// A terminal of the user's on the session of the runs.
fn users(world: &World) -> Started {
    let before = world.tmux(&["list-clients", "-F", "#{client_tty}"]).lines().count();
    // It has an input that stays open.
    let call = world.dispatch_by_shell(
        "sleep 600 | script -qfec 'stty cols 120 rows 35; exec tmux -L w attach -t world' /dev/null",
    );
    let started = call.start();
    wait_until("the user's terminal is there", || {
        let clients = world.tmux(&["list-clients", "-F", "#{client_tty}"]);
        is(clients.lines().count() > before, clients)
    });
    started
}

#[test]
fn the_users_own_terminal_is_not_moved() {
    let world = World::new();
    let other = open(&world, "OTHER", "%out another\n%hang\n");
    let run = open(&world, "A", "%out here\n%ask\n%hang\n");
    let server = world.serve();
    let user = users(&world);
    world.tmux(&["select-window", "-t", "=world:OTHER-talk"]);
    wait_size(&world, &other, "120x34");
    let shown = || {
        let format = "#{session_name} #{window_name} #{client_width}x#{client_height} #{window_width}x#{window_height}";
        let rows = world.tmux(&["list-clients", "-F", format]);
        rows.lines().filter(|row| row.starts_with("world ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = shown();
    assert_eq!(before, ["world OTHER-talk 120x35 120x34"]);
    let mut watching = with_ticket(&server, PATH, false);
    let mut typing = server.ws(&format!("{PATH}?cols=70&rows=20"));
    until(&mut watching, "here");
    wait_size(&world, &run, "70x20");
    type_in(&mut typing, b"\x02n\x02pword\r");
    wait_until("the agent has it", || is(world.fake_folder().join(format!("{run}.answer")).exists(), "no answer"));
    resize(&mut typing, "[60,15]");
    wait_size(&world, &run, "60x15");
    assert_eq!(shown(), before);
    // The window that the user looks at keeps the user's size.
    let mut same = server.ws("/api/terminal/talk/OTHER?cols=50&rows=10");
    until(&mut same, "another");
    resize(&mut same, "[40,12]");
    type_in(&mut same, b"x");
    until(&mut same, "x");
    assert_eq!(shown(), before);
    drop((watching, typing, same));
    wait_until("the views are gone", || {
        let sessions = world.tmux(&["list-sessions", "-F", "#{session_name}"]);
        is(sessions == "world", sessions)
    });
    assert_eq!(shown(), before);
    drop(user);
}

#[test]
fn two_may_type_and_both_are_closed_when_the_window_goes() {
    let world = World::new();
    let run = open(&world, "A", "%out here\n%ask\n%hang\n");
    let server = world.serve();
    let mut one = server.ws(PATH);
    let mut two = server.ws(PATH);
    let mut logs = server.ws("/logs/talk/A");
    until(&mut one, "here");
    until(&mut two, "here");
    type_in(&mut one, b"from-one ");
    until(&mut two, "from-one");
    type_in(&mut two, b"from-two\r");
    until(&mut one, "from-two");
    assert_eq!(world.answer(&run), "from-one from-two\n");
    assert_eq!(server.post("/stop/talk/A", "").json()["state"], "stopped");
    for terminal in [&mut one, &mut two] {
        let (messages, closed) = terminal.read_to_end();
        assert!(messages.iter().all(Message::is_binary));
        assert_eq!(u16::from(closed.unwrap().code), 1000);
    }
    let (messages, closed) = logs.read_to_end();
    assert_eq!(u16::from(closed.unwrap().code), 1000);
    let Some(Message::Text(end)) = messages.last() else { panic!("{messages:?}") };
    assert!(end.contains(r#""event":"end""#) && end.contains(r#""state":"stopped""#), "{end}");
    drop((one, two, logs));
    server.assert_alive();
}

#[test]
fn what_has_no_window_is_refused_before_the_handshake() {
    let world = World::new();
    world.task("A", "%hang\n").task("B", "%out x\n").task("C", "x");
    let server = world.serve();
    let bearer = format!("Bearer {}", server.token);
    let refused = |path: &str| server.try_ws(path, &[("Authorization", &bearer)]).err();
    server.post("/dispatch/job/A", "");
    world.wait_state("job", "A", "running");
    assert_eq!(refused("/api/terminal/job/A"), Some(409), "headless");
    world.dispatch("run -q --attach none talk B").notes().succeeds();
    world.wait_state("talk", "B", "succeeded");
    assert_eq!(refused("/api/terminal/talk/B"), Some(409), "ended");
    assert_eq!(refused("/api/terminal/talk/C"), Some(404), "never run");
    assert_eq!(refused("/api/terminal/talk/NONE"), Some(404), "no such task");
    assert_eq!(refused("/api/terminal/none/A"), Some(404), "no such mode");
    assert_eq!(refused("/api/terminal/talk/.."), Some(400), "no name");
    assert!(server.get("/metrics").text().contains("dispatch_ws_open 0\n"), "no seat is kept");
    let ticket = server.ticket("/api/terminal/talk/A", true);
    let protocol = format!("dispatch.v1, ticket.{ticket}");
    assert_eq!(
        server.try_ws(PATH.replace("A", "B").as_str(), &[("Sec-WebSocket-Protocol", &protocol)]).err(),
        Some(403)
    );
    server.assert_alive();
}

#[test]
fn the_logs_of_a_run_that_waits_show_its_window_once_there_is_one() {
    let world =
        World::with("  gated: { interactive: true, agent: fake, prompt: \"{{ task.body }}\", gate: approve }\n");
    world.task("A", "%out at last\n%until ../go\n%exit 3\n");
    let server = world.serve();
    assert_eq!(server.post("/dispatch/gated/A", "").json()["state"], "queued");
    let mut logs = server.ws("/logs/gated/A");
    let bearer = format!("Bearer {}", server.token);
    assert_eq!(server.try_ws("/api/terminal/gated/A", &[("Authorization", &bearer)]).err(), Some(409));
    assert_eq!(server.post("/api/approve/gated/A", "").status, 200);
    until(&mut logs, "at last");
    fs::write(world.project().join("../go"), "").unwrap();
    let (messages, closed) = logs.read_to_end();
    assert_eq!(u16::from(closed.unwrap().code), 1000);
    let Some(Message::Text(end)) = messages.last() else { panic!("{messages:?}") };
    assert!(end.contains(r#""exitCode":3"#), "{end}");
    drop(logs);
    server.assert_alive();
}

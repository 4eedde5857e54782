//! The log of an interactive run: its window as it is, its last screen, and its end, however the
//! window ends.

use rustix::process::Signal;
use serde_json::{Value, json};
use tungstenite::Message;

use crate::server::{Server, Ws};
use crate::waiting::{is, wait_until};
use crate::world::{World, kill};

/// A window whose agent has printed its output, and a client that has received it.
fn watched(world: &World, server: &Server, mode: &str, task: &str) -> (String, Ws) {
    let run = server.post(&format!("/dispatch/{mode}/{task}"), r#"{"attach":false}"#).json();
    let run = run["runId"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned();
    world.agent_ready(&run);
    let mut ws = server.ws(&format!("/logs/{mode}/{task}"));
    let mut shown = String::new();
    while !shown.contains("last words") {
        match ws.next() {
            Message::Binary(bytes) => shown.push_str(&String::from_utf8_lossy(&bytes)),
            other => panic!("{other:?} after {shown:?}"),
        }
    }
    (run, ws)
}

/// The last screen and the end, behind what was still on its way.
#[track_caller]
fn end(ws: &mut Ws) -> (String, Value) {
    let (messages, closed) = ws.read_to_end();
    assert_eq!(closed.map(|frame| u16::from(frame.code)), Some(1000), "{messages:?}");
    let [before @ .., Message::Text(end)] = &messages[..] else { panic!("the end is the last frame: {messages:?}") };
    let screens = before.iter().map(|message| match message {
        Message::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("{other:?}"),
    });
    let end: Value = serde_json::from_str(end.as_str()).unwrap();
    assert_eq!(end["event"], "end");
    (screens.last().unwrap_or_default(), end)
}

#[test]
fn a_window_that_exits_leaves_its_last_screen_and_its_code() {
    let world =
        World::with("  tidy: { interactive: true, agent: fake, prompt: \"{{ task.body }}\", cleanup_on_exit: true }\n");
    world.task("A", "%out last words\n%until go\n%exit 6\n");
    let server = world.serve();
    for mode in ["talk", "tidy"] {
        let (run, mut ws) = watched(&world, &server, mode, "A");
        world.write("go", "");
        let (screen, ended) = end(&mut ws);
        assert!(screen.contains("last words"), "{mode}: {screen:?}");
        assert_eq!((&ended["exitCode"], &ended["state"]), (&json!(6), &json!("failed")), "{mode}");
        // A later client receives the same.
        for path in [format!("/logs/{mode}/A"), format!("/logs/{mode}/A?run={run}")] {
            let (screen, again) = end(&mut server.ws(&path));
            assert!(screen.contains("last words"), "{path}: {screen:?}");
            assert_eq!(again["runId"], run.as_str());
        }
        std::fs::remove_file(world.project().join("go")).unwrap();
    }
    server.assert_alive();
}

#[test]
fn a_window_that_is_stopped_closed_or_killed_sends_its_end() {
    let world = World::new();
    for task in ["STOPPED", "CLOSED", "KILLED"] {
        world.task(task, "%out last words\n%hang\n");
    }
    let server = world.serve();
    let [mut stopped, mut closed, mut killed] =
        ["STOPPED", "CLOSED", "KILLED"].map(|task| watched(&world, &server, "talk", task));
    assert_eq!(server.post("/stop/talk/STOPPED", "").status, 200);
    let (screen, ended) = end(&mut stopped.1);
    assert_eq!(ended["state"], "stopped", "{ended}");
    assert!(screen.contains("last words"), "{screen:?}");

    let rows = world.panes("#{pane_id} #{pane_start_command}");
    let pane = rows.iter().find(|row| row.contains(&closed.0)).unwrap().split(' ').next().unwrap();
    world.tmux(&["kill-window", "-t", pane]);
    assert_eq!(end(&mut closed.1).1["state"], "stopped");

    kill(world.tmux_server_pid().unwrap(), Signal::KILL);
    assert_eq!(end(&mut killed.1).1["state"], "lost");
    server.assert_alive();
}

#[test]
fn nothing_that_a_reader_sends_reaches_the_agent() {
    let world = World::new();
    world.task("A", "%out last words\n%ask\n%hang\n");
    let server = world.serve();
    let (run, mut ws) = watched(&world, &server, "talk", "A");
    ws.0.send(Message::binary(&b"forged by bytes\n"[..])).unwrap();
    ws.0.send(Message::text("forged by text\n")).unwrap();
    // Answers to what a hostile screen asks of a terminal (device attributes, a title).
    ws.0.send(Message::binary(&b"\x1b[?1;2c\x1b]l forged by an answer\x1b\\\n"[..])).unwrap();
    // Once this is answered, the server has processed all before it.
    ws.0.send(Message::Ping((&b"x"[..]).into())).unwrap();
    wait_until("the ping is answered", || {
        let message = ws.0.read().unwrap();
        is(matches!(message, Message::Pong(_)), format!("{message:?}"))
    });
    assert_eq!(server.post("/api/send/talk/A", r#"{"text":"from its user"}"#).status, 200);
    assert_eq!(world.answer(&run), "from its user\n");
}

//! `dispatch serve`: the usual requests of a client, its start and its end.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use serde_json::{Value, json};
use tungstenite::Message;

use crate::server::Server;
use crate::waiting::{PATIENCE, is, wait_for, wait_until};
use crate::world::{World, kill};

fn data(messages: &[Message], stream: &str) -> String {
    let frames = messages.iter().filter_map(|message| match message {
        Message::Text(text) => serde_json::from_str::<Value>(text.as_str()).ok(),
        _ => None,
    });
    frames.filter(|frame| frame["stream"] == stream).map(|frame| frame["data"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_job_is_started_watched_and_ends_with_its_code() {
    let world = World::new();
    world.task("A", "%out one\n%err two\n%until ../go\n%out three\n%exit 7\n");
    let server = world.serve();
    assert_eq!(server.get("/status/job/A").code(), "never_run");
    let reply = server.post("/dispatch/job/A", "");
    assert_eq!(reply.status, 201, "{reply:?}");
    let started = reply.json();
    let run = started["runId"].as_str().unwrap().to_owned();
    assert_eq!((&started["created"], &started["attached"]), (&json!(true), &json!("none")));
    assert_eq!(started["session"], "world");
    let again = server.post("/dispatch/job/A", "{}");
    assert_eq!((again.status, again.json()["created"].clone()), (200, json!(false)));
    assert_eq!(again.json()["runId"], run.as_str());
    assert_eq!(server.post("/dispatch/job/A", r#"{"prompt":"other"}"#).status, 409);

    let mut logs = server.ws("/logs/job/A");
    world.agent_ready(&run);
    let status = wait_until("the status says that it runs", || {
        let status = server.get("/status/job/A").json();
        if status["state"] == "running" { Ok(status) } else { Err(status.to_string()) }
    });
    assert_eq!((&status["running"], &status["headless"]), (&json!(true), &json!(true)), "{status}");
    assert!(status["exitCode"].is_null() && status["startedAt"].is_string(), "{status}");
    std::fs::write(world.project().join("../go"), "").unwrap();
    let (messages, closed) = logs.read_to_end();
    assert_eq!((data(&messages, "stdout"), data(&messages, "stderr")), ("one\nthree\n".into(), "two\n".into()));
    let Some(Message::Text(end)) = messages.last() else { panic!("{messages:?}") };
    let end: Value = serde_json::from_str(end.as_str()).unwrap();
    assert_eq!((&end["event"], &end["exitCode"], &end["state"]), (&json!("end"), &json!(7), &json!("failed")));
    assert_eq!(u16::from(closed.unwrap().code), 1000);
    assert_eq!(server.get("/status/job/A").json()["exitCode"], 7);
    assert_eq!(server.get(&format!("/api/runs/{run}")).json()["exitCode"], 7);
    assert_eq!(server.get(&format!("/api/runs/{run}/stdout")).body, b"one\nthree\n");
    let part = server.ask("GET", &format!("/api/runs/{run}/stdout"), &["Range: bytes=4-8"]);
    assert_eq!((part.status, part.text().as_str()), (206, "three"));
    assert_eq!(part.header("content-range"), Some("bytes 4-8/10"));
    assert_eq!(server.get(&format!("/api/runs/{run}/stderr")).body, b"two\n");
    let part = server.ask("GET", &format!("/api/runs/{run}/stderr"), &["Range: bytes=-2"]);
    assert_eq!((part.status, part.text().as_str(), part.header("content-range")), (206, "o\n", Some("bytes 2-3/4")));
    server.assert_alive();
}

#[test]
fn the_server_answers_what_the_command_line_prints() {
    let world = World::with(
        r#"  talk2: { interactive: true, agent: fake, prompt: "%hang" }
runs:
  - mode: job
    tasks: [A]
  - mode: talk2
    tasks: [A]
    restart: always
"#,
    );
    world.task("A", "%out hello\n");
    world.detach("job", "A");
    world.wait_state("job", "A", "succeeded");
    // Stopped by a person: that is held, and both say so.
    world.detach("talk2", "A");
    world.dispatch("stop talk2 A").notes().succeeds();
    let server = world.serve();
    for (path, words) in [
        ("/api/runs", "status"),
        ("/api/tasks", "tasks"),
        ("/api/tasks/A", "task A"),
        ("/api/modes", "modes"),
        ("/api/plan", "plan"),
        ("/api/history", "history"),
        ("/status/job/A", "status job A"),
        ("/status/talk2/A", "status talk2 A"),
    ] {
        assert_eq!(server.get(path).json(), world.dispatch(words).json(), "{path}");
    }
    let talk2 = server.get("/status/talk2/A").json();
    assert!(talk2["held"].is_string(), "{talk2}");
    let render = server.post("/api/render/job/A", r#"{"prompt":"more","extras":["x"]}"#).json();
    assert_eq!(render, world.dispatch("--json render job A --prompt more -- x").document());
}

#[test]
fn stop_ends_a_run_once_however_often_it_is_requested() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let run = server.post("/dispatch/job/A", "").json()["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let statuses: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let stops: Vec<_> = (0..20).map(|_| scope.spawn(|| server.post("/stop/job/A", ""))).collect();
        stops.into_iter().map(|stop| stop.join().unwrap()).map(|reply| (reply.status, reply.json())).collect()
    });
    for (status, run) in statuses {
        assert_eq!((status, &run["state"]), (200, &json!("stopped")), "{run}");
    }
    let again = server.post("/stop/job/A", "");
    assert_eq!((again.status, again.json()["runId"].clone()), (200, json!(run)));
    // The deprecated form is answered with a deprecation.
    let by_get = server.get("/stop/job/A");
    assert_eq!((by_get.status, by_get.header("deprecation")), (200, Some("true")));
    assert_eq!(world.history().len(), 1);
}

#[test]
fn an_interactive_run_gets_its_window_and_says_how_to_attach() {
    let world = World::new();
    world.task("A", "%ask\n");
    let server = world.serve();
    let started = server.post("/dispatch/talk/A", "").json();
    assert_eq!((&started["created"], &started["attached"]), (&json!(true), &json!("none")), "{started}");
    assert_eq!(started["window"], "A-talk");
    let command = started["attachCommand"].as_str().unwrap();
    assert!(command.starts_with("tmux ") && command.contains("attach-session"), "{command}");
    let run = started["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let attach = server.post("/api/attach/talk/A", "").json();
    assert_eq!((&attach["attached"], &attach["runId"]), (&json!("none"), &json!(run)));
    assert_eq!(server.post("/api/send/talk/A", r#"{"text":"an answer"}"#).status, 200);
    assert_eq!(world.answer(&run), "an answer\n");
    world.wait_state("talk", "A", "succeeded");
    assert_eq!(server.post("/api/send/talk/A", r#"{"text":"more"}"#).status, 409);
    server.assert_alive();
}

#[test]
fn gates_up_and_files_are_served() {
    let world =
        World::with("  gated: { agent: fake, prompt: x, gate: approve }\nruns:\n  - mode: job\n    tasks: [A]\n");
    world.task("A", "%out hello\n");
    let server = world.serve();
    let started = server.post("/dispatch/gated/A", "").json();
    assert_eq!(started["state"], "queued", "{started}");
    assert_eq!(server.post("/api/approve/gated/A", r#"{"reject":true}"#).json()["reason"], "rejected");
    assert_eq!(server.post("/api/approve/gated/A", "").status, 409);
    let report = server.post("/api/up", "").json();
    assert_eq!(report["changes"], 1, "{report}");
    world.wait_state("job", "A", "succeeded");

    let read = server.get("/api/files/dispatch.yaml");
    let etag = read.header("etag").unwrap().to_owned();
    assert_eq!(read.body, std::fs::read(world.project().join("dispatch.yaml")).unwrap());
    let put = |etag: &str, text: &str| {
        let more = [format!("If-Match: {etag}"), format!("Content-Length: {}", text.len())];
        let head = server.head("PUT", "/api/files/dispatch.yaml", &["Content-Type: text/yaml", &more[0], &more[1]]);
        server.say(head + text)
    };
    let broken = put(&etag, "version: 1\nmodes: { a: { promt: x } }\n");
    assert_eq!(broken.status, 422, "{broken:?}");
    let problem = broken.json()["error"]["problems"][0].clone();
    assert_eq!((&problem["line"], &problem["severity"]), (&json!(2), &json!("error")), "{problem}");
    let better = format!("{}\n# better\n", read.text());
    assert_eq!(put("\"stale\"", &better).status, 412);
    let written = put(&etag, &better);
    assert_eq!(written.status, 200, "{written:?}");
    assert_eq!(std::fs::read_to_string(world.project().join("dispatch.yaml")).unwrap(), better);
    assert_ne!(written.header("etag"), Some(etag.as_str()));
    assert_eq!(put(&etag, &better).status, 412);
    assert_eq!(server.get("/api/files/tasks/A.md").status, 404);
}

#[test]
fn events_report_every_change_and_miss_nothing() {
    let world = World::new();
    world.task("A", "%until ../go\n%exit 3\n");
    let server = world.serve();
    let mut events = server.ws("/api/events");
    let hello = events.next_json();
    assert_eq!(hello["event"], "hello");
    world.detach("job", "A");
    let mut seen = Vec::new();
    let mut wait_for = |events: &mut crate::server::Ws, state: &str| loop {
        let frame = events.next_json();
        let found = frame["run"]["state"] == state;
        seen.push(frame["seq"].as_u64().unwrap());
        if found {
            return frame;
        }
    };
    wait_for(&mut events, "running");
    std::fs::write(world.project().join("../go"), "").unwrap();
    let end = wait_for(&mut events, "failed");
    assert_eq!(end["run"]["exitCode"], 3);
    assert!(seen.windows(2).all(|two| two[1] == two[0] + 1), "{seen:?}");
    // From any number on, each frame comes again, once.
    let mut again = server.ws(&format!("/api/events?after={}", hello["seq"]));
    assert_eq!(again.next_json()["event"], "hello");
    let replayed: Vec<u64> = seen.iter().map(|_| again.next_json()["seq"].as_u64().unwrap()).collect();
    assert_eq!(replayed, seen);
    let mut reset = server.ws("/api/events?after=5");
    assert_eq!(reset.next_json()["event"], "hello");
    assert_eq!(reset.next_json()["event"], "reset");
    world.task("B", "x");
    loop {
        let frame = events.next_json();
        if frame["event"] == "tasks" {
            break;
        }
    }
}

#[test]
fn one_server_has_a_state_folder_and_a_second_one_names_it() {
    let world = World::new();
    let server = world.serve();
    let pid = server.pid();
    world.dispatch("serve --port 0").stderr_has("served already").stderr_has(format!("process {pid}")).fails_with(1);
    let text = std::fs::read_to_string(world.state().join("server.json")).unwrap();
    let mode = std::fs::metadata(world.state().join("server.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(text.contains(&server.token) && text.contains(&server.host), "{text}");
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    for bytes in [line, environ] {
        assert!(!String::from_utf8_lossy(&bytes).contains(&server.token), "the token is a secret");
    }
    let ended = server.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!world.state().join("server.json").exists());
    world.dispatch("token").stderr_has("no server runs").fails_with(1);
    // A killed server leaves a record that is recognized as stale.
    let server = world.serve();
    server.signal(Signal::KILL);
    server.ended();
    assert!(world.state().join("server.json").exists());
    world.dispatch("token").stderr_has("no server runs").fails_with(1);
    world.serve();
}

#[test]
fn only_loopback_is_served() {
    let world = World::new();
    for address in ["0.0.0.0", "192.168.1.7", "::", "10.0.0.1"] {
        let call = world.dispatch("serve --port 0 --bind").arg(address);
        call.stderr_has("not this machine's own address").stderr_has("ssh -L").fails_with(2);
    }
    world.dispatch("serve --bind nonsense").stderr_has("no address").fails_with(2);
    world.dispatch("serve").env("DISPATCH_RUN_ID", "x").stderr_has("refused inside a run").fails_with(2);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    world.dispatch(&format!("serve --port {port}")).stderr_has("is taken").stderr_has("--port 0").fails_with(2);
}

#[test]
fn a_socket_file_serves_its_user_alone() {
    let world = World::new();
    let path = world.root().join("s");
    let call = world.dispatch("serve --json --socket").arg(&path).start();
    let token = wait_until("it is served", || {
        let ended = world.dispatch("token").any_stderr().ends_somehow();
        if ended.code == 0 { Ok(ended.text().trim().to_owned()) } else { Err(ended.stderr) }
    });
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    let head = format!(
        "GET /api/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("{\"runs\":[]}\n"), "{answer}");
    call.signal(Signal::TERM);
    call.ends_with(0);
    assert!(!path.exists(), "its file is removed");
}

/// Carries bytes from a port of its own to the server's, as an SSH tunnel does.
fn tunnel(to: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let to = to.to_owned();
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let far = TcpStream::connect(&to).unwrap();
            for (mut from, mut into) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut into);
                    let _ = into.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    port
}

#[test]
fn everything_works_through_a_tunnel_on_another_port() {
    let world = World::new();
    world.task("A", "%out over the hills\n");
    let server = world.serve();
    let far = Server::elsewhere(&server, tunnel(&server.host));
    assert_eq!(far.post("/dispatch/job/A", "").status, 201);
    let origin = format!("http://{}", far.host);
    let ticket = far.ticket("/logs/job/A", false);
    let protocol = format!("dispatch.v1, ticket.{ticket}");
    let headers = [("Origin", origin.as_str()), ("Sec-WebSocket-Protocol", protocol.as_str())];
    let (messages, _) = far.try_ws("/logs/job/A", &headers).unwrap().read_to_end();
    assert_eq!(data(&messages, "stdout"), "over the hills\n");
    assert_eq!(far.get("/status/job/A").json()["exitCode"], 0);
}

#[test]
fn it_stops_at_once_with_fifty_sockets_open_and_no_run_notices() {
    let world = World::new();
    world.task("A", "%out here\n%until ../go\n%exit 5\n");
    let server = world.serve();
    let run = server.post("/dispatch/job/A", "").json()["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let mut sockets: Vec<_> = (0..50).map(|_| server.ws("/logs/job/A")).collect();
    for socket in &mut sockets {
        let mut shown = String::new();
        while shown != "here\n" {
            shown += socket.next_json()["data"].as_str().unwrap();
        }
    }
    let ended = server.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for socket in &mut sockets {
        let (_, closed) = socket.read_to_end();
        assert_eq!(u16::from(closed.unwrap().code), 1001);
    }
    assert_eq!(world.status("job", "A")["state"], "running");
    std::fs::write(world.project().join("../go"), "").unwrap();
    assert_eq!(world.wait_state("job", "A", "failed")["exitCode"], 5);
}

#[test]
fn liveness_and_metrics_are_served() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let health = server.say(format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.host));
    assert_eq!((health.status, health.json()["ok"].clone()), (200, json!(true)));
    server.post("/dispatch/job/A", "");
    world.wait_state("job", "A", "running");
    wait_until("the metrics show it", || {
        let text = server.get("/metrics").text();
        let has = |line: &str| text.lines().any(|found| found == line);
        let whole = has("dispatch_runs{state=\"running\"} 1") && has("# EOF");
        is(whole && text.contains("dispatch_http_responses_total{class=\"2xx\"}"), text)
    });
    let log = server.stderr();
    assert!(log.contains("request=") && log.contains("/dispatch/job/A"), "{log}");
    assert!(!log.contains(&server.token), "the token is never logged");
}

#[test]
fn a_tmux_that_hangs_delays_no_request_about_a_job() {
    let world = World::new();
    world.task("A", "%hang\n").task("W", "%ask\n");
    let run = world.detach("talk", "W");
    world.agent_ready(&run);
    let job = world.detach("job", "A");
    world.agent_ready(&job);
    let server = world.serve();
    let tmux = world.tmux_server_pid().unwrap();
    kill(tmux, Signal::STOP);
    // If each of them waited for tmux, they would not come in time.
    let mut answers = 0;
    wait_for(3 * PATIENCE, "twenty answers about the job", || {
        assert_eq!(server.get("/status/job/A").json()["state"], "running");
        answers += 1;
        is(answers == 20, answers.to_string())
    });
    wait_for(3 * PATIENCE, "the window is not seen", || {
        let state = server.get("/status/talk/W").json()["state"].clone();
        is(state == "unknown", state.to_string())
    });
    let refused = server.post("/stop/talk/W", "");
    assert_eq!((refused.status, refused.code().as_str()), (503, "unseen"), "{refused:?}");
    kill(tmux, Signal::CONT);
    wait_for(3 * PATIENCE, "the window is seen again", || {
        let state = server.get("/status/talk/W").json()["state"].clone();
        is(state == "running", state.to_string())
    });
    server.assert_alive();
}

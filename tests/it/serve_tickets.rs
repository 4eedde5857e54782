//! What opens a WebSocket: the token, or a ticket that is valid once, for one path, to read or to write.

use tungstenite::Message;

use crate::routes::{HANDSHAKE, ROUTES};
use crate::world::World;

#[test]
fn a_websocket_needs_the_token_or_its_own_ticket() {
    let world = World::new();
    world.task("A", "%out here\n%hang\n").task("B", "%hang\n");
    let server = world.serve();
    server.post("/dispatch/job/A", "");
    let port = server.host.split_once(':').unwrap().1.to_owned();
    let bare = |path: &str, lines: &[&str]| server.bare("GET", path, &[&HANDSHAKE[..], lines].concat()).status;
    let own = format!("Origin: http://{}", server.host);
    for path in ["/logs/job/A", "/api/events", "/api/terminal/job/A"] {
        assert_eq!(bare(path, &[]), 401, "{path}");
        assert_eq!(bare(path, &[&own]), 401, "{path}");
        assert_eq!(bare(path, &["Sec-WebSocket-Protocol: dispatch.v1"]), 401);
        assert_eq!(bare(path, &["Sec-WebSocket-Protocol: dispatch.v1, ticket."]), 403);
        assert_eq!(bare(path, &["Sec-WebSocket-Protocol: dispatch.v1, ticket.abc"]), 403);
        assert_eq!(bare(path, &[&format!("Sec-WebSocket-Protocol: dispatch.v1, ticket.{}", server.token)]), 403);
        assert_eq!(bare(path, &[&format!("Sec-WebSocket-Protocol: dispatch.v1, bearer.{}", server.token)]), 401);
        assert_eq!(bare(&format!("{path}?token={}", server.token), &[]), 401);
    }
    let shown = |ticket: &str| format!("Sec-WebSocket-Protocol: dispatch.v1, ticket.{ticket}");
    // A page elsewhere that got hold of one still cannot use it, and has not spent it.
    let ticket = server.ticket("/logs/job/A", false);
    for origin in [
        "Origin: http://evil.test",
        "Origin: null",
        &format!("Origin: http://localhost:{port}"),
        "Origin: http://127.0.0.1:1",
        "Sec-Fetch-Site: same-site",
    ] {
        assert_eq!(bare("/logs/job/A", &[origin, &shown(&ticket)]), 403, "{origin}");
    }
    assert_eq!(bare("/logs/job/A", &[&own, &shown(&ticket)]), 101);
    assert_eq!(bare("/logs/job/A", &[&own, &shown(&ticket)]), 403, "it was good once");
    for (path, wrong) in [
        ("/logs/job/A", "/logs/job/B"),
        ("/logs/job/A", "/logs/talk/A"),
        ("/logs/job/A", "/api/events"),
        ("/logs/job/A", "/api/terminal/job/A"),
        ("/api/events", "/logs/job/A"),
    ] {
        let ticket = server.ticket(path, true);
        assert_eq!(bare(wrong, &[&shown(&ticket)]), 403, "{path} {wrong}");
        assert_eq!(bare(path, &[&shown(&ticket)]), 403, "shown at the wrong door, it is spent");
    }
    // As no one's word but a WebSocket's.
    let ticket = server.ticket("/logs/job/A", true);
    for (method, path) in ROUTES.iter().filter(|(_, path)| !path.starts_with("/logs")) {
        let status = server.bare(method, path, &[&shown(&ticket)]).status;
        assert!([401, 403].contains(&status), "{method} {path}: {status}");
    }
    for path in ["/api/runs", "/", "", "logs/job/A", "/metrics", "http://evil.test/logs/job/A"] {
        let body = serde_json::json!({ "path": path }).to_string();
        assert_eq!(server.post("/api/ticket", &body).status, 400, "{path:?}");
    }
    let ticket = server.ticket("/api/events", false);
    let many: Vec<u16> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..50).map(|_| scope.spawn(|| bare("/api/events", &[&shown(&ticket)]))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert_eq!(many.iter().filter(|status| **status == 101).count(), 1, "{many:?}");
    assert!(many.iter().all(|status| [101, 403].contains(status)), "{many:?}");
    // The answer names the protocol alone, and the log neither ticket nor query.
    let ticket = server.ticket("/logs/job/A", false);
    let reply = server.bare("GET", "/logs/job/A?stdout=0", &[&HANDSHAKE[..], &[&shown(&ticket)]].concat());
    assert_eq!((reply.status, reply.header("sec-websocket-protocol")), (101, Some("dispatch.v1")));
    assert_eq!(reply.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(!format!("{:?}", reply.headers).contains(&ticket));
    let log = server.stderr();
    assert!(log.contains("path=/logs/job/A") && !log.contains(&ticket) && !log.contains("stdout=0"), "{log}");
    server.assert_alive();
}

#[test]
fn a_ticket_to_read_does_not_type() {
    let world = World::new();
    world.task("A", "%ask\n");
    let server = world.serve();
    let run = server.post("/dispatch/talk/A", r#"{"attach":false}"#).json()["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let session = |pane: &str| world.tmux(&["display-message", "-p", "-t", pane, "#{window_width}x#{window_height}"]);
    let pane = world.panes("#{pane_id}").remove(0);
    let size = session(&pane);
    for message in [
        Message::text("typed\r"),
        Message::binary(b"typed\r".to_vec()),
        Message::binary(b"\x1b[200~pasted\n\x1b[201~\r".to_vec()),
        Message::text(r#"{"resize":[20,5]}"#),
        Message::text(r#"{"resize":[20,5]} "#),
    ] {
        let protocol = format!("dispatch.v1, ticket.{}", server.ticket("/api/terminal/talk/A", false));
        let headers = [("Sec-WebSocket-Protocol", protocol.as_str())];
        let mut ws = server.try_ws("/api/terminal/talk/A", &headers).unwrap();
        assert!(matches!(ws.next(), Message::Binary(_)), "it shows the screen");
        ws.0.send(message.clone()).unwrap();
        // The agent's answer shows that the input arrived; a resize may be ignored instead.
        if message.is_binary() {
            let (_, closed) = ws.read_to_end();
            assert_eq!(u16::from(closed.unwrap().code), 1008, "{message:?}");
        } else {
            let _ = ws.0.close(None);
            ws.read_to_end();
        }
    }
    assert_eq!(session(&pane), size);
    // The next line the agent reads is the first it was ever sent.
    assert_eq!(server.post("/api/send/talk/A", r#"{"text":"said"}"#).status, 200);
    assert_eq!(world.answer(&run), "said\n");
    server.assert_alive();
}

#[test]
fn a_new_server_knows_no_old_token_and_no_old_ticket() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let (token, ticket) = (server.token.clone(), server.ticket("/api/events", false));
    let mut open = server.ws("/api/events");
    server.end();
    let (_, closed) = open.read_to_end();
    assert_eq!(u16::from(closed.unwrap().code), 1001);
    let server = world.serve();
    assert_ne!(server.token, token);
    assert_eq!(server.bare("GET", "/api/runs", &[&format!("Authorization: Bearer {token}")]).status, 401);
    let protocol = format!("dispatch.v1, ticket.{ticket}");
    assert_eq!(server.try_ws("/api/events", &[("Sec-WebSocket-Protocol", &protocol)]).unwrap_err(), 403);
    server.assert_alive();
}

//! `dispatch serve` and requests that are wrong: refused with the right status, before anything is
//! read or done that need not be, and never a reason to fall over.

use std::io::Write as _;
use std::net::Shutdown;
use std::time::Duration;

use crate::random::Random;
use crate::serve_robust::{drained, stuff};
use crate::server::{Reply, UPGRADE};
use crate::waiting::rounds;
use crate::world::World;

#[test]
fn a_head_without_end_is_refused_after_16_kib() {
    let world = World::new();
    let server = world.serve();
    let before = server.figures().resident_kib;
    let line = "a".repeat(1 << 20);
    let start = server.head("GET", "/", &[]).trim_end().to_owned();
    let endless_line = format!("{start}\r\nX: {line}");
    let endless_lines = format!("{start}\r\n{}", "X: a\r\n".repeat(200_000));
    let endless_target = format!("GET /{line} HTTP/1.1\r\n");
    for text in [endless_line, endless_lines, endless_target, line] {
        for _ in 0..8 {
            let mut stream = server.connect();
            let sent = stuff(&mut stream, text.as_bytes(), text.len());
            assert!(sent <= text.len());
            let reply = Reply::read(&mut stream);
            // A client that continues to send may see the reset before the answer.
            assert!(reply.is_err() || matches!(reply.as_ref().unwrap().status, 431 | 414 | 400), "{reply:?}");
        }
    }
    let reply = server.say(format!("{start}\r\nX: {}\r\n\r\n", "a".repeat(16 * 1024)));
    assert_eq!(reply.status, 431, "{reply:?}");
    let after = server.figures().resident_kib;
    assert!(after < before + 8 * 1024, "{before} {after}");
    server.assert_alive();
}

#[test]
fn a_length_that_is_wrong_too_large_or_given_twice_is_refused() {
    let world = World::new();
    // The refusal does not wait for a body that never comes.
    let server = world.serve_timed("body=600000");
    let post = |lines: &[&str]| {
        let all: Vec<&str> = ["Content-Type: application/json"].iter().chain(lines).copied().collect();
        let reply = server.say(server.head("POST", "/api/up", &all));
        assert_eq!(reply.header("connection"), Some("close"), "{lines:?}: {reply:?}");
        reply.status
    };
    for (length, status) in [
        ("99999999999999", 413),
        ("18446744073709551615", 413),
        ("18446744073709551616", 413),
        ("1000000000", 413),
        ("1048577", 413),
        ("-1", 400),
        ("+5", 400),
        ("0x10", 400),
        ("5, 5", 400),
        ("5 5", 400),
        ("", 400),
        ("1e3", 400),
        ("\u{661}", 400),
    ] {
        assert_eq!(post(&[&format!("Content-Length: {length}")]), status, "{length}");
    }
    assert_eq!(post(&["Content-Length: 5", "Content-Length: 6"]), 400);
    assert_eq!(post(&["Content-Length: 5", "Content-Length: 5"]), 400);
    // We take no chunks, however they are announced.
    for coding in ["chunked", "identity", "gzip, chunked", "", "xchunked"] {
        let status = post(&[&format!("Transfer-Encoding: {coding}")]);
        assert!(matches!(status, 400 | 411 | 501), "{coding}: {status}");
    }
    assert_eq!(post(&["Content-Length: 4", "Transfer-Encoding: chunked"]), 411);
    let chunked = server.head("POST", "/api/up", &["Content-Type: application/json", "Transfer-Encoding: chunked"]);
    for body in ["ffffffffffffffffff\r\n", "0\r\nTrailer: x\r\n", "+3\r\nabc\r\n"] {
        assert_eq!(server.say(format!("{chunked}{body}")).status, 411);
    }
    server.assert_alive();
}

#[test]
fn what_is_no_request_is_never_answered_with_success() {
    let world = World::new();
    let server = world.serve();
    let good = server.head("GET", "/api/runs", &[]);
    let lines = good.trim_end().split_once("\r\n").unwrap().1.to_owned();
    let with = |line: &str| format!("{line}\r\n{lines}\r\n\r\n").into_bytes();
    let mut bad: Vec<Vec<u8>> = vec![
        b"GET /api/runs\r\n".to_vec(),
        b"GET /api/runs\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
        good.replace("\r\n", "\n").into_bytes(),
        good.replace("\r\n", "\r").into_bytes(),
        good.replace("Host: ", "Host:\0").into_bytes(),
        good.replace("Host: ", "Host : ").into_bytes(),
        good.replace("Host: ", "X: a\r\n b\r\nHost: ").into_bytes(),
        good.replace("Host: ", "X: \u{e9}\r\nHost: ").into_bytes(),
        good.replace("Host: ", "Host: a\r\nHost: ").into_bytes(),
        good.replace("Host", "Hust").into_bytes(),
        [b"\r\n", good.as_bytes()].concat(),
        [&good.as_bytes()[..good.len() - 4], b"\r\nX: \x7f\r\n\r\n"].concat(),
    ];
    for line in [
        "GET /api/runs HTTP/2.0",
        "GET /api/runs HTTP/0.9",
        "GET /api/runs HTTP/1.10",
        "GET /api/runs http/1.1",
        "GET /api/runs extra HTTP/1.1",
        "GET  /api/runs HTTP/1.1",
        "GET /api/runs  HTTP/1.1",
        "GET http://127.0.0.1/api/runs HTTP/1.1",
        "GET //api/runs HTTP/1.1",
        "GET /api/runs/ HTTP/1.1",
        "GET /api/./runs HTTP/1.1",
        "GET /api/x/../runs HTTP/1.1",
        "GET /api/runs%00 HTTP/1.1",
        "GET /api/run\u{e9} HTTP/1.1",
        "get /api/runs HTTP/1.1",
        "TRACE /api/runs HTTP/1.1",
        "CONNECT 127.0.0.1:1 HTTP/1.1",
        "DELETE /api/runs HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "G\u{0}ET /api/runs HTTP/1.1",
    ] {
        bad.push(with(line));
    }
    for bytes in &bad {
        let mut stream = server.connect();
        stream.write_all(bytes).unwrap();
        let _ = stream.shutdown(Shutdown::Write);
        let answer = drained(stream, Duration::from_secs(8)).expect("answered or closed");
        let text = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{:?}: {text}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(server.say(with("GET /api/runs HTTP/1.1")).status, 200, "and the same without a fault is answered");
    server.assert_alive();
}

#[test]
fn expectations_and_other_protocols_are_refused_before_any_body() {
    let world = World::new();
    let server = world.serve();
    let body = ["Content-Type: application/json", "Content-Length: 900000"];
    let strange = server.head("POST", "/api/up", &[body[0], body[1], "Expect: x"]);
    assert_eq!(server.say(&strange).status, 417);
    let no_token = format!("POST /api/up HTTP/1.1\r\nHost: {}\r\n{}\r\n{}\r\n", server.host, body[0], body[1]);
    assert_eq!(server.say(format!("{no_token}Expect: 100-continue\r\n\r\n")).status, 401);
    let mut polite = server.connect();
    let length = "Content-Length: 2";
    let head = server.head("POST", "/api/up", &[body[0], length, "Expect: 100-continue"]);
    polite.write_all(head.as_bytes()).unwrap();
    assert_eq!(Reply::read(&mut polite).unwrap().status, 100);
    polite.write_all(b"{}").unwrap();
    assert_eq!(Reply::read(&mut polite).unwrap().status, 200);

    drop(polite);

    let huge = server.head("POST", "/api/up", &[body[0], "Content-Length: 9000000", UPGRADE[0], UPGRADE[1]]);
    assert_eq!(server.say(huge).status, 413);
    let h2c = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"];
    assert_eq!(server.ask("GET", "/api/runs", &h2c).status, 400);
    assert_eq!(server.ask("GET", "/api/runs", UPGRADE).status, 400, "no WebSocket there");
    assert_eq!(server.ask("POST", "/api/events", UPGRADE).status, 405);
    assert_eq!(server.get("/api/events").status, 400);
    for (at, line) in [
        (2, "Sec-WebSocket-Version: 12"),
        (3, "Sec-WebSocket-Key: c2hvcnQ="),
        (3, "Sec-WebSocket-Key: ************************"),
        (1, "Upgrade: h2c"),
        (0, "Connection: keep-alive"),
    ] {
        let mut lines = UPGRADE.to_vec();
        lines[at] = line;
        let reply = server.ask("GET", "/api/events", &lines);
        assert!(matches!(reply.status, 400 | 426), "{line}: {reply:?}");
        lines.remove(at);
        assert!(matches!(server.ask("GET", "/api/events", &lines).status, 400 | 426), "without {line}");
    }
    server.assert_alive();
}

#[test]
fn noise_and_requests_with_faults_break_nothing() {
    let world = World::new();
    world.task("A", "x");
    let server = world.serve();
    let mut random = Random::new();
    let seed = random.seed;
    let ask = |bytes: &[u8]| {
        let mut stream = server.connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let answer = drained(stream, Duration::from_secs(8));
        let answer = answer.unwrap_or_else(|| panic!("SEED={seed}: no end for {:?}", String::from_utf8_lossy(bytes)));
        let text = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        assert!(!text.starts_with("HTTP/1.1 5"), "SEED={seed}: {text} for {:?}", String::from_utf8_lossy(bytes));
    };
    for _ in 0..rounds(1_000) {
        let length = random.below(20_000);
        let noise: Vec<u8> = (0..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        ask(&noise);
    }
    let json = r#"{"path":"/api/events","write":false}"#;
    let length = format!("Content-Length: {}", json.len());
    let seeds = [
        server.head("GET", "/status/job/A?x=%20", &["Range: bytes=0-4", "Connection: keep-alive"]),
        server.head("POST", "/api/ticket", &["Content-Type: application/json", &length]) + json,
        server.head("GET", "/api/events?after=5", UPGRADE) + "\u{81}\u{80}abcd",
        server.head(
            "PUT",
            "/api/files/dispatch.yaml",
            &["Content-Type: text/yaml", "If-Match: \"x\"", "Content-Length: 2"],
        ) + "a:",
    ];
    for number in 0..rounds(20_000) {
        let mut bytes = seeds[number % seeds.len()].clone().into_bytes();
        for _ in 0..1 + random.below(4) {
            let at = random.below(bytes.len().max(2) - 1);
            let byte = u8::try_from(random.below(256)).unwrap();
            match random.below(4) {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        ask(&bytes);
    }
    server.assert_alive();
}

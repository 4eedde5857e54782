//! `dispatch serve` and clients that are broken, slow, greedy or hostile: each is told or dropped in
//! bounded time, nobody else notices, and afterwards the server holds what it held before.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use rustix::process::Signal;

use crate::random::Random;
use crate::server::{Reply, Server, UPGRADE};
use crate::waiting::{is, let_pass, rounds, wait_for, wait_until};
use crate::world::World;

/// What the server may take for something that has a limit of its own: generous, the machine is busy.
fn within(limit: u64, begun: Instant) {
    assert!(begun.elapsed() < Duration::from_secs(limit), "{:?}", begun.elapsed());
}

/// Someone else is answered meanwhile.
#[track_caller]
fn others_are_served(server: &Server) {
    let begun = Instant::now();
    assert_eq!(server.get("/api/runs").status, 200);
    within(2, begun);
}

/// Reads until the server has closed; what came is handed over. A reset is an end, too.
fn drained(mut stream: TcpStream, patience: Duration) -> Option<Vec<u8>> {
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
        _ => Some(all),
    }
}

/// A job that has printed so many bytes.
fn printed(world: &World, bytes: usize) -> String {
    world.task("BIG", &format!("%bytes {bytes}\n"));
    let run = world.detach("job", "BIG");
    world.wait_state("job", "BIG", "succeeded");
    run
}

/// Takes what it can get into a socket that is not read, and stops there.
fn stuff(stream: &mut TcpStream, what: &[u8], most: usize) -> usize {
    stream.set_nonblocking(true).unwrap();
    let mut count = 0;
    let begun = Instant::now();
    while count < most && begun.elapsed() < Duration::from_secs(2) {
        match stream.write(&what[..what.len().min(most - count)]) {
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => let_pass(Duration::from_millis(10)),
            Err(_) => break,
        }
    }
    stream.set_nonblocking(false).unwrap();
    count
}

#[test]
fn heads_that_come_slowly_or_never_are_dropped_and_others_are_answered() {
    let world = World::new();
    let server = world.serve();
    let mut early = server.connect();
    let begun = Instant::now();
    let mut slow: Vec<TcpStream> = (0..500).map(|_| server.connect()).collect();
    for piece in [&b"G"[..], b"E", b"T"] {
        for stream in &mut slow {
            let _ = stream.write_all(piece);
        }
        // Who was there before is served, who comes now is told at once that it is too much.
        early.write_all(server.head("GET", "/api/runs", &[]).as_bytes()).unwrap();
        let asked = Instant::now();
        assert_eq!(Reply::read(&mut early).unwrap().status, 200);
        within(2, asked);
        let mut late = server.connect();
        let asked = Instant::now();
        let _ = late.write_all(server.head("GET", "/healthz", &[]).as_bytes());
        let status = Reply::read(&mut late).map(|reply| reply.status);
        assert!(matches!(status, Ok(200 | 503)), "{status:?}");
        within(2, asked);
        let_pass(Duration::from_millis(500));
    }
    let mut told = [0, 0];
    for stream in slow {
        let answer = drained(stream, Duration::from_secs(8)).expect("it is closed");
        let text = String::from_utf8_lossy(&answer).into_owned();
        told[usize::from(text.starts_with("HTTP/1.1 408"))] += 1;
    }
    within(12, begun);
    assert!(told[1] >= 200, "those that were admitted are told why: {told:?}");
    drop(early);
    server.assert_alive();
}

#[test]
fn bodies_that_come_slowly_or_never_are_dropped() {
    let world = World::new();
    let server = world.serve();
    let head = server.head("POST", "/api/up", &["Content-Type: application/json", "Content-Length: 1000"]);
    let begun = Instant::now();
    let mut silent: Vec<TcpStream> = (0..8).map(|_| server.connect()).collect();
    let mut slow = server.connect();
    for stream in silent.iter_mut().chain([&mut slow]) {
        stream.write_all(head.as_bytes()).unwrap();
    }
    while begun.elapsed() < Duration::from_secs(9) {
        slow.write_all(b" ").unwrap();
        others_are_served(&server);
        let_pass(Duration::from_millis(500));
    }
    for stream in silent.into_iter().chain([slow]) {
        let answer = drained(stream, Duration::from_secs(8)).expect("it is closed");
        assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    }
    within(15, begun);
    server.assert_alive();
}

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
            // Who goes on sending may see the reset before the answer.
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
fn a_length_that_is_wrong_too_large_or_said_twice_is_refused() {
    let world = World::new();
    let server = world.serve();
    let post = |lines: &[&str]| {
        let all: Vec<&str> = ["Content-Type: application/json"].iter().chain(lines).copied().collect();
        let begun = Instant::now();
        let reply = server.say(server.head("POST", "/api/up", &all));
        within(4, begun);
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
fn requests_in_a_row_that_nobody_reads_the_answers_of_hold_up_nobody() {
    let world = World::new();
    let run = printed(&world, 50 << 20);
    let server = world.serve();
    let before = server.figures().resident_kib;
    let begun = Instant::now();
    let mut all = Vec::new();
    let asked = server.head("GET", "/api/runs", &[]).repeat(200_000);
    for _ in 0..4 {
        let mut stream = server.connect();
        assert!(stuff(&mut stream, asked.as_bytes(), asked.len()) < asked.len(), "it is held back");
        all.push(stream);
        others_are_served(&server);
    }
    // The same with one answer that is long.
    for _ in 0..8 {
        let mut stream = server.connect();
        stream.write_all(server.head("GET", &format!("/api/runs/{run}/stdout"), &[]).as_bytes()).unwrap();
        all.push(stream);
    }
    // And with a WebSocket.
    let mut sockets: Vec<TcpStream> = (0..8).map(|_| server.raw_ws("/logs/job/BIG?format=raw").0).collect();
    others_are_served(&server);
    wait_for(Duration::from_secs(40), "all of them are dropped", || {
        others_are_served(&server);
        let metrics = server.get("/metrics").text();
        let open = metrics.lines().find(|line| line.starts_with("dispatch_http_connections_open "));
        let open = open.unwrap_or_else(|| panic!("{metrics}")).to_owned();
        // Beside the one that asks there may be some that were just closed.
        let count: usize = open.rsplit(' ').next().unwrap().parse().unwrap();
        is(count <= 3 && metrics.contains("dispatch_ws_open 0\n"), open)
    });
    assert!(begun.elapsed() > Duration::from_secs(8), "a pause is not the end: {:?}", begun.elapsed());
    let held = server.figures().resident_kib;
    assert!(held < before + 24 * 1024, "{before} {held}");
    all.append(&mut sockets);
    drop(all);
    server.assert_alive();
    // Who reads gets all of it.
    assert_eq!(server.get(&format!("/api/runs/{run}/stdout")).body.len(), 50 << 20);
}

#[test]
fn thousands_that_connect_and_vanish_leave_nothing() {
    let world = World::new();
    let server = world.serve();
    for number in 0..rounds(10_000) {
        let stream = server.connect();
        match number % 4 {
            0 => {}
            1 => set_socket_linger(&stream, Some(Duration::ZERO)).unwrap(),
            2 => (&stream).write_all(b"GET / HTTP/1.1\r\nHo").unwrap(),
            _ => {
                let _ = (&stream).write_all(server.head("GET", "/api/runs", &[]).as_bytes());
                set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            }
        }
    }
    server.assert_alive();
}

#[test]
fn a_browsers_connections_are_all_answered_and_the_one_too_many_is_told() {
    let world = World::new();
    let server = world.serve();
    for count in [6, 64, 255] {
        let mut open: Vec<TcpStream> = (0..count).map(|_| server.connect()).collect();
        let head = server.head("GET", "/healthz", &[]);
        for stream in &mut open {
            stream.write_all(head.as_bytes()).unwrap();
        }
        for stream in &mut open {
            assert_eq!(Reply::read(stream).unwrap().status, 200);
        }
        // And again on the same ones.
        for stream in &mut open {
            stream.write_all(head.as_bytes()).unwrap();
            assert_eq!(Reply::read(stream).unwrap().status, 200);
        }
        drop(open);
        server.assert_alive();
    }
    let mut open: Vec<TcpStream> = (0..256).map(|_| server.connect()).collect();
    let mut late = server.connect();
    let reply = Reply::read(&mut late).unwrap();
    assert_eq!((reply.status, reply.header("connection")), (503, Some("close")), "{reply:?}");
    assert_eq!(reply.code(), "too_many");
    for stream in &mut open {
        stream.write_all(server.head("GET", "/healthz", &[]).as_bytes()).unwrap();
        assert_eq!(Reply::read(stream).unwrap().status, 200, "those that are there are served");
    }
    drop(open.pop());
    wait_until("a place is free", || {
        let mut stream = server.connect();
        let _ = stream.write_all(server.head("GET", "/healthz", &[]).as_bytes());
        let status = Reply::read(&mut stream).map(|reply| reply.status);
        is(status.as_ref().is_ok_and(|status| *status == 200), format!("{status:?}"))
    });
    drop(open);
    server.assert_alive();
}

#[test]
fn without_descriptors_it_waits_and_then_serves_again() {
    let world = World::new();
    let server = world.serve_by(world.dispatch_by_shell("ulimit -n 64; exec dispatch -v serve --port 0 --json"));
    for _ in 0..3 {
        let open: Vec<TcpStream> = (0..100).map(|_| server.connect()).collect();
        wait_until("all descriptors are taken", || {
            let files = server.figures().files;
            is(files >= 63, format!("{files}"))
        });
        drop(open);
        server.assert_alive();
    }
    let warned = server.stderr().matches("no connection can be accepted").count();
    assert!((1..=6).contains(&warned), "said once, not with every breath: {warned}");
}

#[test]
fn a_server_that_slept_wakes_up_with_all_its_work() {
    let world = World::new();
    world.task("A", "%until ../go\n%exit 7\n");
    let server = world.serve();
    server.post("/dispatch/job/A", "");
    world.wait_state("job", "A", "running");
    let mut events = server.ws("/api/events");
    assert_eq!(events.next_json()["event"], "hello");
    server.signal(Signal::STOP);
    let mut asking: Vec<TcpStream> = (0..50).map(|_| server.connect()).collect();
    for stream in &mut asking {
        stream.write_all(server.head("GET", "/status/job/A", &[]).as_bytes()).unwrap();
    }
    std::fs::write(world.project().join("../go"), "").unwrap();
    world.wait_state("job", "A", "failed");
    server.signal(Signal::CONT);
    for stream in &mut asking {
        assert_eq!(Reply::read(stream).unwrap().status, 200);
    }
    while events.next_json()["run"]["exitCode"] != 7 {}
    drop((asking, events));
    server.assert_alive();
}

#[test]
fn an_idle_connection_is_closed_after_a_quarter_of_a_minute() {
    let world = World::new();
    let server = world.serve();
    let mut used = server.connect();
    used.write_all(server.head("GET", "/healthz", &[]).as_bytes()).unwrap();
    assert_eq!(Reply::read(&mut used).unwrap().status, 200);
    let unused = server.connect();
    let begun = Instant::now();
    assert_eq!(drained(unused, Duration::from_secs(20)), Some(Vec::new()), "closed without a word");
    assert!(begun.elapsed() > Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(drained(used, Duration::from_secs(30)), Some(Vec::new()), "closed without a word");
    assert!(begun.elapsed() > Duration::from_secs(13), "{:?}", begun.elapsed());
    within(25, begun);
    server.assert_alive();
}

#[test]
fn it_ends_in_time_whoever_hangs_on_it() {
    let world = World::new();
    let run = printed(&world, 50 << 20);
    let server = world.serve();
    let mut hanging: Vec<TcpStream> = (0..10).map(|_| server.connect()).collect();
    let body = ["Content-Type: application/json", "Content-Length: 1000"];
    let heads = [
        "GET / HTTP/1.1\r\nHo".to_owned(),
        server.head("POST", "/api/up", &body),
        server.head("GET", &format!("/api/runs/{run}/stdout"), &[]),
    ];
    for (at, stream) in hanging.iter_mut().enumerate() {
        stream.write_all(heads.get(at % 4).map_or(&b""[..], String::as_bytes)).unwrap();
    }
    for path in ["/logs/job/BIG?format=raw", "/logs/job/BIG", "/api/events"] {
        hanging.push(server.raw_ws(path).0);
    }
    others_are_served(&server);
    let begun = Instant::now();
    let ended = server.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
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

#[test]
fn under_mixed_load_it_neither_grows_nor_tires() {
    let world = World::new();
    world.task("A", "%out hello\n");
    world.detach("job", "A");
    world.wait_state("job", "A", "succeeded");
    let server = world.serve();
    let load = |requests: usize| {
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let server = &server;
                scope.spawn(move || {
                    let mut kept = server.connect();
                    for number in 0..requests {
                        let path = ["/api/runs", "/status/job/A", "/metrics", "/healthz", "/none"][number % 5];
                        if number % 10 == worker {
                            let mut socket = server.ws(["/api/events", "/logs/job/A"][number / 10 % 2]);
                            socket.next_json();
                        }
                        kept.write_all(server.head("GET", path, &[]).as_bytes()).unwrap();
                        let status = Reply::read(&mut kept).unwrap().status;
                        assert_eq!(status, if path == "/none" { 404 } else { 200 });
                    }
                });
            }
        });
    };
    load(rounds(2_000));
    server.assert_alive();
    let young = server.figures();
    load(rounds(20_000));
    server.assert_alive();
    let old = server.figures();
    assert!(old.resident_kib < young.resident_kib + 5 * 1024, "{young:?} {old:?}");
}

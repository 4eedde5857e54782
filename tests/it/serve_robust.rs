//! `dispatch serve` and clients that are slow, greedy, gone or too many: each is refused or dropped after a bounded
//! time, other clients are served, and afterwards the server holds what it held before.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::process::Signal;

use crate::server::{Reply, Server};
use crate::waiting::{PATIENCE, is, let_pass, rounds, wait_for, wait_until};
use crate::world::World;

/// Other clients are answered meanwhile. The server's times must be long: else it drops the slow clients first.
#[track_caller]
fn others_are_served(server: &Server) {
    assert_eq!(server.get("/api/runs").status, 200);
}

/// Whether something can be read, or the server has closed.
fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let seen = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    !seen.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Reads until the server has closed; what came is handed over. A reset is an end, too.
pub(crate) fn drained(mut stream: TcpStream, patience: Duration) -> Option<Vec<u8>> {
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

/// Writes into a socket that the server does not read, until it takes nothing any more.
pub(crate) fn stuff(stream: &mut TcpStream, what: &[u8], most: usize) -> usize {
    stream.set_nonblocking(true).unwrap();
    let (mut count, mut refused) = (0, 0);
    while count < most && refused < 50 {
        match stream.write(&what[..what.len().min(most - count)]) {
            Ok(more) => (count, refused) = (count + more, 0),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                refused += 1;
                let_pass(Duration::from_millis(10));
            }
            Err(_) => break,
        }
    }
    stream.set_nonblocking(false).unwrap();
    count
}

#[test]
fn heads_and_bodies_that_come_slowly_or_never_delay_no_other_client() {
    let world = World::new();
    let server = world.serve_timed("head=600000 body=600000");
    let mut early = server.connect();
    let mut slow: Vec<TcpStream> = (0..500).map(|_| server.connect()).collect();
    for piece in [&b"G"[..], b"E", b"T"] {
        for stream in &mut slow {
            let _ = stream.write_all(piece);
        }
        // An earlier connection is served, a new one is refused at once.
        early.write_all(server.head("GET", "/api/runs", &[]).as_bytes()).unwrap();
        assert_eq!(Reply::read(&mut early).unwrap().status, 200);
        let mut late = server.connect();
        let _ = late.write_all(server.head("GET", "/healthz", &[]).as_bytes());
        let status = Reply::read(&mut late).map(|reply| reply.status);
        assert!(matches!(status, Ok(200 | 503)), "{status:?}");
    }
    drop((early, slow));
    // The server counts a connection until it has seen that it was closed.
    wait_until("the dropped connections are closed", || {
        let metrics = server.get("/metrics").text();
        let open = metrics.lines().find_map(|line| line.strip_prefix("dispatch_http_connections_open "));
        is(open == Some("1"), format!("open: {open:?}"))
    });
    let head = server.head("POST", "/api/up", &["Content-Type: application/json", "Content-Length: 1000"]);
    let mut silent: Vec<TcpStream> = (0..9).map(|_| server.connect()).collect();
    for stream in &mut silent {
        // Those that were just dropped may still be counted.
        wait_until("there is room", || {
            *stream = server.connect();
            stream.write_all(head.as_bytes()).unwrap();
            others_are_served(&server);
            is(!is_answered(stream), "refused")
        });
    }
    for _ in 0..20 {
        silent[0].write_all(b" ").unwrap();
        others_are_served(&server);
    }
    assert!(!silent.iter().any(is_answered), "they wait");
    drop(silent);
    server.assert_alive();
}

#[test]
fn heads_that_come_slowly_or_never_are_dropped() {
    let world = World::new();
    let server = world.serve_timed("head=2000");
    let begin = |_| {
        let mut stream = server.connect();
        let _ = stream.write_all(b"G");
        stream
    };
    let slow: Vec<TcpStream> = (0..500).map(begin).collect();
    let mut reported = [0, 0];
    for stream in slow {
        let answer = drained(stream, PATIENCE).expect("it is closed");
        let text = String::from_utf8_lossy(&answer).into_owned();
        reported[usize::from(text.starts_with("HTTP/1.1 408"))] += 1;
    }
    assert!(reported[1] >= 200, "those that were admitted are reported why: {reported:?}");
    server.assert_alive();
}

#[test]
fn bodies_that_come_slowly_or_never_are_dropped() {
    let world = World::new();
    let server = world.serve_timed("body=1000");
    let head = server.head("POST", "/api/up", &["Content-Type: application/json", "Content-Length: 100000"]);
    let mut silent: Vec<TcpStream> = (0..8).map(|_| server.connect()).collect();
    let mut slow = server.connect();
    for stream in silent.iter_mut().chain([&mut slow]) {
        stream.write_all(head.as_bytes()).unwrap();
    }
    wait_until("one that sends a byte now and then is answered", || {
        let _ = slow.write_all(b" ");
        is(is_answered(&slow), "no answer")
    });
    for stream in silent.into_iter().chain([slow]) {
        let answer = drained(stream, PATIENCE).expect("it is closed");
        assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    }
    server.assert_alive();
}

/// Clients that ask and read nothing of the answers: many small ones, a long one, and a WebSocket's.
fn deaf(server: &Server, run: &str) -> Vec<TcpStream> {
    let mut all = Vec::new();
    let asked = server.head("GET", "/api/runs", &[]).repeat(200_000);
    for _ in 0..4 {
        let mut stream = server.connect();
        assert!(stuff(&mut stream, asked.as_bytes(), asked.len()) < asked.len(), "it is held back");
        all.push(stream);
        others_are_served(server);
    }
    for _ in 0..8 {
        let mut stream = server.connect();
        stream.write_all(server.head("GET", &format!("/api/runs/{run}/stdout"), &[]).as_bytes()).unwrap();
        all.push(stream);
    }
    all.extend((0..8).map(|_| server.raw_ws("/logs/job/BIG?format=raw").0));
    others_are_served(server);
    all
}

/// How many connections and WebSockets the server has.
fn open(server: &Server) -> [usize; 2] {
    let metrics = server.get("/metrics").text();
    ["dispatch_http_connections_open ", "dispatch_ws_open "].map(|name| {
        let number = metrics.lines().find_map(|line| line.strip_prefix(name));
        number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{metrics}"))
    })
}

#[test]
fn clients_that_read_nothing_are_dropped_after_their_time() {
    let world = World::new();
    let run = printed(&world, 50 << 20);
    let server = world.serve_timed("write-stall=1000 ping=1000 dead=3000");
    let all = deaf(&server, &run);
    wait_for(4 * PATIENCE, "all of them are dropped", || {
        let [connections, sockets] = open(&server);
        // Beside the one that asks there may be some that were just closed.
        is(connections <= 3 && sockets == 0, format!("{connections} connections, {sockets} WebSockets"))
    });
    drop(all);
    server.assert_alive();
}

#[test]
fn clients_that_pause_reading_delay_no_other_client_and_get_all_of_it_later() {
    let world = World::new();
    let run = printed(&world, 50 << 20);
    let server = world.serve_timed("write-stall=600000 ping=600000 dead=600000 idle=600000");
    let before = server.figures().resident_kib;
    let all = deaf(&server, &run);
    others_are_served(&server);
    let [connections, sockets] = open(&server);
    assert!(connections >= 12 && sockets == 8, "a pause is not the end: {connections} {sockets}");
    let held = server.figures().resident_kib;
    assert!(held < before + 24 * 1024, "{before} {held}");
    // A client that starts to read gets all of it.
    let mut late = all.into_iter().nth(4).unwrap();
    assert_eq!(Reply::read(&mut late).unwrap().body.len(), 50 << 20);
    drop(late);
    server.assert_alive();
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
fn a_browsers_connections_are_all_answered_and_the_one_too_many_is_refused() {
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
fn an_idle_connection_is_closed_after_its_time_and_one_that_was_never_used_after_another() {
    let world = World::new();
    for (times, used_is_closed) in [("idle=200 head=600000", true), ("idle=600000 head=1000", false)] {
        let server = world.serve_timed(times);
        let mut used = server.connect();
        used.write_all(server.head("GET", "/healthz", &[]).as_bytes()).unwrap();
        assert_eq!(Reply::read(&mut used).unwrap().status, 200);
        let unused = server.connect();
        let (closed, open) = if used_is_closed { (used, unused) } else { (unused, used) };
        assert_eq!(drained(closed, PATIENCE), Some(Vec::new()), "{times}: closed without a word");
        assert!(!is_answered(&open), "{times}: the other one stays");
        drop(open);
        server.assert_alive();
    }
}

#[test]
fn it_ends_although_clients_hang() {
    let world = World::new();
    let run = printed(&world, 50 << 20);
    let server = world.serve_timed("head=600000 body=600000 idle=600000 write-stall=600000");
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
    let ended = server.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
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

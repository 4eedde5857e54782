//! Random requests and frames; `SEED` repeats them.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use crate::random::Random;
use crate::routes::{HANDSHAKE, METHODS};
use crate::serve_input::files;
use crate::server::{Reply, Server};
use crate::waiting::rounds;
use crate::world::World;

/// What paths are made of. `KEEP`, a run that must live on, is not among them.
const SEGMENTS: &[&str] = &[
    "api",
    "runs",
    "tasks",
    "modes",
    "plan",
    "history",
    "files",
    "status",
    "stop",
    "dispatch",
    "logs",
    "assets",
    "app.js",
    "healthz",
    "metrics",
    "ticket",
    "render",
    "send",
    "attach",
    "approve",
    "up",
    "events",
    "terminal",
    "job",
    "talk",
    "A",
    "none",
    "dispatch.yaml",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "stdout",
    "..",
    ".",
    "",
    "%2e%2e",
    "%2f",
    "%00",
    "%",
    "-",
    "etc",
    "passwd",
    "\u{e9}",
];

/// Whole paths that lead somewhere and cost no process.
const CHEAP: &[&str] = &[
    "/",
    "/healthz",
    "/assets/app.js",
    "/metrics",
    "/api/runs",
    "/api/runs?all=1",
    "/api/history",
    "/status/job/KEEP",
    "/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "/logs/job/KEEP",
    "/api/events",
    "/api/terminal/job/KEEP",
    "/api/ticket",
];

/// The same, where the answer comes from a child.
const DEAR: &[&str] = &[
    "/api/tasks",
    "/api/tasks/A",
    "/api/modes",
    "/api/plan",
    "/api/up",
    "/api/files/dispatch.yaml",
    "/api/check",
    "/dispatch/job/A",
    "/api/render/job/A",
    "/stop/job/A",
    "/api/send/talk/A",
    "/api/approve/job/A",
    "/status/job/B",
    "/dispatch/nope/A",
];

const LINES: &[&str] = &[
    "Content-Type: application/json",
    "Content-Type: text/plain",
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: 99999999999999999999",
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "Connection: close",
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: dispatch.v1, ticket.x",
    "Origin: http://evil.test",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Range: bytes=0-4",
    "Range: bytes=9-1,,-",
    "If-Match: \"x\"",
    "Host: evil.test",
    "X: \u{e9}",
    "Folded: a\r\n b",
    ": x",
];

const BODIES: &[&str] = &[
    "{}",
    "[]",
    "{\"prompt\":\"x\"}",
    "{\"extras\":[\"a\",\"b\"],\"force\":true}",
    "{\"text\":\"x\"}",
    "{\"path\":\"/api/events\",\"write\":true}",
    "{\"reject\":true}",
    "{\"attach\":false,\"resume\":true,\"subtasks\":true}",
    "version: 1\n",
];

fn path(random: &mut Random) -> String {
    match random.below(100) {
        // A child takes milliseconds, and the round has a hundred thousand.
        0 => random.one(DEAR).to_owned(),
        1..=30 => random.one(CHEAP).to_owned(),
        _ => {
            let mut path = String::new();
            for _ in 0..=random.below(5) {
                path.push('/');
                match random.below(8) {
                    0 => (0..random.below(70)).for_each(|_| path.push_str(&format!("%{:02x}", random.byte()))),
                    1 => (0..random.below(70)).for_each(|_| path.push(char::from(33 + random.byte() % 94))),
                    _ => path.push_str(random.one(SEGMENTS)),
                }
            }
            if random.seldom(6) {
                path.push_str(random.one(&["?", "?all=1", "?limit=x", "?a=b&a=c", "?%zz", "?run=..", "#x", ";v=1"]));
            }
            path
        }
    }
}

fn body(random: &mut Random) -> Vec<u8> {
    let mut body = match random.below(4) {
        0 => return Vec::new(),
        1 => (0..random.below(300)).map(|_| random.byte()).collect(),
        _ => random.one(BODIES).as_bytes().to_vec(),
    };
    if random.seldom(2) {
        random.spoil(&mut body);
    }
    body
}

/// A request that is complete, so that its answer can be awaited.
fn request(random: &mut Random, server: &Server) -> Vec<u8> {
    let method = match random.below(10) {
        0 => random.one(METHODS),
        1..=5 => "GET",
        6 => "PUT",
        _ => "POST",
    };
    if random.seldom(300) {
        return server.head("GET", "/logs/job/KEEP", &HANDSHAKE).into_bytes();
    }
    let body = body(random);
    let mut lines = Vec::new();
    if !body.is_empty() || random.seldom(3) {
        lines.push("Content-Type: application/json".to_owned());
        lines.push(format!("Content-Length: {}", body.len()));
    }
    for _ in 0..random.below(3) {
        lines.push(random.one(LINES).to_owned());
    }
    // What is announced and never comes would be waited for; and an answer to HEAD has no end.
    let waits = |line: &String| line.starts_with("Content-Length: 5") || line.starts_with("Content-Length: 9");
    if method == "HEAD" || lines.iter().any(waits) {
        lines.retain(|line| !waits(line));
        lines.push("Connection: close".to_owned());
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    [server.head(method, &path(random), &lines).into_bytes(), body].concat()
}

/// A request for each kind of answer, with its status: these are reached whatever chance brings.
fn one_of_each(server: &Server) -> Vec<(u16, Vec<u8>)> {
    const JSON: &str = "Content-Type: application/json";
    let ask = |method: &str, path: &str, lines: &[&str], body: &str| {
        [server.head(method, path, lines).into_bytes(), body.into()].concat()
    };
    vec![
        (101, ask("GET", "/logs/job/KEEP", &HANDSHAKE, "")),
        (200, ask("GET", "/api/runs", &[], "")),
        (201, ask("POST", "/dispatch/job/A", &[JSON, "Content-Length: 2"], "{}")),
        (400, ask("GET", "/status/job/%2e%2e", &[], "")),
        (403, ask("GET", "/api/runs", &["Origin: http://evil.test"], "")),
        (404, ask("GET", "/none", &[], "")),
        (405, ask("POST", "/status/job/KEEP", &[JSON, "Content-Length: 2"], "{}")),
        (411, ask("POST", "/dispatch/job/A", &[JSON, "Transfer-Encoding: chunked"], "")),
        (415, ask("POST", "/dispatch/job/A", &["Content-Type: text/plain", "Content-Length: 2"], "{}")),
    ]
}

/// Whether it was answered as it should be: never with the server's own fault.
#[track_caller]
fn judge(reply: &Reply, request: &[u8], seed: u64) {
    let shown = || format!("SEED={seed}\n{}\n{reply:?}", String::from_utf8_lossy(request));
    assert!(reply.status < 500, "{}", shown());
    if reply.status >= 400 {
        assert!(
            reply.status == 416 || reply.body.is_empty() || reply.json()["error"]["code"].is_string(),
            "{}",
            shown()
        );
    }
    if reply.status != 100 {
        reply.assert_headers();
    }
}

fn world() -> (World, Server, BTreeSet<String>) {
    let world = World::new();
    world.task("A", "x").task("B", "x").task("KEEP", "%out kept\n%hang\n").task("SHOWN", "%hang\n");
    for mode in ["job/KEEP", "talk/SHOWN"] {
        world.detach(mode.split_once('/').unwrap().0, mode.split_once('/').unwrap().1);
    }
    world.wait_state("job", "KEEP", "running");
    let server = world.serve_as("serve --port 0 --json");
    let before = own_files(&world);
    (world, server, before)
}

/// What lies in the world, but for what agents note there.
fn own_files(world: &World) -> BTreeSet<String> {
    let notes = format!("{}/", world.fake_folder().display());
    files(world.root()).into_iter().filter(|name| !name.starts_with(&notes)).collect()
}

#[track_caller]
fn unharmed(world: &World, server: &Server, before: &BTreeSet<String>) {
    world.wait_state("job", "KEEP", "running");
    world.wait_state("talk", "SHOWN", "running");
    assert_eq!(own_files(world), *before, "files outside the state folder");
    server.assert_alive();
}

#[test]
fn no_request_breaks_the_server() {
    let (world, server, before) = world();
    let manifest = std::fs::read(world.project().join("dispatch.yaml")).unwrap();
    let mut random = Random::new();
    let seed = random.seed;
    for (status, request) in one_of_each(&server) {
        let mut stream = server.connect();
        stream.write_all(&request).unwrap();
        let reply = Reply::read(&mut stream).unwrap();
        assert_eq!(reply.status, status, "{}\n{reply:?}", String::from_utf8_lossy(&request));
        judge(&reply, &request, seed);
    }
    let mut stream = server.connect();
    for _ in 0..rounds(100_000) {
        let request = request(&mut random, &server);
        if stream.write_all(&request).is_err() {
            stream = server.connect();
            stream.write_all(&request).unwrap();
        }
        let mut answer = Reply::read(&mut stream);
        if answer.as_ref().is_ok_and(|reply| reply.status == 100) {
            answer = Reply::read(&mut stream);
        }
        let reply = answer.unwrap_or_else(|error| panic!("SEED={seed} {error}: {}", String::from_utf8_lossy(&request)));
        judge(&reply, &request, seed);
        if reply.status == 101 || reply.header("connection") == Some("close") {
            stream = server.connect();
        }
    }
    assert_eq!(std::fs::read(world.project().join("dispatch.yaml")).unwrap(), manifest);
    // A connection that is kept has a thread, which is no leak.
    drop(stream);
    unharmed(&world, &server, &before);
}

/// All that comes until the other side ends it. A reset ends it, too.
#[track_caller]
fn rest(stream: &mut TcpStream, seed: u64) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return all,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => return all,
            Err(error) => panic!("SEED={seed}: it neither answers nor ends: {error}"),
        }
    }
}

#[test]
fn no_spoilt_request_breaks_the_server() {
    let (world, server, before) = world();
    let mut random = Random::new();
    let seed = random.seed;
    for _ in 0..rounds(20_000) {
        let mut request = request(&mut random, &server);
        if random.seldom(20) {
            request = (0..random.below(2000)).map(|_| random.byte()).collect();
        }
        random.spoil(&mut request);
        let mut stream = server.connect();
        let _ = stream.write_all(&request).and_then(|()| stream.shutdown(Shutdown::Write));
        let answer = String::from_utf8_lossy(&rest(&mut stream, seed)).into_owned();
        let fault = answer.lines().find(|line| line.starts_with("HTTP/1.1 5"));
        assert!(fault.is_none(), "SEED={seed} {fault:?}: {}", String::from_utf8_lossy(&request));
    }
    unharmed(&world, &server, &before);
}

/// One frame of a client, well formed but for what chance does.
fn frame(random: &mut Random) -> Vec<u8> {
    let length = match random.below(20) {
        0 => 65_535,
        1 => 70_000,
        2..=5 => random.below(400),
        _ => random.below(126),
    };
    let mut payload: Vec<u8> = match random.below(3) {
        0 => b"{\"resize\":[80,24]}".to_vec(),
        1 => vec![b'x'; length],
        _ => (0..length).map(|_| random.byte()).collect(),
    };
    let mask: [u8; 4] = std::array::from_fn(|_| random.byte());
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    let opcode = random.one(&[0x81, 0x81, 0x82, 0x82, 0x89, 0x8a, 0x01, 0x00, 0x80, 0x88, 0x83, 0xc1, 0x8b, 0x09]);
    let mut frame = vec![opcode];
    let masked = if random.seldom(20) { 0 } else { 0x80 };
    match payload.len() {
        short @ 0..126 => frame.push(masked | u8::try_from(short).unwrap()),
        middle @ 126..65_536 => {
            frame.push(masked | 126);
            frame.extend_from_slice(&u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            frame.push(masked | 127);
            let said = if random.seldom(3) { u64::MAX >> random.below(64) } else { long as u64 };
            frame.extend_from_slice(&said.to_be_bytes());
        }
    }
    if masked != 0 {
        frame.extend_from_slice(&mask);
    }
    frame.extend_from_slice(&payload);
    if random.seldom(4) {
        random.spoil(&mut frame);
    }
    frame
}

#[test]
fn no_frame_breaks_the_server() {
    let (world, server, before) = world();
    let mut random = Random::new();
    let seed = random.seed;
    for round in 0..rounds(3_000) {
        // A terminal is a tmux client of its own: not for each.
        let path = match round % 40 {
            0 => "/api/terminal/talk/SHOWN",
            odd if odd % 2 == 1 => "/logs/job/KEEP",
            _ => "/api/events",
        };
        let mut stream = server.connect();
        stream.write_all(server.head("GET", path, &HANDSHAKE).as_bytes()).unwrap();
        let reply = Reply::read(&mut stream).unwrap();
        assert_eq!(reply.status, 101, "SEED={seed} {path}: {reply:?}");
        for _ in 0..=random.below(12) {
            let bytes = frame(&mut random);
            if stream.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
        rest(&mut stream, seed);
    }
    unharmed(&world, &server, &before);
}

//! Which requests are accepted: hosts, origins, tokens and tickets, byte by byte.

use std::collections::HashSet;
use std::fs;

use crate::random::Random;
use crate::routes::{METHODS, ROUTES};
use crate::server::Server;
use crate::waiting::{rounds, wait_until};
use crate::world::World;

/// What anybody may have: it holds no data.
const OPEN: &[&str] = &[
    "/",
    "/tasks/A",
    "/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "/now",
    "/history",
    "/edit",
    "/edit/.claude/subtask.yml",
    "/assets/app.js",
    "/assets/style.css",
    "/healthz",
];

/// Nothing was started and nothing was reported to start.
#[track_caller]
fn nothing_happened(world: &World, server: &Server) {
    assert!(world.runs() == 0 && world.starts().is_empty());
    server.assert_alive();
}

#[test]
fn without_the_token_nothing_is_answered_and_nothing_done() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let manifest = world.project().join("dispatch.yaml");
    let before = fs::read(&manifest).unwrap();
    let paths: HashSet<&str> = ROUTES.iter().map(|(_, path)| *path).chain(["/x", "/api/x", "/api"]).collect();
    for path in paths {
        for method in METHODS {
            let reply = server.bare(method, path, &[]);
            assert_eq!(reply.status, 401, "{method} {path}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "no browser asks its user for a password");
        }
    }
    for path in OPEN {
        for method in METHODS {
            let reads = ["GET", "HEAD"].contains(method);
            assert_eq!(server.bare(method, path, &[]).status, if reads { 200 } else { 405 }, "{method} {path}");
        }
        let reported = server.bare("GET", path, &[]).text();
        assert!(!reported.contains(&server.token) && !reported.contains("world"), "{reported}");
    }
    assert_eq!(fs::read(&manifest).unwrap(), before);
    nothing_happened(&world, &server);
}

#[test]
fn the_token_is_taken_in_one_form_only() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let token = server.token.clone();
    assert_eq!(token.len(), 64);
    let wrong_end = format!("{}{}", &token[..63], if token.ends_with('0') { '1' } else { '0' });
    let ask = |lines: &[&str]| server.bare("POST", "/dispatch/job/A", lines).status;
    for value in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {wrong_end}"),
        format!("Bearer {}", &token[..63]),
        format!("Bearer {token}0"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token},{token}"),
        format!("Bearer a {token}"),
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {}", token.to_ascii_uppercase()),
        format!("Token {token}"),
    ] {
        assert_eq!(ask(&[&format!("Authorization: {value}")]), 401, "{value}");
    }
    assert_eq!(ask(&[&server.bearer(), &server.bearer()]), 401, "twice is not once");
    assert_eq!(ask(&[&format!("Authorization: Bearer {token}\0")]), 400);
    assert_eq!(ask(&[&format!("Authorization: Bearer {}", "a".repeat(1024 * 1024))]), 431);
    for line in ["Cookie: token=T; dispatch.token=T", "X-Token: T", "Proxy-Authorization: Bearer T", "Token: T"] {
        assert_eq!(ask(&[&line.replace('T', &token)]), 401, "{line}");
    }
    let form = format!("token={token}");
    let lines = [format!("Content-Length: {}", form.len()), "Content-Type: application/x-www-form-urlencoded".into()];
    let head = format!("POST /dispatch/job/A HTTP/1.1\r\nHost: {}\r\n{}\r\n\r\n", server.host, lines.join("\r\n"));
    assert_eq!(server.say(head + &form).status, 401);
    for query in ["token", "access_token", "ticket", "Authorization"] {
        assert_eq!(server.bare("POST", &format!("/dispatch/job/A?{query}={token}"), &[]).status, 401);
    }
    let log = server.stderr();
    assert!(!log.contains(&token) && !log.contains(&wrong_end) && !log.contains(&token.to_uppercase()), "{log}");
    nothing_happened(&world, &server);
    assert_eq!(server.ask("GET", "/api/runs", &[]).status, 200);
    assert_eq!(server.bare("GET", "/api/runs", &[&format!("authorization:bEARER  {token}")]).status, 401);
    assert_eq!(server.bare("GET", "/api/runs", &[&format!("authorization:bEARER {token}")]).status, 200);
}

#[test]
fn only_this_machines_names_are_served() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let port = server.host.split_once(':').unwrap().1.to_owned();
    let token = server.bearer();
    let ask = |hosts: &[&str]| {
        let hosts: Vec<String> = hosts.iter().map(|host| format!("Host: {}", host.replace('P', &port))).collect();
        let lines: Vec<&str> = hosts.iter().map(String::as_str).chain([token.as_str()]).collect();
        let started = server.raw("POST", "/dispatch/job/A", &lines).status;
        let page = server.raw("GET", "/", &lines).status;
        assert_eq!(started, page, "the page is for this machine's names, too: {hosts:?}");
        started
    };
    for host in [
        "evil.test:P",
        "127.0.0.1.evil.test",
        "evil.test#127.0.0.1",
        "evil.test@127.0.0.1",
        "user@127.0.0.1:P",
        "localhost.evil.test",
        "0.0.0.0:P",
        "[::]:P",
        "169.254.1.1",
        "",
        "127.0.0.1:P, evil",
        "127.1",
        "2130706433",
        "0x7f000001",
        "127.0.0.2",
        "[::ffff:127.0.0.1]",
        "localhost.",
        "x.localhost",
        "127.0.0.1 evil.test",
        "127.0.0.1:",
        "127.0.0.1:P:P",
        "::1",
        "[::1%25lo]",
    ] {
        assert_eq!(ask(&[host]), 421, "{host:?}");
    }
    assert_eq!(ask(&[]), 400);
    assert_eq!(ask(&["127.0.0.1:P", "127.0.0.1:P"]), 400);
    assert_eq!(ask(&["127.0.0.1:P", "evil.test"]), 400);
    let here = format!("Host: {}", server.host);
    for target in [
        "http://evil.test/dispatch/job/A",
        "http://127.0.0.1/dispatch/job/A",
        "*",
        "evil.test:80",
        "dispatch/job/A",
        "\\dispatch\\job\\A",
    ] {
        assert_eq!(server.raw("POST", target, &[&here, &token]).status, 400, "{target}");
    }
    nothing_happened(&world, &server);
    for host in ["127.0.0.1:P", "LOCALHOST:P", "[::1]:P", "localhost:9999", "localhost", "127.0.0.1"] {
        let host = format!("Host: {}", host.replace('P', &port));
        assert_eq!(server.raw("GET", "/api/runs", &[&host, &token]).status, 200, "{host}");
    }
}

#[test]
fn a_foreign_page_is_refused_even_with_the_token() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let port = server.host.split_once(':').unwrap().1.to_owned();
    for line in [
        "Origin: http://evil.test",
        "Origin: null",
        "Origin:",
        "Origin: http://127.0.0.1:1",
        "Origin: http://127.0.0.1",
        "Origin: https://127.0.0.1:P",
        "Origin: http://127.0.0.1:P.evil.test",
        "Origin: http://127.0.0.1:P/",
        "Origin: http://localhost:P",
        "Origin: http://127.0.0.1:P\r\nOrigin: http://127.0.0.1:P",
        "Origin: file://",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: none",
        "Sec-Fetch-Site: what",
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: same-origin",
    ] {
        let line = line.replace('P', &port);
        for path in ["/dispatch/job/A", "/stop/job/A", "/api/up", "/api/ticket"] {
            let reply = server.ask("POST", path, &[&line, "Connection: close"]);
            assert_eq!((reply.status, reply.code().as_str()), (403, "forbidden"), "{line} {path}");
        }
        assert_eq!(server.ask("GET", "/api/runs", &[&line]).status, 403, "{line}");
    }
    // A name that was bound anew: origin and host agree, and are not ours.
    let lines = [format!("Host: evil.test:{port}"), format!("Origin: http://evil.test:{port}"), server.bearer()];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(server.raw("POST", "/dispatch/job/A", &lines).status, 421);
    assert_eq!(server.raw("GET", "/api/runs", &lines).status, 421);
    // What a browser asks before a foreign page's request.
    let preflight = [
        "Origin: http://evil.test",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization",
        "Access-Control-Request-Private-Network: true",
    ];
    for (_, path) in ROUTES {
        assert_eq!(server.bare("OPTIONS", path, &preflight).status, 403, "{path}");
        let own = format!("Origin: http://{}", server.host);
        assert_eq!(server.bare("OPTIONS", path, &[&[own.as_str()], &preflight[1..]].concat()).status, 401, "{path}");
        let admitted = server.ask("OPTIONS", path, &["Connection: close"]);
        assert!(admitted.status == 405 && admitted.header("allow").is_some(), "{path} {admitted:?}");
    }
    // What a form or a fetch without a preflight could send as a body.
    for kind in [
        "Content-Type: text/plain",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type: text/plain; application/json",
        "Content-Type: application/json\r\nContent-Type: text/plain",
        "Content-Type: application/json; charset=utf-16",
        "X: y",
    ] {
        for (path, body) in [("/dispatch/job/A", "{}"), ("/api/ticket", r#"{"path":"/api/events"}"#)] {
            let length = format!("Content-Length: {}", body.len());
            assert_eq!(server.say(server.head("POST", path, &[kind, &length]) + body).status, 415, "{kind} {path}");
        }
    }
    nothing_happened(&world, &server);
}

#[test]
fn guessing_tokens_locks_no_client_out_and_fills_no_log() {
    let world = World::new();
    let server = world.serve_as("serve --port 0 --json");
    let mut random = Random::new();
    for _ in 0..rounds(10_000) {
        let guess: String = (0..4).map(|_| format!("{:016x}", random.next())).collect();
        assert_eq!(server.bare("GET", "/api/runs", &[&format!("Authorization: Bearer {guess}")]).status, 401);
    }
    assert_eq!(server.get("/api/runs").status, 200);
    assert!(server.stderr().len() < 4096, "{}", server.stderr());
    server.assert_alive();
}

#[test]
fn nothing_listens_but_the_loopback() {
    let world = World::new();
    // What other servers obey.
    let call = world.dispatch("serve --port 0 --json").env("HOST", "0.0.0.0").env("BIND", "0.0.0.0").start();
    wait_until("it is there", || {
        serde_json::from_slice::<serde_json::Value>(&call.stdout_so_far()).map_err(|error| error.to_string())
    });
    let fds = fs::read_dir(format!("/proc/{}/fd", call.pid())).unwrap().flatten();
    let inodes: HashSet<String> = fds
        .filter_map(|fd| fs::read_link(fd.path()).ok())
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let rows: Vec<Vec<&str>> = tables.iter().flat_map(|t| t.lines()).map(|l| l.split_whitespace().collect()).collect();
    let ours: Vec<&str> = rows
        .iter()
        .filter(|row| row.get(9).is_some_and(|inode| inodes.contains(*inode)))
        .map(|row| row[1].split(':').next().unwrap())
        .collect();
    assert_eq!(ours, ["0100007F"], "one listener, on 127.0.0.1");
    call.signal(rustix::process::Signal::TERM);
    call.ends_with(0);
}

#[test]
fn a_person_who_opens_an_address_without_a_page_gets_one_and_a_program_json() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let person = ["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
    for (path, page) in [("/now/", "/now"), ("/history/", "/history"), ("/tasks/A/", "/tasks/A")] {
        let reply = server.bare("GET", path, &person);
        assert_eq!((reply.status, reply.header("location")), (308, Some(page)), "{path}");
        reply.assert_headers();
    }
    for path in ["/nowhere", "/tasks", "/tasks/A/x", "//evil.test/", "/tasks/%0d%0aX:y/", "/api/x"] {
        let reply = server.bare("GET", path, &person);
        assert_eq!((reply.status, reply.header("location")), (404, None), "{path}");
        reply.assert_headers();
        let text = reply.text();
        assert!(text.contains("There is no page at this address") && !text.contains(&server.token), "{text}");
        assert_eq!(server.bare("GET", path, &[]).status, 401, "{path}");
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    // What exists is guarded as before, and no other method or kind of request gets the page.
    for (method, path, lines) in [
        ("GET", "/api/runs", &person[..]),
        ("POST", "/nowhere", &person),
        ("GET", "/nowhere", &person[..2]),
        ("GET", "/nowhere", &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"]),
    ] {
        let status = server.bare(method, path, lines).status;
        assert!([401, 403].contains(&status), "{method} {path} {lines:?}: {status}");
    }
    nothing_happened(&world, &server);
}

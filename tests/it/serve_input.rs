//! What clients ask for: names, paths, bodies and methods, right and wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::routes::{HANDSHAKE, ROUTES};
use crate::server::Server;
use crate::world::World;

/// Names as they stand in a path, that are none.
const NO_NAMES: &[&str] = &[
    "%20",
    "-",
    "--",
    "-X",
    "a%20b",
    "a+b",
    "A..B",
    ".A",
    "A.",
    "A:B",
    "A;v=1",
    "A%2FB",
    "A%2fB",
    "A%5cB",
    "A%252e",
    "A%0a",
    "A%0d%0aX:%20y",
    "A%00",
    "%2e",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%EF%BC%A1",
    "%E2%85%AB",
    "A%CC%81",
    "%E2%80%AEA",
    "%F0%9F%9F%A1",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "%22%27",
    "%24(id)",
    "%23%7Bpid%7D",
    "*",
    "@1",
    "=A",
    "~",
];

/// Every file below a folder but what the state folder and the test's own notes hold.
pub(crate) fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() && !name.ends_with("/.dispatch") && !name.ends_with("/tmux") && !name.ends_with("/calls") {
                folders.push(path);
            }
            found.insert(name);
        }
    }
    found
}

#[test]
fn every_good_name_is_taken() {
    let modes = ["interactive", "planning", "code-review", "autonomous", "none", "_", "A"];
    let blocks: String = modes
        .iter()
        .filter(|mode| **mode != "none")
        .map(|m| format!("  {m}: {{ agent: fake, prompt: x }}\n"))
        .collect();
    let long_mode = "m".repeat(64);
    let world = World::with(&format!("{blocks}  {long_mode}: {{ agent: fake, prompt: x }}\n"));
    let long = "Z".repeat(64);
    for id in ["TASK-42", "FEAT-BUILDTMUXTS-0519-JJ", "A", "_", "0", "a_-b", &long] {
        world.task(id, "x");
    }
    let server = world.serve();
    for id in ["TASK-42", "FEAT-BUILDTMUXTS-0519-JJ", "A", "_", "0", "a_-b", &long] {
        assert_eq!(server.get(&format!("/api/tasks/{id}")).status, 200, "{id}");
        assert_eq!(server.get(&format!("/status/code-review/{id}")).code(), "never_run", "{id}");
    }
    for mode in modes.into_iter().chain([long_mode.as_str()]) {
        assert_eq!(server.get(&format!("/status/{mode}/TASK-42")).code(), "never_run", "{mode}");
    }
    wait_ended(&world, &server, &long_mode, &long);
    wait_ended(&world, &server, "code-review", "TASK%2D42");
    server.assert_alive();
}

/// Starts a job by the server and waits for its good end.
#[track_caller]
fn wait_ended(world: &World, server: &Server, mode: &str, task: &str) {
    assert_eq!(server.post(&format!("/dispatch/{mode}/{task}"), "").status, 201);
    world.wait_state(mode, &task.replace("%2D", "-"), "succeeded");
}

#[test]
fn no_bad_name_is_taken_by_any_route() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let before = files(world.root());
    let long = "A".repeat(65);
    let (mut shapes, names) = (BTreeSet::new(), NO_NAMES.iter().copied().chain([long.as_str()]));
    for name in names {
        for (method, path) in ROUTES.iter().filter(|(_, path)| path.ends_with("/job/A")) {
            for path in [path.replace("/A", &format!("/{name}")), path.replace("/job", &format!("/{name}"))] {
                let reply = server.ask(method, &path, &[]);
                assert_eq!((reply.status, reply.code().as_str()), (400, "bad_value"), "{method} {path}");
                let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
                assert!(!message.chars().any(|c| c.is_control() || c == '\u{202e}'), "{message:?}");
                shapes.insert(message.split(": ").next().unwrap().to_owned());
            }
        }
        assert_eq!(server.get(&format!("/api/tasks/{name}")).status, 400, "{name}");
    }
    assert_eq!(shapes.into_iter().collect::<Vec<_>>(), ["invalid mode name", "invalid task id"]);
    // What cannot be decoded at all.
    for text in ["%", "%z", "%zz", "A%", "A%4", "%c0%af", "%ff", "%ed%a0%80", "%u0041"] {
        assert_eq!(server.get(&format!("/status/job/{text}")).status, 400, "{text}");
        assert_eq!(server.get(&format!("/api/runs?{text}=1")).status, 400, "{text}");
    }
    assert_eq!(files(world.root()), before);
    assert!(world.runs() == 0);
    server.assert_alive();
}

#[test]
fn an_unknown_name_is_reported_with_the_nearest_and_makes_nothing() {
    let world = World::new();
    world.task("TASK-1", "%hang\n");
    let server = world.serve();
    let before = files(world.root());
    for (path, nearest) in [
        ("/dispatch/jop/TASK-1", "job"),
        ("/dispatch/job/TASK-2", "TASK-1"),
        ("/dispatch/job/task-1", "TASK-1"),
        ("/api/render/jobb/TASK-1", "job"),
        ("/stop/jop/TASK-1", "job"),
        ("/stop/job/TASK-2", "TASK-1"),
    ] {
        let reply = server.post(path, "");
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.text().contains(nearest), "{path}: {}", reply.text());
    }
    for path in ["/status/jop/TASK-1", "/logs/job/TASK-2", "/api/tasks/TASK-2", "/api/terminal/talk/TASK-2"] {
        let more: &[&str] = if path.starts_with("/logs") || path.contains("terminal") { &HANDSHAKE } else { &[] };
        let reply = server.ask("GET", path, more);
        assert_eq!(reply.status, 404, "{path} {reply:?}");
    }
    for path in ["/api/approve/job/TASK-1", "/api/attach/talk/TASK-1"] {
        assert_eq!(server.post(path, "").status, 404, "{path}");
    }
    assert_eq!(server.post("/stop/job/TASK-1", "").status, 200, "nothing runs, as the command exits 0");
    assert_eq!(server.post("/api/send/talk/TASK-1", r#"{"text":"x"}"#).status, 404);
    assert_eq!(server.get("/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV").status, 404);
    assert_eq!(files(world.root()), before);
    assert!(world.panes("#{pane_id}").is_empty() && world.runs() == 0);
    server.assert_alive();
}

#[test]
fn a_path_leads_to_one_place_or_nowhere() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    server.run_of("job", "A", "");
    assert_eq!(server.get("/status/%6Aob/%41").status, 200, "decoded once");
    for (path, status) in [
        ("//status/job/A", 404),
        ("/status//job/A", 404),
        ("/status/job//A", 404),
        ("/status/job/A/", 404),
        ("/./status/job/A", 404),
        ("/status/./job/A", 404),
        ("/x/../status/job/A", 404),
        ("/status/job/A/x", 404),
        ("/STATUS/job/A", 404),
        ("/status/job", 404),
        ("/status/job/A;v=1", 400),
        ("/status/job/A?x", 400),
        ("/status/job/A?x=1&x=2", 400),
        ("/status/job/A#x", 400),
        ("/api/runs?all=1&all=1", 400),
        ("/api/runs?all=maybe", 400),
        ("/api/runs?All=1", 400),
        ("/api/history?limit=-1", 400),
        ("/api/history?limit=1e9", 400),
        ("/api/history?limit=99999999999999999999", 400),
        ("/api/history?since=soon", 400),
        ("/api/runs/../tasks", 404),
        ("/api/runs/x", 400),
        ("/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FA", 400),
        ("/api/runs/..%2f..%2fserver.json", 400),
        ("/api/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/spec", 404),
        ("/../etc/passwd", 404),
        ("/assets/../../etc/passwd", 404),
        ("/assets/..%2f..%2fetc/passwd", 404),
        ("/assets/..%2f..%2fetc%2fpasswd", 404),
        ("/assets/%2e%2e", 404),
        ("/assets//etc/passwd", 404),
        ("/assets/", 404),
        ("/assets", 404),
        ("/assets/APP.JS", 404),
        ("/assets/app.js%00.html", 404),
        ("/api/files/../dispatch.yaml", 404),
        ("/api/files/..%2f..%2fetc%2fpasswd", 404),
        ("/api/files/%2fetc%2fpasswd", 404),
        ("/api/files//etc/passwd", 404),
        ("/api/files/.dispatch/server.json", 404),
        ("/api/files/tasks/A.md", 404),
        ("/api/files/dispatch.yaml%00", 404),
        ("/api/files/", 404),
    ] {
        let reply = server.ask("GET", path, &["Connection: close"]);
        assert_eq!(reply.status, status, "{path} {reply:?}");
        assert!(!reply.text().contains("root:") && !reply.text().contains(&server.token), "{path}");
    }
    assert_eq!(server.get(&"/a".repeat(5_000)).status, 404);
    assert_eq!(server.get(&"/a".repeat(10_000)).status, 431);
    world.wait_state("job", "A", "running");
    server.assert_alive();
}

#[test]
fn names_that_differ_by_case_stay_apart() {
    let world = World::new();
    world.task("ab", "%out small\n").task("AB", "%out large\n");
    let server = world.serve();
    let (small, large) = (server.run_of("job", "ab", ""), server.run_of("job", "AB", ""));
    world.wait_state("job", "ab", "succeeded");
    world.wait_state("job", "AB", "succeeded");
    assert_eq!(server.get(&format!("/api/runs/{small}/stdout")).body, b"small\n");
    assert_eq!(server.get(&format!("/api/runs/{large}/stdout")).body, b"large\n");
    server.assert_alive();
}

#[test]
fn only_a_json_object_of_known_fields_is_a_body() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let deep = format!("{{\"extras\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let wide = format!("{{\"x\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let bodies: &[&[u8]] = &[
        b"x",
        b"[]",
        b"[\"a\"]",
        b"null",
        b"1",
        b"\"{}\"",
        b"{",
        b"{}{}",
        b"{} x",
        b"{\"prompt\":\"a\",\"prompt\":\"b\"}",
        b"{\"Prompt\":\"a\"}",
        b"{\"unknown\":1}",
        b"{\"prompt\":1}",
        b"{\"prompt\":1e999}",
        b"{\"prompt\":\"\\ud800\"}",
        b"{\"prompt\":\"\xff\"}",
        b"{\"prompt\":\"a\nb\"}",
        b"{\"prompt\":\"a\\u0000b\"}",
        b"\xef\xbb\xbf{}",
        b"{'prompt':'a'}",
        b"{\"prompt\":\"a\",}",
        b"// x\n{}",
        b"{\"force\":\"yes\"}",
        b"{\"force\":1}",
        b"{\"attach\":\"none\"}",
        b"{\"extras\":\"a\"}",
        b"{\"extras\":1}",
        b"{\"extras\":{}}",
        b"{\"extras\":[[\"a\"]]}",
        b"{\"extras\":[1]}",
        b"{\"extras\":[null]}",
        b"{\"extras\":[\"a\\u0000\"]}",
        b"\0",
        deep.as_bytes(),
        wide.as_bytes(),
    ];
    for body in bodies {
        for path in ["/dispatch/job/A", "/api/render/job/A", "/api/send/talk/A", "/api/ticket"] {
            let reply = server.post_bytes(path, body);
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert_eq!(reply.status, 400, "{path} {shown:?} {reply:?}");
        }
    }
    for path in ["/api/attach/talk/A", "/api/approve/job/A", "/api/up"] {
        assert_eq!(server.post(path, r#"{"x":1}"#).status, 400, "{path}");
        assert_eq!(server.post(path, "[]").status, 400, "{path}");
    }
    assert!(world.runs() == 0 && world.starts().is_empty());
    server.assert_alive();
}

#[test]
fn extras_and_prompts_arrive_as_they_were_given() {
    let world = World::new();
    world.task("A", "x").task("B", "x");
    let server = world.serve();
    let traps = [
        "",
        " ",
        "a b",
        "--",
        "-x",
        "--weird",
        ";",
        "a;",
        "$(id)",
        "`id`",
        "#{pid}",
        "#(id)",
        "{{ 7 * 7 }}",
        "a\nb\r\n\tc",
        "\"",
        "'",
        "\\",
        "\u{1f7e1} \u{202e}x",
        "\u{1b}[31m",
        "C-c",
        "Enter",
        "\u{7f}",
        "*",
    ];
    let run = server.run_of("job", "A", &json!({ "prompt": "said\n{{ no }} ;", "extras": traps }).to_string());
    let argv = world.saw_words(&run, "argv");
    assert!(argv.ends_with(&traps.map(str::to_owned)), "{argv:?}");
    let stdin = String::from_utf8(world.saw(&run, "stdin")).unwrap();
    assert!(stdin.ends_with("said\n{{ no }} ;"), "{stdin:?}");
    let many: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let run = server.run_of("job", "B", &json!({ "extras": many }).to_string());
    assert!(world.saw_words(&run, "argv").ends_with(&many));
    world.wait_state("job", "B", "succeeded");
    server.assert_alive();
}

#[test]
fn serve_and_token_tell_their_failures_as_json_too() {
    let world = World::new();
    let fails = |words: &str, code: i32, has: &str| {
        let ended = world.dispatch(words).stderr_has(has).fails_with(code);
        let error = serde_json::from_slice::<Value>(&ended.stdout).unwrap()["error"].clone();
        assert!(error["message"].as_str().is_some_and(|text| text.contains(has)), "{words}: {error}");
    };
    fails("--json token", 1, "no server runs");
    fails("--json serve --port 0 --bind 0.0.0.0", 2, "own address");
    fails("--json serve --bind x", 2, "no address");
    fails("--json serve --port 65536", 2, "65536");
    fails("--json serve --port x", 2, "port");
    fails("--json serve --socket /nonexistent/folder/s", 1, "/nonexistent/folder/s");
    fails("--json serve x", 2, "x");
    let server = world.serve();
    fails("--json serve --port 0", 1, "served already");
    let reported = world.dispatch("token").json();
    assert_eq!(reported["token"], server.token.as_str(), "{reported}");
    assert_eq!(reported["address"], format!("http://{}/", server.host), "{reported}");
    assert_eq!(reported["pid"], server.pid(), "{reported}");
    // Another project on the same port is an error; no other port is taken.
    let other = World::new();
    let port = server.host.split_once(':').unwrap().1;
    let taken = other.dispatch(&format!("--json serve --port {port}")).stderr_has("is taken").fails_with(2);
    assert_eq!(serde_json::from_slice::<Value>(&taken.stdout).unwrap()["error"]["code"], "usage");
    let beside = other.serve();
    assert_ne!((&beside.host, &beside.token), (&server.host, &server.token));
    assert_eq!(status_with(&beside, &server.token), 401, "each has its own token");
    server.assert_alive();
}

fn status_with(server: &Server, token: &str) -> u16 {
    server.bare("GET", "/api/runs", &[&format!("Authorization: Bearer {token}")]).status
}

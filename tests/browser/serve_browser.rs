//! The server as a browser and as a Python program meet it: Debian's Chromium and `websockets`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::browser::{Page, script};
use crate::routes::ROUTES;
use crate::server::{Server, lasting_port};
use crate::waiting::{is, wait_until};
use crate::world::World;

/// `dispatch serve --open` with a browser that only keeps its arguments: the server, and they.
fn open(world: &World, port: &str) -> (Server, Vec<String>) {
    let kept = world.root().join("opened");
    let _ = fs::remove_file(&kept);
    let keep = format!("#!/bin/sh\nprintf '%s\\0' \"$@\" > '{0}.new' && mv '{0}.new' '{0}'\n", kept.display());
    world.shadow("keeper", &keep);
    let server = world.serve_with(&format!("serve --port {port} --open --json"), &[("BROWSER", "keeper")]);
    let words = wait_until("the browser was started", || fs::read(&kept).map_err(|error| error.to_string()));
    let words = String::from_utf8(words).unwrap();
    (server, words.trim_end_matches('\0').split('\0').map(str::to_owned).collect())
}

#[test]
fn the_page_opens_by_a_private_file_and_follows_what_happens() {
    let world = World::new();
    world.task("FIRST", "%out x\n").task("SECOND", "%until ../go\n%exit 3\n");
    world.detach("job", "FIRST");
    world.wait_state("job", "FIRST", "succeeded");
    let port = lasting_port().to_string();
    let (server, words) = open(&world, &port);
    let [door] = words.as_slice() else { panic!("one argument: {words:?}") };
    assert!(!door.contains(&server.token) && Path::new(door).is_file(), "{door}");
    assert_eq!(fs::metadata(door).unwrap().permissions().mode() & 0o777, 0o600);
    let mut page = Page::new(&world);
    page.ask(&json!({ "goto": format!("file://{door}") })).unwrap();
    page.wait_for_text("FIRST");
    let address = format!("http://{}/", server.host);
    for _ in 0..2 {
        assert_eq!(page.eval("location.href"), address.as_str(), "the token has left the address");
        assert_eq!(page.eval("sessionStorage.getItem('dispatch.token')"), server.token.as_str());
        assert_eq!(page.eval("[localStorage.length, document.cookie, document.referrer]"), json!([0, "", ""]));
        assert_eq!(page.eval("document.documentElement.outerHTML.length > 100"), true);
        let shown = page.eval("document.documentElement.outerHTML");
        assert!(!shown.as_str().unwrap().contains(&server.token));
        page.reload();
        page.wait_for_text("FIRST");
    }
    // Another run is seen as it comes and as it ends, without a reload.
    page.eval("window.sameDocument = true");
    assert_eq!((page.badge("job/FIRST"), page.badge("job/SECOND")), ("succeeded".to_owned(), "never".to_owned()));
    world.detach("job", "SECOND");
    page.wait_badge("job/SECOND", "running");
    fs::write(world.project().join("../go"), "").unwrap();
    page.wait_badge("job/SECOND", "failed");
    page.wait_for_text("failed (3)");
    assert_eq!(page.eval("window.sameDocument"), true);
    // Without the server the page keeps its content and shows its age.
    server.end();
    page.wait_for_text("Disconnected since");
    page.wait_for_text("failed (3)");
    // A new server has another token: the page says where to get it.
    let (server, words) = open(&world, &port);
    page.wait_for_text("The server was started again");
    page.wait_for_text("dispatch serve --open");
    assert_eq!(page.eval("document.getElementById('lost').hidden"), true, "it is not disconnected");
    page.reload();
    page.wait_for_text("The server was started again");
    // Another tab is opened with it and hands it over: the old one recovers by itself.
    page.eval("window.sameDocument = true");
    page.tab(1);
    page.ask(&json!({ "goto": format!("file://{}", words[0]) })).unwrap();
    page.wait_badge("job/SECOND", "failed");
    page.tab(0);
    page.wait("it asks for no token any more", "document.getElementById('token') === null");
    page.wait_badge("job/SECOND", "failed");
    assert_eq!(page.eval("window.sameDocument"), true);
    // Both receive events.
    world.task("THIRD", "%hang");
    world.detach("job", "THIRD");
    for tab in [0, 1] {
        page.tab(tab);
        page.wait_badge("job/THIRD", "running");
    }
    let said = page.said();
    let bad = |line: &&Value| {
        ["violation:", "thrown:", "elsewhere:", "Content Security"].iter().any(|w| line.to_string().contains(w))
    };
    assert!(said.as_array().unwrap().iter().find(bad).is_none(), "{said}");
    assert!(!said.to_string().contains(&server.token), "{said}");
    drop(page);
    server.assert_alive();
}

/// What a foreign page is given: more than it could ever get.
fn attack(world: &World, port: u16, token: &str, tickets: &Value, routes: &[(&str, &str)]) -> Value {
    let asked = json!({ "port": port, "token": token, "tickets": tickets, "routes": routes });
    let out = world.helper("node", &[&script("foreign.mjs"), &asked.to_string()]);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn a_foreign_page_can_read_nothing_and_change_nothing() {
    let world = World::new();
    world.task("A", "%out here\n%hang\n").task("B", "%hang\n");
    let server = world.serve();
    let run = server.post("/dispatch/job/B", "").json()["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let manifest = fs::read(world.project().join("dispatch.yaml")).unwrap();
    let paths = ["/api/events", "/logs/job/B", "/api/terminal/job/B"];
    let tickets: Value = paths
        .iter()
        .map(|path| ((*path).to_owned(), (0..4).map(|_| server.ticket(path, true)).collect::<Value>()))
        .collect();
    let port = server.host.split_once(':').unwrap().1.parse().unwrap();
    let report = attack(&world, port, &server.token, &tickets, ROUTES);
    for (name, found) in report["origins"].as_object().unwrap() {
        assert!(found["tried"].as_u64().unwrap() > 150, "{name}: {found}");
        assert_eq!(found["opened"], json!([]), "{name}: a WebSocket was opened");
        for read in found["read"].as_array().unwrap() {
            // The browser lets the page read from its own host name; the server answers nothing there.
            let empty = name == "rebound" && read["status"] == 421;
            assert!(empty && !read["text"].as_str().unwrap().contains("world"), "{name}: {read}");
        }
        assert!(found["framed"].as_array().unwrap().is_empty(), "{name}: {}", found["framed"]);
        let popup = &found["popup"];
        assert_eq!(
            (&popup["opener"], &popup["stored"], &popup["reachable"]),
            (&json!(false), &json!(0), &json!(false))
        );
        assert!(popup["text"].as_str().unwrap().contains("needs the token"), "{popup}");
    }
    assert_eq!(report["origins"].as_object().unwrap().len(), 4);
    assert_eq!(world.runs(), 1, "nothing was started");
    world.wait_state("job", "B", "running");
    assert_eq!(world.notes().iter().filter(|note| note.what == "start").count(), 1);
    assert_eq!(fs::read(world.project().join("dispatch.yaml")).unwrap(), manifest);
    // A real client still may: none of it was spent but what foreign pages showed.
    server.ws("/logs/job/B");
    server.assert_alive();
}

#[test]
fn the_same_attack_takes_a_server_without_guards() {
    let world = World::new();
    let report = attack(&world, 0, "token", &json!({ "/api/events": ["a", "b", "c", "d"] }), &ROUTES[1..4]);
    for (name, found) in report["origins"].as_object().unwrap() {
        let read = found["read"].as_array().unwrap();
        for way in ["plain", "bearer"] {
            assert!(read.iter().any(|read| read["way"] == way && read["text"] == "secret"), "{name} {way}: {read:?}");
        }
        assert!(!found["opened"].as_array().unwrap().is_empty() && !found["framed"].as_array().unwrap().is_empty());
        assert_eq!(found["popup"]["opener"], true, "{name}");
    }
    assert!(report["reached"].as_u64().unwrap() > 200, "{}", report["reached"]);
}

#[test]
fn a_python_program_streams_logs_with_the_token_or_a_ticket() {
    let world = World::new();
    world.task("A", "%out first\n%until ../go\n%out last \u{fc}\n%exit 4\n");
    let server = world.serve();
    let run = server.post("/dispatch/job/A", "").json()["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    let path = crate::programs::repository().join("tests/web/logs.py");
    let args = [path.to_str().unwrap(), &server.host, &server.token, "/logs/job/A"];
    let out = std::thread::scope(|scope| {
        // Debian's own: the package is its.
        let streams = scope.spawn(|| world.helper("/usr/bin/python3", &args));
        wait_until("it listens", || {
            let text = server.get("/metrics").text();
            is(text.lines().any(|line| line == "dispatch_ws_open 1"), text)
        });
        fs::write(world.project().join("../go"), "").unwrap();
        streams.join().unwrap()
    });
    let came: Value = serde_json::from_str(&out).unwrap();
    for way in ["header", "ticket"] {
        let came = &came[way];
        assert_eq!((&came["text"], &came["end"]), (&json!("first\nlast \u{fc}\n"), &json!(4)), "{way}: {came}");
        assert_eq!(came["closed"], 1000, "{way}: {came}");
    }
    assert_eq!((&came["header"]["protocol"], &came["ticket"]["protocol"]), (&Value::Null, &json!("dispatch.v1")));
    server.assert_alive();
}

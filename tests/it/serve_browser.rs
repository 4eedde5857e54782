//! The server as a browser and as a Python program meet it: Debian's Chromium and `websockets`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::serve_guard::ROUTES;
use crate::server::Server;
use crate::waiting::{is, wait_until};
use crate::world::World;

fn script(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let missing = "is missing; `bash scripts/test.sh` installs it";
    assert!(root.join("target/test-tools/node_modules/playwright-core").is_dir(), "playwright-core {missing}");
    assert!(Path::new("/usr/bin/chromium").exists(), "chromium {missing}");
    root.join("tests/web").join(name).to_str().unwrap().to_owned()
}

/// A page of a browser. Ended with the test.
#[derive(Debug)]
struct Page {
    node: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Page {
    #[track_caller]
    fn new(world: &World) -> Self {
        let mut command = world.command("node");
        command.arg(script("page.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = command.spawn().unwrap_or_else(|error| panic!("the tests need `node`: {error}"));
        let (asks, answers) = (node.stdin.take(), BufReader::new(node.stdout.take().unwrap()));
        Self { node, asks, answers }
    }

    #[track_caller]
    fn ask(&mut self, what: &Value) -> Result<Value, String> {
        writeln!(self.asks.as_ref().unwrap(), "{what}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{what}: {error}: {line:?}"));
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["value"].clone()),
        }
    }

    #[track_caller]
    fn eval(&mut self, script: &str) -> Value {
        self.ask(&json!({ "eval": script })).unwrap()
    }

    #[track_caller]
    fn wait_for_text(&mut self, text: &str) {
        wait_until(&format!("the page shows {text:?}"), || {
            let shown = self.ask(&json!({ "eval": "document.body.innerText" }))?;
            is(shown.as_str().is_some_and(|shown| shown.contains(text)), shown.to_string())
        });
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.node.wait();
    }
}

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
    let (server, words) = open(&world, "0");
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
        page.ask(&json!({ "reload": true })).unwrap();
        page.wait_for_text("FIRST");
    }
    // Another run is seen as it comes and as it ends, without a reload.
    page.eval("window.sameDocument = true");
    world.detach("job", "SECOND");
    page.wait_for_text("SECOND\tjob\trunning");
    fs::write(world.project().join("../go"), "").unwrap();
    page.wait_for_text("SECOND\tjob\tfailed\t3");
    assert_eq!(page.eval("window.sameDocument"), true);
    // A new server: the page cannot know its token, and says where to get it.
    let port = server.host.split_once(':').unwrap().1.to_owned();
    server.end();
    page.wait_for_text("dispatch serve --open");
    let (server, words) = open(&world, &port);
    page.wait_for_text("The server was started again");
    page.ask(&json!({ "reload": true })).unwrap();
    page.wait_for_text("The server was started again");
    page.ask(&json!({ "goto": format!("file://{}", words[0]) })).unwrap();
    page.wait_for_text("SECOND\tjob\tfailed\t3");
    let said = page.ask(&json!({ "said": true })).unwrap();
    let bad =
        |line: &&Value| ["violation:", "thrown:", "Content Security"].iter().any(|w| line.to_string().contains(w));
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
            // To its own, wrong name the browser lets it read; the server says nothing there.
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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/logs.py");
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

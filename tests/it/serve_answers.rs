//! What comes of a request: methods and their effects, what is reflected, and the fields of a status.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::routes::{METHODS, ROUTES};
use crate::server::Reply;
use crate::waiting::wait_until;
use crate::world::World;

#[test]
fn only_a_routes_own_methods_do_anything() {
    let world = World::new();
    world.task("A", "%hang\n").task("B", "%hang\n");
    let server = world.serve();
    let run = server.run_of("job", "A", "");
    world.agent_ready(&run);
    let own = |path: &str| -> BTreeSet<&str> {
        let mut known: BTreeSet<&str> = ROUTES.iter().filter(|(_, p)| *p == path).map(|(method, _)| *method).collect();
        if known.contains("GET") && !path.starts_with("/stop") {
            known.insert("HEAD");
        }
        known
    };
    for (_, path) in ROUTES {
        let known = own(path);
        for method in METHODS.iter().filter(|method| !known.contains(*method)) {
            let path = path.replace("/A", "/B");
            let reply = server.ask(method, &path, &["Connection: close"]);
            assert_eq!(reply.status, 405, "{method} {path}");
            let allow: BTreeSet<&str> = reply.header("allow").unwrap().split(", ").collect();
            assert_eq!(allow, known, "{method} {path}");
        }
    }
    // What some frameworks take for another method.
    for line in ["X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST"] {
        assert_eq!(server.ask("GET", "/dispatch/job/B", &[line]).status, 405);
        assert_eq!(server.ask("HEAD", "/stop/job/A", &[line, "Connection: close"]).status, 405);
    }
    assert_eq!(server.get("/dispatch/job/B?_method=POST").status, 405);
    assert_eq!(server.post("/dispatch/job/B?_method=PUT", "").status, 400);
    // HEAD is GET without its body, and without its effects.
    for (method, path) in ROUTES.iter().filter(|(method, _)| *method == "GET") {
        if path.starts_with("/stop") {
            assert_eq!(server.ask("HEAD", path, &["Connection: close"]).status, 405);
            continue;
        }
        let path = path.replace("01ARZ3NDEKTSV4RRFFQ69G5FAV", &run);
        let close = ["Connection: close"];
        let (get, head) = (server.ask(method, &path, &close), server.ask("HEAD", &path, &close));
        assert_eq!((get.status, head.body.len()), (head.status, 0), "{path}");
        let names = |reply: &Reply| reply.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&get), names(&head), "{path}");
        assert_eq!(get.header("content-type"), head.header("content-type"), "{path}");
    }
    for path in ["/", "/assets/app.js", "/healthz"] {
        let close = ["Connection: close"];
        let (get, head) = (server.ask("GET", path, &close), server.ask("HEAD", path, &close));
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(get.header("content-length"), head.header("content-length"));
        assert!(!get.body.is_empty());
    }
    world.wait_state("job", "A", "running");
    assert_eq!(world.runs(), 1, "nothing else was started");
    server.assert_alive();
}

#[test]
fn the_old_way_to_stop_needs_the_token_and_a_wish() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let run = server.run_of("job", "A", "");
    world.agent_ready(&run);
    let token = server.token.clone();
    let protocol = format!("Sec-WebSocket-Protocol: dispatch.v1, ticket.{}", server.ticket("/logs/job/A", true));
    for line in ["X: y", &format!("Cookie: token={token}"), &protocol, "Sec-Fetch-Dest: image"] {
        assert!([401, 403].contains(&server.bare("GET", "/stop/job/A", &[line]).status), "{line}");
    }
    assert_eq!(server.bare("GET", &format!("/stop/job/A?token={token}"), &[]).status, 401);
    for line in
        ["Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Purpose: prefetch", "Sec-Fetch-Mode: navigate"]
    {
        assert_eq!(server.ask("GET", "/stop/job/A", &[line]).status, 403, "{line}");
    }
    assert_eq!(server.ask("GET", "/stop/job/A", &["Sec-Fetch-Site: cross-site"]).status, 403);
    world.wait_state("job", "A", "running");
    let stopped = server.get("/stop/job/A");
    assert_eq!((stopped.status, stopped.header("deprecation")), (200, Some("true")));
    assert_eq!(stopped.json()["state"], "stopped");
    assert_eq!(server.get("/stop/job/A").json()["endedAt"], stopped.json()["endedAt"]);
    server.assert_alive();
}

#[test]
fn what_was_asked_for_comes_back_as_data() {
    let world = World::new();
    world.task("A", "x");
    let server = world.serve();
    let evil = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%0d%0aEvil:%20yes";
    for path in [
        format!("/status/job/{evil}"),
        format!("/api/runs?{evil}=1"),
        format!("/api/runs?all={evil}"),
        format!("/api/history?since={evil}"),
        format!("/api/files/{evil}"),
        format!("/{evil}"),
    ] {
        let reply = server.get(&path);
        assert!([400, 404].contains(&reply.status), "{path} {reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
        assert!(reply.header("evil").is_none() && reply.headers.iter().all(|(_, value)| !value.contains("alert")));
        let error = &reply.json()["error"];
        assert!(error["code"].is_string() && error["message"].is_string(), "{reply:?}");
        assert!(!error.to_string().contains("\\r") || error.to_string().contains("\\\\r"), "shown escaped: {error}");
    }
    for body in ["{\"<script>\":1}", "{\"prompt\":\"</script>\",\"x\":1}"] {
        let reply = server.post("/dispatch/job/A", body);
        assert_eq!((reply.status, reply.header("content-type")), (400, Some("application/json; charset=utf-8")));
    }
    let log = server.stderr();
    assert!(!log.contains("\r\nEvil") && !log.contains("\nEvil"), "{log}");
    server.assert_alive();
}

#[test]
fn a_status_has_the_seeds_fields_and_tells_a_signal_from_a_code() {
    let world = World::new();
    world.task("A", "%until ../go\n%exit 0\n").task("S", "%signal 9\n").task("Z", "%exit 7\n");
    let server = world.serve();
    let run = server.run_of("job", "A", "");
    world.agent_ready(&run);
    // The server looks a moment later than the agent is there.
    let going = wait_until("it runs", || {
        let status = server.get("/status/job/A").json();
        if status["state"] == "running" { Ok(status) } else { Err(status.to_string()) }
    });
    for (field, value) in [("running", json!(true)), ("headless", json!(true)), ("state", json!("running"))] {
        assert_eq!(going[field], value, "{going}");
    }
    assert!(going.get("exitCode").is_none() && going.get("endedAt").is_none(), "{going}");
    let started = going["startedAt"].as_str().unwrap();
    assert!(started.ends_with('Z') && started.as_bytes()[10] == b'T', "{started}");
    fs::write(world.project().join("../go"), "").unwrap();
    world.wait_state("job", "A", "succeeded");
    for task in ["S", "Z"] {
        server.run_of("job", task, "");
        world.wait_state("job", task, "failed");
    }
    let status = |task: &str| -> Value { server.get(&format!("/status/job/{task}")).json() };
    let (done, signal, code) = (status("A"), status("S"), status("Z"));
    assert_eq!((&done["exitCode"], &done["running"]), (&json!(0), &json!(false)), "{done}");
    assert!(done.get("signal").is_none());
    assert_eq!(signal["signal"], json!(9), "{signal}");
    assert_ne!(signal["exitCode"], json!(0), "{signal}");
    assert_eq!((code["exitCode"].clone(), code.get("signal")), (json!(7), None), "{code}");
    let known = "createdAt runId mode task label headless state since running waitingFor activity activityReason activitySource \
        activityAt exitCode signal reason session window pid cwd startedAt endedAt durationMs attempt parentRun \
        costUsd tokens sessionId denials logBytes answeredAt answer outcomeSource hint agent executor startedBy";
    let known: BTreeSet<&str> = known.split_whitespace().collect();
    for status in [going, done, signal, code] {
        for field in status.as_object().unwrap().keys() {
            assert!(known.contains(field.as_str()), "{field} in {status}");
        }
    }
    server.assert_alive();
}

#[test]
fn the_programs_own_files_are_kept_until_they_are_others_and_sent_small() {
    let world = World::new();
    world.task("A", "%out x\n");
    let server = world.serve();
    let unpacked = |reply: &Reply| {
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(reply.body.as_slice()), &mut text).unwrap();
        text
    };
    let close = "Connection: close";
    for path in ["/", "/tasks/A", "/assets/app.js", "/assets/style.css"] {
        let plain = server.bare("GET", path, &[close]);
        let packed = server.bare("GET", path, &[close, "Accept-Encoding: gzip, br"]);
        packed.assert_headers();
        assert_eq!(
            (plain.header("content-encoding"), packed.header("content-encoding")),
            (None, Some("gzip")),
            "{path}"
        );
        assert_eq!(packed.header("vary"), Some("Accept-Encoding"), "{path}");
        assert!(unpacked(&packed) == plain.body && packed.body.len() < plain.body.len(), "{path}");
        let etag = plain.header("etag").unwrap();
        let again = server.bare("GET", path, &[close, &format!("If-None-Match: \"x\", {etag}")]);
        again.assert_headers();
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(server.bare("GET", path, &[close, "If-None-Match: W/\"other\""]).status, 200, "{path}");
    }
    // Answers with data are small, too, and not cached.
    let board = server.ask("GET", "/ui/board", &[close, "Accept-Encoding: gzip"]);
    board.assert_headers();
    assert!(String::from_utf8(unpacked(&board)).unwrap().contains(r#"data-task="A""#));
}

#[test]
fn a_stop_of_what_never_ran_is_answered_as_the_command_does() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let never = server.post("/stop/job/A", "");
    let wanted = json!({ "mode": "job", "task": "A", "window": "A-job", "running": false });
    assert_eq!((never.status, never.json()), (200, wanted), "as the command: it is not running");
    assert_eq!(server.post("/stop/job/B", "").status, 404, "no such task");
    world.dispatch("stop job A").stdout_has("not running").succeeds();
}

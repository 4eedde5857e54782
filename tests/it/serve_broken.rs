//! A server that is started while the manifest has errors: it says so, and continues when they are repaired.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::serve_editor::put;
use crate::waiting::{is, wait_until};
use crate::world::{BASE, World};

#[test]
fn a_server_starts_with_a_broken_manifest_and_continues_when_it_is_repaired() {
    for (broken, message, line) in [
        // The error is at the end of the text.
        ("modes: [\n", "did not find expected node content", 16),
        ("odd: 1\n", "unknown key `odd` in the manifest", 15),
    ] {
        let world = World::bare();
        let manifest = format!("state_dir: kept\n{BASE}");
        world.write("dispatch.yaml", format!("{manifest}{broken}"));
        world.task("A", "%out done\n");
        world.dispatch("check").any_stderr().fails_with(1);
        let server = world.serve_by(world.dispatch("serve --port 0 --json").any_stderr());
        assert!(world.project().join("kept/server.json").exists(), "in the state folder that the manifest names");
        let said = server.stderr();
        let warning = "warning: nothing can be started while the manifest has errors (1 error)";
        assert!(said.contains(message) && said.contains("dispatch.yaml:15:") && said.contains(warning), "{said}");
        for path in ["/ui/board", "/ui/now", "/ui/plan", "/api/tasks", "/api/plan"] {
            let refused = server.get(path);
            assert_eq!((refused.status, refused.code().as_str()), (422, "bad_manifest"), "{path} {refused:?}");
            assert_eq!(refused.json()["error"]["problems"][0]["line"], json!(line), "{path} {refused:?}");
        }
        assert_eq!(server.post("/dispatch/job/A", "").status, 422);
        assert_eq!(server.get("/api/runs").json()["runs"], json!([]));
        assert_eq!(server.get("/ui/edit").status, 200);
        let tag = server.get("/api/files/dispatch.yaml").header("etag").unwrap().to_owned();
        assert_eq!(put(&server, "dispatch.yaml", &format!("If-Match: {tag}"), &manifest).status, 200);
        assert_eq!(server.get("/ui/board").status, 200);
        let run = server.run_of("job", "A", "");
        world.wait_state("job", "A", "succeeded");
        assert_eq!(server.get(&format!("/ui/runs/{run}")).status, 200);
        server.signal(Signal::TERM);
        assert_eq!(server.ended().code, 0);
    }
}

#[test]
fn it_is_repaired_by_another_program_too_and_breaks_again() {
    let world = World::bare();
    let broken = format!("{BASE}odd: 1\n");
    world.write("dispatch.yaml", &broken);
    let server = world.serve_by(world.dispatch("-q serve --port 0 --json").any_stderr());
    assert!(server.stderr().contains("unknown key `odd`"), "errors are no note: {}", server.stderr());
    let mut events = server.ws("/api/events");
    assert_eq!(events.next_json()["event"], "hello");
    for (text, is_broken) in [(BASE, false), (&broken, true), (BASE, false)] {
        world.write("dispatch.yaml", text);
        wait_until("a `plan` event came", || {
            let event = events.next_json();
            is(event["event"] == "plan", event.to_string())
        });
        // The tasks that were read once stay on the board.
        let board = server.get("/ui/board");
        assert_eq!((board.status, board.text().contains("Nothing can be started:")), (200, is_broken), "{text}");
    }
    drop(events);
    server.assert_alive();
}

#[test]
fn without_a_manifest_or_a_state_folder_it_does_not_start() {
    let world = World::bare();
    world.dispatch("serve --port 0").stderr_has("no `dispatch.yaml`").stderr_has("dispatch init").fails_with(2);
    world.dispatch("-f other.yaml serve --port 0").stderr_has("cannot read the manifest").fails_with(2);
    for text in [b"version: 1\nstate_dir: .\n".as_slice(), b"modes: [\nstate_dir: [\n", b"\xff\xfe\x00v"] {
        world.write("dispatch.yaml", text);
        world.dispatch("serve --port 0").any_stderr().fails_with(2);
        world.dispatch("token").any_stderr().fails_with(2);
        assert!(!world.project().join(".dispatch").exists(), "no state folder by guess");
    }
    fs::remove_file(world.project().join("dispatch.yaml")).unwrap();
    fs::create_dir(world.project().join("dispatch.yaml")).unwrap();
    world.dispatch("serve --port 0").any_stderr().fails_with(2);
}

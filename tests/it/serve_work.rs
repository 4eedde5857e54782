//! A task's work over HTTP: its diff, and the removal of its worktree.

use std::fs;

use serde_json::json;

use crate::git::world;
use crate::world::World;

#[test]
fn the_routes_say_what_the_commands_say() {
    let (world, tree) = world();
    fs::write(tree.join("new"), "a\nb\n").unwrap();
    let server = world.serve();
    let diff = server.get("/api/diff/T").json();
    let mut reported = world.dispatch("diff T").json();
    reported["patch"] = diff["patch"].clone();
    assert_eq!(diff, reported);
    assert!(diff["patch"].as_str().unwrap().contains("+b\n"), "{diff}");
    // A dry run, then the same refusal, then the deed.
    let refused = server.post("/api/clean/T", r#"{"dryRun":true}"#);
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
    let error = server.post("/api/clean/T", "").json()["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("1 file git does not know: new"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("add -A"), "{error}");
    fs::remove_file(tree.join("new")).unwrap();
    let plan = server.post("/api/clean/T", r#"{"dryRun":true}"#).json();
    assert!(plan["dryRun"] == true && plan["removed"] == true && tree.exists(), "{plan}");
    assert_eq!(server.post("/api/clean/T", "{}").json()["branchState"], "deleted");
    assert!(!tree.exists());
    for (reply, status) in [
        (server.get("/api/diff/T"), 409),
        (server.get("/api/diff/NONE"), 404),
        (server.get("/api/diff/-x"), 400),
        (server.get("/api/clean/T"), 405),
        (server.post("/api/diff/T", ""), 405),
        (server.post("/api/clean/T", r#"{"force":true}"#), 400),
        (server.get("/ui/diff/NONE"), 404),
    ] {
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    let plain = World::new();
    plain.task("T", "x");
    assert_eq!(plain.serve().get("/api/diff/T").status, 422);
}

#[test]
fn a_long_diff_is_cut_and_its_files_are_counted_all_the_same() {
    let (world, tree) = world();
    fs::write(tree.join("a-long"), "0123456789abcde\n".repeat(80_000)).unwrap();
    fs::write(tree.join("z-last"), "z\n").unwrap();
    let server = world.serve();
    let diff = server.get("/api/diff/T").json();
    let patch = diff["patch"].as_str().unwrap();
    assert!(patch.len() <= 1 << 20 && patch.len() > 1_000_000 && patch.ends_with("cde\n"), "{}", patch.len());
    assert_eq!((&diff["truncated"], diff["added"].as_u64()), (&json!(true), Some(80_001)));
    let html = server.get("/ui/diff/T").text();
    assert!(html.matches("…truncated").count() == 2 && html.contains("z-last"), "{}", html.len());
    assert_eq!(html.matches("0123456789abcde").count() + 6, 20_000, "no more lines than a browser can keep");
    server.assert_alive();
}

//! `POST /api/open`: a file of the project in the user's editor.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::git;
use crate::server::{Reply, Server};
use crate::world::{BASE, World};

fn open(server: &Server, body: &Value) -> Reply {
    server.post("/api/open", &body.to_string())
}

#[test]
fn a_file_and_line_are_opened_without_a_shell() {
    let world = World::with("editor: \"my-editor --at {{ line }} '{{ file }}:{{ line }}'\"\n");
    world.user_editor("my-editor");
    world.task("A", "x");
    let odd = "tasks/; touch took $(touch took) 'a' \"b\" &.md";
    world.write(odd, "x");
    let server = world.serve();
    let project = world.project().canonicalize().unwrap();
    let absolute = |path: &str| project.join(path).display().to_string();
    let reply = open(&server, &json!({ "path": "tasks/A.md", "line": 12 }));
    let answer = json!({ "path": absolute("tasks/A.md"), "line": 12, "editor": "my-editor" });
    assert_eq!((reply.status, reply.json()), (200, answer));
    assert_eq!(world.opened(), ["my-editor", "--at", "12", &format!("{}:12", absolute("tasks/A.md"))]);
    for path in [odd.to_owned(), absolute(odd)] {
        assert_eq!(open(&server, &json!({ "path": path })).status, 200);
        assert_eq!(world.opened(), ["my-editor", "--at", "1", &format!("{}:1", absolute(odd))]);
    }
    assert!(!project.join("took").exists() && !world.root().join("home/took").exists());
    // The user's own file goes first, and a word without a placeholder gets the path appended.
    world.user_editor("own");
    world.write("dispatch.local.yaml", "editor: [own, -n]\n");
    assert_eq!(open(&server, &json!({ "path": "tasks/A.md", "line": 3 })).status, 200);
    assert_eq!(world.opened(), ["own", "-n", &absolute("tasks/A.md")]);
    for body in [json!({}), json!({ "path": "a", "line": 0 }), json!({ "path": "a", "x": 1 }), json!({ "path": 1 })] {
        assert_eq!(open(&server, &body).status, 400, "{body}");
    }
    assert_eq!(server.get("/api/open").status, 405);
    assert_eq!(server.bare("POST", "/api/open", &["Content-Length: 0"]).status, 401);
    world.assert_nothing_opened();
    server.assert_alive();
}

#[test]
fn only_files_of_the_project_and_of_worktrees_are_opened() {
    let (world, tree) = git::world();
    world.write("dispatch.yaml", format!("{BASE}editor: my-editor\n{}", git::WORKTREES));
    world.user_editor("my-editor");
    let other = git::tree(&world, "OTHER");
    fs::write(world.root().join("outside"), "x").unwrap();
    symlink(world.root().join("outside"), world.project().join("link")).unwrap();
    symlink(tree.join("src/a.txt"), world.project().join("near")).unwrap();
    let server = world.serve();
    for path in [tree.join("src/a.txt"), world.project().join("near")] {
        assert_eq!(open(&server, &json!({ "path": path })).status, 200, "{}", path.display());
        assert_eq!(world.opened()[1..], [tree.canonicalize().unwrap().join("src/a.txt").display().to_string()]);
    }
    let other = other.join("src/a.txt").display().to_string();
    let token = world.state().join("server.json").display().to_string();
    for path in [
        // The worktree of no task; the server's token; a link that leads out.
        other.as_str(),
        &token,
        "link",
        "../outside",
        "/etc/passwd",
        "tasks",
        "tasks/none.md",
        "",
        ".",
        "-x",
        "tasks/T.md\0",
    ] {
        let reply = open(&server, &json!({ "path": path }));
        assert_eq!((reply.status, reply.code().as_str()), (404, "unknown_file"), "{path:?} {reply:?}");
    }
    world.assert_nothing_opened();
    server.assert_alive();
}

#[test]
fn the_editor_of_the_environment_is_told_the_line_and_its_failure_is_reported() {
    let world = World::new();
    world.task("A", "x");
    let file = world.project().canonicalize().unwrap().join("tasks/A.md").display().to_string();
    let body = json!({ "path": "tasks/A.md", "line": 7 });
    let with = |variables: &[(&str, &str)]| world.serve_with("-v serve --port 0 --json", variables);
    let refused = |server: &Server, message: &str, hint: &str| {
        let reply = open(server, &body);
        let error = reply.json()["error"].clone();
        assert_eq!((reply.status, error["code"].as_str().unwrap()), (422, "usage"), "{reply:?}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
        assert!(error["hint"].as_str().unwrap().contains(hint), "{error}");
    };
    // Neither variable; one that is empty counts as none.
    let server = with(&[("VISUAL", " "), ("EDITOR", "")]);
    refused(&server, "no editor is known", "editor: \"code --goto {{ file }}:{{ line }}\"");
    drop(server);
    world.user_editor("code");
    let server = with(&[("VISUAL", "code --wait"), ("EDITOR", "vim")]);
    assert_eq!(open(&server, &body).status, 200);
    assert_eq!(world.opened(), ["code", "--wait", "--goto", &format!("{file}:7")]);
    world.shadow("code", "#!/bin/sh\necho first >&2\necho 'cannot open display' >&2\nexit 3\n");
    refused(&server, "`code` failed (exit status: 3: cannot open display)", "the server starts it");
    fs::remove_file(world.root().join("bin/code")).unwrap();
    refused(&server, "`code` was not found", "`PATH`");
    drop(server);
    // An editor that works in a terminal.
    world.user_editor("vim");
    let server = with(&[("EDITOR", "vim -u NONE")]);
    refused(&server, "`vim` works in a terminal, and none can be opened: there is no screen", "or `terminal:`");
    world.shadow("my-terminal", "#!/bin/sh\nshift\nexec \"$@\"\n");
    world.write("dispatch.local.yaml", "terminal: [my-terminal, -e, \"{{ command }}\"]\n");
    let reply = open(&server, &body);
    assert_eq!((reply.status, &reply.json()["terminal"]), (200, &json!("`my-terminal`")), "{reply:?}");
    assert_eq!(world.opened(), ["vim", "-u", "NONE", "+7", &file]);
    server.assert_alive();
}

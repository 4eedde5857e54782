//! `dispatch task new`, `task edit` and `task done`: task files are written as their own tools write them, and what is
//! not to change stays as it is, byte for byte.

mod new;
mod two_hundred;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::world::World;

/// A world with these files below `tasks/`.
fn world(files: &[(&str, &str)]) -> World {
    let world = World::new();
    for (path, text) in files {
        world.write(format!("tasks/{path}"), text);
    }
    world
}

fn read(world: &World, path: &str) -> String {
    fs::read_to_string(world.project().join("tasks").join(path)).unwrap()
}

#[test]
fn the_status_is_spelled_as_the_files_beside_it_spell_it() {
    let world = world(&[
        ("a/one.md", "---\nstatus: todo\n---\n"),
        ("a/two.md", "---\nstatus: COMPLETED\n---\n"),
        ("a/three.md", "---\nstatus: closed\n---\n"),
        ("a/four.md", "---\nstatus: closed\n---\n"),
        // Of its own folder, no file is done: the nearest that are alike count.
        ("b/five.md", "---\nstatus: todo\n---\n"),
        ("c/six.md", "+++\nstatus = \"🟡 To Do\"\n+++\n"),
        ("c/seven.md", "+++\nstatus = \"ðŸŸ¢ Done\"\n+++\n"),
    ]);
    for (task, path, spelled) in [
        ("one", "a/one.md", "status: closed\n"),
        ("five", "b/five.md", "status: closed\n"),
        ("six", "c/six.md", "status = \"🟢 Done\"\n"),
    ] {
        world.dispatch("task done").arg(task).stdout_has(format!("{task} is done: `")).succeeds();
        assert!(read(&world, path).contains(spelled), "{}", read(&world, path));
    }
    world.dispatch("task done two").stdout_is("two is done already: tasks/a/two.md\n").succeeds();
    let change = world.dispatch("task done one").json();
    assert_eq!((change["changed"].as_bool(), change["was"].as_str()), (Some(false), Some("closed")), "{change}");
}

#[test]
fn without_such_files_it_is_spelled_as_the_tool_of_the_format_does() {
    for (text, expected) in [
        ("---\nstatus: todo\n---\n", "---\nstatus: done\n---\n"),
        ("---\nstatus: TODO\n---\n", "---\nstatus: DONE\n---\n"),
        ("---\nid: T\nstatus: To Do\n---\n", "---\nid: T\nstatus: Done\n---\n"),
        ("---\nid: T\ntitle: x\n---\n", "---\nid: T\ntitle: x\nstatus: done\n---\n"),
        ("---\nid: T\nlabels: []\n---\n", "---\nid: T\nlabels: []\nstatus: Done\n---\n"),
        ("+++\nid = \"T\"\n\n[more]\nx = 1\n+++\n", "+++\nid = \"T\"\n\nstatus = \"🟢 Done\"\n[more]\nx = 1\n+++\n"),
        ("# Title\n\n---\ntype: bug\n---\n\nText\n", "# Title\n\n---\ntype: bug\nstatus: Done\n---\n\nText\n"),
        ("# Title\r\n\r\nText\r\n", "---\r\nstatus: done\r\n---\r\n# Title\r\n\r\nText\r\n"),
    ] {
        let world = world(&[("T.md", text)]);
        world.dispatch("task done T").stdout_has("T is done: `").succeeds();
        assert_eq!(read(&world, "T.md"), expected);
        assert_eq!(world.dispatch("task T").json()["status"].as_str(), Some("done"));
    }
}

#[test]
fn what_keeps_its_status_elsewhere_is_refused_with_the_line_to_edit() {
    let world = World::with("");
    let manifest = "version: 1\ntasks:\n  - files: \"tasks/*.md\"\n  - list:\n      - title: Before\n        id: L-1\n      - { id: \"L-2\", title: x }\n  \
                    - subtasks: steps.yml\nagents: { fake: { headless: [fake], prompt: stdin, protocol: text } }\n\
                    modes: { job: { agent: fake, prompt: x } }\n";
    world.write("dispatch.yaml", manifest);
    world.write("steps.yml", "- id: S-1\n  mode: job\n- title: x\n  id: S-2\n");
    world.task("T", "x");
    let place = |file: &str, line: usize| format!("hint: edit {}:{line}", world.project().join(file).display());
    for command in ["done", "edit"] {
        for (task, file, line) in
            [("L-1", "dispatch.yaml", 6), ("L-2", "dispatch.yaml", 7), ("S-1", "steps.yml", 1), ("S-2", "steps.yml", 4)]
        {
            let call = world.dispatch("task").arg(command).arg(task).env("EDITOR", "touch touched");
            let call = call.stderr_has(format!("task `{task}` has no file of its own")).stderr_has(place(file, line));
            call.stdout_is("").fails_with(1);
        }
    }
    assert_eq!(fs::read_to_string(world.project().join("dispatch.yaml")).unwrap(), manifest);
    // A status that several lines hold, and one that others repeat.
    for text in ["---\nstatus: |\n  To Do\n---\n", "---\nid: T\nstatus: &s To Do\nnote: *s\n---\n"] {
        world.write("tasks/T.md", text);
        let line = 1 + text.lines().position(|line| line.starts_with("status")).unwrap();
        let call = world.dispatch("task done T").stderr_has("cannot be changed without changing more");
        call.stderr_has(format!("{} to `Done`", place("tasks/T.md", line))).fails_with(1);
        assert_eq!(read(&world, "T.md"), text);
    }
    world.dispatch("task done NO").stderr_has("unknown task `NO`").fails_with(2);
    world.dispatch("task done").stderr_has("TASK").fails_with(2);
    world.dispatch("task").stderr_has("TASK").fails_with(2);
}

#[test]
fn the_file_keeps_its_mode_and_stays_behind_its_link() {
    let world = world(&[("real.txt", "---\nid: T\nstatus: todo\n---\n")]);
    let folder = world.project().join("tasks");
    fs::set_permissions(folder.join("real.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.txt", folder.join("T.md")).unwrap();
    world.dispatch("task done T").stdout_has("T is done: `done`, was `todo`, in tasks/T.md\n").succeeds();
    assert!(fs::symlink_metadata(folder.join("T.md")).unwrap().is_symlink());
    assert_eq!(fs::metadata(folder.join("real.txt")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(read(&world, "real.txt"), "---\nid: T\nstatus: done\n---\n");
}

#[test]
fn edit_becomes_the_editor() {
    let world = world(&[("T.md", "x")]);
    let path = world.project().join("tasks/T.md").display().to_string();
    world.shadow("my-editor", "#!/bin/sh\necho \"$@\"\nexit 3\n");
    world.dispatch("task edit T").env("EDITOR", "my-editor -w").stdout_is(format!("-w {path}\n")).fails_with(3);
    world
        .dispatch("task edit T")
        .env("VISUAL", "/no/editor")
        .stderr_has("the editor `/no/editor` cannot")
        .fails_with(2);
    let call = world.dispatch("task edit T").env("VISUAL", "").env("EDITOR", "").stderr_has("no editor is known");
    call.stderr_has("hint: write `editor:").fails_with(2);
    world.dispatch("task edit T --json").stderr_has("`task edit` has no JSON").fails_with(2);
}

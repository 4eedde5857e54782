//! The messages of `attach` if no terminal can be opened, and for wrong arguments.

use serde_json::json;

use crate::world::{BASE, World};

/// Quotes, spaces and what divides commands, in the names that reach a terminal.
const SESSION: &str = "it's; \"a\" $$ x";

/// A world whose session has such a name, and a run in it.
fn world(terminal: &str) -> World {
    let world = World::bare();
    let head = format!("session: {}\nterminal: {terminal}", json!(SESSION));
    world.write("dispatch.yaml", BASE.replace("session: world", &head));
    world.task("A", "%hang").task("B", "%hang");
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    world
}

#[test]
fn without_a_terminal_the_line_is_printed_and_mistakes_are_reported() {
    let world = world("auto");
    let line = world.dispatch("attach talk A --print").succeeds().text();
    assert!(line.starts_with("tmux -S ") && line.contains(" attach-session -t "), "{line}");
    let prints = |words: &str, variables: &[(&str, &str)]| {
        let call = world.dispatch(words).stdout_is(line.clone());
        variables.iter().fold(call, |call, (name, value)| call.env(name, *value))
    };
    let ssh = [("DISPLAY", ":0"), ("SSH_CONNECTION", "192.0.2.1 5 192.0.2.2 22")];
    // No terminal: the command line is printed, and a message only if a terminal was requested.
    prints("attach talk A", &[]).succeeds();
    prints("attach talk A", &ssh).succeeds();
    prints("attach talk A --terminal auto", &[]).stderr_has("there is no screen: neither DISPLAY").succeeds();
    prints("attach talk A --terminal xterm", &ssh).stderr_has("over SSH there is no screen").succeeds();
    prints("run --attach terminal talk A", &[]).stderr_has("there is no screen").succeeds();
    prints("attach talk A --terminal none", &[("DISPLAY", ":0")]).stderr_has("`terminal: none` is set").succeeds();
    // What was typed is wrong, or not there.
    let fails = |words: &str, text: &str| {
        let call = world.dispatch(words).env("DISPLAY", ":0").env("PATH", world.root().join("bin"));
        call.stderr_has(text.to_owned())
    };
    let unknown = "error: unknown terminal `kity`\nhint: did you mean `kitty`?";
    fails("attach talk A --terminal kity", unknown).fails_with(2);
    let hint = format!("hint: {line}");
    world.provide(&["tmux"]);
    fails("attach talk A --terminal wezterm", "error: WezTerm was not found").stderr_has(hint.clone()).fails_with(1);
    let mac = "error: Apple Terminal is not a terminal of this system";
    fails("attach talk A --terminal 'Apple Terminal'", mac).stderr_has(hint).fails_with(1);
    fails("attach talk A --terminal wezterm --here", "cannot be used with").fails_with(2);
    // A missing terminal of the manifest is a warning, and the command line is printed.
    world.write("dispatch.local.yaml", "terminal: wezterm\n");
    let call = fails("attach talk A", "warning: WezTerm was not found").stdout_is(line.clone());
    call.succeeds();
    let server = world.serve();
    let answer = server.post("/api/attach/talk/A", "").json();
    assert_eq!(answer["attached"], "none");
    assert_eq!(answer["attachNote"], "there is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set");
    assert_eq!(answer["attachCommand"], line.trim_end());
}

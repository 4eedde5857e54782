//! The arguments that terminals receive, byte for byte, recorded by stand-ins.

use std::fs;

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

/// A terminal without a screen: it records its arguments, and `show WORDS` runs them on a tty.
fn stand_in(world: &World, name: &str, body: &str) {
    let kept = world.root().join("reported");
    let pty = "import pty, sys; pty.spawn(['sh', '-c', 'tty > \"$0\"; exec \"$@\"'] + sys.argv[1:])";
    let script = format!(
        "#!/bin/sh\nkept={}\nprintf '%s\\0' \"$@\" '' >> \"$kept\"\n\
         show() {{ exec /usr/bin/python3 -c {} \"$kept.tty\" \"$@\"; }}\n{body}\n",
        kept.display(),
        shell_words::quote(pty),
    );
    world.shadow(name, &script);
}

/// All calls of stand-ins so far.
fn reported(world: &World) -> Vec<Vec<String>> {
    let bytes = fs::read_to_string(world.root().join("reported")).unwrap_or_default();
    let calls = bytes.strip_suffix("\0\0").unwrap_or_default().split("\0\0");
    calls.map(|call| call.split('\0').map(str::to_owned).collect()).collect()
}

fn clients(world: &World) -> Vec<String> {
    let rows = world.tmux_or_none(&["list-clients", "-F", "#{window_name} #{session_name} #{session_group}"]);
    rows.unwrap_or_default().lines().map(str::to_owned).collect()
}

/// The name of the only client's view, once it shows `task`.
#[track_caller]
fn view(world: &World, task: &str) -> String {
    let rows = clients(world);
    let [row] = rows.as_slice() else { panic!("one client: {rows:?}") };
    let name = row.strip_prefix(&format!("{task}-talk ")).and_then(|rest| rest.strip_suffix(&format!(" {SESSION}")));
    name.filter(|name| name.starts_with("dispatch-terminal-")).unwrap_or_else(|| panic!("{row}")).to_owned()
}

fn decoded(text: &str) -> Vec<String> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..text.len()).step_by(2).map(byte).collect();
    let text = String::from_utf8(bytes).unwrap();
    text.strip_suffix('\0').unwrap().split('\0').map(str::to_owned).collect()
}

/// The command that a terminal of this world runs, up to what tmux itself reads.
#[track_caller]
fn assert_is_command(world: &World, words: &[String]) {
    let tmux = fs::canonicalize(crate::programs::folder().join("tmux")).unwrap();
    let (shell, words) = words.split_at(4);
    assert_eq!(shell[..2], ["/bin/sh", "-c"]);
    assert!(shell[3].starts_with("=dispatch-terminal-"), "{shell:?}");
    assert_eq!(fs::canonicalize(&words[0]).unwrap(), tmux, "absolute: a terminal may have another PATH");
    let socket = world.tmux(&["display-message", "-p", "#{socket_path}"]);
    let head = ["-S", &socket, "-u", "-T", "RGB,title", "if-shell", "-F", "-t"];
    assert_eq!(words[1..9], head);
    assert_eq!(words.len(), 13, "{words:?}");
}

#[test]
fn windows_terminal_gets_arguments_that_it_cannot_misread() {
    let world = world("auto");
    stand_in(
        &world,
        "wt.exe",
        // It unescapes `;` and lets `wsl.exe` begin what follows `--exec`.
        "[ \"$3\" = new-tab ] || exit 0\nuntil [ \"$1\" = --exec ]; do shift; done\nshift\nshow \"$@\"",
    );
    let call = |words: &str| world.dispatch(words).env("WSL_DISTRO_NAME", "Ubuntu; 24").env("USER", "me").notes();
    let said = call("attach talk A").succeeds().stderr;
    assert_eq!(said, "talk A is open in Windows Terminal\n");
    let name = view(&world, "A");
    let calls = reported(&world);
    let [words] = calls.as_slice() else { panic!("{calls:?}") };
    let head = ["-w", &name, "new-tab", "--title", "A-talk", "wsl.exe", "-d", "Ubuntu\\; 24", "-u", "me", "--exec"];
    assert_eq!(words[..11], head);
    assert_eq!((words[12].as_str(), words.len()), ("__become", 14));
    assert_is_command(&world, &decoded(&words[13]));
    // Again: no second window, and the one that is there is asked for by its name.
    assert_eq!(call("attach talk A").succeeds().stderr, "talk A is shown in your terminal\n");
    assert_eq!(reported(&world)[1..], [["-w", &name, "focus-tab", "--target", "0"]]);
    // Another task: the same window shows it.
    world.dispatch("run -q --attach none talk B").notes().succeeds();
    assert_eq!(call("attach talk B").succeeds().stderr, "talk B is shown in your terminal\n");
    assert_eq!((view(&world, "B"), reported(&world).len()), (name, 3));
}

#[test]
fn wezterm_gets_the_command_byte_for_byte_and_is_found_by_its_tty() {
    let world = world("WezTerm");
    let body = "case \"$1 $2\" in\n\
        'start --') shift 2; WEZTERM_UNIX_SOCKET=/x; export WEZTERM_UNIX_SOCKET; show \"$@\" ;;\n\
        'cli list') printf '[{\"pane_id\":3,\"tty_name\":\"/dev/none\"},{\"pane_id\":12,\"tty_name\":\"%s\"}]' \"$(cat \"$kept.tty\")\" ;;\n\
        esac";
    stand_in(&world, "wezterm", body);
    let call = |words: &str| world.dispatch(words).env("WAYLAND_DISPLAY", "wayland-0").notes();
    assert_eq!(call("attach talk A").succeeds().stderr, "talk A is open in WezTerm\n");
    view(&world, "A");
    let calls = reported(&world);
    assert_eq!((calls.len(), &calls[0][..2]), (1, &["start".to_owned(), "--".to_owned()][..]));
    assert_is_command(&world, &calls[0][2..]);
    assert_eq!(call("attach talk A").succeeds().stderr, "talk A is shown in your terminal\n");
    assert_eq!(reported(&world)[1], ["cli", "list", "--format", "json"]);
    assert_eq!(reported(&world)[2], ["cli", "activate-pane", "--pane-id", "12"]);
    view(&world, "A");
}

#[test]
fn a_configured_command_line_gets_the_command_and_two_requests_open_one_terminal() {
    let world = world("auto");
    let own =
        |words: &str| world.write("dispatch.local.yaml", format!("terminal: [own, --say, \"it's; x\", {words}]\n"));
    own("sh, -c, \"exec {{ comand }}\"");
    world.dispatch("attach talk A").stderr_has("dispatch.local.yaml:1:43").fails_with(2);
    own("sh, -c, \"exec {{ command }}\"");
    stand_in(&world, "own", "shift 2\nshow \"$@\"");
    // No screen is needed for it. Both want it at once.
    let calls: Vec<_> = (0..2).map(|_| world.dispatch("attach talk A").start()).collect();
    let mut said: Vec<String> = calls.into_iter().map(|call| call.ends_with(0).stderr).collect();
    said.sort();
    assert_eq!(said[1], "talk A is open in `own`\n");
    // A window without a screen cannot be raised; the message says so.
    let not_raised = "talk A is in your terminal: shown, but not brought to the front: \
                      this screen lets no program raise another's window\n";
    assert_eq!(said[0], not_raised);
    view(&world, "A");
    let calls = reported(&world);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0][..4], ["--say", "it's; x", "sh", "-c"]);
    let words = shell_words::split(calls[0][4].strip_prefix("exec ").unwrap()).unwrap();
    assert_is_command(&world, &words);
    // The JSON document has the same content.
    let answer = world.dispatch("attach talk A").notes().json();
    assert_eq!((&answer["attached"], &answer["task"]), (&json!("focused"), &json!("A")));
    assert!(answer["attachNote"].as_str().unwrap().starts_with("shown, but not brought to the front"), "{answer}");
}

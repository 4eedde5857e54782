//! `dispatch doctor`: its checks, its findings, and that the checks leave nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::waiting::{is, wait_for, wait_until};
use crate::world::{BASE, World};

/// A project that needs no window.
fn headless(more: &str) -> World {
    let world = World::bare();
    let manifest: String =
        BASE.lines().filter(|line| !line.contains("talk:")).map(|line| format!("{line}\n")).collect();
    world.write("dispatch.yaml", manifest + more);
    world.task("T", "x");
    world
}

/// All findings, and the exit code.
fn examine(world: &World) -> (Value, i32) {
    let ended = world.dispatch("doctor --json").any_stderr().ends_somehow();
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.text()));
    assert_eq!(report["ok"].as_bool(), Some(ended.code == 0), "{report}");
    (report, ended.code)
}

#[track_caller]
fn finding(report: &Value, what: &str) -> (String, String, String) {
    let found = report["findings"].as_array().unwrap().iter().find(|finding| finding["what"] == what);
    let found = found.unwrap_or_else(|| panic!("no {what} in {report}"));
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    (text("state"), text("found"), text("cure"))
}

/// Not the one that stands before it here.
fn real_tmux(world: &World) -> String {
    let _ = fs::remove_file(world.root().join("bin/tmux"));
    world.helper("sh", &["-c", "command -v tmux"]).trim().to_owned()
}

/// Notes the arguments of each call of tmux.
fn listen_to_tmux(world: &World, also: &str) -> std::path::PathBuf {
    let (log, real) = (world.root().join("tmux-calls"), real_tmux(world));
    let script = format!("#!/bin/sh\necho \"$*\" >> {}\n{also}\nexec {real} \"$@\"\n", log.display());
    world.shadow("tmux", &script);
    log
}

#[test]
fn all_is_tried_out_on_a_server_of_its_own_of_which_nothing_is_left() {
    let world = World::with("worktree: { path: \"../trees/{{ task.id }}\", create: true }\n");
    world.task("T", "%hang").git_init();
    world.dispatch("run -q --attach none talk T").notes().succeeds();
    let before = world.panes("#{pane_id} #{window_name} #{pane_pid}");
    let log = listen_to_tmux(&world, "");
    let (report, code) = examine(&world);
    assert_eq!(code, 0, "{report}");
    for what in ["manifest", "tmux", "windows", "agent fake", "git", "worktrees", "state folder", "clock", "room"] {
        assert_eq!(finding(&report, what).0, "ok", "{what}: {report}");
    }
    assert_eq!(finding(&report, "terminal").0, "warn", "there is no screen: {report}");
    finding(&report, "logout");
    finding(&report, "limits");
    // Only its own socket was asked to do anything; the user's server only what runs there.
    let calls = fs::read_to_string(&log).unwrap();
    let ours: Vec<&str> = calls.lines().filter(|line| !line.starts_with("-V")).collect();
    let (scratch, users): (Vec<&str>, Vec<&str>) = ours.iter().partition(|line| line.starts_with("-S /tmp/dispatch-"));
    assert!(scratch.iter().any(|line| line.contains("new-session")), "{calls}");
    assert!(users.iter().all(|line| line.contains("list-panes")), "{calls}");
    let socket = scratch[0].split(' ').nth(1).unwrap();
    assert!(!std::path::Path::new(socket).parent().unwrap().exists(), "{socket} is left");
    wait_until("its server is gone", || {
        let left = world.processes_with("dispatch-probe");
        is(left.is_empty(), format!("{left:?}"))
    });
    assert_eq!(world.panes("#{pane_id} #{window_name} #{pane_pid}"), before);
    let text = world.dispatch("doctor").any_stderr().stdout_has("windows").succeeds();
    assert!(text.stderr.lines().all(|line| line.starts_with("hint: ")), "each cure is a hint: {}", text.stderr);
}

#[test]
fn a_killed_doctor_leaves_no_server() {
    let world = World::new();
    world.task("T", "x");
    let log = listen_to_tmux(&world, "case \"$*\" in *has-session*) exec sleep 2;; esac");
    let doctor = world.dispatch("doctor").any_stderr().start();
    let socket = wait_until("its server is up", || {
        let calls = fs::read_to_string(&log).unwrap_or_default();
        let asked = calls.lines().find(|line| line.contains("has-session"));
        asked.and_then(|line| line.split(' ').nth(1)).map(str::to_owned).ok_or(calls)
    });
    assert!(!world.processes_with("dispatch-probe").is_empty());
    doctor.signal(Signal::KILL);
    doctor.ends();
    wait_for(Duration::from_secs(20), "its server ended itself", || {
        let left = world.processes_with("dispatch-probe");
        is(left.is_empty(), format!("{left:?}"))
    });
    assert!(!std::path::Path::new(&socket).parent().unwrap().exists(), "{socket} is left");
}

#[test]
fn a_tmux_that_does_something_else_is_bad_where_windows_are_wanted() {
    let world = World::new();
    world.task("T", "x");
    // Takes a beginning for the whole name.
    listen_to_tmux(&world, "case \"$*\" in *has-session*) exit 0;; esac");
    let (report, code) = examine(&world);
    let (state, found, cure) = finding(&report, "windows");
    assert_eq!((state.as_str(), code), ("fail", 1), "{report}");
    assert!(found.contains("exact targets") && cure.contains("tmux"), "{report}");
    listen_to_tmux(&world, "case \"$*\" in *if-shell*) set -- -S \"$2\" -u kill-pane -t \"$7\";; esac");
    assert!(finding(&examine(&world).0, "windows").1.contains("guarded ends"));
    // tmux before 3.3 does not report a signal.
    listen_to_tmux(
        &world,
        "case \"$*\" in -V) echo tmux 3.2a; exit;; *list-panes*) set -- -S \"$2\" -u list-panes -a -F \
         '#{pane_id}|#{window_name}|#{pane_dead}|#{pane_dead_status}|';; esac",
    );
    let (report, code) = examine(&world);
    assert_eq!((finding(&report, "windows").0.as_str(), code), ("warn", 0), "{report}");

    let world = headless("");
    world.shadow("tmux", "#!/bin/sh\necho tmux 3.1c\n");
    let (report, code) = examine(&world);
    let (state, found, cure) = finding(&report, "tmux");
    assert_eq!((state.as_str(), code), ("warn", 0), "it is not needed here: {report}");
    assert!(found.contains("3.1c") && cure.contains("3.2"), "{report}");
}

#[test]
fn an_agent_is_asked_for_its_version_and_its_login_as_a_run_would_be() {
    let world = headless("  review: { prompt: x }\npass_env: [ANTHROPIC_API_KEY]\n");
    let (report, code) = examine(&world);
    let (state, found, cure) = finding(&report, "agent claude");
    assert_eq!((state.as_str(), code), ("fail", 1), "{report}");
    assert!(found.contains("not found") && cure.contains("install `claude`"), "{report}");

    let claude = r#"#!/bin/sh
echo "$*" >> "$HOME/asked"
case "$*" in
--version) echo "@V@ (Claude Code)" ;;
"auth status")
  if [ -n "$ANTHROPIC_API_KEY" ] && [ -z "$OTHER" ]; then echo '{"loggedIn":true,"authMethod":"api_key"}'; else echo '{"loggedIn":false}'; exit 1; fi ;;
*) echo "$*" > "$HOME/started" ;;
esac
"#;
    world.shadow("claude", &claude.replace("@V@", "2.1.9"));
    let (report, code) = examine(&world);
    assert!(finding(&report, "agent claude").1.contains("2.1.9 (Claude Code)"), "{report}");
    let (state, found, cure) = finding(&report, "login of claude");
    assert_eq!((state.as_str(), found.as_str(), code), ("fail", "not logged in", 1), "{report}");
    assert!(cure.contains("auth login"), "{report}");
    // The key is passed on, other variables are not.
    let call = world.dispatch("doctor --json").env("ANTHROPIC_API_KEY", "k").env("OTHER", "x");
    let ended = call.any_stderr().succeeds();
    assert_eq!(finding(&serde_json::from_slice(&ended.stdout).unwrap(), "login of claude").1, "logged in (api_key)");
    // An old one would take the question for a prompt.
    fs::remove_file(world.root().join("home/asked")).unwrap();
    world.shadow("claude", &claude.replace("@V@", "1.0.128"));
    let (report, _) = examine(&world);
    assert_eq!(finding(&report, "agent claude").0, "warn", "{report}");
    assert_eq!(fs::read_to_string(world.root().join("home/asked")).unwrap(), "--version\n");
    assert!(!world.root().join("home/started").exists());
    // What only the built-in mode would use is not needed.
    fs::remove_file(world.root().join("bin/claude")).unwrap();
    let world = headless("");
    let (report, code) = examine(&world);
    assert_eq!((finding(&report, "agent claude").0.as_str(), code), ("warn", 0), "{report}");
}

#[test]
fn worktrees_need_a_repository_and_a_base() {
    let world = headless("worktree: { path: \"../trees/{{ task.id }}\", create: true, base: \"{{ 'main' }}\" }\n");
    let state = |world: &World| {
        let (report, code) = examine(world);
        (finding(&report, "worktrees"), code)
    };
    let ((found, _, cure), code) = state(&world);
    assert_eq!((found.as_str(), code), ("fail", 1));
    assert!(cure.starts_with("git init "), "{cure}");
    world.git(&["init", "-q", "-b", "main"]);
    let ((_, found, cure), _) = state(&world);
    assert!(found.contains("no commit yet") && cure.contains("commit --allow-empty"), "{found} {cure}");
    world.git_init();
    assert_eq!(state(&world), (("ok".to_owned(), "can be made from main".to_owned(), String::new()), 0));
    world.git(&["branch", "-q", "-m", "main", "trunk"]);
    let ((_, found, cure), code) = state(&world);
    assert!(code == 1 && found.contains("`main`") && cure.contains("branch main"), "{found} {cure}");
    assert!(!world.root().join("trees").exists());
}

#[test]
fn the_state_folder_is_looked_at_and_not_made() {
    let world = headless("");
    let (report, code) = examine(&world);
    assert!(code == 0 && finding(&report, "state folder").1.contains("not made yet"), "{report}");
    assert!(!world.state().exists());
    let before: Vec<_> = fs::read_dir(world.project()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before.len(), 2, "{before:?}");

    world.task("T", "%exit 0").dispatch("run -q job T").notes().succeeds();
    assert_eq!(finding(&examine(&world).0, "state folder").0, "ok");
    // A run of the time to come: the clock was set back since.
    let future = world.run_folder("1ZZZZZZZZZ0000000000000000");
    fs::create_dir(&future).unwrap();
    let (report, _) = examine(&world);
    let (state, found, cure) = finding(&report, "clock");
    assert!(state == "warn" && found.contains("still to come") && cure.contains("timedatectl"), "{report}");
    fs::remove_dir(&future).unwrap();
    fs::set_permissions(world.state(), fs::Permissions::from_mode(0o777)).unwrap();
    let (report, code) = examine(&world);
    let (state, _, cure) = finding(&report, "state folder");
    assert_eq!((state.as_str(), code), ("fail", 1), "{report}");
    assert!(cure.starts_with("chmod 700 "), "{cure}");
}

#[test]
fn without_a_manifest_the_machine_is_looked_at_all_the_same() {
    let world = World::bare();
    let (report, code) = examine(&world);
    assert_eq!((finding(&report, "manifest").2.as_str(), code), ("dispatch init", 1), "{report}");
    assert_eq!(finding(&report, "windows").0, "ok");
}

#[test]
fn the_board_misses_programs_and_tries_out_nothing() {
    let world = World::new();
    world.task("T", "x");
    let log = listen_to_tmux(&world, "");
    let server = world.serve();
    assert_eq!(server.get("/ui/board").status, 200);
    let calls = fs::read_to_string(&log).unwrap();
    assert!(calls.contains("-V") && !calls.contains("new-session"), "{calls}");
}

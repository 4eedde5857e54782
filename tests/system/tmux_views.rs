//! A terminal that closes while tmux lets it in: strace makes tmux slow, so that there is a moment to hit.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::waiting::{is, let_pass, wait_until};
use crate::world::World;

/// Waits until the session of the runs is the only one.
#[track_caller]
fn no_views_are_left(world: &World) {
    wait_until("no view is left", || {
        let sessions = world.tmux(&["list-sessions", "-F", "#{session_name}"]);
        is(sessions == "world", sessions)
    });
}

#[test]
fn a_terminal_that_closes_while_it_is_let_in_takes_no_server_down() {
    let world = World::with("terminal: [own, \"{{ command }}\"]\n");
    world.shadow("own", "#!/bin/sh\nprintf '%s' \"$1\" >\"$HOME/command\"\n");
    world.task("A", "%hang");
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    // The command that a desktop terminal would run.
    world.dispatch("attach talk A").any_stderr().ends_somehow();
    let command = fs::read_to_string(world.root().join("home/command")).unwrap();
    let server = world.serve();
    let tmux = world.tmux_server_pid().unwrap();
    let options = ["-q", "-o", "/dev/null", "-e", "trace=ioctl", "-e", "inject=ioctl:delay_exit=20000", "-p"];
    let mut slow = world.command("strace");
    let mut slow = slow.args(options).arg(tmux.to_string()).spawn().expect("the tests need `strace`");
    wait_until("tmux is slow", || {
        let status = fs::read_to_string(format!("/proc/{tmux}/status")).unwrap();
        let traced = status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"));
        is(traced, status)
    });
    for round in 0..24 {
        let moment = Duration::from_millis(5 * round);
        if round % 2 == 0 {
            let page = server.ws("/api/terminal/talk/A");
            let_pass(moment);
            drop(page);
        } else {
            let mut terminal = world.command("script");
            terminal.args(["-qfec", &command, "/dev/null"]);
            let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            let_pass(moment);
            terminal.kill().unwrap();
            terminal.wait().unwrap();
        }
        no_views_are_left(&world);
        assert_eq!(world.tmux_server_pid(), Some(tmux), "round {round}");
    }
    assert_eq!(world.panes("#{pane_id}").len(), 1, "the window stays");
    slow.kill().unwrap();
    slow.wait().unwrap();
}

//! Windows that are made beside a run's window in the same tmux session, and whether they live on.

use std::fs;

use crate::waiting::{is, wait_until};
use crate::world::{World, alive};

/// A world with `talk A` running, which opens a window of its own once the file `go` is there.
pub fn world() -> (World, String) {
    let world = World::new();
    world.task(
        "A",
        "%out here\n%until ../go\n%sh tmux new-window -d 'echo $$ > ../pid-agents; exec sleep 600'\n%hang\n",
    );
    world.dispatch("run -q --attach none talk A").notes().succeeds();
    let run = world.status("talk", "A")["runId"].as_str().unwrap().to_owned();
    world.agent_ready(&run);
    (world, run)
}

/// The process that wrote its number into `pid-NAME`.
#[track_caller]
pub fn pid(world: &World, name: &str) -> i32 {
    let file = world.project().join(format!("../pid-{name}"));
    wait_until(&format!("{name} has started"), || {
        fs::read_to_string(&file)
            .unwrap_or_default()
            .trim()
            .parse()
            .map_err(|_| format!("{:?}", world.panes("#{pane_id}")))
    })
}

/// What a shell is to do so that [`pid`] finds it; it then stays.
pub fn stay(world: &World, name: &str) -> String {
    format!("echo $$ > {}/pid-{name}; exec sleep 600\r", world.project().join("..").canonicalize().unwrap().display())
}

/// Waits until no view is left: what is in a window then is in the session of the runs.
#[track_caller]
pub fn assert_they_live(world: &World, pids: &[i32]) {
    wait_until("no view is left", || {
        let sessions = world.tmux(&["list-sessions", "-F", "#{session_name}"]);
        is(sessions == "world", sessions)
    });
    let panes = world.tmux(&["list-panes", "-s", "-t", "=world:", "-F", "#{pane_pid}"]);
    for pid in pids {
        assert!(alive(*pid), "{pid} has ended");
        assert_eq!(panes.lines().filter(|line| *line == pid.to_string()).count(), 1, "{pid} in {panes:?}");
    }
}

//! The words by which the program starts others: on a terminal of their own, or as nobody's child.

use std::fs;

use crate::waiting::{is, wait_until};
use crate::world::World;

#[test]
fn what_is_detached_outlives_its_starter_in_a_session_of_its_own() {
    let world = World::new();
    let said = world.root().join("said");
    let script = format!(
        "trap '' HUP; cut -d' ' -f1,6 /proc/$$/stat > {0}.new; mv {0}.new {0}; until [ -e {0}.go ]; do sleep 0.01; done",
        said.display()
    );
    world.dispatch("__detached sh -c").arg(&script).succeeds();
    let ids = wait_until("its word", || fs::read_to_string(&said).map_err(|error| error.to_string()));
    let (pid, session) = ids.trim().split_once(' ').unwrap();
    assert_eq!(pid, session, "it leads a session");
    let process = format!("/proc/{pid}");
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    assert!(!status.contains(&format!("\nPPid:\t{}\n", std::process::id())), "{status}");
    fs::write(world.root().join("said.go"), "").unwrap();
    // Whoever adopted it may not have looked yet.
    wait_until("its end", || {
        let state = fs::read_to_string(format!("{process}/stat")).unwrap_or_default();
        is(state.is_empty() || state.contains(") Z "), state)
    });
}

#[test]
fn what_cannot_be_started_is_said() {
    let world = World::new();
    world.dispatch("__pty no-such-program").stderr_has("dispatch: ").fails_with(127);
    world.dispatch("__pty").any_stderr().fails_with(2);
    world.dispatch("__detached").any_stderr().fails_with(2);
}

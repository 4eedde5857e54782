//! Ctrl-C at a terminal while several runs are shown, a line each.

use crate::waiting::{is, wait_until};
use crate::world::World;

#[test]
fn no_line_of_a_run_that_goes_on_without_us_is_left() {
    let world = World::new();
    world.task("A", "%until go").task("B", "%hang");
    world.detach("job", "A");
    world.wait_state("job", "A", "running");
    world.tmux(&["new-session", "-d", "-s", "user", "-x", "100", "-y", "30", "-c", "/", "sh"]);
    let screen = || world.tmux(&["capture-pane", "-p", "-t", "user:"]);
    let type_line = |line: &str| world.tmux(&["send-keys", "-t", "user:", line, "Enter"]);
    type_line(&format!("cd {} && dispatch run job A B; echo code=$?", world.project().display()));
    wait_until("both are shown", || {
        let shown = screen();
        is(shown.lines().filter(|line| line.contains("running")).count() == 2, shown)
    });
    world.tmux(&["send-keys", "-t", "user:", "C-c"]);
    wait_until("the command is over", || {
        let shown = screen();
        is(shown.contains("code=1"), shown)
    });
    let shown = screen();
    assert!(!shown.lines().any(|line| line.contains("running")), "{shown}");
    assert!(shown.lines().any(|line| line.contains("job B") && line.contains("stopped")), "{shown}");
    world.write("go", "");
    world.dispatch("wait job A").notes().succeeds();
}

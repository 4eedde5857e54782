//! How many tmux clients a command starts.

use crate::world::World;

fn open(world: &World, task: &str) {
    world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
}

/// The number of `tmux` programs that one call starts, seen by the kernel.
fn tmux_clients(world: &World, words: &str) -> usize {
    let trace = world.root().join("trace");
    let program = crate::programs::dispatch();
    let mut args = vec!["-f", "-qq", "-e", "trace=execve", "-o", trace.to_str().unwrap(), program];
    args.extend(words.split(' '));
    world.helper("strace", &args);
    let text = std::fs::read_to_string(&trace).unwrap();
    text.lines().filter(|line| line.contains("/tmux\"") && line.ends_with("= 0")).count()
}

#[test]
fn status_asks_tmux_once_and_run_at_most_twice() {
    let world = World::new();
    for n in 0..10 {
        world.task(&format!("T-{n}"), "%hang");
        open(&world, &format!("T-{n}"));
    }
    // The first three start their listing before they parse their arguments.
    for words in ["status", "ls --json --all", "status --tmux", "-C . status", "status talk T-3"] {
        assert_eq!(tmux_clients(&world, words), 1, "{words}");
    }
    world.task("NEW", "%hang");
    let clients = tmux_clients(&world, "run -q --attach none talk NEW");
    assert!(clients <= 2, "{clients} tmux clients");
}

#[test]
fn status_without_windows_does_not_ask_tmux() {
    let world = World::new();
    world.task("TASK-1", "%exit 0");
    assert_eq!(tmux_clients(&world, "status"), 0);
    world.dispatch("run -q job TASK-1").notes().succeeds();
    assert_eq!(tmux_clients(&world, "status"), 0);
    assert_eq!(world.tmux_server_pid(), None, "nothing started a server");
}

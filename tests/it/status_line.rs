//! `status --tmux`: a project in a few characters, for tmux's status line.

use crate::tmux_client::Terminal;
use crate::waiting::{is, wait_for};
use crate::world::World;

const STYLED: &str = "#[fg=green]▶2#[default] #[fg=red]✗1#[default]\n";

#[test]
fn it_counts_and_says_nothing_where_there_is_nothing() {
    let world = World::with("jobs: 2\n");
    world.dispatch("status --tmux").stdout_is("").succeeds();
    world.dispatch("-C / status --tmux").stdout_is("").succeeds();
    for task in ["A", "B", "C"] {
        world.task(task, "%hang");
    }
    world.task("D", "%exit 3");
    world.dispatch("run -q job D").any_stderr().fails_with(3);
    world.dispatch("status --tmux").stdout_is("#[fg=red]✗1#[default]\n").succeeds();
    let runs = ["A", "B"].map(|task| world.detach("job", task));
    runs.iter().for_each(|run| drop(world.agent_ready(run)));
    world.dispatch("status --tmux").stdout_is(STYLED).succeeds();
    world.detach("job", "C");
    world.dispatch("status --tmux --color never").stdout_is("▶2 …1 ✗1\n").succeeds();
    world.dispatch("status --tmux").env("LANG", "C").env("NO_COLOR", "1").stdout_is(">2 ~1 x1\n").succeeds();
    let counts = world.dispatch("status --tmux").json();
    assert_eq!((&counts["running"], &counts["queued"], &counts["failed"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(counts["waiting"], 0);
    world.dispatch("status --tmux job A").stderr_has("cannot be used with").fails_with(2);
}

#[test]
fn tmux_shows_it_as_the_readme_says() {
    let world = World::new();
    world.task("A", "%bell\n%hang").task("B", "%hang").task("C", "%exit 3");
    world.dispatch("run -q job C").any_stderr().fails_with(3);
    for task in ["A", "B"] {
        world.dispatch("run -q --attach none talk").arg(task).notes().succeeds();
    }
    let line = "#(dispatch -C #{q:pane_current_path} status --tmux)";
    let folder = shell_words::quote(world.project().to_str().unwrap()).into_owned();
    world.tmux(&["set-option", "-t", "=world:", "status-interval", "1"]);
    // The panes of agents that start in `/` have another folder than their project's.
    world.tmux(&["set-option", "-t", "=world:", "status-right", &line.replace("#{q:pane_current_path}", &folder)]);
    let terminal = Terminal::attach(&world, "world");
    wait_for(std::time::Duration::from_secs(20), "the status line shows the counts", || {
        let shown = terminal.shown();
        is(["⚑1", "▶1", "✗1"].iter().all(|part| shown.contains(part)), format!("{shown:?}"))
    });
}

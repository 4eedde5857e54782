//! What stopping many runs costs: the process table and tmux are asked as often for many as for few.

use std::fs;

use crate::command::Dispatch;
use crate::waiting::{is, wait_until};
use crate::wanted::{manifest, want, wanting};
use crate::world::World;

/// What one call asked of the system.
#[derive(Debug)]
struct Asked {
    /// Reads of the list of all processes.
    tables: usize,
    tmux_clients: usize,
    /// How often the environment of one process was read, at most.
    environments: usize,
}

/// Makes a call under strace, with the programs that it starts.
#[track_caller]
fn asked(world: &World, words: &str) -> Asked {
    let trace = world.root().join("trace");
    let call = Dispatch::new(world.command("strace"), &world.root().join("calls"));
    let call = ["-f", "-q", "-e", "trace=openat,open,execve", "-o"].iter().fold(call, |call, word| call.arg(word));
    call.arg(&trace).arg(crate::programs::dispatch()).words(words).notes().succeeds();
    let text = fs::read_to_string(&trace).unwrap();
    let opened = |end: &str| -> Vec<String> {
        let paths = text.lines().filter(|line| line.contains("open")).filter_map(|line| line.split('"').nth(1));
        paths.filter(|path| path.starts_with("/proc") && path.ends_with(end)).map(str::to_owned).collect()
    };
    let environments = opened("/environ");
    let most = environments.iter().map(|path| environments.iter().filter(|other| *other == path).count()).max();
    Asked {
        tables: opened("/proc").len(),
        tmux_clients: text.lines().filter(|line| line.contains("/tmux\"") && line.ends_with("= 0")).count(),
        environments: most.unwrap_or(0),
    }
}

/// Has `count` tasks, each with a window and a job that run.
fn running(world: &World, count: usize) {
    let tasks: Vec<String> = (0..count).map(|number| format!("T-{count}-{number}")).collect();
    for task in &tasks {
        world.task(task, "%hang");
    }
    want(world, &format!("{{ mode: talk, tasks: [{0}] }}\n{{ mode: job, tasks: [{0}] }}", tasks.join(", ")));
    let text = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", format!("jobs: 100\n{text}"));
    let before = world.notes().len();
    world.dispatch("up").notes().succeeds();
    wait_until("all agents hang", || {
        let hang = world.notes().iter().skip(before).filter(|note| note.what == "hang").count();
        is(hang == 2 * count, format!("{hang} of {}", 2 * count))
    });
}

#[test]
fn what_stops_many_asks_the_system_as_often_as_what_stops_few() {
    for words in ["stop --all", "down", "up --prune"] {
        let world = wanting("");
        // With its last window a server goes.
        world.tmux(&["new-session", "-d", "-s", "user", "sleep 1000"]);
        for count in [2, 12] {
            running(&world, count);
            if words == "up --prune" {
                world.write("dispatch.yaml", manifest(""));
            }
            let asked = asked(&world, words);
            assert!((1..=8).contains(&asked.tables), "{words} of {count}: {asked:?}");
            assert!(asked.environments <= asked.tables, "{words} of {count}: {asked:?}");
            // It looks again while a terminal is read to its end; but no window has a client of its own.
            assert!(asked.tmux_clients <= 20, "{words} of {count}: {asked:?}");
            let left: Vec<_> = world.processes().into_iter().filter(|(_, line)| line.contains("fake")).collect();
            assert!(left.is_empty(), "{words} of {count} left {left:?}");
            let runs = world.history();
            assert_eq!(runs.iter().filter(|run| run["state"] == "stopped").count(), runs.len(), "{runs:?}");
        }
    }
}

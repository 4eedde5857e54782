//! Ends that are observed, and ends that we cause.

use std::fs;
use std::path::Path;

use crate::model::exit::Exit;
use crate::model::run_id::RunId;
use crate::os::tmux::tests::world::{World, request, wait_until};
use crate::os::tmux::{CreateWindow, Dead, Killed};

#[test]
fn an_exit_code_and_a_signal_are_told_apart() {
    let world = World::new();
    let [three, zero, killed] = [1, 2, 3].map(|number| world.run(number));
    fs::write(three.folder.join("exit"), "3").unwrap();
    fs::write(zero.folder.join("exit"), "0").unwrap();
    fs::write(killed.folder.join("signal"), "9").unwrap();
    let ends = [&three, &zero, &killed].map(|run| {
        // However short the run, its end is recorded.
        world.create("work", run).unwrap();
        let Dead { exit, time } = world.wait_dead(run).dead.unwrap();
        assert!(time.is_some());
        exit
    });
    assert_eq!(ends, [Exit::code(3), Exit::code(0), Exit::signal(9)]);
}

#[test]
fn an_end_that_tmux_missed_is_found_by_the_next_look() {
    let world = World::new();
    // A tmux built with libutempter misses a few per cent to half of these ends.
    let runs: Vec<_> = (0..30).map(|number| world.run(number)).collect();
    for run in &runs {
        fs::write(run.folder.join("exit"), "4").unwrap();
        world.create("work", run).unwrap();
    }
    let dead = || world.list().panes.iter().filter(|pane| pane.dead.is_some()).count();
    wait_until("all ends", || dead() == runs.len());
    let ends: Vec<_> = world.list().panes.iter().map(|pane| pane.dead.unwrap().exit.code).collect();
    assert_eq!(ends, vec![Some(4); runs.len()]);
}

#[test]
fn a_guarded_kill_ends_only_its_own_run() {
    let world = World::with_conf("");
    let (ours, gone) = (world.run(1), world.run(2));
    let created = world.create("user", &ours).unwrap();
    // A user's pager on our log has our run id in its command line, too.
    let log = format!("{}/stdout.log", ours.folder.display());
    world.raw(&["new-window", "-d", "-t", "=user:", "--", "tail", "-F", &log]);
    let pager = world.list().panes.into_iter().find(|pane| pane.start_command.contains("tail")).unwrap();
    let user = world.list().panes[0].pane_id.clone();

    let wrong = [
        (created.pane_id.as_str(), &gone.id),
        (pager.pane_id.as_str(), &ours.id),
        (user.as_str(), &ours.id),
        ("%999", &ours.id),
        ("", &ours.id),
        ("-1", &ours.id),
        ("user:", &ours.id),
    ];
    assert_eq!(world.tmux.kill_panes(&wrong).unwrap(), [Killed::Refused; 7]);
    assert_eq!(world.list().panes.len(), 3);
    assert_eq!(world.tmux.capture(&user, &ours.id).unwrap(), None);

    let mixed = [("%999", &ours.id), (created.pane_id.as_str(), &ours.id), (user.as_str(), &ours.id)];
    assert_eq!(world.tmux.kill_panes(&mixed).unwrap(), [Killed::Refused, Killed::Killed, Killed::Refused]);
    assert_eq!(world.pane(&ours), None);
    assert_eq!(world.list().panes.len(), 2);
}

#[test]
fn the_last_pane_may_take_the_server_with_it() {
    let world = World::new();
    let runs: Vec<_> = (0..150).map(|number| world.run(number)).collect();
    let panes: Vec<_> = runs[..3].iter().map(|run| world.create("work", run).unwrap().pane_id).collect();
    // More panes than fit one call, ours last.
    let mut guards: Vec<(&str, &RunId)> = runs[3..].iter().map(|run| ("%77", &run.id)).collect();
    guards.extend(panes.iter().map(String::as_str).zip(runs.iter().map(|run| &run.id)));
    let answers = world.tmux.kill_panes(&guards).unwrap();
    assert_eq!(answers.iter().filter(|answer| **answer == Killed::Killed).count(), 3);
    assert_eq!(answers.len(), 150);
    wait_until("the server's end", || world.tmux.list().is_ok_and(|listing| listing.server.is_none()));
}

#[test]
fn only_the_dead_pane_of_the_run_before_is_replaced() {
    let world = World::with_conf("");
    let [dead, alive, next, last] = [1, 2, 3, 4].map(|number| world.run(number));
    fs::write(dead.folder.join("exit"), "1").unwrap();
    let old = world.create("work", &dead).unwrap();
    let running = world.create("work", &alive).unwrap();
    world.wait_dead(&dead);

    for (pane, run) in [(&old.pane_id, &alive.id), (&running.pane_id, &alive.id), (&running.pane_id, &dead.id)] {
        let next = world.run(10 + world.list().panes.len() as u32);
        world.tmux.create_window(&CreateWindow { replace: Some((pane, run)), ..request("work", &next) }, None).unwrap();
    }
    assert!(world.pane(&dead).is_some() && world.pane(&alive).is_some());

    let replace = Some((old.pane_id.as_str(), &dead.id));
    world.tmux.create_window(&CreateWindow { replace, ..request("work", &next) }, world.tmux.warm_client()).unwrap();
    assert!(world.pane(&dead).is_none() && world.pane(&next).is_some());
    // The pane no longer exists, which is no failure.
    world.tmux.create_window(&CreateWindow { replace, ..request("work", &last) }, world.tmux.warm_client()).unwrap();
    assert!(world.pane(&last).is_some());
}

#[test]
fn the_wake_up_is_on_our_pane_alone() {
    let world = World::with_conf("set -g remain-on-exit on");
    let (one, two) = (world.run(1), world.run(2));
    let first = world.create("user", &one).unwrap();
    world.create("user", &two).unwrap();
    // Beside our pane in its own window, and elsewhere.
    world.raw(&["split-window", "-d", "-t", &first.pane_id, "exit 7"]);
    world.raw(&["new-window", "-d", "-t", "=user:", "exit 8"]);
    let dead = || world.list().panes.iter().filter(|pane| pane.dead.is_some()).count();
    wait_until("both to end", || dead() == 2);
    let split = world.raw(&["list-panes", "-t", &first.window_id, "-F", "#{pane_id}"]);
    let split = split.lines().find(|id| *id != first.pane_id).unwrap();
    assert_eq!(world.raw(&["show-hooks", "-p", "-t", split]), "");

    world.raw(&["break-pane", "-d", "-s", &first.pane_id, "-t", "=user:"]);
    world.signal(world.pane(&one).unwrap().pid, rustix::process::Signal::TERM);
    let ended = |folder: &Path| fs::read_to_string(folder.join("ended")).unwrap_or_default();
    // tmux may have missed the end (see `list`); the listing that finds it makes the hook run.
    assert_eq!(world.wait_dead(&one).dead.unwrap().exit, Exit::signal(15));
    wait_until("the wake-up", || !ended(&one.folder).is_empty());
    assert_eq!(ended(&one.folder).lines().count(), 1);
    assert_eq!(ended(&two.folder), "");
}

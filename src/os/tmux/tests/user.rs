//! The user's options, actions and views.

use crate::os::tmux::tests::world::{Run, World, pane_of, wait_until};
use crate::os::tmux::{ClientOf, Killed};

/// The run's window is found, can be read and killed; no option is set on the user's.
fn holds(world: &World, run: &Run) {
    let pane = world.pane(run).unwrap();
    assert!(world.options(&pane.pane_id).contains("remain-on-exit on"), "{}", world.options(&pane.pane_id));
    assert!(world.options(&pane.pane_id).contains("pane-died"), "{}", world.options(&pane.pane_id));
    for other in world.list().panes.iter().filter(|other| other.run_folder().is_none()) {
        let options = world.options(&other.pane_id);
        assert!(!options.contains("remain-on-exit") && !options.contains("pane-died"), "{other:?}: {options}");
    }
    assert_eq!(world.tmux.kill_panes(&[(&pane.pane_id, &run.id)]).unwrap(), [Killed::Killed]);
    assert_eq!(world.pane(run), None);
}

#[test]
fn a_users_configuration_changes_nothing() {
    for conf in [
        "set -g base-index 1\nsetw -g pane-base-index 1\nset -g renumber-windows on",
        "set -g default-shell /bin/false\nset -g default-command 'exit 3'",
        "setw -g automatic-rename on\nsetw -g allow-rename on\nsetw -g aggressive-resize on",
        "set-hook -g after-new-window 'new-window -d sleep\\ 300'",
        "set-hook -g after-new-window 'swap-window -d -t :-1'",
        "set-hook -g after-new-window 'no-such-command'",
        "set-hook -g after-new-window 'display-message -p hello'",
        "set-hook -g after-new-session 'new-window -d sleep\\ 300'",
        "set-hook -g session-created 'set -s @x y'",
        "set -g @dispatch yes\nset -g status off\nset -g mouse on",
    ] {
        for session in ["user", "made"] {
            let world = World::with_conf(conf);
            let run = world.run(1);
            world.create(session, &run).unwrap_or_else(|error| panic!("{conf}: {error}"));
            holds(&world, &run);
        }
    }
}

#[test]
fn a_session_of_ours_survives_without_anybody_attached() {
    let world = World::with_conf("");
    world.raw(&["set-option", "-g", "exit-empty", "off", ";", "set-option", "-g", "destroy-unattached", "on"]);
    let run = world.run(1);
    assert!(world.create("work", &run).unwrap().made_session);
    // List twice: it would be gone by the server's next event.
    world.list();
    holds(&world, &run);
}

#[test]
fn renamed_moved_and_broken_out_panes_are_found() {
    let world = World::with_conf("");
    world.raw(&["new-session", "-d", "-s", "other", "sleep 300"]);
    let runs = [1, 2, 3, 4].map(|number| world.run(number));
    let made = runs.each_ref().map(|run| world.create("user", run).unwrap());
    world.raw(&["rename-window", "-t", &made[0].window_id, "x\ny\tz"]);
    world.raw(&["move-window", "-d", "-s", &made[1].window_id, "-t", "=other:7"]);
    world.raw(&["join-pane", "-d", "-s", &made[2].pane_id, "-t", "=user:0"]);
    world.raw(&["break-pane", "-d", "-s", &made[2].pane_id, "-n", "out", "-t", "=other:"]);
    world.raw(&["rename-session", "-t", "=user", "mine"]);
    world.raw(&["new-session", "-d", "-t", "=mine", "-s", "view"]);

    let listing = world.list();
    let of = |at: usize| pane_of(&listing, &runs[at]).unwrap();
    assert_eq!(of(1).session_name, "other");
    assert_ne!(of(2).window_id, made[2].window_id);
    let mut sessions = of(3).linked.clone();
    sessions.push(of(3).session_name.clone());
    sessions.sort();
    assert_eq!(sessions, ["mine", "view"]);
    assert_eq!(listing.panes.len(), 6, "each pane once");
    for run in &runs {
        holds(&world, run);
    }
}

#[test]
fn windows_with_one_label_are_two_runs() {
    let world = World::with_conf("");
    world.raw(&["new-window", "-d", "-t", "=user:", "-n", "TASK-1-review", "sleep 300"]);
    let (one, two) = (world.run(1), world.run(2));
    world.create("user", &one).unwrap();
    world.create("user", &two).unwrap();
    holds(&world, &one);
    assert!(world.pane(&two).is_some());
    holds(&world, &two);
    assert_eq!(world.list().panes.len(), 2);
}

#[test]
fn a_creation_that_fails_midway_leaves_the_users_panes_alone() {
    // The window is closed before its options are set: the last window is the user's again.
    let world = World::with_conf("set-hook -g after-new-window 'kill-window -t \"=user:{end}\"'");
    let before = world.options("=user:0");
    let _ = world.create("user", &world.run(1));
    assert_eq!(world.list().panes.len(), 1);
    assert_eq!(world.options("=user:0"), before);
    assert_eq!(world.raw(&["show-options", "-t", "=user:"]), "");
}

#[test]
fn attaching_shows_the_window_and_switching_moves_only_that_client() {
    let world = World::with_conf("");
    world.raw(&["new-session", "-d", "-s", "other", "sleep 300"]);
    let (one, two) = (world.run(1), world.run(2));
    let first = world.create("work", &one).unwrap();
    let second = world.create("work", &two).unwrap();
    let user = world.raw(&["display-message", "-p", "-t", "=user:", "#{pane_id}"]);

    // A terminal to attach in is a pane of another server. (A control client would need none,
    // but a tmux 3.3a may crash while one attaches.)
    let terminals = World::with_conf("");
    let attach = |session: &str, window: Option<&str>| {
        let mut args = ["new-window", "-d", "-t", "=user:", "--", "env", "-u", "TMUX"].map(str::to_owned).to_vec();
        args.extend(world.tmux.attach_argv(session, window));
        terminals.raw(&args.iter().map(String::as_str).collect::<Vec<_>>());
    };
    attach("user", None);
    attach("work", Some(&second.window_id));
    let shows = |window: &str| world.tmux.clients().unwrap().iter().filter(|it| it.window_id == window).count();
    wait_until("both clients", || world.tmux.clients().unwrap().len() == 2);
    wait_until("the second window", || shows(&second.window_id) == 1);
    assert!(world.tmux.clients().unwrap().iter().all(|client| !client.control_mode && client.tty.starts_with('/')));

    world.tmux.switch_client(ClientOf::Pane(user.trim()), "work", Some(&first.window_id)).unwrap();
    wait_until("the switch", || shows(&first.window_id) >= 1);
    let sessions: Vec<_> = world.tmux.clients().unwrap().into_iter().map(|client| client.session_name).collect();
    assert_eq!(sessions, ["work", "work"]);
    assert!(world.tmux.switch_client(ClientOf::Pane(user.trim()), "wor", None).is_err());
    assert!(world.tmux.switch_client(ClientOf::Pane(user.trim()), "other", Some(&first.window_id)).is_err());
}

//! Creating windows, and finding them again.

use std::fs;
use std::time::Duration;

use crate::os::tmux::tests::world::{World, pane_of, request, wait_until, write_program};
use crate::os::tmux::{CreateWindow, Tmux, TmuxError};

#[test]
fn the_first_window_brings_server_and_session_and_the_next_joins() {
    let world = World::new();
    assert_eq!(world.list().server, None);
    let (one, two) = (world.run(1), world.run(2));

    let first = world.create("work", &one).unwrap();
    let second = world.create("work", &two).unwrap();
    assert!(first.made_session && !second.made_session);

    let listing = world.list();
    let server = listing.server.clone().unwrap();
    assert_eq!((server.pid, server.start_time), (first.server_pid, first.server_start));
    assert!(server.parsed_version().unwrap().is_supported());
    assert_eq!(listing.panes.len(), 2);
    for (run, created) in [(&one, &first), (&two, &second)] {
        let pane = pane_of(&listing, run).unwrap();
        assert_eq!((&pane.pane_id, &pane.window_id), (&created.pane_id, &created.window_id));
        assert_eq!((pane.session_name.as_str(), pane.dead), ("work", None));
        assert!(world.options(&created.pane_id).contains("remain-on-exit on"));
        let shown = ["display-message", "-p", "-t", &created.pane_id, "#{window_name} #{pane_start_path}"];
        assert_eq!(world.raw(&shown).trim(), "TASK-1-review /");
    }
    assert_eq!(world.raw(&["show-options", "-g", "-w", "remain-on-exit"]).trim(), "remain-on-exit off");
}

#[test]
fn a_session_is_never_taken_for_its_prefix_or_a_window() {
    let world = World::with_conf("");
    world.raw(&["new-session", "-d", "-s", "work-2", "-n", "work", "sleep 300"]);
    let run = world.run(1);
    assert!(world.create("work", &run).unwrap().made_session);
    assert_eq!(world.pane(&run).unwrap().session_name, "work");
    for name in ["", "a.b", "a:b", "a\\b", "a\nb", "$0", "a#[b"] {
        assert!(matches!(world.create(name, &run), Err(TmuxError::SessionName { .. })), "{name:?}");
    }
    let run = world.run(2);
    world.create("c# 100% é", &run).unwrap();
    assert_eq!(world.pane(&run).unwrap().session_name, "c# 100% é");
    assert!(!world.create("c# 100% é", &world.run(3)).unwrap().made_session);
}

#[test]
fn twenty_starters_into_a_missing_session_make_one_session_and_twenty_windows() {
    let world = World::new();
    let runs: Vec<_> = (0..20).map(|number| world.run(number)).collect();
    let made = std::thread::scope(|scope| {
        let threads: Vec<_> = runs.iter().map(|run| scope.spawn(|| world.create("work", run).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|created| created.made_session).count()
    });
    assert_eq!(made, 1);
    assert_eq!(world.raw(&["list-sessions", "-F", "#{session_name}"]), "work\n");
    let listing = world.list();
    assert_eq!(listing.panes.len(), 20);
    for run in &runs {
        let pane = pane_of(&listing, run).unwrap();
        assert!(world.options(&pane.pane_id).contains("remain-on-exit on"));
    }
}

#[test]
fn a_window_is_made_while_its_server_ends() {
    let world = World::new();
    for number in 0..10 {
        let run = world.run(number);
        world.create("work", &run).unwrap();
        assert!(world.pane(&run).is_some());
        world.raw(&["kill-server"]);
    }
}

#[test]
fn a_killed_servers_socket_is_no_server() {
    let world = World::new();
    world.create("work", &world.run(1)).unwrap();
    world.signal(world.server_pid(), rustix::process::Signal::KILL);
    wait_until("the server's end", || world.list().server.is_none());
    assert!(world.tmux.socket().exists(), "the socket file stays");
    assert_eq!(world.tmux.clients().unwrap(), []);
    let run = world.run(2);
    assert_eq!(world.tmux.kill_panes(&[("%0", &run.id)]).unwrap(), [crate::os::tmux::Killed::Refused]);
    assert!(world.create("work", &run).unwrap().made_session);
    assert!(world.pane(&run).is_some());
}

#[test]
fn a_server_without_sessions_is_a_server_without_panes() {
    let world = World::with_conf("set -g exit-empty off");
    world.raw(&["kill-session", "-t", "=user:"]);
    let listing = world.list();
    assert!(listing.server.is_some() && listing.panes.is_empty());
    assert!(world.create("work", &world.run(1)).unwrap().made_session);
}

#[test]
fn a_server_that_does_not_answer_is_unknown() {
    let world = World::new();
    let run = world.run(1);
    let created = world.create("work", &run).unwrap();
    world.signal(created.server_pid, rustix::process::Signal::STOP);
    let tmux = world.tmux.clone().with_bound(Duration::from_millis(100));
    let other = world.run(2);
    let errors = [
        tmux.list().map(drop).unwrap_err(),
        tmux.create_window(&request("work", &other), None).map(drop).unwrap_err(),
        tmux.kill_panes(&[(&created.pane_id, &run.id)]).map(drop).unwrap_err(),
        tmux.capture(&created.pane_id, &run.id).map(drop).unwrap_err(),
    ];
    world.signal(created.server_pid, rustix::process::Signal::CONT);
    for error in errors {
        assert!(matches!(&error, TmuxError::Unknown { stderr, .. } if stderr.contains("no answer")), "{error}");
    }
}

#[test]
fn two_servers_do_not_see_each_other() {
    let (left, right) = (World::new(), World::new());
    let (mine, theirs) = (left.run(1), right.run(1));
    let one = left.create("work", &mine).unwrap();
    let two = right.create("work", &theirs).unwrap();
    assert_eq!(one.pane_id, two.pane_id);
    assert_ne!(one.server_pid, two.server_pid);
    assert!(left.pane(&mine).is_some() && left.pane(&theirs).is_none());
}

#[test]
fn paths_arrive_byte_for_byte() {
    let world = World::new();
    let runs = [
        "a b/'q' \"d\"",
        "#{pid}/##/#(touch made)",
        "a;b;/;",
        "$HOME/~/`id`/$(id)",
        "\\n\\/back\\",
        "{x}%h*?[y]",
        "ümläut\t\u{1f600}\n!",
    ];
    for (number, below) in runs.iter().enumerate() {
        let run = world.run_in(below, u32::try_from(number).unwrap());
        let home = run.folder.parent().unwrap();
        let program = write_program(home, if number == 0 { "it's #{pid};" } else { "pro gram;" });
        let request = CreateWindow { program: &program, ..request("work", &run) };
        let created = world.tmux.create_window(&request, world.tmux.warm_client()).unwrap();
        let pane = world.pane(&run).unwrap_or_else(|| panic!("{below:?} is not found: {:?}", world.list()));
        assert_eq!(pane.pane_id, created.pane_id);
        // It runs, so `execvp` found it under that name.
        let text = || world.tmux.capture(&pane.pane_id, &run.id).unwrap().unwrap();
        wait_until("its first line", || text() == "here i am");
        // A path that passes tmux's and the shell's quoting gets a wake-up, any other none.
        world.signal(pane.pid, rustix::process::Signal::TERM);
        world.wait_dead(&run);
        if !below.contains('\n') {
            let noted = || fs::read_to_string(run.folder.join("ended")).unwrap_or_default();
            wait_until("the wake-up", || noted().ends_with('\n'));
            assert_eq!(noted().trim_end(), run.folder.to_str().unwrap());
        }
    }
}

#[test]
fn a_socket_path_that_no_address_holds_is_named() {
    let tmux = Tmux::new(format!("/tmp/{}", "x".repeat(120)).into());
    assert!(matches!(tmux.list(), Err(TmuxError::SocketPathTooLong { .. })));
}

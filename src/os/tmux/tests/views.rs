//! Views of one window, beside the user's own terminals.

use std::ffi::OsString;
use std::path::Path;

use rustix::process::Signal;

use crate::os::pty::{Pty, Size};
use crate::os::tmux::tests::world::{Run, World, program, wait_until};
use crate::os::tmux::{Access, Client, PaneLocation, client_environment};

/// A terminal and its output so far.
struct Terminal {
    pty: Pty,
    seen: String,
}

impl Terminal {
    fn open(argv: &[OsString], cols: u16, rows: u16) -> Self {
        let size = Size::clamped(cols, rows);
        let pty = Pty::open(program(), argv, &client_environment(), size).unwrap();
        Self { pty, seen: String::new() }
    }

    /// Reads the available output. `false` at its end.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        loop {
            match self.pty.read(&mut bytes) {
                Ok(0) => return false,
                Ok(count) => self.seen.push_str(&String::from_utf8_lossy(&bytes[..count])),
                Err(_) => return true,
            }
        }
    }

    fn wait_for(&mut self, text: &str) {
        wait_until(text, || {
            self.read();
            self.seen.contains(text)
        });
    }

    fn wait_end(&mut self) {
        wait_until("the end of a terminal", || !self.read());
    }

    fn resize(&self, cols: u16, rows: u16) {
        self.pty.resize(Size::clamped(cols, rows)).unwrap();
    }
}

impl World {
    fn place(&self, run: &Run) -> PaneLocation {
        self.tmux.pane_location(&run.id, Some("user")).unwrap().unwrap()
    }

    fn view(&self, run: &Run, access: Access, cols: u16, rows: u16) -> Terminal {
        self.opened(run, &self.tmux.view_argv(&self.place(run), &run.id, access), cols, rows)
    }

    /// A terminal of the user's.
    fn terminal(&self, run: &Run) -> Terminal {
        let view = self.tmux.terminal_view(&self.place(run), &run.id, Path::new("tmux"));
        self.opened(run, &view.argv, 80, 24)
    }

    fn opened(&self, run: &Run, argv: &[OsString], cols: u16, rows: u16) -> Terminal {
        let before = self.views().len();
        let terminal = Terminal::open(argv, cols, rows);
        // Its commands are one list; the server has run all of it when it replies again.
        wait_until("a view", || self.views().len() > before && self.shown(run) > before);
        self.raw(&["list-sessions"]);
        terminal
    }

    /// The user's own terminal on the session `user`, which shows its window `@N`.
    fn user(&self, window: &str, cols: u16, rows: u16) -> Terminal {
        let argv: Vec<OsString> = self.tmux.attach_argv("user", Some(window)).into_iter().map(OsString::from).collect();
        let terminal = Terminal::open(&argv, cols, rows);
        wait_until("the user's terminal", || self.clients_of("user").len() == 1);
        terminal
    }

    fn clients_of(&self, session: &str) -> Vec<Client> {
        self.tmux.clients().unwrap().into_iter().filter(|client| client.session_name.starts_with(session)).collect()
    }

    /// How many views of ours show the run's window.
    fn shown(&self, run: &Run) -> usize {
        let window = self.place(run).window_id;
        self.clients_of("dispatch-").iter().filter(|client| client.window_id == window).count()
    }

    fn views(&self) -> Vec<String> {
        let sessions = self.raw(&["list-sessions", "-F", "#{session_name}"]);
        sessions.lines().filter(|name| name.starts_with("dispatch-")).map(str::to_owned).collect()
    }

    fn wait_size(&self, run: &Run, cols: u16, rows: u16) {
        wait_until(&format!("{cols}x{rows}, not {:?}", self.place(run)), || {
            let place = self.place(run);
            (place.cols, place.rows) == (cols, rows)
        });
    }

    fn with_run() -> (Self, Run) {
        let world = Self::with_conf("set -g detach-on-destroy off");
        let run = world.run(1);
        std::fs::write(run.folder.join("reads"), "").unwrap();
        world.create("user", &run).unwrap();
        (world, run)
    }
}

#[test]
fn alone_a_view_shows_types_and_decides_the_size() {
    let (world, run) = World::with_run();
    let mut view = world.view(&run, Access::Write, 90, 30);
    world.wait_size(&run, 90, 30);
    view.pty.write(b"hello there\r").unwrap();
    view.wait_for("hello there");
    view.resize(70, 20);
    world.wait_size(&run, 70, 20);
    assert!(!world.views()[0].contains(&run.id.to_string()) && world.views()[0].starts_with("dispatch-view-"));
}

#[test]
fn a_view_moves_and_resizes_nobody() {
    let (world, run) = World::with_run();
    let mine = world.raw(&["display-message", "-p", "-t", "=user:mine", "#{window_id}"]).trim().to_owned();
    let mut user = world.user(&mine, 100, 31);
    let place = world.place(&run);
    let shown = |world: &World| world.clients_of("user")[0].window_id.clone();

    // The user's terminal shows another window: the view decides the size of its own.
    let mut view = world.view(&run, Access::Write, 90, 30);
    world.wait_size(&run, 90, 30);
    assert_eq!(shown(&world), mine);
    view.pty.write(b"one\r").unwrap();
    view.wait_for("one");
    view.resize(80, 20);
    world.wait_size(&run, 80, 20);
    assert_eq!(shown(&world), mine);

    // The user's terminal shows the window too, so it decides the size.
    world.raw(&["select-window", "-t", &format!("=user:{}", place.window_id)]);
    user.pty.write(b"x").unwrap();
    world.wait_size(&run, 100, 30);
    user.wait_for("x");
    view.pty.write(b"two\r").unwrap();
    view.wait_for("two");
    world.wait_size(&run, 100, 30);
    view.resize(60, 10);
    wait_until("the new size", || world.raw(&["list-clients", "-F", "#{client_width}"]).contains("60"));
    world.raw(&["list-sessions"]);
    world.wait_size(&run, 100, 30);

    // Another view with input, and one without.
    let mut second = world.view(&run, Access::Write, 50, 12);
    let mut reader = world.view(&run, Access::Read, 40, 11);
    second.pty.write(b"three\r").unwrap();
    second.wait_for("three");
    reader.pty.write(b"never\r").unwrap();
    reader.read();
    world.raw(&["list-sessions"]);
    world.wait_size(&run, 100, 30);
    let screen = world.tmux.capture(&place.pane_id, &run.id).unwrap().unwrap();
    assert!(screen.contains("three") && !screen.contains("never"), "{screen}");

    // The user's terminal leaves the window, and the view had the last input.
    drop((second, reader));
    view.pty.write(b"four\r").unwrap();
    view.wait_for("four");
    world.wait_size(&run, 100, 30);
    world.raw(&["select-window", "-t", &format!("=user:{mine}")]);
    view.resize(61, 12);
    world.wait_size(&run, 61, 12);
    assert_eq!(shown(&world), mine);
}

#[test]
fn a_view_goes_with_its_terminal_however_that_ends() {
    let (world, run) = World::with_run();
    for round in 0..30 {
        let access = if round % 2 == 0 { Access::Write } else { Access::Read };
        drop(world.view(&run, access, 80, 24));
    }
    wait_until("no views", || world.views().is_empty());
    let _view = world.view(&run, Access::Write, 80, 24);
    world.signal(world.clients_of("dispatch-")[0].pid, Signal::KILL);
    wait_until("no views", || world.views().is_empty());
    assert!(world.pane(&run).is_some(), "the window stays");
    assert_eq!(world.list().panes.len(), 2, "nothing else was made");
    assert_eq!(world.raw(&["show-options", "-t", "=user:"]), "");
}

#[test]
fn a_view_goes_when_its_owner_is_killed() {
    let (world, run) = World::with_run();
    let argv = world.tmux.view_argv(&world.place(&run), &run.id, Access::Write);
    let line = shell_words::join(argv.iter().map(|word| word.to_str().unwrap()));
    // `script` owns a pty as our server does.
    let owner = ["script", "-qfc", &format!("exec {line}"), "/dev/null"].map(OsString::from);
    let _outer = Terminal::open(&owner, 80, 24);
    wait_until("a view", || world.shown(&run) == 1);
    let client = world.clients_of("dispatch-view-")[0].pid;
    let status = std::fs::read_to_string(format!("/proc/{client}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap();
    world.signal(parent, Signal::KILL);
    wait_until("no views", || world.views().is_empty());
    assert!(world.pane(&run).is_some(), "the window stays");
}

#[test]
fn a_view_ends_with_its_window_and_shows_no_other() {
    let (world, run) = World::with_run();
    world.create("user", &world.run(2)).unwrap();
    let mut view = world.view(&run, Access::Write, 80, 24);
    let pane = world.place(&run).pane_id;
    world.tmux.kill_panes(&[(&pane, &run.id)]).unwrap();
    view.wait_end();
    assert_eq!(world.tmux.clients().unwrap(), []);
    assert_eq!(world.views(), Vec::<String>::new());
}

#[test]
fn a_window_is_found_where_it_was_moved_to() {
    let (world, run) = World::with_run();
    world.raw(&["new-session", "-d", "-s", "o#th'er", "sleep 300"]);
    let before = world.place(&run);
    assert_eq!((before.session_name.as_str(), before.is_dead), ("user", false));
    world.raw(&["move-window", "-d", "-s", &before.window_id, "-t", "=o#th'er:7"]);
    let moved = world.place(&run);
    assert_eq!(moved.session_name, "o#th'er");
    let mut view = world.view(&run, Access::Write, 80, 24);
    view.pty.write(b"hello\r").unwrap();
    view.wait_for("hello");
    // A view is not the run's own session.
    assert_eq!(world.place(&run).session_name, "o#th'er");

    let mut late = Terminal::open(&world.tmux.view_argv(&before, &run.id, Access::Write), 80, 24);
    late.wait_end();
    assert!(late.seen.contains("dispatch-left"), "{}", late.seen);
    assert_eq!(world.tmux.pane_location(&world.run(9).id, None).unwrap(), None);
    assert_eq!(World::new().tmux.pane_location(&run.id, None).unwrap(), None, "no server, no place");
}

#[test]
fn a_terminal_of_the_users_sees_the_whole_session() {
    let (world, run) = World::with_run();
    world.create("user", &world.run(2)).unwrap();
    let terminal = world.terminal(&run);
    let windows = world.raw(&["list-windows", "-t", &format!("={}:", world.views()[0]), "-F", "#{window_id}"]);
    assert_eq!(windows.lines().count(), 3);
    assert_eq!(world.clients_of("dispatch-terminal-")[0].window_id, world.place(&run).window_id);
    drop(terminal);
    wait_until("no views", || world.views().is_empty());
    assert_eq!(world.list().panes.len(), 3);
}

#[test]
fn a_view_that_is_told_to_leave_takes_no_server_down() {
    let (world, run) = World::with_run();
    let pid = || world.raw(&["list-sessions", "-F", "#{pid}"]).lines().next().map(str::to_owned);
    let server = pid();
    for round in 0..5 {
        let _terminal = world.terminal(&run);
        let tty = world.clients_of("dispatch-")[0].tty.clone();
        // Sent by a client that exits before it runs.
        world.raw(&["detach-client", "-t", &tty]);
        wait_until("no views", || world.views().is_empty());
        assert_eq!(pid(), server, "round {round}");
    }
    assert!(world.pane(&run).is_some(), "the window stays");
}

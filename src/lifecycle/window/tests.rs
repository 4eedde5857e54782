//! Windows of runs on a real tmux server: observed, typed into and shown.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

use crate::lifecycle::store::Store;
use crate::lifecycle::window::send::{self, SendError, Sent};
use crate::lifecycle::window::terminal::{self, Access, TerminalError, WindowTerminal};
use crate::lifecycle::window::{self, WindowError};
use crate::model::message::Message;
use crate::model::names::{ModeName, TaskId};
use crate::model::run::{Progress, Run, RunFacts};
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_state::{EndState, RunState, UnknownWhy, WaitingFor};
use crate::os::clock::{self, Stopwatch};
use crate::os::pty::{Pty, Size};
use crate::os::tmux::{CreateWindow, Tmux, client_environment};

/// Replaces `dispatch` in a window and on a pty: a unit test has no such executable.
const PROGRAM: &str = "#!/bin/sh\ncase \"$1\" in\n__exec) exec cat ;;\n__pty) shift; exec setsid -c \"$@\" ;;\nesac\n";

/// One run with its window, with its own state folder and tmux server.
struct Stage {
    folder: TempDir,
    store: Store,
    tmux: Tmux,
    run: Run,
}

impl Stage {
    /// The size of the run's window.
    fn size(&self) -> Size {
        window::window_of(&self.run).unwrap().size()
    }

    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("win").tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, PROGRAM).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let store = Store::create(&folder.path().join("state")).unwrap();
        let tmux = Tmux::new(folder.path().join("sock"));
        let stage = Self { run: run(&tmux, 1), folder, store, tmux };
        stage.tmux(&["-f", "/dev/null", "new-session", "-d", "-s", "work", "-n", "mine", "sleep 300"]);
        fs::create_dir_all(stage.store.folder(stage.run.id()).path()).unwrap();
        stage.create(&stage.run);
        stage
    }

    fn create(&self, run: &Run) -> String {
        let folder = self.store.folder(run.id());
        let request = CreateWindow {
            session: "work",
            label: "TASK-1-talk",
            program: &self.program(),
            run: run.id(),
            run_folder: folder.path(),
            replace: None,
            ended_word: None,
            bell_word: None,
        };
        self.tmux.create_window(&request, None).unwrap().window_id
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    fn tmux(&self, args: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.tmux.socket()).arg("-u").args(args);
        let output = command.env_remove("TMUX").env_remove("TMUX_PANE").stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn open(&self, access: Access) -> WindowTerminal {
        terminal::open_terminal_by(&self.program(), &self.run, access, (90, 30)).unwrap()
    }

    /// A terminal of the user on the session `work`.
    fn users(&self) -> Pty {
        let before = self.tmux.clients().unwrap().len();
        let argv: Vec<OsString> = self.tmux.attach_argv("work", None).into_iter().map(OsString::from).collect();
        let pty = Pty::open(&self.program(), &argv, &client_environment(), Size::clamped(100, 30)).unwrap();
        wait_until("the user's terminal", || self.tmux.clients().unwrap().len() > before);
        pty
    }

    /// The windows that the user's terminals show.
    fn shown(&self) -> Vec<String> {
        let clients = self.tmux.clients().unwrap().into_iter();
        clients.filter(|client| !client.is_view()).map(|client| client.window_id).collect()
    }

    fn screen(&self) -> String {
        let pane = window::window_of(&self.run).unwrap().place.pane_id;
        self.tmux.capture(&pane, self.run.id()).unwrap().unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The server may have ended with its last window.
        let mut command = Command::new("tmux");
        let _ = command.arg("-S").arg(self.tmux.socket()).arg("kill-server").stderr(Stdio::null()).status();
    }
}

fn run(tmux: &Tmux, number: u32) -> Run {
    let facts = RunFacts {
        run_id: RunId::parse(&format!("{number:026}")).unwrap(),
        mode: ModeName::parse("talk").unwrap(),
        task: TaskId::parse("TASK-1").unwrap(),
        form: RunForm::Interactive,
        protocol: crate::model::protocol::Protocol::Text,
        session: Some("work".to_owned()),
        socket: Some(tmux.socket().to_owned()),
        cwd: "/".into(),
        created_at: clock::now(),
        parent_run: None,
        session_id: None,
        agent: None,
        started_by: None,
        by_up: false,
        exclusive: false,
        slots: 0,
        executor: None,
        spec_fingerprint: None,
    };
    Run { facts, state: RunState::Running, progress: Progress::default(), end: None }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Stopwatch::start();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "gave up waiting: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Reads until `text` appears or the end is reached, waiting on the descriptor.
fn until(terminal: &WindowTerminal, text: &str) -> String {
    let mut seen = String::new();
    let begun = Stopwatch::start();
    let mut bytes = [0; 4096];
    while !seen.contains(text) {
        assert!(begun.elapsed() < Duration::from_secs(10), "gave up waiting for `{text}`: {seen}");
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        poll(&mut [PollFd::from_borrowed_fd(terminal.as_fd(), PollFlags::IN)], Some(&second)).unwrap();
        match terminal.read(&mut bytes) {
            Ok(0) => return seen + "(end)",
            Ok(count) => seen.push_str(&String::from_utf8_lossy(&bytes[..count])),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    seen
}

#[test]
fn a_terminal_shows_types_and_resizes_and_ends_with_its_window() {
    let stage = Stage::new();
    let mut terminal = stage.open(Access::Write);
    assert_eq!(terminal.size, Size::clamped(90, 30));
    wait_until("its size", || stage.size() == Size::clamped(90, 30));
    terminal.write(b"hello\r").unwrap();
    until(&terminal, "hello");
    terminal.resize(0, 20).unwrap();
    assert_eq!(terminal.size, Size::clamped(1, 20));
    terminal.resize(70, 20).unwrap();
    wait_until("its size", || stage.size() == Size::clamped(70, 20));
    // tmux must not show the other window of the session instead.
    stage.tmux(&["kill-window", "-t", &window::window_of(&stage.run).unwrap().place.pane_id]);
    assert!(until(&terminal, "never to be seen").ends_with("(end)"));
    let gone = window::window_of(&stage.run).unwrap_err();
    assert!(matches!(gone, WindowError::Gone { .. }), "{gone}");
}

#[test]
fn a_terminal_to_look_at_cannot_type_and_has_the_windows_size() {
    let stage = Stage::new();
    let mut terminal = stage.open(Access::Read);
    // The width of the session.
    let size = stage.size();
    assert_eq!(terminal.size, size);
    assert_eq!(terminal.write(b"never\r").unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(terminal.resize(10, 10).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(
        send::send(&stage.store, &stage.run, &Message::parse(b"-x; hello".to_vec()).unwrap()).unwrap(),
        Sent::Typed
    );
    until(&terminal, "-x; hello");
    assert_eq!(stage.size(), size);
    assert!(!stage.screen().contains("never"));
}

#[test]
fn what_has_no_window_says_why() {
    let stage = Stage::new();
    let of = |change: &dyn Fn(&mut Run)| {
        let mut run = stage.run.clone();
        change(&mut run);
        let error = terminal::open_terminal_by(&stage.program(), &run, Access::Write, (80, 24)).unwrap_err();
        let TerminalError::Window(error) = error else { panic!("{error}") };
        let sent = send::send(&stage.store, &run, &Message::parse(b"never".to_vec()).unwrap()).unwrap_err();
        assert!(matches!(sent, SendError::Window(told) if told == error));
        error
    };
    let pair = stage.run.pair();
    assert_eq!(of(&|run| run.facts.form = RunForm::Headless), WindowError::Headless { pair: pair.clone() });
    let not_running = WindowError::NotRunning { pair: pair.clone() };
    assert_eq!(of(&|run| run.state = RunState::Ended(EndState::Failed)), not_running);
    assert_eq!(of(&|run| run.state = RunState::Queued(WaitingFor::Gate)), not_running);
    let why = UnknownWhy::Foreign;
    assert_eq!(
        of(&|run| run.state = RunState::Unknown(UnknownWhy::Foreign)),
        WindowError::Unknown { pair: pair.clone(), why }
    );
    let gone = WindowError::Gone { pair };
    assert_eq!(of(&|run| run.facts.run_id = RunId::parse(&format!("{:026}", 7)).unwrap()), gone);
    assert_eq!(of(&|run| run.facts.socket = Some("/no/such/socket".into())), gone);
    assert_eq!(stage.screen(), "");
}

#[test]
fn the_only_terminal_of_the_user_is_switched_and_two_are_left_alone() {
    let stage = Stage::new();
    let window = window::window_of(&stage.run).unwrap();
    let at = window.place.window_id.clone();
    assert!(window.focus(&stage.run).unwrap().is_none(), "there is none");
    // A client of a program is no terminal of the user.
    let _view = stage.open(Access::Write);
    wait_until("a view", || stage.tmux.clients().unwrap().len() == 1);
    assert!(window.focus(&stage.run).unwrap().is_none());

    let _one = stage.users();
    assert_ne!(stage.shown()[0], at);
    assert!(window.focus(&stage.run).unwrap().is_some());
    assert_eq!(stage.shown()[0], at);
    assert!(window.focus(&stage.run).unwrap().is_some(), "it is shown already");

    stage.tmux(&["new-session", "-d", "-s", "other", "sleep 300"]);
    let _two = stage.users();
    stage.tmux(&["select-window", "-t", "=work:mine"]);
    let before = stage.shown();
    assert_eq!(before.len(), 2);
    assert!(window.focus(&stage.run).unwrap().is_none(), "nobody knows which");
    assert_eq!(stage.shown(), before);
}

#[test]
fn thirty_terminals_leave_nothing_behind() {
    let stage = Stage::new();
    let ours = || {
        let links = fs::read_dir("/proc/self/fd").unwrap().flatten();
        links.filter_map(|link| fs::read_link(link.path()).ok()).filter(|to| to.ends_with("ptmx")).count()
    };
    let before = ours();
    let all: Vec<WindowTerminal> =
        (0..30).map(|n| stage.open(if n % 2 == 0 { Access::Read } else { Access::Write })).collect();
    wait_until("thirty views", || stage.tmux.clients().unwrap().len() == 30);
    assert!(ours() >= 30);
    drop(all);
    wait_until("no views", || stage.tmux(&["list-sessions", "-F", "#{session_name}"]) == "work\n");
    // Concurrent tests open and close terminals too.
    wait_until("no descriptors", || ours() <= before);
    assert!(window::window_of(&stage.run).is_ok(), "the window stays");
}

//! One tmux server in a temporary folder, killed at the end of the test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::model::run_id::RunId;
use crate::os::tmux::{CreateWindow, Created, Dead, Listing, Pane, Tmux, TmuxError};

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) tmux: Tmux,
}

/// A run as a test needs it.
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) folder: PathBuf,
}

/// In place of `dispatch`: waits, or ends as the run folder says; records wake-ups.
const PROGRAM: &str = r#"#!/bin/sh
case "$1" in
__exec)
    [ -f "$2/exit" ] && exit "$(cat "$2/exit")"
    [ -f "$2/signal" ] && kill -"$(cat "$2/signal")" $$
    echo here i am
    [ -f "$2/reads" ] && exec tee "$2/typed"
    exec sleep 300 ;;
__pty) shift; exec setsid -c "$@" ;;
__ended) printf '%s\n' "$2" >> "$2/ended" ;;
esac
"#;

pub(super) fn program() -> &'static Path {
    static FOLDER: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = write_program(folder.path(), "program");
        (folder, path)
    });
    path
}

pub(super) fn write_program(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, PROGRAM).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// Waits for a condition, not for a time.
pub(super) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "gave up waiting: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl World {
    /// No server yet.
    pub(super) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tmux").tempdir().unwrap();
        let tmux = Tmux::new(folder.path().join("sock"));
        Self { folder, tmux }
    }

    /// A server with this configuration and the user's session `user`.
    pub(super) fn with_conf(conf: &str) -> Self {
        let world = Self::new();
        let path = world.folder.path().join("conf");
        fs::write(&path, conf).unwrap();
        let path = path.to_str().unwrap();
        world.raw(&["-f", path, "new-session", "-d", "-s", "user", "-n", "mine", "sleep 300"]);
        world
    }

    /// Runs tmux as a user would. Panics if it fails.
    pub(super) fn raw(&self, args: &[&str]) -> String {
        let output = self.raw_command(args).output().unwrap();
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(super) fn raw_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.tmux.socket()).arg("-u").args(args);
        command.env_remove("TMUX").env_remove("TMUX_PANE").stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self, number: u32) -> Run {
        self.run_in("runs", number)
    }

    pub(super) fn run_in(&self, below: &str, number: u32) -> Run {
        let id = RunId::parse(&format!("{number:026}")).unwrap();
        let folder = self.folder.path().join(below).join(id.as_str());
        fs::create_dir_all(&folder).unwrap();
        Run { id, folder }
    }

    pub(super) fn create(&self, session: &str, run: &Run) -> Result<Created, TmuxError> {
        self.tmux.create_window(&request(session, run), self.tmux.warm_client())
    }

    pub(super) fn list(&self) -> Listing {
        self.tmux.list().unwrap()
    }

    pub(super) fn pane(&self, run: &Run) -> Option<Pane> {
        pane_of(&self.list(), run).cloned()
    }

    pub(super) fn wait_dead(&self, run: &Run) -> Pane {
        let reaped = |pane: Pane| pane.dead.is_some_and(Dead::is_reaped);
        wait_until(&format!("the pane's end {:?}", self.pane(run)), || self.pane(run).is_some_and(reaped));
        self.pane(run).unwrap()
    }

    /// All options and hooks of the pane and its window.
    pub(super) fn options(&self, target: &str) -> String {
        ["-p", "-w"]
            .map(|kind| {
                self.raw(&["show-options", kind, "-t", target]) + &self.raw(&["show-hooks", kind, "-t", target])
            })
            .concat()
    }

    pub(super) fn server_pid(&self) -> u32 {
        self.list().server.unwrap().pid
    }

    pub(super) fn signal(&self, pid: u32, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // No server may be running, which is fine.
        let _ = self.raw_command(&["kill-server"]).stderr(Stdio::null()).status();
    }
}

pub(super) fn request<'a>(session: &'a str, run: &'a Run) -> CreateWindow<'a> {
    CreateWindow {
        session,
        label: "TASK-1-review",
        program: program(),
        run: &run.id,
        run_folder: &run.folder,
        replace: None,
        ended_word: Some("__ended"),
        bell_word: None,
    }
}

/// The pane that was started for `run`.
pub(super) fn pane_of<'a>(listing: &'a Listing, run: &Run) -> Option<&'a Pane> {
    listing.panes.iter().find(|pane| pane.run_folder().is_some_and(|found| found == run.folder))
}

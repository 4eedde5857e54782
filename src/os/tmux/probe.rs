//! Checks on a separate server that the installed tmux behaves as we require.
//!
//! The server has a private socket, reads no configuration, and is ended afterwards; if this process is killed, the
//! server ends by itself. Must not touch any other server.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::model::process_id::ProcessId;
use crate::os::clock::Stopwatch;
use crate::os::process::{self, Signal};
use crate::os::tmux::Tmux;
use crate::os::tmux::client::TmuxReply;
use crate::os::tmux::error::TmuxError;

/// The session's name. A target that is only a prefix of it must find nothing.
const SESSION: &str = "dispatch-probe-long";
const PREFIX: &str = "dispatch-probe";
/// Marks the start commands of the windows.
const MARK: &str = "__probe";
/// Time limit until both windows have ended.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The process of the session: after six seconds it assumes that this process was killed, and ends the server.
const HOLD: &str = "sleep 6; rm -f \"$0/s\"; rmdir \"$0\"; kill \"$PPID\"";

/// Which requirements the installed tmux meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TmuxProbe {
    /// `=NAME` finds a session by its whole name only.
    pub exact_targets: bool,
    /// An option set on one window is set on no other.
    pub own_options: bool,
    /// A pane reports its start command, and is killed only if that is as expected.
    pub guarded_kill: bool,
    /// A dead pane reports its exit status.
    pub exit_status: bool,
    /// A dead pane reports its signal.
    pub signal: bool,
}

/// Starts the server and checks each requirement.
pub fn probe() -> Result<TmuxProbe, TmuxError> {
    let scratch = ProbeServer::start()?;
    let exact_targets = !scratch.tmux.client(&["has-session", "-t", &format!("={PREFIX}")])?.ok
        && scratch.tmux.client(&["has-session", "-t", &format!("={SESSION}")])?.ok;
    let option = scratch.tmux.client(&["show-options", "-w", "-v", "-t", &window("holds"), "remain-on-exit"])?;
    let set = scratch.tmux.client(&["show-options", "-w", "-v", "-t", &window("exits"), "remain-on-exit"])?;
    let own_options = option.stdout_text().trim() != "on" && set.stdout_text().trim() == "on";
    let panes = scratch.dead_panes()?;
    let of = |name: &str| panes.iter().find(|pane| pane.window == name);
    let exit_status = of("exits").is_some_and(|pane| pane.status == "7");
    let signal = of("killed").is_some_and(|pane| pane.signal == "9");
    let mut guarded_kill = false;
    if let Some(pane) = of("exits") {
        let guarded = |mark: &str| {
            let is_it = format!("#{{m:*{mark}*,#{{pane_start_command}}}}");
            scratch.tmux.client(&["if-shell", "-F", "-t", &pane.id, &is_it, &format!("kill-pane -t {}", pane.id)])
        };
        let is_there = || Ok::<_, TmuxError>(scratch.panes()?.iter().any(|other| other.id == pane.id));
        guarded("another")?;
        let spared = is_there()?;
        guarded(MARK)?;
        guarded_kill = spared && !is_there()?;
    }
    Ok(TmuxProbe { exact_targets, own_options, guarded_kill, exit_status, signal })
}

fn window(name: &str) -> String {
    format!("={SESSION}:={name}")
}

/// The server. Dropping it ends it.
struct ProbeServer {
    folder: TempDir,
    tmux: Tmux,
    server: Option<ProcessId>,
}

#[derive(Debug)]
struct ProbePane {
    id: String,
    window: String,
    dead: bool,
    status: String,
    signal: String,
}

impl ProbeServer {
    fn start() -> Result<Self, TmuxError> {
        let failed = |error: std::io::Error| TmuxError::Unknown {
            command: "a scratch socket".to_owned(),
            stderr: error.to_string(),
        };
        // In `/tmp`, since a socket's path must be short and TMPDIR may be long.
        let build = || tempfile::Builder::new().prefix("dispatch-").tempdir_in("/tmp");
        let folder = build().or_else(|_| tempfile::tempdir()).map_err(failed)?;
        let tmux = Tmux::new(folder.path().join("s")).with_bound(Duration::from_secs(2));
        let mut scratch = Self { folder, tmux, server: None };
        let reply = scratch.make()?;
        let pid = reply.stdout_text().trim().parse().ok();
        scratch.server = pid.and_then(|pid| process::identify(pid).ok());
        if !reply.ok || scratch.server.is_none() {
            return Err(scratch.tmux.failure("new-session", SESSION, &reply));
        }
        Ok(scratch)
    }

    fn make(&self) -> Result<TmuxReply, TmuxError> {
        let folder: &Path = self.folder.path();
        let folder = folder.to_string_lossy();
        let mut args = vec!["-f", "/dev/null", "new-session", "-d", "-P", "-F", "#{pid}", "-s", SESSION, "-n", "holds"];
        args.extend(["-x", "80", "-y", "24", "/bin/sh", "-c", HOLD, &folder]);
        let session = format!("={SESSION}:");
        let windows =
            [("exits", "exit 7"), ("killed", "kill -KILL $$")].map(|(name, script)| (name, script, window(name)));
        for (name, script, target) in &windows {
            args.extend([";", "new-window", "-d", "-t", &session, "-n", name, "/bin/sh", "-c", script, MARK]);
            args.extend([";", "set-option", "-w", "-t", target, "remain-on-exit", "on"]);
        }
        self.tmux.client(&args)
    }

    fn panes(&self) -> Result<Vec<ProbePane>, TmuxError> {
        let format = "#{pane_id}|#{window_name}|#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}";
        let reply = self.tmux.client(&["list-panes", "-a", "-F", format])?;
        if !reply.ok {
            return Err(self.tmux.failure("list-panes", SESSION, &reply));
        }
        let pane = |line: &str| {
            let mut fields = line.split('|').map(str::to_owned);
            let (id, window) = (fields.next()?, fields.next()?);
            let dead = fields.next()? == "1";
            Some(ProbePane { id, window, dead, status: fields.next()?, signal: fields.next()? })
        };
        Ok(reply.stdout_text().lines().filter_map(pane).collect())
    }

    /// The panes, once both windows have ended and reported how, as far as this tmux can.
    fn dead_panes(&self) -> Result<Vec<ProbePane>, TmuxError> {
        let begun = Stopwatch::start();
        loop {
            let panes = self.panes()?;
            let reported = |pane: &&ProbePane| pane.dead && !(pane.status.is_empty() && pane.signal.is_empty());
            if panes.iter().filter(reported).count() >= 2 || begun.elapsed() > PATIENCE {
                return Ok(panes);
            }
            // tmux before 3.3 never reports a signal: wait for it only for a third of the time limit.
            let dead = panes.iter().filter(|pane| pane.dead).count() >= 2;
            if dead && begun.elapsed() > PATIENCE / 3 {
                return Ok(panes);
            }
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for ProbeServer {
    fn drop(&mut self) {
        let _ = self.tmux.client(&["kill-server"]);
        let Some(server) = &self.server else { return };
        let begun = Stopwatch::start();
        while process::is_alive(server) {
            if begun.elapsed() > Duration::from_millis(500) {
                let _ = process::signal(server, Signal::KILL);
                return;
            }
            sleep(Duration::from_millis(2));
        }
    }
}

//! Runs one tmux client and waits for it, for a limited time.
//!
//! The client may start the server, which outlives us: it gets `/` as folder, no open file, and none of our variables
//! that would make later work appear as part of this run.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::os::clock::Stopwatch;
use crate::os::process::bounded::KillOnDrop;
use crate::os::process::pipe_pump::PipePump;
use crate::os::tmux::Tmux;
use crate::os::tmux::error::TmuxError;

/// Longest path in `sun_path` with its NUL, in bytes.
const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// What a client printed.
#[derive(Debug)]
pub(super) struct TmuxReply {
    pub(super) ok: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl TmuxReply {
    pub(super) fn is_from_an_ending_server(&self) -> bool {
        !self.ok && ClientFailure::read(&self.stderr) == ClientFailure::ServerEnds
    }

    pub(super) fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Tmux {
    /// Runs `tmux -S SOCKET -u ARGS`. Returns `Ok` whatever its exit status.
    pub(super) fn client<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<TmuxReply, TmuxError> {
        self.client_from(None, args)
    }

    /// As [`Tmux::client`], for a query: while the server is exiting, it is repeated until no server or another one
    /// runs.
    pub(super) fn query<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<TmuxReply, TmuxError> {
        let mut pause = Duration::from_millis(2);
        loop {
            let reply = self.client(args)?;
            if !reply.is_from_an_ending_server() || pause > Duration::from_millis(100) {
                return Ok(reply);
            }
            sleep(pause);
            pause *= 2;
        }
    }

    /// The stdout of a query about `session` (empty: about the server); `None` if the server or the session does not
    /// exist. Fails if tmux fails in another way.
    pub(super) fn query_text(&self, session: &str, args: &[&str]) -> Result<Option<String>, TmuxError> {
        let reply = self.query(args)?;
        match ClientFailure::read(&reply.stderr) {
            _ if reply.ok => Ok(Some(reply.stdout_text())),
            ClientFailure::NoServer | ClientFailure::NoSession => Ok(None),
            _ => Err(self.failure(args.first().unwrap_or(&""), session, &reply)),
        }
    }

    /// As [`Tmux::client`], acting for the client that shows the pane `from`.
    pub(super) fn client_from<S: AsRef<OsStr>>(&self, from: Option<&str>, args: &[S]) -> Result<TmuxReply, TmuxError> {
        self.start_client(from, args, Stdio::null())?.finish(b"")
    }

    /// Starts a client whose reply is read later, by [`RunningClient::finish`].
    pub(super) fn start_client<S: AsRef<OsStr>>(
        &self,
        from: Option<&str>,
        args: &[S],
        input: Stdio,
    ) -> Result<RunningClient, TmuxError> {
        self.check_socket_path()?;
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).arg("-u").args(args);
        // Only a server that it starts stays in this folder. A `Command` with a folder forks instead of spawning, which
        // takes twice as long.
        if args.first().is_some_and(|word| word.as_ref() == "new-session") {
            command.current_dir("/");
        }
        scrub(&mut command, std::env::vars_os().map(|(name, _)| name));
        if let Some(pane) = from {
            command.env("TMUX_PANE", pane);
        }
        let name = args.first().map(|arg| arg.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        RunningClient::start(&mut command, input, self.bound, name)
    }

    pub(super) fn check_socket_path(&self) -> Result<(), TmuxError> {
        if self.socket.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(TmuxError::SocketPathTooLong { socket: self.socket.clone(), max: MAX_SOCKET_PATH });
        }
        Ok(())
    }

    /// The error of a failed client, from its stderr.
    pub(super) fn failure(&self, command: &str, session: &str, reply: &TmuxReply) -> TmuxError {
        match ClientFailure::read(&reply.stderr) {
            ClientFailure::NoServer => TmuxError::NoServer { socket: self.socket.clone() },
            ClientFailure::NoSession => TmuxError::NoSuchSession { session: session.to_owned() },
            ClientFailure::ServerEnds | ClientFailure::DuplicateSession | ClientFailure::Other => TmuxError::Unknown {
                command: command.to_owned(),
                stderr: match reply.stderr.trim() {
                    "" => "it printed no error".to_owned(),
                    stderr => stderr.to_owned(),
                },
            },
        }
    }
}

/// Removes the variables that would make later work on this server appear as part of this run.
fn scrub(command: &mut Command, names: impl Iterator<Item = OsString>) {
    for name in names.filter(|name| is_scrubbed(name)) {
        command.env_remove(name);
    }
}

pub(super) fn is_scrubbed(name: &OsStr) -> bool {
    let ours = ["TMUX", "TMUX_PANE", "MAKEFLAGS"].iter().any(|other| name == *other);
    ours || name.as_encoded_bytes().starts_with(b"DISPATCH_")
}

/// Why a client failed, from its stderr, which does not depend on the locale or, since tmux 3.0, on the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientFailure {
    NoServer,
    NoSession,
    DuplicateSession,
    /// The server is exiting; soon there is none, or a new one.
    ServerEnds,
    Other,
}

impl ClientFailure {
    pub(super) fn read(stderr: &str) -> Self {
        // A user's hook may add lines: the first known line counts.
        stderr.lines().map(str::trim).map(Self::of_line).find(|it| *it != Self::Other).unwrap_or(Self::Other)
    }

    fn of_line(line: &str) -> Self {
        let refused = line.ends_with("(No such file or directory)") || line.ends_with("(Connection refused)");
        if line.starts_with("no server running on") || (line.starts_with("error connecting to") && refused) {
            Self::NoServer
        } else if line.starts_with("can't find session") || line == "no current target" || line == "no sessions" {
            Self::NoSession
        } else if line.starts_with("duplicate session") {
            Self::DuplicateSession
        } else if line.contains("server exited") || line.contains("lost server") {
            Self::ServerEnds
        } else {
            Self::Other
        }
    }
}

/// A running client. It is killed when dropped before its end.
#[derive(Debug)]
pub(super) struct RunningClient {
    child: KillOnDrop,
    bound: Duration,
    /// Its command, for errors.
    name: String,
}

impl RunningClient {
    pub(super) fn start(command: &mut Command, input: Stdio, bound: Duration, name: String) -> Result<Self, TmuxError> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => Ok(Self { child: KillOnDrop(child), bound, name }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(TmuxError::NotFound),
            Err(error) => Err(TmuxError::Unknown { command: name, stderr: format!("it cannot be started: {error}") }),
        }
    }

    /// Sets how long [`Self::finish`] waits.
    pub(super) fn within(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// Writes `input` to it and reads its reply, for a limited time from now on.
    pub(super) fn finish(mut self, input: &[u8]) -> Result<TmuxReply, TmuxError> {
        self.exchange(input).map_err(|error| TmuxError::Unknown {
            command: std::mem::take(&mut self.name),
            stderr: match error.kind() {
                ErrorKind::TimedOut => format!("no answer within {} s", self.bound.as_secs_f32()),
                _ => error.to_string(),
            },
        })
    }

    /// Waits for the end of stderr, not of stdout: the client hands its stdout to the server, which may keep it open
    /// longer.
    fn exchange(&mut self, input: &[u8]) -> io::Result<TmuxReply> {
        let started = Stopwatch::start();
        let mut pump = PipePump::new(&mut self.child.0, input)?;
        while pump.has_stderr() {
            pump.step(self.bound.checked_sub(started.elapsed()).ok_or(ErrorKind::TimedOut)?)?;
        }
        let status = self.child.0.wait()?;
        // All output of the client is in the pipe now.
        while pump.pump_stdout()? {}
        Ok(TmuxReply { ok: status.success(), stderr: pump.stderr_text(), stdout: pump.stdout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_inherits_nothing_of_the_present_run() {
        let mut command = Command::new("tmux");
        let names = ["TMUX", "TMUX_PANE", "MAKEFLAGS", "DISPATCH_RUN_ID", "DISPATCHER", "PATH", "TMUX_TMPDIR"];
        scrub(&mut command, names.iter().map(OsString::from));
        let removed: Vec<_> = command.get_envs().map(|(name, value)| (name.to_str().unwrap(), value)).collect();
        let expected = ["DISPATCH_RUN_ID", "MAKEFLAGS", "TMUX", "TMUX_PANE"].map(|name| (name, None));
        assert_eq!(removed, expected);
    }

    #[test]
    fn only_known_words_mean_that_something_is_not_there() {
        use ClientFailure::*;
        for (words, meaning) in [
            ("no server running on /tmp/s\n", NoServer),
            ("error connecting to /tmp/s (No such file or directory)", NoServer),
            ("error connecting to /tmp/s (Permission denied)", Other),
            ("can't find session: x", NoSession),
            ("no current target", NoSession),
            ("can't find pane: %5", Other),
            ("duplicate session: x", DuplicateSession),
            ("server exited unexpectedly", ServerEnds),
            ("create window failed: fork failed: Resource temporarily unavailable", Other),
            ("", Other),
        ] {
            assert_eq!(ClientFailure::read(words), meaning, "{words}");
        }
    }

    #[test]
    fn a_client_that_hangs_is_given_up() {
        let start = |command: &mut Command| {
            RunningClient::start(command, Stdio::null(), Duration::from_millis(50), "x".to_owned())
        };
        let error = start(Command::new("sleep").arg("60")).unwrap().finish(b"").unwrap_err();
        assert!(matches!(&error, TmuxError::Unknown { stderr, .. } if stderr.contains("no answer")), "{error}");
        let error = start(&mut Command::new("no-such-program-here")).unwrap_err();
        assert_eq!(error, TmuxError::NotFound);
    }
}

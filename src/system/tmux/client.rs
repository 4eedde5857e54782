//! Runs one tmux client and waits for it, but not for ever.
//!
//! The client may start the server, which outlives us: it gets nothing of our environment that
//! would make later work look like part of this run, `/` as folder, and no open file.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::system::tmux::Tmux;
use crate::system::tmux::error::TmuxError;

/// Longest `sun_path` that holds its NUL.
const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// What a client said.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) ok: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl Reply {
    pub(super) fn is_from_an_ending_server(&self) -> bool {
        !self.ok && Complaint::read(&self.stderr) == Complaint::Ending
    }

    pub(super) fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Tmux {
    /// Runs `tmux -S SOCKET -u ARGS`. `Ok` whatever its exit status was.
    pub(super) fn client<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Reply, TmuxError> {
        self.client_from(None, args)
    }

    /// As [`Tmux::client`], for what may be asked twice: a server that ends is asked again until
    /// it is gone, or another is there.
    pub(super) fn ask<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Reply, TmuxError> {
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

    /// As [`Tmux::client`], acting for the client that shows the pane `from`.
    pub(super) fn client_from<S: AsRef<OsStr>>(&self, from: Option<&str>, args: &[S]) -> Result<Reply, TmuxError> {
        self.start(from, args, Stdio::null())?.finish(b"")
    }

    /// Starts a client whose answer is read later, with [`Running::finish`].
    pub(super) fn start<S: AsRef<OsStr>>(
        &self,
        from: Option<&str>,
        args: &[S],
        input: Stdio,
    ) -> Result<Running, TmuxError> {
        self.check_socket_path()?;
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).arg("-u").args(args);
        // Only a server it starts lives on in its folder. Setting it costs a fork in place of a
        // spawn, which takes as long as the rest of the start.
        if args.first().is_some_and(|word| word.as_ref() == "new-session") {
            command.current_dir("/");
        }
        scrub(&mut command, std::env::vars_os().map(|(name, _)| name));
        if let Some(pane) = from {
            command.env("TMUX_PANE", pane);
        }
        let shown = args.first().map(|arg| arg.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        Running::start(&mut command, input, self.bound, shown)
    }

    pub(super) fn check_socket_path(&self) -> Result<(), TmuxError> {
        if self.socket.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(TmuxError::SocketPathTooLong { socket: self.socket.clone(), max: MAX_SOCKET_PATH });
        }
        Ok(())
    }

    /// The error that a failed client's words mean.
    pub(super) fn failure(&self, command: &str, session: &str, reply: &Reply) -> TmuxError {
        match Complaint::read(&reply.stderr) {
            Complaint::NoServer => TmuxError::NoServer { socket: self.socket.clone() },
            Complaint::NoSession => TmuxError::NoSuchSession { session: session.to_owned() },
            Complaint::Ending | Complaint::DuplicateSession | Complaint::Other => TmuxError::Unknown {
                command: command.to_owned(),
                stderr: match reply.stderr.trim() {
                    "" => "it failed without a word".to_owned(),
                    words => words.to_owned(),
                },
            },
        }
    }
}

/// Removes what would make later work on this server look like part of the present run.
fn scrub(command: &mut Command, names: impl Iterator<Item = OsString>) {
    for name in names.filter(|name| is_scrubbed(name)) {
        command.env_remove(name);
    }
}

pub(super) fn is_scrubbed(name: &OsStr) -> bool {
    let ours = ["TMUX", "TMUX_PANE", "MAKEFLAGS"].iter().any(|other| name == *other);
    ours || name.as_encoded_bytes().starts_with(b"DISPATCH_")
}

/// What tmux complains of. Its words are the same in every locale and since 3.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    NoServer,
    NoSession,
    DuplicateSession,
    /// The server is on its way out; a moment later there is none, or a new one.
    Ending,
    Other,
}

impl Complaint {
    pub(super) fn read(stderr: &str) -> Self {
        // A user's hook may add lines of its own; ours is the first that is known.
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
            Self::Ending
        } else {
            Self::Other
        }
    }
}

/// A client that runs. Dropped before its end: killed.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    bound: Duration,
    shown: String,
}

impl Running {
    pub(super) fn start(
        command: &mut Command,
        input: Stdio,
        bound: Duration,
        shown: String,
    ) -> Result<Self, TmuxError> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => Ok(Self { child, bound, shown }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(TmuxError::NotFound),
            Err(error) => Err(TmuxError::Unknown { command: shown, stderr: format!("it cannot be started: {error}") }),
        }
    }

    /// Its answer is waited for so long.
    pub(super) fn within(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// Gives it `input` and reads its answer, for at most the server's bound from now on.
    pub(super) fn finish(mut self, input: &[u8]) -> Result<Reply, TmuxError> {
        talk(&mut self.child, input, self.bound).map_err(|error| TmuxError::Unknown {
            command: std::mem::take(&mut self.shown),
            stderr: match error.kind() {
                ErrorKind::TimedOut => format!("no answer within {} s", self.bound.as_secs_f32()),
                _ => error.to_string(),
            },
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself, which changes nothing here.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The end of stderr is the end of the client: the server is handed the client's stdout, so
/// that one may stay open longer.
fn talk(child: &mut Child, mut input: &[u8], bound: Duration) -> std::io::Result<Reply> {
    let deadline = Instant::now() + bound;
    let closed = || std::io::Error::other("its output is not there");
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take().ok_or_else(closed)?;
    let mut stderr = child.stderr.take().ok_or_else(closed)?;
    if let Some(stdin) = &stdin {
        rustix::io::ioctl_fionbio(stdin, true)?;
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (mut out_open, mut err_open) = (true, true);
    while err_open {
        if let Some(pipe) = &mut stdin {
            input = write_some(pipe, input)?;
            if input.is_empty() {
                // Its end is the client's word to begin.
                stdin = None;
            }
        }
        let left = deadline.checked_duration_since(Instant::now()).ok_or(ErrorKind::TimedOut)?;
        let (out_ready, err_ready) = {
            let mut fds = vec![PollFd::new(&stderr, PollFlags::IN)];
            if out_open {
                fds.push(PollFd::new(&stdout, PollFlags::IN));
            }
            if let Some(stdin) = &stdin {
                fds.push(PollFd::new(stdin, PollFlags::OUT));
            }
            wait_ready(&mut fds, left)?;
            (out_open && !fds[1].revents().is_empty(), !fds[0].revents().is_empty())
        };
        if out_ready {
            out_open = read_some(&mut stdout, &mut out)?;
        }
        if err_ready {
            err_open = read_some(&mut stderr, &mut err)?;
        }
    }
    let status = child.wait()?;
    // What the client wrote is in the pipe by now; whoever else holds it has nothing to say.
    while out_open && is_ready(&stdout)? {
        out_open = read_some(&mut stdout, &mut out)?;
    }
    Ok(Reply { ok: status.success(), stdout: out, stderr: String::from_utf8_lossy(&err).into_owned() })
}

/// Writes what fits and returns the rest. A reader that is gone has said why on its stderr.
fn write_some<'a>(into: &mut impl Write, bytes: &'a [u8]) -> std::io::Result<&'a [u8]> {
    match into.write(bytes) {
        Ok(count) => Ok(&bytes[count..]),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(bytes),
            ErrorKind::BrokenPipe => Ok(&[]),
            _ => Err(error),
        },
    }
}

fn is_ready(from: &impl AsFd) -> std::io::Result<bool> {
    let mut fds = [PollFd::new(from, PollFlags::IN)];
    wait_ready(&mut fds, Duration::ZERO)?;
    Ok(!fds[0].revents().is_empty())
}

fn wait_ready(fds: &mut [PollFd<'_>], left: Duration) -> std::io::Result<()> {
    let timeout = Timespec::try_from(left).map_err(std::io::Error::other)?;
    match poll(fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// `false` at the end of the stream.
fn read_some(from: &mut impl Read, into: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    match from.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(count) => {
            into.extend_from_slice(&buffer[..count]);
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
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
        use Complaint::*;
        for (words, meaning) in [
            ("no server running on /tmp/s\n", NoServer),
            ("error connecting to /tmp/s (No such file or directory)", NoServer),
            ("error connecting to /tmp/s (Permission denied)", Other),
            ("can't find session: x", NoSession),
            ("no current target", NoSession),
            ("can't find pane: %5", Other),
            ("duplicate session: x", DuplicateSession),
            ("server exited unexpectedly", Ending),
            ("create window failed: fork failed: Resource temporarily unavailable", Other),
            ("", Other),
        ] {
            assert_eq!(Complaint::read(words), meaning, "{words}");
        }
    }

    #[test]
    fn a_client_that_hangs_is_given_up() {
        let start =
            |command: &mut Command| Running::start(command, Stdio::null(), Duration::from_millis(50), "x".to_owned());
        let error = start(Command::new("sleep").arg("60")).unwrap().finish(b"").unwrap_err();
        assert!(matches!(&error, TmuxError::Unknown { stderr, .. } if stderr.contains("no answer")), "{error}");
        let error = start(&mut Command::new("no-such-program-here")).unwrap_err();
        assert_eq!(error, TmuxError::NotFound);
    }
}

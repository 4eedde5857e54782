//! Asking another process of this program: bytes in, bytes out, within bounds.
//!
//! For work that may eat memory or time: whatever becomes of the child, the asker goes on. Must not
//! know what is asked.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;

use crate::system::clock::Stopwatch;
use crate::system::environment::Environment;
use crate::system::process::child;

/// So much of its last words is kept.
const WORDS: usize = 16 << 10;
/// More than a pipe holds.
const LAST_PIECES: usize = 80;
/// Between looks at a child that has said all and is not gone yet.
const STEP: Duration = Duration::from_millis(1);

/// What a child may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub time: Duration,
    /// Bytes of its answer.
    pub answer: usize,
}

/// What a child left.
#[derive(Debug)]
pub struct Answered {
    pub answer: Vec<u8>,
    /// The end of what it wrote to stderr.
    pub words: String,
    pub status: ExitStatus,
}

/// Why there is no answer. The child is gone.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("it cannot be started")]
    Start(#[source] io::Error),
    #[error("it took more than {} seconds", .0.as_secs())]
    Time(Duration),
    #[error("its answer is more than {} MiB", .0 >> 20)]
    Size(usize),
    #[error("it cannot be heard")]
    Io(#[from] io::Error),
}

/// What a child said, as far as it was listened to.
#[derive(Debug)]
pub struct Said {
    pub answer: Vec<u8>,
    /// The end of what it wrote to stderr.
    pub words: String,
    /// `None`: it said more than it may. It was ended, and the beginning of its answer is kept.
    pub status: Option<ExitStatus>,
}

/// Runs `program` with `words` in `folder`, gives it `input` and takes what it answers. It dies with
/// this thread where the system can do that.
pub fn ask(
    program: &Path,
    words: &[&OsStr],
    folder: &Path,
    input: &[u8],
    bounds: Bounds,
) -> Result<Answered, AskError> {
    ask_in(program, words, folder, None, input, bounds)
}

/// The same in an environment of its own.
pub fn ask_in(
    program: &Path,
    words: &[&OsStr],
    folder: &Path,
    environment: Option<&Environment>,
    input: &[u8],
    bounds: Bounds,
) -> Result<Answered, AskError> {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder);
    if let Some(environment) = environment {
        command.env_clear().envs(environment);
    }
    let Said { answer, words, status } = hear(&mut command, input, bounds)?;
    let status = status.ok_or(AskError::Size(bounds.answer))?;
    Ok(Answered { answer, words, status })
}

/// As [`ask`], of any command; of an answer that is too long the beginning is taken.
pub fn hear(command: &mut Command, input: &[u8], bounds: Bounds) -> Result<Said, AskError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    child::prepare_helper(command);
    let begun = Stopwatch::start();
    let mut asked = Asked(command.spawn().map_err(AskError::Start)?);
    let (stdin, stdout, stderr) = (asked.0.stdin.take(), asked.0.stdout.take(), asked.0.stderr.take());
    let mut talk = Talk { stdin, stdout, stderr, input, answer: Vec::new(), words: Vec::new() };
    talk.make_quick()?;
    while talk.stdout.is_some() {
        let left = bounds.time.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(AskError::Time(bounds.time));
        }
        talk.go_on(left)?;
        if talk.answer.len() > bounds.answer {
            talk.answer.truncate(bounds.answer);
            return Ok(talk.said(None));
        }
    }
    loop {
        let gone = asked.0.try_wait()?;
        // What it left behind may hold its stderr and go on for ever: so much, and no end awaited.
        for _ in 0..LAST_PIECES {
            if talk.read_words()? != Heard::Some {
                break;
            }
        }
        if let Some(status) = gone {
            return Ok(talk.said(Some(status)));
        }
        if begun.elapsed() > bounds.time {
            return Err(AskError::Time(bounds.time));
        }
        std::thread::sleep(STEP);
    }
}

/// In the child: what is asked, and where the answer goes. Nothing that is started from here on
/// holds either, and nothing that is printed gets between.
pub fn take_streams() -> io::Result<(File, File)> {
    let own = |fd: std::os::fd::BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(fd, 3).map(File::from);
    let (asked, answer) = (own(io::stdin().as_fd())?, own(io::stdout().as_fd())?);
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok((asked, answer))
}

/// A child that is ended, by its handle, where nobody waits for it any more.
struct Asked(Child);

impl Drop for Asked {
    fn drop(&mut self) {
        // One that was reaped refuses, which is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Both sides of a conversation, none of which waits for the other.
struct Talk<'a> {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    input: &'a [u8],
    answer: Vec<u8>,
    words: Vec<u8>,
}

impl Talk<'_> {
    fn said(self, status: Option<ExitStatus>) -> Said {
        let words = String::from_utf8_lossy(&self.words).trim().to_owned();
        Said { answer: self.answer, words, status }
    }

    fn make_quick(&self) -> io::Result<()> {
        let fds = [
            self.stdin.as_ref().map(|fd| fd.as_fd()),
            self.stdout.as_ref().map(|fd| fd.as_fd()),
            self.stderr.as_ref().map(|fd| fd.as_fd()),
        ];
        for fd in fds.into_iter().flatten() {
            let flags = rustix::fs::fcntl_getfl(fd)?;
            rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK)?;
        }
        Ok(())
    }

    /// Waits until something can be said or heard, at most for `left`, and does it.
    fn go_on(&mut self, left: Duration) -> io::Result<()> {
        let mut fds = Vec::with_capacity(3);
        fds.extend(self.stdin.as_ref().map(|fd| PollFd::new(fd, PollFlags::OUT)));
        fds.extend(self.stdout.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        fds.extend(self.stderr.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        let limit = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match rustix::event::poll(&mut fds, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.say()?;
        self.read_words()?;
        if let Some(stdout) = &mut self.stdout
            && read_some(stdout, &mut self.answer)? == Heard::End
        {
            self.stdout = None;
        }
        Ok(())
    }

    fn say(&mut self) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        match stdin.write(self.input) {
            Ok(count) => self.input = self.input.get(count..).unwrap_or_default(),
            Err(error) if is_not_yet(&error) => return Ok(()),
            // It has heard enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.input = &[],
            Err(error) => return Err(error),
        }
        if self.input.is_empty() {
            self.stdin = None;
        }
        Ok(())
    }

    fn read_words(&mut self) -> io::Result<Heard> {
        let Some(stderr) = &mut self.stderr else { return Ok(Heard::End) };
        let heard = read_some(stderr, &mut self.words)?;
        if heard == Heard::End {
            self.stderr = None;
        }
        let over = self.words.len().saturating_sub(WORDS);
        self.words.drain(..over);
        Ok(heard)
    }
}

/// What a look at a pipe brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Some,
    Nothing,
    End,
}

/// Reads what is there, up to a piece.
fn read_some(from: &mut impl io::Read, into: &mut Vec<u8>) -> io::Result<Heard> {
    let mut piece = [0; 16 << 10];
    match from.read(&mut piece) {
        Ok(0) => Ok(Heard::End),
        Ok(count) => {
            into.extend_from_slice(piece.get(..count).unwrap_or_default());
            Ok(Heard::Some)
        }
        Err(error) if is_not_yet(&error) => Ok(Heard::Nothing),
        Err(error) => Err(error),
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, input: &[u8], bounds: Bounds) -> Result<Answered, AskError> {
        ask(Path::new("/bin/sh"), &["-c".as_ref(), script.as_ref()], Path::new("/"), input, bounds)
    }

    const BOUNDS: Bounds = Bounds { time: Duration::from_secs(20), answer: 8 << 20 };

    #[test]
    fn more_than_a_pipe_holds_goes_through_both_ways() {
        let input: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let answered = shell("cat; echo done >&2", &input, BOUNDS).unwrap();
        assert!(answered.answer == input && answered.status.success());
        assert_eq!(answered.words, "done");
    }

    #[test]
    fn who_says_nothing_is_ended_in_time() {
        let bounds = Bounds { time: Duration::from_millis(200), ..BOUNDS };
        let begun = Stopwatch::start();
        assert!(matches!(shell("exec sleep 60", b"", bounds), Err(AskError::Time(_))));
        assert!(matches!(shell("exec >&-; exec sleep 60", b"", bounds), Err(AskError::Time(_))));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn who_says_too_much_is_ended() {
        let bounds = Bounds { answer: 100_000, ..BOUNDS };
        assert!(matches!(shell("exec cat /dev/zero", b"", bounds), Err(AskError::Size(100_000))));
    }

    #[test]
    fn the_beginning_of_too_much_can_be_had() {
        let mut command = Command::new("/bin/sh");
        let said = hear(command.args(["-c", "echo first; exec yes"]), b"", Bounds { answer: 100, ..BOUNDS }).unwrap();
        assert!(said.answer.starts_with(b"first\ny\n") && said.answer.len() == 100 && said.status.is_none());
    }

    #[test]
    fn long_words_are_cut_and_keep_their_end() {
        // Also where its answer is over before it has said them.
        let script = "exec >&-; head -c 300000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 3";
        let answered = shell(script, b"", BOUNDS).unwrap();
        assert_eq!(answered.status.code(), Some(3));
        assert!(answered.words.ends_with("xthe end") && answered.words.len() <= WORDS);
    }

    #[test]
    fn what_is_left_behind_holding_stderr_keeps_nobody_waiting() {
        let flag = tempfile::NamedTempFile::new().unwrap();
        let stays = format!("(while [ -e {} ]; do sleep 0.05; done) >/dev/null", flag.path().display());
        let answered = shell(&format!("{stays} & echo answer"), b"", BOUNDS).unwrap();
        assert_eq!(answered.answer, b"answer\n");
    }
}

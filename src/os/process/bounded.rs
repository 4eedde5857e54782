//! Runs a child process within limits of time and output: bytes in, bytes out.
//!
//! A child that exceeds a limit is killed, so that the caller never waits longer.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::os::clock::Stopwatch;
use crate::os::environment::Environment;
use crate::os::process::child;
use crate::os::process::pipe_pump::PipePump;

/// More reads than are needed to empty a pipe.
const LAST_READS: usize = 80;
/// Pause between checks of a child that closed its stdout and still runs.
const STEP: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, Debug)]
pub struct ChildLimits {
    pub time: Duration,
    /// Bytes of stdout.
    pub output: usize,
}

/// What a child printed, and how it ended.
#[derive(Debug)]
pub struct ChildOutput {
    pub stdout: Vec<u8>,
    /// The last 16 KiB.
    pub stderr: String,
    pub status: ExitStatus,
    /// The child exceeded the limit of its stdout and was killed; `stdout` is the beginning.
    pub is_cut: bool,
}

/// Why there is no output. The child has ended.
#[derive(Debug, thiserror::Error)]
pub enum BoundedError {
    #[error("it cannot be started")]
    Start(#[source] io::Error),
    #[error("it took more than {} seconds", .0.as_secs())]
    Time(Duration),
    #[error("its answer is more than {} MiB", .0 >> 20)]
    Size(usize),
    #[error("its output cannot be read")]
    Io(#[from] io::Error),
}

/// As [`run_bounded`], for a program with arguments, folder and environment (`None`: inherited). Also fails if the
/// output is too long.
pub fn run_program(
    program: &Path,
    arguments: &[&OsStr],
    folder: &Path,
    environment: Option<&Environment>,
    input: &[u8],
    limits: ChildLimits,
) -> Result<ChildOutput, BoundedError> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    if let Some(environment) = environment {
        command.env_clear().envs(environment);
    }
    let output = run_bounded(&mut command, input, limits)?;
    if output.is_cut { Err(BoundedError::Size(limits.output)) } else { Ok(output) }
}

/// Runs `command`, writes `input` to it and reads its output. The child is killed when this thread ends, if the system
/// supports that. Fails if it cannot be started or takes too long.
pub fn run_bounded(command: &mut Command, input: &[u8], limits: ChildLimits) -> Result<ChildOutput, BoundedError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    child::prepare_helper(command);
    let started = Stopwatch::start();
    let mut child = KillOnDrop(command.spawn().map_err(BoundedError::Start)?);
    let mut pump = PipePump::new(&mut child.0, input)?;
    while pump.has_stdout() {
        let left = limits.time.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(BoundedError::Time(limits.time));
        }
        pump.step(left)?;
        if pump.stdout.len() > limits.output {
            pump.stdout.truncate(limits.output);
            let _ = child.0.kill();
            let status = child.0.wait()?;
            return Ok(ChildOutput { stderr: pump.stderr_text(), stdout: pump.stdout, status, is_cut: true });
        }
    }
    loop {
        let ended = child.0.try_wait()?;
        // A process that the child left behind may write to stderr for ever: read no more than a pipe holds.
        for _ in 0..LAST_READS {
            if !pump.pump_stderr()? {
                break;
            }
        }
        if let Some(status) = ended {
            return Ok(ChildOutput { stderr: pump.stderr_text(), stdout: pump.stdout, status, is_cut: false });
        }
        if started.elapsed() > limits.time {
            return Err(BoundedError::Time(limits.time));
        }
        std::thread::sleep(STEP);
    }
}

/// In the child: moves its standard input and output from descriptors 0 and 1, so that no process that it starts
/// inherits them and nothing else that it prints gets into the output.
pub fn take_streams() -> io::Result<(File, File)> {
    let own = |fd: std::os::fd::BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(fd, 3).map(File::from);
    let (input, output) = (own(io::stdin().as_fd())?, own(io::stdout().as_fd())?);
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok((input, output))
}

/// A child that is killed and reaped when dropped.
#[derive(Debug)]
pub(in crate::os) struct KillOnDrop(pub(in crate::os) Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Both fail only if the child was reaped already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::process::pipe_pump::STDERR_MAX;

    fn shell(script: &str, input: &[u8], limits: ChildLimits) -> Result<ChildOutput, BoundedError> {
        let arguments = ["-c".as_ref(), script.as_ref()];
        run_program(Path::new("/bin/sh"), &arguments, Path::new("/"), None, input, limits)
    }

    const LIMITS: ChildLimits = ChildLimits { time: Duration::from_secs(20), output: 8 << 20 };

    #[test]
    fn more_than_a_pipe_holds_goes_through_both_ways() {
        let input: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let output = shell("cat; echo done >&2", &input, LIMITS).unwrap();
        assert!(output.stdout == input && output.status.success());
        assert_eq!(output.stderr, "done");
    }

    #[test]
    fn a_child_that_prints_nothing_is_killed_in_time() {
        let limits = ChildLimits { time: Duration::from_millis(200), ..LIMITS };
        // A child that is not killed would hold the test up for ever.
        assert!(matches!(shell("exec sleep 1000000", b"", limits), Err(BoundedError::Time(_))));
        assert!(matches!(shell("exec >&-; exec sleep 1000000", b"", limits), Err(BoundedError::Time(_))));
    }

    #[test]
    fn a_child_that_prints_too_much_is_killed() {
        let limits = ChildLimits { output: 100_000, ..LIMITS };
        assert!(matches!(shell("exec cat /dev/zero", b"", limits), Err(BoundedError::Size(100_000))));
    }

    #[test]
    fn the_beginning_of_too_long_an_output_is_kept() {
        let mut command = Command::new("/bin/sh");
        let limits = ChildLimits { output: 100, ..LIMITS };
        let output = run_bounded(command.args(["-c", "echo first; exec yes"]), b"", limits).unwrap();
        assert!(output.stdout.starts_with(b"first\ny\n") && output.stdout.len() == 100 && output.is_cut);
    }

    #[test]
    fn of_a_long_stderr_the_end_is_kept() {
        // stderr is read although stdout was closed first.
        let script = "exec >&-; head -c 300000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 3";
        let output = shell(script, b"", LIMITS).unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert!(output.stderr.ends_with("xthe end") && output.stderr.len() <= STDERR_MAX);
    }

    #[test]
    fn a_process_left_behind_with_stderr_open_is_not_waited_for() {
        let flag = tempfile::NamedTempFile::new().unwrap();
        let stays = format!("(while [ -e {} ]; do sleep 0.05; done) >/dev/null", flag.path().display());
        let output = shell(&format!("{stays} & echo answer"), b"", LIMITS).unwrap();
        assert_eq!(output.stdout, b"answer\n");
    }
}

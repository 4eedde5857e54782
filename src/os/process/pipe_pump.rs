//! Writes a child's standard input and reads both its outputs, without blocking on any of the three.

use std::io::{self, Read, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

/// Only the end of a longer stderr is kept, in bytes.
pub(super) const STDERR_MAX: usize = 16 << 10;

#[derive(Debug)]
pub(in crate::os) struct PipePump<'a> {
    stdin: Option<ChildStdin>,
    stdout_pipe: Option<ChildStdout>,
    stderr_pipe: Option<ChildStderr>,
    /// What is still to be written.
    input: &'a [u8],
    pub(in crate::os) stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl<'a> PipePump<'a> {
    /// Takes the pipes of `child`; a missing one counts as closed.
    pub(in crate::os) fn new(child: &mut Child, input: &'a [u8]) -> io::Result<Self> {
        let (stdin, stdout_pipe, stderr_pipe) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let fds = [
            stdin.as_ref().map(|fd| fd.as_fd()),
            stdout_pipe.as_ref().map(|fd| fd.as_fd()),
            stderr_pipe.as_ref().map(|fd| fd.as_fd()),
        ];
        for fd in fds.into_iter().flatten() {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        Ok(Self { stdin, stdout_pipe, stderr_pipe, input, stdout: Vec::new(), stderr: Vec::new() })
    }

    /// Whether the child's stdout is still open.
    pub(in crate::os) fn has_stdout(&self) -> bool {
        self.stdout_pipe.is_some()
    }

    pub(in crate::os) fn has_stderr(&self) -> bool {
        self.stderr_pipe.is_some()
    }

    pub(in crate::os) fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }

    /// Waits at most `time` until a pipe is ready, then writes and reads what is possible.
    pub(in crate::os) fn step(&mut self, time: Duration) -> io::Result<()> {
        let mut fds = Vec::with_capacity(3);
        fds.extend(self.stdin.as_ref().map(|fd| PollFd::new(fd, PollFlags::OUT)));
        fds.extend(self.stdout_pipe.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        fds.extend(self.stderr_pipe.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        match rustix::event::poll(&mut fds, Timespec::try_from(time).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.write_some()?;
        self.pump_stderr()?;
        self.pump_stdout()?;
        Ok(())
    }

    fn write_some(&mut self) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        match stdin.write(self.input) {
            Ok(count) => self.input = self.input.get(count..).unwrap_or_default(),
            Err(error) if is_not_yet(&error) => return Ok(()),
            // The child has closed its standard input.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.input = &[],
            Err(error) => return Err(error),
        }
        if self.input.is_empty() {
            self.stdin = None;
        }
        Ok(())
    }

    /// Reads once. Returns whether there were bytes.
    pub(in crate::os) fn pump_stdout(&mut self) -> io::Result<bool> {
        read_some(&mut self.stdout_pipe, &mut self.stdout)
    }

    /// Reads once. Returns whether there were bytes.
    pub(super) fn pump_stderr(&mut self) -> io::Result<bool> {
        let came = read_some(&mut self.stderr_pipe, &mut self.stderr)?;
        self.stderr.drain(..self.stderr.len().saturating_sub(STDERR_MAX));
        Ok(came)
    }
}

/// Reads once from `pipe` and closes it at its end. Returns whether there were bytes.
fn read_some<R: Read>(pipe: &mut Option<R>, into: &mut Vec<u8>) -> io::Result<bool> {
    let Some(open) = pipe else { return Ok(false) };
    let mut buffer = [0; 16 << 10];
    match open.read(&mut buffer) {
        Ok(0) => *pipe = None,
        Ok(count) => {
            into.extend_from_slice(buffer.get(..count).unwrap_or_default());
            return Ok(true);
        }
        Err(error) if is_not_yet(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(false)
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

//! Runs a program on this process's terminal until it ends.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::os::event_fd::EventFd;
use crate::os::interrupts::{self, Interrupts};
use crate::os::watch::wait_readable;

/// Waits for its end. If the terminal stops both (Ctrl-Z), this process stops too, so that the shell notices. Fails if the
/// program cannot be started.
///
/// `without`: the variables of the environment that the program does not get.
pub fn run_in_foreground(
    words: &[OsString],
    folder: &Path,
    without: &[&str],
    suspensions: &mut Interrupts,
) -> io::Result<ExitStatus> {
    let Some((program, rest)) = words.split_first() else { return Err(io::Error::other("an empty command")) };
    let mut command = Command::new(program);
    command.args(rest).current_dir(folder);
    for name in without {
        command.env_remove(name);
    }
    let mut child = command.spawn()?;
    let ended = EventFd::new()?;
    std::thread::scope(|scope| {
        let waker = ended.clone();
        let waiting = scope.spawn(move || {
            let status = child.wait();
            waker.wake();
            status
        });
        loop {
            let ready = wait_readable(&[ended.as_fd(), suspensions.as_fd()], None)?;
            if ready[0] {
                return waiting.join().unwrap_or_else(|_| Err(io::Error::other("the program was not awaited")));
            }
            if suspensions.take() > 0 {
                interrupts::stop_this_process()?;
            }
        }
    })
}

/// Runs a program without input until it ends; all its output goes to this process's stderr. Fails if it cannot be started.
pub fn run_on_stderr(words: &[String], folder: &Path) -> io::Result<ExitStatus> {
    let Some((program, rest)) = words.split_first() else { return Err(io::Error::other("an empty command")) };
    let stderr = io::stderr().as_fd().try_clone_to_owned()?;
    Command::new(program).args(rest).current_dir(folder).stdin(Stdio::null()).stdout(stderr).status()
}

/// Replaces this process by a command in `folder`. Returns only on failure.
pub fn become_in(words: &[OsString], folder: &Path) -> io::Error {
    let Some((program, rest)) = words.split_first() else { return io::Error::other("an empty command") };
    Command::new(program).args(rest).current_dir(folder).exec()
}

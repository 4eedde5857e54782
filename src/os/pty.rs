//! A pseudo-terminal with one process on it.
//!
//! `dispatch __pty ARGV…` attaches the process to its terminal and then becomes it by exec: doing this between fork
//! and exec would need `unsafe`. Must not know what runs there.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::os::clock::Stopwatch;
use crate::os::environment::Environment;

/// The hidden command that puts a process on its terminal.
pub const PTY_WORD: &str = "__pty";

/// Time to exit after SIGTERM before the terminal is hung up.
const AFTER_ASKING: Duration = Duration::from_millis(250);
/// Time to exit after the hang-up before SIGKILL.
const AFTER_HANG_UP: Duration = Duration::from_millis(500);

/// Columns and rows, within the limits of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    cols: u16,
    rows: u16,
}

impl Size {
    /// Values out of range are moved to the nearest possible ones.
    pub fn clamped(cols: u16, rows: u16) -> Self {
        Self { cols: cols.clamp(1, 1000), rows: rows.clamp(1, 500) }
    }

    fn winsize(self) -> Winsize {
        Winsize { ws_row: self.rows, ws_col: self.cols, ws_xpixel: 0, ws_ypixel: 0 }
    }
}

/// The master side of a pty. Dropping it ends the process and reaps it.
#[derive(Debug)]
pub struct Pty {
    /// `None` after the hang-up.
    master: Option<OwnedFd>,
    child: Child,
}

impl Pty {
    /// Starts `argv` on a new terminal through `program`, the path of `dispatch`.
    pub fn open(program: &Path, argv: &[OsString], environment: &Environment, size: Size) -> io::Result<Self> {
        let master = open_master()?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let slave = File::from(open_slave(&rustix::pty::ptsname(&master, Vec::new())?)?);
        rustix::termios::tcsetwinsize(&slave, size.winsize())?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let child = Command::new(program)
            .arg(PTY_WORD)
            .args(argv)
            .env_clear()
            .envs(environment)
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave)
            .spawn()?;
        Ok(Self { master: Some(master), child })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads output of the process; 0 at its end. Fails with `WouldBlock` if there is none yet.
    pub fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        match rustix::io::read(self.master()?, into) {
            // Linux reports the end of the slave side as EIO.
            Err(Errno::IO) => Ok(0),
            read => Ok(read?),
        }
    }

    /// Writes as many bytes as fit. Fails with `WouldBlock` if none fit.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.master()?, bytes)?)
    }

    pub fn resize(&self, size: Size) -> io::Result<()> {
        Ok(rustix::termios::tcsetwinsize(self.master()?, size.winsize())?)
    }

    fn master(&self) -> io::Result<&OwnedFd> {
        self.master.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
    }
}

impl AsFd for Pty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_ref().expect("it is taken out only to be dropped").as_fd()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // TERM comes before the hang-up: a tmux client whose terminal is hung up counts as 80 by 24, and tmux may
        // resize its window to that.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Not reaped yet, so the pid cannot have been reused.
            let _ = kill_process(pid, Signal::TERM);
        }
        if self.ends_within(AFTER_ASKING) {
            return;
        }
        drop(self.master.take());
        if !self.ends_within(AFTER_HANG_UP) {
            // Fails only if the process has exited by now.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Pty {
    fn ends_within(&mut self, time: Duration) -> bool {
        let begun = Stopwatch::start();
        let mut pause = Duration::from_millis(1);
        let mut unseen = [0; 4096];
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > time {
                return false;
            }
            // Drains the output: a full buffer would block the process.
            while self.read(&mut unseen).is_ok_and(|count| count > 0) && begun.elapsed() < time {}
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        true
    }
}

/// `__pty`: makes the terminal on standard input the controlling one and becomes `argv`. Returns only on failure.
pub fn become_owner(argv: &[OsString]) -> io::Error {
    let Some((name, rest)) = argv.split_first() else { return io::Error::other("an empty command") };
    let owned = rustix::process::setsid().and_then(|_| rustix::process::ioctl_tiocsctty(rustix::stdio::stdin()));
    match owned {
        Ok(()) => Command::new(name).args(rest).exec(),
        Err(error) => error.into(),
    }
}

#[cfg(target_os = "linux")]
fn open_master() -> io::Result<OwnedFd> {
    Ok(rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?)
}

/// Close-on-exec is set by a second call: a process that another thread starts in between inherits the descriptor.
#[cfg(not(target_os = "linux"))]
fn open_master() -> io::Result<OwnedFd> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
    Ok(master)
}

fn open_slave(name: &CStr) -> io::Result<OwnedFd> {
    let path = OsStr::from_bytes(name.to_bytes());
    Ok(rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use tempfile::TempDir;

    use super::*;
    use crate::os::environment;

    /// A shell script in place of `dispatch __pty`: a unit test has no such program to start.
    fn shim() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shim");
        // By another process: a test that forks meanwhile would hold the file open for writing, and it could not be run.
        let text = "#!/bin/sh\nshift\nexec setsid -c \"$@\"\n";
        let write = Command::new("sh")
            .args(["-c", "printf %s \"$1\" >\"$0\" && chmod 700 \"$0\""])
            .arg(&path)
            .arg(text)
            .status();
        assert!(write.unwrap().success());
        (folder, path)
    }

    fn open(argv: &[&str], size: Size) -> Pty {
        let (_folder, shim) = shim();
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let pty = Pty::open(&shim, &argv, &environment::all(), size).unwrap();
        // The shell must have read the script before the folder is removed.
        until(&pty, "ready");
        pty
    }

    /// Reads until `text` was seen, or to the end.
    fn until(pty: &Pty, text: &str) -> String {
        let mut seen = String::new();
        let begun = Stopwatch::start();
        let mut bytes = [0; 4096];
        while !seen.contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(10), "gave up waiting for `{text}`: {seen}");
            let second = Timespec { tv_sec: 1, tv_nsec: 0 };
            poll(&mut [PollFd::new(pty, PollFlags::IN)], Some(&second)).unwrap();
            match pty.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => seen.push_str(&String::from_utf8_lossy(&bytes[..count])),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        seen
    }

    fn has_process(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn a_size_is_always_a_size() {
        assert_eq!(Size::clamped(0, 0), Size { cols: 1, rows: 1 });
        assert_eq!(Size::clamped(u16::MAX, u16::MAX), Size { cols: 1000, rows: 500 });
        assert_eq!(Size::clamped(80, 24), Size { cols: 80, rows: 24 });
    }

    #[test]
    fn what_is_typed_arrives_and_what_is_shown_is_read() {
        let pty =
            open(&["sh", "-c", "echo ready; read line; echo \"got <$line>\"; tty < /dev/tty"], Size::clamped(80, 24));
        pty.write(b"hello\n").unwrap();
        let all = until(&pty, "never to be seen");
        assert!(all.contains("got <hello>") && all.contains("/dev/tty"), "a terminal of its own: {all}");
        assert_eq!(pty.read(&mut [0; 8]).unwrap(), 0, "the end stays the end");
    }

    #[test]
    fn a_new_size_is_seen_and_signalled() {
        let script = "trap 'stty size' WINCH; stty size; echo ready; while read line; do :; done";
        let (_folder, shim) = shim();
        let argv = ["sh", "-c", script].map(OsString::from);
        let pty = Pty::open(&shim, &argv, &environment::all(), Size::clamped(81, 25)).unwrap();
        assert!(until(&pty, "ready").contains("25 81"));
        pty.resize(Size::clamped(100, 0)).unwrap();
        // The trap waits for the read.
        pty.write(b"\n").unwrap();
        until(&pty, "1 100");
    }

    #[test]
    fn dropped_it_leaves_no_process_even_one_that_ignores_the_hang_up() {
        for script in [
            "echo ready; cat",
            "trap '' TERM; echo ready; while :; do sleep 1; done",
            "trap '' HUP TERM; echo ready; while :; do sleep 1; done",
        ] {
            let pty = open(&["sh", "-c", script], Size::clamped(80, 24));
            let pid = pty.child.id();
            assert!(has_process(pid));
            drop(pty);
            assert!(!has_process(pid), "{script}");
        }
    }
}

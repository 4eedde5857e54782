//! Signals as a descriptor that can be polled.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::low_level::{emulate_default_handler, pipe};

/// Counts signals until it is dropped; after that they end the process again.
#[derive(Debug)]
pub struct Interrupts {
    reader: UnixStream,
    ids: Vec<signal_hook::SigId>,
}

impl Interrupts {
    pub fn new() -> io::Result<Self> {
        Self::of(&[SIGINT])
    }

    /// SIGINT, SIGTERM and SIGHUP.
    pub fn of_termination() -> io::Result<Self> {
        Self::of(&[SIGINT, SIGTERM, SIGHUP])
    }

    /// SIGTERM and SIGHUP: not what Ctrl-C sends, which may be meant for another program on the terminal.
    pub fn of_end() -> io::Result<Self> {
        Self::of(&[SIGTERM, SIGHUP])
    }

    /// The size of the terminal changed, or this process continues after it was stopped.
    pub fn of_redraw() -> io::Result<Self> {
        Self::of(&[SIGWINCH, SIGCONT])
    }

    /// SIGTSTP: this process is to stop, with [`stop_this_process`].
    pub fn of_suspension() -> io::Result<Self> {
        Self::of(&[SIGTSTP])
    }

    fn of(signals: &[i32]) -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let ids =
            signals.iter().map(|signal| pipe::register(*signal, writer.try_clone()?)).collect::<Result<_, _>>()?;
        Ok(Self { reader, ids })
    }

    /// The number of signals since the last call.
    pub fn take(&mut self) -> usize {
        let mut buffer = [0; 64];
        let mut count = 0;
        while let Ok(n @ 1..) = self.reader.read(&mut buffer) {
            count += n;
        }
        count
    }
}

impl AsFd for Interrupts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

/// Stops this process as SIGTSTP would without a handler. Returns when it continues; at once if nobody would continue
/// it.
pub fn stop_this_process() -> io::Result<()> {
    if has_job_control()? { emulate_default_handler(SIGTSTP) } else { Ok(()) }
}

/// Whether a shell continues this process group after it was stopped. The group of a session's leader has no shell: its
/// parent is in another session. This is so in `xterm -e` and in a popup of tmux.
pub fn has_job_control() -> io::Result<bool> {
    Ok(rustix::process::getsid(None)? != rustix::process::getpgid(None)?)
}

/// Sends SIGTSTP to the process group, as a terminal does: also to a script that started this process.
pub fn stop_process_group() -> io::Result<()> {
    Ok(rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?)
}

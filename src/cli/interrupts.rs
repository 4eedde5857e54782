//! Ctrl-C as something to wait for, beside everything else.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::SIGINT;
use signal_hook::low_level::pipe;

/// Counts interrupts from the moment it is made. Dropped: they end the process again.
#[derive(Debug)]
pub(crate) struct Interrupts {
    reader: UnixStream,
    id: signal_hook::SigId,
}

impl Interrupts {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let id = pipe::register(SIGINT, writer)?;
        Ok(Self { reader, id })
    }

    /// How many came since the last call.
    pub(crate) fn take(&mut self) -> usize {
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
        signal_hook::low_level::unregister(self.id);
    }
}

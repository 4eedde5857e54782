//! Two sockets that are one pipe: what is written to one can be read from the other.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

#[derive(Debug)]
pub(super) struct Bell {
    heard: UnixStream,
    rung: UnixStream,
}

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        let (heard, rung) = UnixStream::pair()?;
        heard.set_nonblocking(true)?;
        rung.set_nonblocking(true)?;
        Ok(Self { heard, rung })
    }

    pub(super) fn ring(&self) {
        // A buffer that is full is rung already.
        let _ = (&self.rung).write(&[1]);
    }

    pub(super) fn silence(&self) {
        let mut bytes = [0; 1024];
        while matches!((&self.heard).read(&mut bytes), Ok(count) if count > 0) {}
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.heard.as_fd()
    }
}

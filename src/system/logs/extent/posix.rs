//! The plain way: read, and write what was read.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt as _;

/// So much is read at once; what a socket does not take of it is read again.
const PIECE: usize = 64 * 1024;

pub(super) fn send(file: &File, at: u64, count: u64, to: BorrowedFd<'_>) -> io::Result<u64> {
    let mut buffer = vec![0; PIECE.min(usize::try_from(count).unwrap_or(PIECE))];
    let read = file.read_at(&mut buffer, at)?;
    loop {
        match rustix::io::write(to, &buffer[..read]) {
            Ok(sent) => return Ok(sent as u64),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

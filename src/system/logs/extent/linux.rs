//! sendfile: the kernel hands over its own pages.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;

pub(super) fn send(file: &File, at: u64, count: u64, to: BorrowedFd<'_>) -> io::Result<u64> {
    let mut offset = at;
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    loop {
        match rustix::fs::sendfile(to, file, Some(&mut offset), most) {
            Ok(sent) => return Ok(sent as u64),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

//! A byte range of a log that is sent to a reader without being held in memory.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// A range of a file that existed when this value was created.
#[derive(Debug)]
pub struct LogExtent {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl LogExtent {
    pub(super) fn new(file: &Arc<File>, at: u64, count: u64) -> Self {
        Self { file: Arc::clone(file), at, left: count }
    }

    /// Bytes still to be sent.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Sends as many bytes as `to` accepts now and returns their number. Fails with `UnexpectedEof` where the agent
    /// truncated its log.
    pub fn send_to(&mut self, to: BorrowedFd<'_>) -> io::Result<u64> {
        let count = send(&self.file, self.at, self.left, to)?;
        if count == 0 && self.left > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count;
        self.left -= count;
        Ok(count)
    }
}

impl Read for LogExtent {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let count = self.file.read_at(&mut into[..most], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// `sendfile`: the kernel copies its own pages.
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
fn send(file: &File, at: u64, count: u64, to: BorrowedFd<'_>) -> io::Result<u64> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(rustix::io::retry_on_intr(|| rustix::fs::sendfile(to, file, Some(&mut at.clone()), most))? as u64)
}

/// Reads up to 64 KiB and writes it; bytes that `to` does not accept are read again later.
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
fn send(file: &File, at: u64, count: u64, to: BorrowedFd<'_>) -> io::Result<u64> {
    let mut buffer = vec![0; usize::try_from(count).unwrap_or(usize::MAX).min(64 * 1024)];
    let read = file.read_at(&mut buffer, at)?;
    Ok(rustix::io::retry_on_intr(|| rustix::io::write(to, &buffer[..read]))? as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn every_byte_goes_once_and_a_truncated_file_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        let file = Arc::new(file);
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut extent = LogExtent::new(&file, 1000, 200_000);
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).unwrap();
            all
        });
        while extent.left() > 0 {
            assert!(extent.send_to(ours.as_fd()).unwrap() > 0);
        }
        let mut gone = LogExtent::new(&file, 1_000_000, 10);
        assert_eq!(gone.send_to(ours.as_fd()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        drop(ours);
        assert_eq!(reader.join().unwrap(), bytes[1000..201_000]);
    }
}

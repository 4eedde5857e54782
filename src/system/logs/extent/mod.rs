//! A stretch of a log that goes to a client without passing through this program, where the system
//! can do that.

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
mod linux;
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
use linux::send;

#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
mod posix;
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
use posix::send;

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// So many bytes of a file, which were there when it was made.
#[derive(Debug)]
pub struct Extent {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Extent {
    pub(super) fn new(file: &Arc<File>, at: u64, count: u64) -> Self {
        Self { file: Arc::clone(file), at, left: count }
    }

    /// How many bytes are still to be sent.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Sends as much as `to` takes at once, and returns how much that was. `UnexpectedEof` where the
    /// agent truncated its log meanwhile.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn every_byte_goes_once_and_a_truncated_file_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        let file = Arc::new(file);
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut extent = Extent::new(&file, 1000, 200_000);
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).unwrap();
            all
        });
        while extent.left() > 0 {
            assert!(extent.send_to(ours.as_fd()).unwrap() > 0);
        }
        let mut gone = Extent::new(&file, 1_000_000, 10);
        assert_eq!(gone.send_to(ours.as_fd()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        drop(ours);
        assert_eq!(reader.join().unwrap(), bytes[1000..201_000]);
    }
}

//! One log as it is now, whole or in part, without holding it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::system::logs::reader::{self, Stream};
use crate::system::store::run_folder::RunFolder;

/// A log that may still grow; what comes later is not part of it.
#[derive(Clone, Debug)]
pub struct WholeLog {
    file: Option<Arc<File>>,
    length: u64,
}

/// So many bytes of it.
#[derive(Debug)]
pub struct LogBytes {
    file: Option<Arc<File>>,
    at: u64,
    left: u64,
}

impl WholeLog {
    /// What a run printed; nothing, where it never got so far.
    pub fn open(folder: &RunFolder, stream: Stream) -> io::Result<Self> {
        let path = match stream {
            Stream::Stdout => folder.stdout(),
            Stream::Stderr => folder.stderr(),
        };
        let file = reader::open(&path)?;
        let length = reader::length(file.as_ref())?;
        Ok(Self { file: file.map(Arc::new), length })
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn part(&self, from: u64, count: u64) -> LogBytes {
        LogBytes { file: self.file.clone(), at: from, left: count.min(self.length.saturating_sub(from)) }
    }
}

impl Read for LogBytes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let count = match &self.file {
            Some(file) if most > 0 => file.read_at(&mut into[..most], self.at)?,
            _ => 0,
        };
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

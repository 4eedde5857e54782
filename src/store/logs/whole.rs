//! One log with the length that it had when opened, read whole or in part. Later output must not be included.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use crate::store::logs::extent::LogExtent;
use crate::store::logs::reader::{self, LogStream};
use crate::store::run_folder::RunFolder;

#[derive(Clone, Debug)]
pub struct WholeLog {
    file: Option<Arc<File>>,
    length: u64,
}

impl WholeLog {
    /// Opens a log of a run; empty where it does not exist.
    pub fn open(folder: &RunFolder, stream: LogStream) -> io::Result<Self> {
        let path = match stream {
            LogStream::Stdout => folder.stdout(),
            LogStream::Stderr => folder.stderr(),
        };
        let file = reader::open(&path)?;
        let length = reader::length(file.as_ref())?;
        Ok(Self { file: file.map(Arc::new), length })
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn part(&self, from: u64, count: u64) -> Box<dyn Read + Send> {
        match &self.file {
            Some(file) => Box::new(LogExtent::new(file, from, count.min(self.length.saturating_sub(from)))),
            None => Box::new(io::empty()),
        }
    }
}

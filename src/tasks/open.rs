//! Opens and reads task files, which are not trusted.
//!
//! Must not block on a FIFO, follow a link that was created after the path was resolved, read a device, or read more
//! than [`FILE_MAX`].

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::model::encoding::{to_utf8_hint, utf16};
use crate::model::problem::Problem;

/// The largest task file, in bytes.
pub const FILE_MAX: u64 = 8 << 20;
/// The largest front matter, its fences included, in bytes.
pub(super) const HEAD_MAX: usize = 64 << 10;

/// Why a file was not read. `Display` completes "task file …".
#[derive(Debug, thiserror::Error)]
pub(super) enum TaskFileError {
    #[error("is {0}, not a regular file")]
    NotAFile(&'static str),
    #[error("is larger than 8 MiB ({0} bytes)")]
    TooLarge(u64),
    #[error("is {0}, not UTF-8")]
    Utf16(&'static str),
    #[error("is not UTF-8 (byte {0})")]
    NotUtf8(usize),
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl TaskFileError {
    /// Converts the error to a problem of the file at `path`.
    pub(super) fn into_problem(self, path: &Path) -> Problem {
        let problem = Problem::error(format!("task file {self}")).in_file(path);
        match self {
            Self::Utf16(encoding) => problem.hint(to_utf8_hint(encoding, path)),
            _ => problem,
        }
    }
}

/// Opens the resolved `path` and checks the type and size of the opened file.
pub(super) fn open(path: &Path) -> Result<(File, u64), TaskFileError> {
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(TaskFileError::NotAFile(kind(about.file_type())));
    }
    if about.len() > FILE_MAX {
        return Err(TaskFileError::TooLarge(about.len()));
    }
    Ok((file, about.len()))
}

/// Appends to `head` until it holds `upto` bytes or the file of `size` bytes ends. Returns whether the file ended.
pub(super) fn read_upto(file: &mut File, size: u64, head: &mut Vec<u8>, upto: usize) -> Result<bool, TaskFileError> {
    // One system call for most files: growing the buffer by steps took seven.
    let mut have = head.len();
    head.resize(upto, 0);
    while have < upto {
        let got = match file.read(&mut head[have..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            got => got?,
        };
        have += got;
        if got == 0 || have as u64 == size {
            head.truncate(have);
            return Ok(true);
        }
    }
    Ok(false)
}

/// The whole file as text. Fails if it is too large, not regular or not UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String, TaskFileError> {
    let (file, _) = open(path)?;
    let mut bytes = Vec::new();
    // The file may have grown since its size was read.
    file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(TaskFileError::TooLarge(bytes.len() as u64));
    }
    if let Some(encoding) = utf16(&bytes) {
        return Err(TaskFileError::Utf16(encoding));
    }
    String::from_utf8(bytes).map_err(|error| TaskFileError::NotUtf8(error.utf8_error().valid_up_to()))
}

/// The text at the start of a file. A character that is cut off by the end of `head` is left out.
pub(super) fn text_of(head: &[u8], at_end: bool) -> Result<&str, TaskFileError> {
    if let Some(encoding) = utf16(head) {
        return Err(TaskFileError::Utf16(encoding));
    }
    match std::str::from_utf8(head) {
        Ok(text) => Ok(text),
        Err(error) if error.error_len().is_none() && !at_end => {
            Ok(std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default())
        }
        Err(error) => Err(TaskFileError::NotUtf8(error.valid_up_to())),
    }
}

/// A file's type in words.
pub(super) fn kind(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        k if k.is_dir() => "a folder",
        k if k.is_fifo() => "a FIFO",
        k if k.is_socket() => "a socket",
        k if k.is_char_device() || k.is_block_device() => "a device",
        k if k.is_symlink() => "a link",
        _ => "something else",
    }
}

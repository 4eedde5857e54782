//! Opening a file that is to be locked: a regular one, never through a link, without waiting.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Opens the lock file at `path`, making it where `create` says so. An error names the file: what
/// stands in its place is for the user to remove.
pub(super) fn open(path: &Path, create: bool) -> io::Result<File> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
    let file = OpenOptions::new()
        .read(true)
        .write(create)
        .create(create)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(named)?;
    if !file.metadata().map_err(named)?.is_file() {
        return Err(named(io::Error::other("it is not a regular file")));
    }
    Ok(file)
}

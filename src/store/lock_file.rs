//! Opens lock files, regular files only and never through a link, and locks them with a bounded wait.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::os::clock::Stopwatch;
use crate::os::process::holder::{self, Holder};

/// Longest wait for a lock. Each holder needs its lock only briefly.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a waiter checks whether the holder is stopped (SIGSTOP): a stopped process releases nothing.
const STOPPED_CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// Pause between two attempts, doubled each time.
const STEP_MIN: Duration = Duration::from_micros(200);
const STEP_MAX: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Shared,
    Exclusive,
}

/// Locks `file`, which is at `path`. Fails after `PATIENCE`, or earlier where the holder is stopped; the error names
/// the holder, if known, and the command that frees the lock.
pub(super) fn lock(file: &File, path: &Path, hold: Hold) -> io::Result<()> {
    let begun = Stopwatch::start();
    let (mut step, mut next_check) = (STEP_MIN, STOPPED_CHECK_INTERVAL);
    loop {
        let tried = match hold {
            Hold::Shared => file.try_lock_shared(),
            Hold::Exclusive => file.try_lock(),
        };
        match tried {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Err(_) => {}
        }
        if begun.elapsed() > next_check {
            next_check += STOPPED_CHECK_INTERVAL;
            let holder = holder::holder_of(path).ok().flatten();
            let is_stuck = holder.as_ref().is_some_and(|holder| holder.is_stopped);
            if is_stuck || begun.elapsed() > PATIENCE {
                return Err(io::Error::new(io::ErrorKind::TimedOut, words(path, holder.as_ref())));
            }
        }
        std::thread::sleep(step);
        step = (step * 2).min(STEP_MAX);
    }
}

fn words(path: &Path, holder: Option<&Holder>) -> String {
    let path = path.display();
    match holder {
        Some(holder) => format!("`{path}` is locked by {holder}; `{}` frees it", holder.fix()),
        None => format!("`{path}` is locked by another process for more than {} s", PATIENCE.as_secs()),
    }
}

/// Opens the lock file at `path`, creating it if `create`. Fails where another kind of file is there; the error names
/// the path, so that the user can remove it.
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

//! The pair lock: a lock file that holds a run id. Locked means that the run is alive.
//!
//! The kernel frees it when its last holder dies, so it is never stale. The file must never be removed: a lock on a
//! removed file excludes no process.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{io, thread};

use crate::model::names::Pair;
use crate::model::run_id::RunId;
use crate::store::lock_file;
use crate::store::state_dir::{StateDir, make_folder};

/// The exclusive right to run a pair; released when dropped.
#[derive(Debug)]
pub struct PairLock {
    file: File,
}

#[derive(Debug)]
pub enum Claim {
    /// Claimed, with the id of the run that held it last.
    Taken(PairLock, Option<RunId>),
    /// Held by another process, with the id of its run where that is written already.
    Held(Option<RunId>),
}

/// The state of a pair lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Liveness {
    Free,
    Held(Option<RunId>),
}

/// Tries to claim `pair` without waiting for its holder.
pub fn claim(state: &StateDir, pair: &Pair) -> io::Result<Claim> {
    let path = state.pair(pair);
    let file = open(&path, true)?;
    loop {
        match file.try_lock() {
            Ok(()) => {
                let last = read_id(&file)?;
                return Ok(Claim::Taken(PairLock { file }, last));
            }
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        // Refused by a holder, or by the short shared lock of a probe? Only a holder refuses a shared lock too.
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => return Ok(Claim::Held(read_id(&file)?)),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {
                file.unlock()?;
                thread::yield_now();
            }
        }
    }
}

/// Checks the lock without claiming it: takes a shared lock and drops it at once.
pub fn probe(state: &StateDir, pair: &Pair) -> io::Result<Liveness> {
    let file = match open(&state.pair(pair), false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Liveness::Free),
        other => other?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Liveness::Free),
        Err(TryLockError::WouldBlock) => Ok(Liveness::Held(read_id(&file)?)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Blocks until no process holds `pair`. No timer: the kernel wakes this process.
pub fn wait_until_free(state: &StateDir, pair: &Pair) -> io::Result<()> {
    match open(&state.pair(pair), false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(file) => loop {
            match file.lock_shared() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        },
    }
}

/// Why a process is not the owner of a run.
#[derive(Debug, thiserror::Error)]
pub enum NotOwner {
    #[error("standard input is not the lock file `{}`", .0.display())]
    OtherFile(PathBuf),
    #[error("the lock file `{}` is not locked through standard input", .0.display())]
    NotLocked(PathBuf),
    #[error("the lock file `{}` names {}", .path.display(), .named.as_ref().map_or("no run".to_owned(), |run| format!("run {run}")))]
    OtherRun { path: PathBuf, named: Option<RunId> },
    #[error("the lock cannot be looked at: {0}")]
    Io(#[from] io::Error),
}

/// Checks that this process was handed the lock of `pair` for `run` as its standard input. Fails where standard input
/// is another file, does not hold the lock, or holds it for another run.
pub fn check_inherited(state: &StateDir, pair: &Pair, run: &RunId) -> Result<(), NotOwner> {
    let path = state.pair(pair);
    let file = open(&path, false)?;
    let (there, here) = (file.metadata()?, rustix::fs::fstat(io::stdin()).map_err(io::Error::from)?);
    if (u128::from(there.dev()), u128::from(there.ino())) != (u128::from(here.st_dev), u128::from(here.st_ino)) {
        return Err(NotOwner::OtherFile(path));
    }
    // The lock is held, and only its holder can lock it again: success means that standard input holds it.
    let is_held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    if !is_held || rustix::fs::flock(io::stdin(), rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(NotOwner::NotLocked(path));
    }
    match read_id(&file)? {
        Some(named) if named == *run => Ok(()),
        named => Err(NotOwner::OtherRun { path, named }),
    }
}

/// A lock without a run id belongs to a command that inspects the run and then releases the lock. On a busy machine
/// that command may be descheduled meanwhile.
const UNNAMED_PATIENCE: Duration = Duration::from_millis(500);

/// Claims `pair`, waiting for a holder that is known to be ending. `None` after `patience`, or later (500 ms) where the
/// lock names no run.
pub fn claim_from_ending(state: &StateDir, pair: &Pair, patience: Duration) -> io::Result<Option<Claim>> {
    let step = Duration::from_millis(1);
    let mut waited = Duration::ZERO;
    loop {
        match claim(state, pair)? {
            Claim::Held(named) if waited < patience || named.is_none() && waited < UNNAMED_PATIENCE.max(patience) => {
                waited += step;
                thread::sleep(step);
            }
            Claim::Held(_) => return Ok(None),
            taken => return Ok(Some(taken)),
        }
    }
}

impl PairLock {
    /// Writes the run's id. One write of fixed length: readers see it whole.
    pub fn name(&self, run: &RunId) -> io::Result<()> {
        self.file.write_all_at(format!("{run}\n").as_bytes(), 0)
    }

    /// Blanks the run id while the holder is not a run: another command then waits instead of joining that run.
    pub fn unname(&self) -> io::Result<()> {
        self.file.write_all_at(&[b' '; 26], 0)
    }

    /// The run id in the lock: that of the pair's last run until a new one is written.
    pub fn named(&self) -> io::Result<Option<RunId>> {
        read_id(&self.file)
    }

    /// The locked file, to be handed to a supervisor, which then holds the lock.
    pub fn into_file(self) -> File {
        self.file
    }
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    if create && let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    lock_file::open(path, create)
}

fn read_id(file: &File) -> io::Result<Option<RunId>> {
    let mut bytes = [0; 26];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(std::str::from_utf8(&bytes).ok().and_then(RunId::parse)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, TaskId};
    use crate::os::ids::new_run_id;

    fn pair() -> Pair {
        Pair { mode: ModeName::parse("review").unwrap(), task: TaskId::parse("T-1").unwrap() }
    }

    #[test]
    fn a_claim_excludes_and_names_its_run() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::create(&dir.path().join("s")).unwrap();
        assert_eq!(probe(&state, &pair()).unwrap(), Liveness::Free);
        let Claim::Taken(lock, None) = claim(&state, &pair()).unwrap() else { panic!("not free") };
        let id = new_run_id();
        lock.name(&id).unwrap();
        assert_eq!(probe(&state, &pair()).unwrap(), Liveness::Held(Some(id.clone())));
        assert!(matches!(claim(&state, &pair()).unwrap(), Claim::Held(Some(held)) if held == id));
        drop(lock);
        assert!(matches!(claim(&state, &pair()).unwrap(), Claim::Taken(_, Some(last)) if last == id));
    }

    #[test]
    fn lookers_never_make_a_free_pair_seem_held() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::create(&dir.path().join("s")).unwrap();
        drop(claim(&state, &pair()).unwrap());
        let done = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        // Free, or held briefly by the claim below.
                        probe(&state, &pair()).unwrap();
                    }
                });
            }
            let held: Vec<_> = (0..500).filter(|_| matches!(claim(&state, &pair()).unwrap(), Claim::Held(_))).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(held.is_empty(), "{} claims were refused", held.len());
        });
    }
}

//! The claim of a pair: a lock file that holds the run id. Locked means alive, free means dead.
//!
//! The kernel frees it with its last holder, whatever killed that one, so nothing ever goes stale.
//! The file itself is never removed: a lock on a removed file excludes nobody.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::model::names::Pair;
use crate::model::run_id::RunId;
use crate::store::lock_file;
use crate::store::state_dir::{StateDir, make_folder};

/// The exclusive right to run a pair. Dropped: free again.
#[derive(Debug)]
pub struct PairLock {
    file: File,
}

/// The outcome of asking for a pair.
#[derive(Debug)]
pub enum Claim {
    /// Ours, with the id of the run that held it last.
    Taken(PairLock, Option<RunId>),
    /// Somebody's, with the id of that run where it is written already.
    Held(Option<RunId>),
}

/// What a look at the lock tells.
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
        // Refused: by a holder, or by somebody's short look (a shared lock)? Only a holder
        // refuses a shared one too.
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

/// Looks without disturbing: a shared lock that is dropped at once.
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

/// Blocks until nobody holds `pair`. No timer: the kernel wakes us.
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

/// Whether this process was handed the claim of `pair` for `run` as its standard input. Fails where
/// standard input is another file, does not hold the lock, or holds it for another run.
pub fn check_inherited(state: &StateDir, pair: &Pair, run: &RunId) -> Result<(), NotOwner> {
    let path = state.pair(pair);
    let file = open(&path, false)?;
    let (there, here) = (file.metadata()?, rustix::fs::fstat(io::stdin()).map_err(io::Error::from)?);
    if (u128::from(there.dev()), u128::from(there.ino())) != (u128::from(here.st_dev), u128::from(here.st_ino)) {
        return Err(NotOwner::OtherFile(path));
    }
    // Somebody holds the lock, and who holds it may lock it once more: only then it is ours.
    let is_held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    if !is_held || rustix::fs::flock(io::stdin(), rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(NotOwner::NotLocked(path));
    }
    match read_id(&file)? {
        Some(named) if named == *run => Ok(()),
        named => Err(NotOwner::OtherRun { path, named }),
    }
}

/// A claim without a name belongs to a command that inspects the run and then gives the claim back. On a
/// busy machine it may be descheduled meanwhile.
const UNNAMED_PATIENCE: Duration = Duration::from_millis(500);

/// Claims `pair`, waiting for a holder that is known to be ending. `None` after `patience`, or later
/// where the claim names no run.
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
    /// Writes whose run this claim is. One write of fixed length: readers see it whole.
    pub fn name(&self, run: &RunId) -> io::Result<()> {
        self.file.write_all_at(format!("{run}\n").as_bytes(), 0)
    }

    /// Takes the name off while the holder is not a run: who asks then waits instead of joining.
    pub fn unname(&self) -> io::Result<()> {
        self.file.write_all_at(&[b' '; 26], 0)
    }

    /// The run that this claim names: the pair's last one, until the claim is given a new name.
    pub fn named(&self) -> io::Result<Option<RunId>> {
        read_id(&self.file)
    }

    /// The open file, to be handed to a supervisor: the lock goes with it.
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
                        // Free, or held for the moment of the claim below.
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

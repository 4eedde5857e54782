//! Slots: lock files, each of which permits one job to run. The kernel frees the slot of a killed holder. Taking a slot
//! must not block: a job without a slot is queued.

use std::fs::{File, TryLockError};
use std::io;

use crate::store::lock_file;
use crate::store::state_dir::StateDir;

/// A slot in use; freed when dropped.
#[derive(Debug)]
pub struct Slot {
    file: File,
}

impl Slot {
    /// The locked file, to be handed to a supervisor, which then holds the slot.
    pub fn into_file(self) -> File {
        self.file
    }
}

/// Takes a free slot below `count`; `None` where all are in use. Tries high numbers first, and so leaves the low ones
/// to commands with a lower `-j`, which may use no others.
pub fn take(state: &StateDir, count: u32) -> io::Result<Option<Slot>> {
    for number in (0..count).rev() {
        let file = lock_file::open(&state.slot(number), true)?;
        match file.try_lock() {
            Ok(()) => return Ok(Some(Slot { file })),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_asked_for_and_a_dropped_one_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::create(&dir.path().join("s")).unwrap();
        let first = take(&state, 2).unwrap().unwrap();
        let _second = take(&state, 2).unwrap().unwrap();
        assert!(take(&state, 2).unwrap().is_none());
        assert!(take(&state, 3).unwrap().is_some());
        drop(first);
        assert!(take(&state, 2).unwrap().is_some());
    }
}

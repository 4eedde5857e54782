//! Slots for headless jobs: lock files, so that a killed holder frees its slot by dying.

use std::fs::{File, TryLockError};
use std::io;

use crate::store::lock_file;
use crate::store::state_dir::StateDir;

/// A slot in use. Dropped: free.
#[derive(Debug)]
pub struct Slot {
    file: File,
}

impl Slot {
    /// The open file, to be handed to a supervisor: the slot goes with it.
    pub fn into_file(self) -> File {
        self.file
    }
}

/// Takes a free slot below `count`, or `None`. High numbers first: commands that lowered `-j`
/// may only use low ones, so the others leave those to them.
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

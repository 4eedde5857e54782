//! Reads the failed attempts of a run that are followed by another attempt, and returns each once.

use crate::lifecycle::store::Store;
use crate::model::attempt_record::AttemptRecord;
use crate::model::run_id::RunId;
use crate::store::run_folder::RunFolder;

#[derive(Debug)]
pub struct FailedAttempts {
    folder: RunFolder,
    /// Size of the attempts record at the last call, in bytes.
    length: u64,
    returned: usize,
}

impl FailedAttempts {
    pub fn of(store: &Store, run: &RunId) -> Self {
        Self { folder: store.folder(run), length: 0, returned: 0 }
    }

    /// The failed attempts since the last call. Costs one `stat` if there are none.
    pub fn take(&mut self) -> Vec<AttemptRecord> {
        let length = self.folder.attempts_length();
        if std::mem::replace(&mut self.length, length) == length {
            return Vec::new();
        }
        let attempts = self.folder.read_attempts();
        let returned = std::mem::replace(&mut self.returned, attempts.len());
        attempts.into_iter().skip(returned).filter(|attempt| attempt.again_at.is_some()).collect()
    }
}

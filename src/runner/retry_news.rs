//! The failed attempts of one run that another attempt follows, each told once.

use crate::model::attempt_record::AttemptRecord;
use crate::model::run_id::RunId;
use crate::runner::store::Store;
use crate::system::store::run_folder::RunFolder;

/// What of a run's attempts was told so far.
#[derive(Debug)]
pub struct RetryNews {
    folder: RunFolder,
    /// The length of their record at the last look, in bytes.
    length: u64,
    told: usize,
}

impl RetryNews {
    pub fn of(store: &Store, run: &RunId) -> Self {
        Self { folder: store.folder(run), length: 0, told: 0 }
    }

    /// The failed attempts since the last call. Costs one look at a file where there is none.
    pub fn take(&mut self) -> Vec<AttemptRecord> {
        let length = self.folder.attempts_length();
        if std::mem::replace(&mut self.length, length) == length {
            return Vec::new();
        }
        let attempts = self.folder.read_attempts();
        let told = std::mem::replace(&mut self.told, attempts.len());
        attempts.into_iter().skip(told).filter(|attempt| attempt.again_at.is_some()).collect()
    }
}

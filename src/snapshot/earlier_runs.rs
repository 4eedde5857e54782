//! The last ended run of each pair, kept between requests: the board asks for all of them at each key of a search.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::lifecycle::store::Store;
use crate::model::run::Run;
use crate::os::clock::Stopwatch;
use crate::store::index::IndexError;

/// Nothing announces that a record was removed by hand.
const LATEST: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct EarlierRuns(Mutex<Option<KeptRuns>>);

#[derive(Debug)]
struct KeptRuns {
    runs: Arc<Vec<Run>>,
    /// The number of the last event before they were read.
    seq: u64,
    read: Stopwatch,
}

impl EarlierRuns {
    /// The ended runs of all pairs as of event `seq`, which must have been read before the call.
    pub(super) fn all(&self, store: &Store, seq: u64) -> Result<Arc<Vec<Run>>, IndexError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.as_ref().filter(|known| known.seq == seq && known.read.elapsed() < LATEST) {
            return Ok(Arc::clone(&known.runs));
        }
        let read = Stopwatch::start();
        let runs = store.last_ended(u32::MAX);
        store.close_index();
        let runs = Arc::new(runs?);
        *kept = Some(KeptRuns { runs: Arc::clone(&runs), seq, read });
        Ok(runs)
    }
}

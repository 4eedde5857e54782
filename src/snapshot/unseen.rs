//! Failed and lost runs whose page has not been opened since their end: the last run of each pair, for three days.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::lifecycle::failure::Failure;
use crate::lifecycle::summary::attention;
use crate::lifecycle::summary::past_runs::PastRuns;
use crate::model::interval::Interval;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::EndState;
use crate::os::clock::Stopwatch;
use crate::snapshot::Live;

const SINCE: &str = "3d";
/// Runs of each outcome that are read, newest first.
const MOST: u32 = 200;
const OUTCOMES: [EndState; 3] = [EndState::Failed, EndState::TimedOut, EndState::Lost];
/// How long a result is used if no event comes.
const LATEST: Duration = Duration::from_secs(1);

/// The ids of these runs, read again after each event.
#[derive(Debug, Default)]
pub(super) struct UnseenCache(Mutex<Option<UnseenRuns>>);

#[derive(Debug)]
struct UnseenRuns {
    runs: Arc<HashSet<String>>,
    seq: u64,
    at: Stopwatch,
}

impl Live {
    /// The ids of the runs that need their user because they failed unseen.
    pub fn unseen(&self) -> Result<Arc<HashSet<String>>, Failure> {
        let seq = self.last_event();
        let mut cached = self.shared.unseen.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cached.as_ref().filter(|known| known.seq == seq && known.at.elapsed() < LATEST) {
            return Ok(Arc::clone(&known.runs));
        }
        let at = Stopwatch::start();
        let found = self.find_unseen();
        self.store().close_index();
        let runs = Arc::new(found?);
        *cached = Some(UnseenRuns { runs: Arc::clone(&runs), seq, at });
        Ok(runs)
    }

    /// After a run was looked at.
    pub fn forget_unseen(&self) {
        *self.shared.unseen.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn find_unseen(&self) -> Result<HashSet<String>, Failure> {
        let mut found = HashSet::new();
        for outcome in OUTCOMES {
            let query = PastRuns {
                since: Interval::parse(SINCE),
                outcome: Some(outcome),
                limit: Some(MOST),
                ..PastRuns::default()
            };
            let runs = self.past_with_open_index(query)?.runs;
            let pairs: Vec<_> = runs.iter().map(Run::pair).collect();
            let last: HashSet<RunId> = self.last_with_open_index(&pairs)?.iter().map(|run| run.id().clone()).collect();
            let is_unseen = |run: &&Run| last.contains(run.id()) && !attention::is_seen(self.store(), run);
            found.extend(runs.iter().filter(is_unseen).map(|run| run.id().to_string()));
        }
        Ok(found)
    }
}

//! Failed and lost runs whose page has not been opened since their end: the last run of each pair, for three days.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::lifecycle::summary::attention;
use crate::lifecycle::summary::past_runs::PastRuns;
use crate::model::interval::Interval;
use crate::model::run::Run;
use crate::model::run_state::EndState;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;

const SINCE: &str = "3d";
/// Runs of each outcome that are read, newest first.
const MOST: u32 = 200;
const OUTCOMES: [EndState; 3] = [EndState::Failed, EndState::TimedOut, EndState::Lost];
/// How long a result is used if no event comes.
const LATEST: Duration = Duration::from_secs(1);

/// The ids of these runs, read again after each event.
#[derive(Debug, Default)]
pub(in crate::serve) struct UnseenCache(Mutex<Option<UnseenRuns>>);

#[derive(Debug)]
struct UnseenRuns {
    runs: Arc<HashSet<String>>,
    seq: u64,
    at: Instant,
}

impl UnseenCache {
    /// After a run was looked at.
    pub(in crate::serve) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn get(&self, server: &HttpServer) -> Result<Arc<HashSet<String>>, Refusal> {
        let seq = server.live.last_event();
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cached.as_ref().filter(|known| known.seq == seq && known.at.elapsed() < LATEST) {
            return Ok(Arc::clone(&known.runs));
        }
        let at = Instant::now();
        let runs = Arc::new(find(server)?);
        *cached = Some(UnseenRuns { runs: Arc::clone(&runs), seq, at });
        Ok(runs)
    }
}

fn find(server: &HttpServer) -> Result<HashSet<String>, Refusal> {
    let mut found = HashSet::new();
    for outcome in OUTCOMES {
        let query = PastRuns {
            since: Interval::parse(SINCE),
            outcome: Some(outcome),
            limit: Some(MOST),
            ..PastRuns::default()
        };
        let runs = server.live.past(query)?.runs;
        let pairs: Vec<_> = runs.iter().map(Run::pair).collect();
        let last: HashSet<String> = server.live.last_of(&pairs)?.iter().map(|run| run.id().to_string()).collect();
        let is_unseen = |run: &&Run| last.contains(run.id().as_str()) && !attention::is_seen(server.live.store(), run);
        found.extend(runs.iter().filter(is_unseen).map(|run| run.id().to_string()));
    }
    Ok(found)
}

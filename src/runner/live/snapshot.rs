//! What one look brought, kept for a moment and shared by all who ask meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::model::names::Pair;
use crate::model::run::Run;
use crate::runner::live::Shared;
use crate::runner::show;
use crate::system::clock::Stopwatch;
use crate::system::store::index::IndexError;
use crate::view::run_view::RunView;

/// So many answers are kept: names come from outside.
const ANSWERS: usize = 4096;

/// The runs as they were at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Oldest first.
    pub active: Vec<Run>,
    /// Those whose end this very look saw.
    pub ended: Vec<Run>,
    pub at: Timestamp,
    /// What the user should hear of the records themselves.
    pub notices: Vec<String>,
    by_pair: HashMap<Pair, usize>,
    answers: Mutex<HashMap<Pair, Option<Arc<[u8]>>>>,
    /// When the look began.
    pub(super) begun: Stopwatch,
    /// How many writes went through this program before that.
    pub(super) touched: u64,
}

impl Snapshot {
    pub(super) fn new(runs: Vec<Run>, notices: Vec<String>, at: Timestamp, begun: Stopwatch, touched: u64) -> Self {
        let (active, ended): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(Run::is_active);
        // In the order of their ids: the newest of a pair stays.
        let by_pair = active.iter().enumerate().map(|(place, run)| (run.pair(), place)).collect();
        Self { active, ended, at, notices, by_pair, answers: Mutex::default(), begun, touched }
    }

    /// Whether tmux has to be asked about any of them.
    pub(super) fn has_windows(&self) -> bool {
        self.active.iter().any(|run| !run.facts.headless)
    }

    /// The active run of a pair.
    pub fn active_of(&self, pair: &Pair) -> Option<&Run> {
        self.by_pair.get(pair).and_then(|place| self.active.get(*place))
    }

    /// The last run of a pair as JSON, made once in the snapshot's life.
    pub(super) fn status_json(&self, shared: &Shared, pair: &Pair) -> Result<Option<Arc<[u8]>>, IndexError> {
        if let Some(answer) = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(pair) {
            return Ok(answer.clone());
        }
        let run = match self.active_of(pair) {
            Some(run) => Some(run.clone()),
            None => {
                let run = shared.ledger.last_run(pair);
                shared.ledger.rest();
                run?
            }
        };
        let answer: Option<Arc<[u8]>> = run.map(|run| {
            let held = shared.held(std::slice::from_ref(&run));
            text(&show::run(&run, &held, self.at)).into_bytes().into()
        });
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() < ANSWERS {
            answers.insert(pair.clone(), answer.clone());
        }
        Ok(answer)
    }
}

/// A run as it is shown to anybody.
pub(super) fn json(run: &Run, now: Timestamp) -> String {
    text(&RunView::new(run, now))
}

fn text(view: &RunView) -> String {
    // Plain data under text keys: it cannot fail.
    serde_json::to_string(view).unwrap_or_default()
}

/// The active runs, and after them the last run of each other pair, the last to end first: at most
/// `limit` of those.
pub(super) fn overview(snapshot: &Snapshot, earlier: Vec<Run>, limit: u32) -> Vec<Run> {
    let mut runs = snapshot.active.clone();
    let mut ended: Vec<Run> = snapshot.ended.iter().cloned().chain(earlier).collect();
    ended.sort_by_key(|run| std::cmp::Reverse(run.end.as_ref().map(|end| (end.ended_at, run.id().clone()))));
    let mut shown: std::collections::BTreeSet<Pair> = runs.iter().map(Run::pair).collect();
    ended.retain(|run| shown.insert(run.pair()));
    ended.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    runs.extend(ended);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run_state::RunState;
    use crate::runner::live::seen::tests::{ended, run};

    #[test]
    fn the_overview_shows_each_pair_once_and_the_last_ends_first() {
        let runs = vec![run(1, RunState::Running), ended(2, 50)];
        let snapshot = Snapshot::new(runs, Vec::new(), Timestamp::UNIX_EPOCH, Stopwatch::start(), 0);
        let earlier = vec![ended(3, 60), ended(2, 50), ended(1, 40), ended(4, 30)];
        let tasks = |limit| -> Vec<String> {
            overview(&snapshot, earlier.clone(), limit).iter().map(|run| run.facts.task.to_string()).collect()
        };
        assert_eq!(tasks(10), ["T-1", "T-3", "T-2", "T-4"]);
        assert_eq!(tasks(1), ["T-1", "T-3"]);
    }
}

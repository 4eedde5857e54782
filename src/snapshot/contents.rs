//! The result of one observation of all runs, shared by all requests until the next observation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::lifecycle::project::show;
use crate::lifecycle::refresh;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{RunState, WaitingFor};
use crate::os::clock::Stopwatch;
use crate::snapshot::{Capacity, LiveState};
use crate::store::index::IndexError;
use crate::view::run_view::RunView;

/// Maximum number of cached JSON responses: requests may name any pair.
const ANSWERS: usize = 4096;

#[derive(Debug)]
pub struct Snapshot {
    /// Oldest first.
    pub active: Vec<Run>,
    /// The runs whose end this observation found.
    pub ended: Vec<Run>,
    pub capacity: Capacity,
    pub at: Timestamp,
    by_pair: HashMap<Pair, usize>,
    answers: Mutex<HashMap<Pair, Option<Arc<[u8]>>>>,
    /// When the observation began.
    pub(super) begun: Stopwatch,
    /// The number of writes through this server before the observation.
    pub(super) writes: u64,
}

impl Snapshot {
    pub(super) fn new(runs: Vec<Run>, capacity: Capacity, at: Timestamp, begun: Stopwatch, writes: u64) -> Self {
        let (active, ended): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(Run::is_active);
        // Sorted by id, oldest first: the newest run of a pair overwrites the others.
        let by_pair = active.iter().enumerate().map(|(place, run)| (run.pair(), place)).collect();
        Self { active, ended, capacity, at, by_pair, answers: Mutex::default(), begun, writes }
    }

    /// Whether observing the active runs needs tmux.
    pub(super) fn has_windows(&self) -> bool {
        self.active.iter().any(|run| run.facts.form.has_window())
    }

    /// The runs that wait for a slot with their places in the queue, from 1.
    pub fn positions(&self) -> HashMap<&RunId, usize> {
        let queued = self.active.iter().filter(|run| run.state == RunState::Queued(WaitingFor::Slot));
        queued.enumerate().map(|(at, run)| (run.id(), at + 1)).collect()
    }

    pub fn active_of(&self, pair: &Pair) -> Option<&Run> {
        self.by_pair.get(pair).and_then(|place| self.active.get(*place))
    }

    /// The last run of a pair as JSON, cached in the snapshot.
    pub(super) fn status_json(&self, shared: &LiveState, pair: &Pair) -> Result<Option<Arc<[u8]>>, IndexError> {
        if let Some(answer) = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(pair) {
            return Ok(answer.clone());
        }
        let run = match self.active_of(pair) {
            Some(run) => Some(run.clone()),
            None => {
                let run = refresh::last_run(&shared.store, pair);
                shared.store.close_index();
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

pub(super) fn json(run: &Run, now: Timestamp) -> String {
    text(&RunView::new(run, now))
}

fn text(view: &RunView) -> String {
    // Serialization of plain data with text keys cannot fail.
    serde_json::to_string(view).unwrap_or_default()
}

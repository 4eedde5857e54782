//! How much is used of what limits the runs: slots, the day's budget, the usage limits of agents.

use jiff::Timestamp;

use crate::lifecycle::follow::failed_attempts::FailedAttempts;
use crate::lifecycle::queue::readiness;
use crate::lifecycle::store::Store;
use crate::model::retry::RetryOn;
use crate::model::run::Run;
use crate::model::run_state::{RunState, WaitingFor};
use crate::store::index::IndexError;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capacity {
    /// Jobs that run.
    pub slots_in_use: usize,
    /// USD: the cost of the runs that ended today, which the budget of a day limits.
    pub spent_today_usd: f64,
    /// The limits that jobs wait for before they try again, the last to end first.
    pub usage_limits: Vec<UsageLimit>,
}

/// A usage limit of an agent, as it reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageLimit {
    /// The agent's name in the manifest.
    pub agent: Option<String>,
    pub until: Timestamp,
}

impl Capacity {
    /// Of the observed runs at `now`. Fails if the index cannot be read.
    pub(super) fn of(store: &Store, runs: &[Run], now: Timestamp) -> Result<Self, IndexError> {
        let (spent_today_usd, _) = store.with_index(|index| readiness::spent_today(store, index))?;
        let mut usage_limits: Vec<UsageLimit> =
            runs.iter().filter_map(|run| usage_limit(store, run)).filter(|limit| limit.until > now).collect();
        usage_limits.sort_by_key(|limit| std::cmp::Reverse(limit.until));
        Ok(Self { slots_in_use: runs.iter().filter(|run| holds_slot(run)).count(), spent_today_usd, usage_limits })
    }
}

fn holds_slot(run: &Run) -> bool {
    let runs = matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping);
    run.facts.form.is_job() && runs
}

/// The usage limit that a job waits to see reset before its next attempt.
fn usage_limit(store: &Store, run: &Run) -> Option<UsageLimit> {
    if run.state != RunState::Queued(WaitingFor::Retry) {
        return None;
    }
    let attempt = FailedAttempts::of(store, run.id()).take().pop()?;
    let until = attempt.again_at.filter(|_| attempt.retried_for == Some(RetryOn::RateLimit))?;
    Some(UsageLimit { agent: run.facts.agent.clone(), until })
}

//! Whether a run may start, apart from a free slot: its dependencies, its gate, the day's budget, an exclusive run in
//! its folder. Reads records and the index; starts nothing.

use std::path::Path;

use jiff::Timestamp;

use crate::lifecycle::store::Store;
use crate::model::conditions::Conditions;
use crate::model::end_reason::EndReason;
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_state::{EndState, WaitingFor};
use crate::os::clock;
use crate::store::index::{Index, IndexError};
use crate::store::record_file::RecordError;

/// Whether a run may start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    Waits {
        waiting_for: WaitingFor,
        /// What it waits for or until when, for display.
        about: Option<String>,
    },
    /// A dependency did not succeed: the run can never start.
    Never(EndReason),
}

impl Readiness {
    fn waits(waiting_for: WaitingFor, about: impl Into<Option<String>>) -> Self {
        Self::Waits { waiting_for, about: about.into() }
    }
}

/// Checks `conditions` of a run that would work in `cwd`; `id` is its id, if it has one already. To start an
/// exclusive run on this answer, the caller must hold the folders lock.
pub(crate) fn of(
    store: &Store,
    index: &Index,
    conditions: &Conditions,
    form: RunForm,
    cwd: &Path,
    id: Option<&RunId>,
) -> Result<Readiness, IndexError> {
    let mut unmet = Vec::new();
    for dependency in &conditions.after {
        match state_of(store, dependency) {
            Dependency::Met => {}
            Dependency::Awaited(name) => unmet.push(name),
            Dependency::Failed(why) => return Ok(Readiness::Never(why)),
        }
    }
    if !unmet.is_empty() {
        return Ok(Readiness::waits(WaitingFor::Need, unmet.join(", ")));
    }
    if conditions.gate && !id.is_some_and(|id| store.folder(id).is_approved()) {
        return Ok(Readiness::waits(WaitingFor::Gate, None));
    }
    if let Some(limit) = store.day_limit_of(conditions.budget_day).filter(|_| form.is_job()) {
        let (spent, end) = spent_today(store, index)?;
        if spent >= limit {
            let about = format!("${spent:.2} of ${limit:.2} spent today, until {}", clock::local_minute(end));
            return Ok(Readiness::waits(WaitingFor::Budget, about));
        }
    }
    if conditions.exclusive
        && let Some(name) = occupant(store, index, cwd, id)?
    {
        return Ok(Readiness::waits(WaitingFor::Folder, name));
    }
    Ok(Readiness::Ready)
}

/// US dollars of the runs that ended today, and when the day ends.
pub(crate) fn spent_today(store: &Store, index: &Index) -> Result<(f64, Timestamp), IndexError> {
    let (start, end) = clock::day_of(clock::now());
    // Ends that are not indexed yet first: a run that is indexed in between counts twice, but none is missed.
    let pending = cost_not_noted_yet(store, index)?;
    Ok((pending + index.cost_since(start.as_millisecond())?, end))
}

/// US dollars of ended runs that the index lists as active: it is updated after an end is recorded.
fn cost_not_noted_yet(store: &Store, index: &Index) -> Result<f64, IndexError> {
    let ended = index.active()?.into_iter().filter_map(|id| store.folder(&id).read_exit().ok().flatten());
    Ok(ended.filter_map(|end| end.usage.cost_usd).sum())
}

fn state_of(store: &Store, id: &RunId) -> Dependency {
    let folder = store.folder(id);
    let spec = match folder.read_spec() {
        Ok(spec) => spec,
        Err(RecordError::Missing(_)) => {
            return Dependency::Failed(EndReason::DependencyRecordGone(id.clone()));
        }
        // It may be readable later.
        Err(_) => return Dependency::Awaited(id.to_string()),
    };
    match folder.read_exit() {
        Ok(Some(end)) if end.state == EndState::Succeeded => Dependency::Met,
        Ok(Some(end)) => {
            let (state, reason) = (end.state, end.reason.map(Box::new));
            Dependency::Failed(EndReason::Dependency { pair: spec.pair(), state, reason })
        }
        _ => Dependency::Awaited(spec.pair().to_string()),
    }
}

/// Another exclusive run in `cwd` that is started or being started.
fn occupant(store: &Store, index: &Index, cwd: &Path, id: Option<&RunId>) -> Result<Option<String>, IndexError> {
    for (other, facts) in index.active_facts()? {
        let Some(facts) = facts.filter(|facts| facts.exclusive && facts.cwd == cwd) else { continue };
        let folder = store.folder(&other);
        let waits = folder.is_queued() && matches!(folder.read_live(), Ok(None));
        if Some(&other) != id && !waits && !folder.has_end() {
            return Ok(Some(facts.pair().to_string()));
        }
    }
    Ok(None)
}

enum Dependency {
    Met,
    Awaited(String),
    Failed(EndReason),
}

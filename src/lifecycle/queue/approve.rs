//! Approves or rejects a run that waits at its gate.

use crate::lifecycle::launch::start::StartError;
use crate::lifecycle::queue;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::{EndState, RunState};
use crate::store::index::IndexError;
use crate::store::pair_lock::PairLock;
use crate::store::run_folder::RunFolder;

/// Attempts to take the pair lock; each waits for longer than an observing command holds it.
const CLAIM_ATTEMPTS: usize = 100;

/// A person's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateDecision {
    Approve,
    Reject { reason: Option<RejectReason> },
}

/// Why a person rejects a run: one line of visible text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectReason(String);

/// The longest reason, in bytes.
pub const MAX_REASON: usize = 1000;

/// Why a text is refused as a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectReasonError {
    #[error("the reason is longer than {MAX_REASON} bytes")]
    TooLong,
    #[error("the reason holds a control character; it is one line of text")]
    Control,
}

impl RejectReason {
    /// `None` for blank text. Fails if `text` is too long or not one line.
    pub fn parse(text: &str) -> Result<Option<Self>, RejectReasonError> {
        let text = text.trim();
        if text.len() > MAX_REASON {
            return Err(RejectReasonError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(RejectReasonError::Control);
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }
}

/// Why the decision was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    #[error("`{0}` does not wait at a gate")]
    NotWaiting(Pair),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the decision cannot be recorded")]
    Io(#[from] std::io::Error),
}

/// Lets the pair's queued run start, or ends it. A run that also waits for something else may be approved before.
/// Fails if no queued run of the pair has an undecided gate.
pub fn approve(store: &Store, pair: &Pair, decision: GateDecision) -> Result<Run, ApproveError> {
    let runs = refresh::of_pair(store, pair)?.runs;
    let waits = |run: &&Run| {
        let folder = store.folder(run.id());
        matches!(run.state, RunState::Queued(_))
            && !folder.is_approved()
            && folder.read_spec().is_ok_and(|spec| spec.conditions.gate)
    };
    let run = runs.iter().rev().find(waits).ok_or_else(|| ApproveError::NotWaiting(pair.clone()))?;
    let folder = store.folder(run.id());
    // Under the pair lock: one decision at a time, and none on a run that starts or ends meanwhile.
    let spec = folder.read_spec().map_err(std::io::Error::other)?;
    let lock = claim_waiting(store, &folder, &spec)?.filter(|_| !folder.is_approved());
    let lock = lock.ok_or_else(|| ApproveError::NotWaiting(pair.clone()))?;
    match decision {
        GateDecision::Approve => {
            folder.approve()?;
            lock.name(run.id())?;
        }
        GateDecision::Reject { reason } => {
            let reason = reason.map_or(EndReason::Rejected, |reason| EndReason::RejectedBecause(reason.0));
            queue::end_claimed(store, &folder, &spec, &lock, EndState::Failed, reason)?;
        }
    }
    drop(lock);
    queue::advance(store)?;
    Ok(refresh::one(store, run.id())?.unwrap_or_else(|| run.clone()))
}

/// The pair lock of a queued run; `None` if the run is not queued any more. Fails if the lock stays held.
fn claim_waiting(store: &Store, folder: &RunFolder, spec: &RunSpec) -> Result<Option<PairLock>, StartError> {
    for _ in 0..CLAIM_ATTEMPTS {
        if let Some(lock) = queue::claim_queued(store, folder, spec)? {
            return Ok(Some(lock));
        }
        if !folder.is_queued() || folder.has_end() || !matches!(folder.read_live(), Ok(None)) {
            return Ok(None);
        }
    }
    Err(StartError::Busy { holder: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_text() {
        let text = |text: &str| RejectReason::parse(text).map(|reason| reason.map(|reason| reason.0));
        assert_eq!(text("  too \u{fc}ber \n"), Ok(Some("too \u{fc}ber".to_owned())));
        assert_eq!(text(" \n"), Ok(None));
        assert_eq!(text("a\nb"), Err(RejectReasonError::Control));
        assert_eq!(text("\u{1b}[1m"), Err(RejectReasonError::Control));
        assert_eq!(text(&"x".repeat(MAX_REASON + 1)), Err(RejectReasonError::TooLong));
    }
}

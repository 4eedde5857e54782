//! The conversation of a run that a later run can continue.

use crate::agent;
use crate::model::run::Run;

/// `None` where the run never started, or conversations of its protocol cannot be resumed.
pub fn conversation(run: &Run) -> Option<String> {
    run.conversation().filter(|_| agent::of(run.facts.protocol).capabilities().resume)
}

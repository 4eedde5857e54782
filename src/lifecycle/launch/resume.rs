//! The conversation of a run that a later run can continue.

use crate::agents;
use crate::model::run::Run;

/// `None` where the run never started, or conversations of its protocol cannot be resumed.
pub fn conversation(run: &Run) -> Option<String> {
    run.conversation().filter(|_| agents::of(run.facts.protocol).capabilities().resume)
}

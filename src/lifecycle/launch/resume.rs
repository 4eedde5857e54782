//! The conversation of a run that a later run can continue.

use crate::agents;
use crate::model::run::Run;

/// `None` if the run never started, or its protocol cannot resume conversations.
pub fn conversation(run: &Run) -> Option<String> {
    run.conversation().filter(|_| agents::of(run.facts.protocol).capabilities().resume)
}

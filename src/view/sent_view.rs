//! The result of `send` as JSON.

use serde::Serialize;

use crate::model::run::Run;

/// `confirmed`: the agent's transcript contains the text; `exact`: byte for byte.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SentView {
    pub run_id: String,
    pub mode: String,
    pub task: String,
    pub label: String,
    pub sent: bool,
    pub confirmed: bool,
    pub exact: bool,
}

impl SentView {
    pub fn new(run: &Run, confirmed: bool, exact: bool) -> Self {
        Self {
            run_id: run.id().to_string(),
            mode: run.facts.mode.to_string(),
            task: run.facts.task.to_string(),
            label: run.pair().label(),
            sent: true,
            confirmed,
            exact,
        }
    }
}

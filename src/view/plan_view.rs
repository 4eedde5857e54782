//! Plans and their results as JSON.

use serde::Serialize;

use crate::plan::diff::Plan;
use crate::plan::step::{Action, Step};

/// All steps: stops, starts in order, then the pairs without action.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The number of steps with an action.
    pub changes: usize,
    pub steps: Vec<StepView>,
}

/// The result of `up`: the steps of its plan with their outcomes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpView {
    pub changes: usize,
    pub steps: Vec<DoneView>,
}

/// A step that was done or failed. `runId` is the started run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneView {
    #[serde(flatten)]
    pub step: StepView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One step. `action` is `start`, `restart`, `recreate` or `stop`; without action it is `keep`, `drifted`, `held`,
/// `orphan`, `unselected` or `unknown`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    pub action: &'static str,
    pub mode: String,
    pub task: String,
    /// The active or last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    pub reason: String,
    /// The fields that drifted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The starts that this one waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<PairView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed_by: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PairView {
    pub mode: String,
    pub task: String,
}

impl PlanView {
    pub fn new(plan: &Plan) -> Self {
        Self { changes: plan.actions().count(), steps: plan.steps.iter().map(StepView::new).collect() }
    }
}

impl StepView {
    pub fn new(step: &Step) -> Self {
        let fields = match &step.action {
            Action::Recreate { drift, .. } | Action::Drifted { drift, .. } => {
                drift.iter().map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        };
        let after = step.after.iter();
        Self {
            action: step.action.word(),
            mode: step.pair.mode.to_string(),
            task: step.pair.task.to_string(),
            run_id: step.run().map(ToString::to_string),
            reason: step.reason(),
            fields,
            after: after.map(|pair| PairView { mode: pair.mode.to_string(), task: pair.task.to_string() }).collect(),
            needed_by: step.needed_by.as_ref().map(ToString::to_string),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, Pair, TaskId};
    use crate::model::run_id::RunId;
    use crate::plan::drift::Drift;

    #[test]
    fn a_step_is_flat_and_leaves_out_what_it_lacks() {
        let pair = |task| Pair { mode: ModeName::parse("review").unwrap(), task: TaskId::parse(task).unwrap() };
        let run = RunId::parse("01ARZ3NDEKTSV4RRFFQ0000001").unwrap();
        let drifted = Step::new(pair("A"), Action::Drifted { run, drift: vec![Drift::Field("argv")] });
        let start = Step { after: vec![pair("B")], ..Step::new(pair("C"), Action::Start) };
        let view = serde_json::to_value(PlanView::new(&Plan { steps: vec![drifted, start] })).unwrap();
        assert_eq!(
            view,
            serde_json::json!({ "changes": 1, "steps": [
                { "action": "drifted", "mode": "review", "task": "A", "runId": "01ARZ3NDEKTSV4RRFFQ0000001",
                  "reason": "drifted: argv", "fields": ["argv"] },
                { "action": "start", "mode": "review", "task": "C", "reason": "missing",
                  "after": [{ "mode": "review", "task": "B" }] },
            ] })
        );
    }
}

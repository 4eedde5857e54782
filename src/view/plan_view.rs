//! Plans and their results as JSON.

use serde::{Deserialize, Serialize};

use crate::plan::diff::Plan;
use crate::plan::drift::Drift;
use crate::plan::step::{Action, Step};

/// All steps: stops, starts in order, then the pairs without action.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Names what would be done: it changes with the actions, their inputs and the drift.
    pub plan_id: String,
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StepView {
    pub action: String,
    pub mode: String,
    pub task: String,
    /// The active or last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    pub reason: String,
    /// The fields that drifted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The same fields with their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<DriftView>,
    /// The starts that this one waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<PairView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed_by: Option<String>,
    /// The executor with an engine that gets the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// The command that settles a step without action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<String>,
    /// The number of steps above it in the tree of starts.
    #[serde(skip_serializing_if = "is_zero")]
    pub depth: usize,
}

/// A field that drifted. Values of variables are never shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DriftView {
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_be: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairView {
    pub mode: String,
    pub task: String,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl PlanView {
    pub fn new(plan: &Plan, id: &str) -> Self {
        let steps = plan.steps.iter().map(StepView::new).collect();
        Self { plan_id: id.to_owned(), changes: plan.actions().count(), steps }
    }
}

impl StepView {
    pub fn new(step: &Step) -> Self {
        let drift = match &step.action {
            Action::Recreate { drift, .. } | Action::Drifted { drift, .. } => drift.as_slice(),
            _ => &[],
        };
        let after = step.after.iter();
        let command = |words: Vec<String>| format!("dispatch {}", words.join(" "));
        Self {
            action: step.action.word().to_owned(),
            mode: step.pair.mode.to_string(),
            task: step.pair.task.to_string(),
            run_id: step.run().map(ToString::to_string),
            reason: step.reason(),
            fields: drift.iter().map(ToString::to_string).collect(),
            drift: drift.iter().map(DriftView::new).collect(),
            after: after.map(|pair| PairView { mode: pair.mode.to_string(), task: pair.task.to_string() }).collect(),
            needed_by: step.needed_by.as_ref().map(ToString::to_string),
            executor: step.executor.clone(),
            settled_by: step.settled_by().map(command),
            depth: step.depth,
        }
    }
}

impl DriftView {
    pub(crate) fn new(drift: &Drift) -> Self {
        let values = match drift {
            Drift::Field { values, .. } => values.as_deref(),
            Drift::Env(..) | Drift::PassEnv(..) | Drift::CannotStart(_) => None,
        };
        Self {
            field: drift.to_string(),
            was: values.map(|values| values.was.clone()),
            would_be: values.map(|values| values.would_be.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, Pair, TaskId};
    use crate::model::run_id::RunId;

    #[test]
    fn a_step_is_flat_and_leaves_out_what_it_lacks() {
        let pair = |task| Pair { mode: ModeName::parse("review").unwrap(), task: TaskId::parse(task).unwrap() };
        let run = RunId::parse("01ARZ3NDEKTSV4RRFFQ0000001").unwrap();
        let drifted = Step::new(pair("A"), Action::Drifted { run, drift: vec![Drift::of_field("argv")] });
        let start = Step { after: vec![pair("B")], ..Step::new(pair("C"), Action::Start) };
        let view = serde_json::to_value(PlanView::new(&Plan { steps: vec![drifted, start] }, "id")).unwrap();
        assert_eq!(
            view,
            serde_json::json!({ "planId": "id", "changes": 1, "steps": [
                { "action": "drifted", "mode": "review", "task": "A", "runId": "01ARZ3NDEKTSV4RRFFQ0000001",
                  "reason": "drifted: argv", "fields": ["argv"], "drift": [{ "field": "argv" }],
                  "settledBy": "dispatch up --recreate" },
                { "action": "start", "mode": "review", "task": "C", "reason": "missing",
                  "after": [{ "mode": "review", "task": "B" }] },
            ] })
        );
    }
}

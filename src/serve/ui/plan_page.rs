//! The page of the plan: what `up` would do, as a tree in run order, with the state of each pair.

use serde::Serialize;

use crate::lifecycle::failure::Kind;
use crate::model::names::Pair;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::pages::top;
use crate::serve::ui::row;
use crate::serve::ui::templates::{self, context};
use crate::view::badge::Badge;
use crate::view::plan_view::{PairView, PlanView, StepView};
use crate::view::run_view::RunView;
use crate::worker::WorkerRequest;

/// The deepest indentation of a row.
const DEEPEST: usize = 6;
/// Names of runs that a row waits for, at most.
const AFTER: usize = 5;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanRow<'a> {
    step: &'a StepView,
    title: &'a str,
    /// `up` would start or stop something.
    acts: bool,
    /// It needs a person's decision.
    needs: bool,
    depth: usize,
    after: &'a [PairView],
    /// How many more it waits for.
    more: usize,
    badge: Option<Badge>,
    /// Everything about the step that a person decides on: a change of it is marked.
    print: String,
}

/// How many steps have each action.
#[derive(Serialize)]
struct ActionCount {
    action: String,
    count: usize,
}

/// Pairs of a request at most.
const ALSO: usize = 200;

/// Parses pairs as `mode/task,mode/task`.
pub(super) fn pairs(text: &str) -> Option<Vec<Pair>> {
    let pair = |text: &str| text.split_once('/').and_then(|(mode, task)| row::pair(mode, task));
    let pairs: Vec<Pair> = text.split(',').filter(|text| !text.is_empty()).map(pair).collect::<Option<_>>()?;
    (pairs.len() <= ALSO).then_some(pairs)
}

/// `also`: pairs that the page shows even where the plan does not have them.
pub(super) fn page(server: &HttpServer, also: &[Pair]) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalog.get(server)?;
    let mut broken = catalog.broken.clone();
    let mut plan: PlanView = match server.workers.fetch(&WorkerRequest::Plan) {
        Ok(plan) => plan,
        Err(failure) if matches!(failure.kind, Kind::BadManifest | Kind::Usage) => {
            broken.get_or_insert_with(|| catalog.broken_by(failure));
            PlanView::default()
        }
        Err(failure) => return Err(failure.into()),
    };
    add(&mut plan, also);
    let pairs: Vec<_> = plan.steps.iter().filter_map(|step| row::pair(&step.mode, &step.task)).collect();
    let runs: Vec<RunView> = server.live.last_of(&pairs)?.iter().map(|run| server.live.view(run)).collect();
    let rows: Vec<PlanRow<'_>> = plan.steps.iter().map(|step| row(&catalog, &runs, step)).collect();
    let mut counts: Vec<ActionCount> = Vec::new();
    for step in &plan.steps {
        match counts.iter_mut().find(|known| known.action == step.action) {
            Some(known) => known.count += 1,
            None => counts.push(ActionCount { action: step.action.clone(), count: 1 }),
        }
    }
    templates::render(
        "plan.html",
        context! {
            top => top(server, &catalog, seq)?, broken, editable => catalog.project.editable, planId => plan.plan_id, changes => plan.changes, rows, counts,
        },
    )
}

/// Adds a step without action for each of `pairs` that has none.
fn add(plan: &mut PlanView, pairs: &[Pair]) {
    for pair in pairs {
        let is_own = |step: &StepView| step.mode == pair.mode.as_str() && step.task == pair.task.as_str();
        if !plan.steps.iter().any(is_own) {
            let (action, reason) = ("keep".to_owned(), "no entry of `runs` wants it by itself".to_owned());
            let (mode, task) = (pair.mode.to_string(), pair.task.to_string());
            plan.steps.push(StepView { action, mode, task, reason, ..StepView::default() });
        }
    }
}

fn row<'a>(catalog: &'a Catalog, runs: &[RunView], step: &'a StepView) -> PlanRow<'a> {
    let run = runs.iter().find(|run| run.mode == step.mode && run.task == step.task);
    let is_fresh = row::pair(&step.mode, &step.task).is_some_and(|pair| catalog.is_fresh(&pair));
    let after = &step.after[..step.after.len().min(AFTER)];
    PlanRow {
        title: catalog.task(&step.task).map_or("", |task| task.title.as_str()),
        acts: matches!(step.action.as_str(), "start" | "restart" | "recreate" | "stop"),
        needs: !matches!(step.action.as_str(), "keep" | "start" | "restart" | "recreate" | "stop"),
        depth: step.depth.min(DEEPEST),
        more: step.after.len() - after.len(),
        after,
        badge: run.map(|run| Badge::of(run, is_fresh)),
        print: print(step),
        step,
    }
}

fn print(step: &StepView) -> String {
    // A kept run may go from queued to running to its end: that is no change of the plan.
    if step.action == "keep" {
        return step.action.clone();
    }
    let drift = step.drift.iter().flat_map(|drift| [Some(&drift.field), drift.would_be.as_ref()]).flatten();
    let parts: Vec<&str> =
        [&step.action, &step.reason].into_iter().chain(&step.executor).chain(drift).map(String::as_str).collect();
    parts.join("\n")
}

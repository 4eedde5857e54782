//! A plan with the prepared runs of its starts, and the id that names both. Starts nothing.
//!
//! What is applied is exactly what the id was computed from: no file is read again in between.

use std::collections::{HashMap, HashSet};

use crate::agents;
use crate::lifecycle::launch::prepare::{self, PrepareError, Prepared};
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::launch::spec_fingerprint::SpecFingerprints;
use crate::lifecycle::project::Project;
use crate::model::names::Pair;
use crate::model::started_by::StartedBy;
use crate::os::fingerprint::Digest;
use crate::plan::diff::Plan;
use crate::plan::drift::Drift;
use crate::plan::step::{Action, Step};
use crate::tasks::TaskSet;

/// Bytes of a plan's id in hexadecimal: enough that no two plans of a project share one.
const ID_LENGTH: usize = 32;

#[derive(Debug)]
pub struct PreparedPlan {
    pub plan: Plan,
    id: String,
    starts: HashMap<Pair, Result<Prepared, NotPrepared>>,
}

/// Why a start of the plan cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum NotPrepared {
    #[error("the mode or the task is gone")]
    Gone,
    #[error(transparent)]
    Prepare(#[from] PrepareError),
}

/// The pair is not in the plan.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not in the plan")]
pub struct NotInPlan(pub Pair);

impl PreparedPlan {
    pub fn new(project: &Project, tasks: &TaskSet, plan: Plan) -> Self {
        let mut fingerprints = SpecFingerprints::new(project);
        let starts: HashMap<Pair, _> = plan
            .steps
            .iter()
            .filter(|step| step.is_start())
            .map(|step| (step.pair.clone(), prepare_step(project, tasks, step, &mut fingerprints)))
            .collect();
        let id = id_of(&plan, &starts);
        Self { plan, id, starts }
    }

    /// A hash of the steps that would change something, with the inputs of their runs, and of the drift. Runs that are
    /// kept, their age and activity do not count.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The prepared run of a start; each is handed out once.
    pub(crate) fn take(&mut self, pair: &Pair) -> Result<Prepared, NotPrepared> {
        self.starts.remove(pair).unwrap_or(Err(NotPrepared::Gone))
    }

    /// Leaves only the actions on `pairs` and the starts that these need. Returns the pairs that are left. Fails if a
    /// pair is not in the plan.
    pub fn only(&mut self, project: &Project, pairs: &[Pair]) -> Result<HashSet<Pair>, NotInPlan> {
        let known: HashMap<&Pair, &Step> = self.plan.steps.iter().map(|step| (&step.pair, step)).collect();
        if let Some(unknown) = pairs.iter().find(|pair| !known.contains_key(pair)) {
            return Err(NotInPlan(unknown.clone()));
        }
        let mut chosen: HashSet<Pair> = HashSet::new();
        let mut left = pairs.to_vec();
        while let Some(pair) = left.pop() {
            let is_start = |pair: &Pair| known.get(pair).is_some_and(|step| step.is_start());
            if is_start(&pair) {
                let needs =
                    project.manifest.modes.get(&pair.mode).map(|mode| mode.needs.as_slice()).unwrap_or_default();
                let needs = needs.iter().map(|mode| Pair { mode: mode.clone(), task: pair.task.clone() });
                left.extend(needs.filter(|need| is_start(need) && !chosen.contains(need)));
            }
            chosen.insert(pair);
        }
        // Steps without action stay: a start may wait for an active run.
        self.plan.steps.retain(|step| !step.is_action() || chosen.contains(&step.pair));
        Ok(chosen)
    }
}

fn prepare_step(
    project: &Project,
    tasks: &TaskSet,
    step: &Step,
    fingerprints: &mut SpecFingerprints<'_>,
) -> Result<Prepared, NotPrepared> {
    let mode = project.manifest.modes.get(&step.pair.mode).ok_or(NotPrepared::Gone)?;
    let task = tasks.get(&step.pair.task).ok_or(NotPrepared::Gone)?;
    let request = StartRequest { started_by: Some(StartedBy::Up), ..StartRequest::default() };
    // Before the files are read: a change in between is then seen as drift.
    let fingerprint = fingerprints.of(mode, task);
    let mut prepared = prepare::prepare(project, tasks, mode, task, &request, None)?;
    prepared.by_up = true;
    prepared.spec_fingerprint = fingerprint;
    prepared.planned_after = Some(step.run().cloned());
    Ok(prepared)
}

fn id_of(plan: &Plan, starts: &HashMap<Pair, Result<Prepared, NotPrepared>>) -> String {
    let mut digest = Digest::default();
    let acts: HashSet<&Pair> = plan.actions().map(|step| &step.pair).collect();
    for step in &plan.steps {
        let drift = match &step.action {
            Action::Recreate { drift, .. } | Action::Drifted { drift, .. } => drift.as_slice(),
            _ if step.is_action() => &[],
            _ => continue,
        };
        for piece in [step.action.word(), step.pair.mode.as_str(), step.pair.task.as_str()] {
            digest.add(piece.as_bytes());
        }
        digest.add(format!("{:?} {:?}", step.run(), step.needed_by).as_bytes());
        // The count of recent restarts is left out: it changes with time.
        if let Action::Restart { end, reason, .. } = &step.action {
            digest.add(format!("{end:?} {reason:?}").as_bytes());
        }
        // Active runs that a start waits for are left out: they end without a change of the plan.
        let after: Vec<&Pair> = step.after.iter().filter(|pair| acts.contains(pair)).collect();
        digest.add(format!("{after:?}").as_bytes());
        drift.iter().for_each(|drift| add_drift(&mut digest, drift));
        match starts.get(&step.pair) {
            Some(Ok(prepared)) => add_inputs(&mut digest, prepared),
            Some(Err(error)) => digest.add(error.to_string().as_bytes()),
            None => {}
        }
    }
    digest.finish().chars().take(ID_LENGTH).collect()
}

fn add_drift(digest: &mut Digest, drift: &Drift) {
    digest.add(format!("{drift:?}").as_bytes());
}

/// What the run would be started with, without what differs in each preparation.
fn add_inputs(digest: &mut Digest, prepared: &Prepared) {
    let mut launch = prepared.launch.clone();
    let protocol = agents::of(launch.protocol);
    launch.argv = protocol.argv_without_conversation(&launch.argv, launch.session_id.as_deref());
    (launch.session_id, launch.spec_fingerprint) = (None, None);
    // Depend on who plans: the server or a command.
    launch.not_passed.clear();
    let Prepared { prompt, declared_env, pass_env, declared_worktree, .. } = prepared;
    for piece in
        [format!("{launch:?}"), format!("{declared_env:?}"), format!("{pass_env:?}"), format!("{declared_worktree:?}")]
    {
        digest.add(piece.as_bytes());
    }
    digest.add(prompt.as_deref().unwrap_or_default());
}

//! `plan`, `up` and `down`: compares the manifest's `runs:` with the observed runs.
//!
//! This module observes and plans; `apply` carries a plan out. Runs that cannot be observed are left alone.

pub mod apply;
pub(crate) mod drift;
pub mod held;
pub mod prepared_plan;
pub mod up;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::lifecycle::launch::freshness;
use crate::lifecycle::launch::spec_fingerprint::SpecFingerprints;
use crate::lifecycle::project::Project;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::manifest::PromptSource;
use crate::model::exit_record::ExitRecord;
use crate::model::names::Pair;
use crate::model::problem::Problem;
use crate::model::restart::Restart;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::RunState;
use crate::model::task_source::TaskSource;
use crate::os::clock;
use crate::os::watch::ChangeWatch;
use crate::plan::arrange::arrange;
use crate::plan::diff::{ObservedRun, OtherActive, Plan, UpOptions, WantedState, diff};
use crate::plan::drift::Drift;
use crate::plan::graph::{Graph, Ordering};
use crate::plan::wanted::{Membership, WantedSet, wanted};
use crate::store::index::{Index, IndexError};
use crate::tasks::TaskSet;

/// `up`'s starts of a pair within this time count towards a crash loop.
const LOOP_MS: i64 = 10 * 60 * 1000;

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// `runs:` names modes or tasks that do not exist.
    #[error("the wanted set has {} problem{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Problems(Vec<Problem>),
    #[error("they wait for one another: {}", .0.iter().map(|pair| format!("`{pair}`")).collect::<Vec<_>>().join(" → "))]
    Circle(Vec<Pair>),
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// A plan and what was noticed on the way to it.
#[derive(Clone, Debug, Default)]
pub struct PlanReport {
    pub plan: Plan,
    /// Notices of the observation of the runs.
    pub notices: Vec<String>,
    /// Entries of `runs:` that select no task, as text.
    pub unmatched: Vec<String>,
}

/// What `up` would do. `store` is `None` if nothing was ever run. Fails if `runs:` is invalid or has a cycle.
pub fn plan(
    project: &Project,
    tasks: &TaskSet,
    store: Option<&Store>,
    options: UpOptions,
) -> Result<PlanReport, PlanError> {
    let wanted = wanted(&project.manifest, tasks);
    if !wanted.problems.is_empty() {
        return Err(PlanError::Problems(wanted.problems));
    }
    let actual = match store {
        Some(store) => Actual::look(project, tasks, store)?,
        None => Actual::default(),
    };
    let states = wanted.entries.iter().map(|entry| {
        let seen = actual.seen(store, &entry.pair, entry.restart)?;
        Ok(WantedState { pair: entry.pair.clone(), restart: entry.restart, seen })
    });
    let states = states.collect::<Result<Vec<_>, IndexError>>()?;
    let plan = diff(&states, &actual.others(&wanted), options);
    let met = |pair: &Pair| store.is_some_and(|store| freshness::is_met(project, tasks, store, pair));
    let (going, starts) = (plan.on_their_way(), plan.starts());
    let modes = &project.manifest.modes;
    let graph =
        Graph::build_beside(&going, &starts, modes, tasks, Ordering::WithinMode, met).map_err(PlanError::Circle)?;
    let mut unasked = None;
    let mut plan = arrange(plan, &graph, options, |pair| {
        actual.seen(store, pair, Restart::OnFailure).unwrap_or_else(|error| {
            unasked = Some(error);
            ObservedRun::Nothing
        })
    });
    if let Some(error) = unasked {
        return Err(error.into());
    }
    for step in plan.steps.iter_mut().filter(|step| step.is_start()) {
        let named = modes.get(&step.pair.mode).and_then(|mode| mode.executor.as_ref());
        step.executor = named.filter(|name| project.manifest.executors.contains_key(*name)).cloned();
    }
    Ok(PlanReport { plan, notices: actual.notices, unmatched: wanted.unmatched })
}

/// The active runs that `up` manages: those of the wanted set, and others that `up` started.
pub fn kept_by_up(project: &Project, tasks: &TaskSet, store: &Store) -> Result<Vec<Run>, IndexError> {
    let wanted = wanted(&project.manifest, tasks);
    // A run that cannot be observed must not be stopped.
    let seen = |run: &Run| run.is_active() && !matches!(run.state, RunState::Unknown(_));
    let runs = refresh::all(store)?.runs.into_iter().filter(seen);
    Ok(runs.filter(|run| run.facts.by_up || wanted.standing(&run.pair()) == Membership::Wanted).collect())
}

#[derive(Debug, Default)]
struct Actual {
    active: BTreeMap<Pair, Run>,
    /// For each active run, the fields in which a start would now differ.
    drift: HashMap<Pair, Vec<Drift>>,
    ended: std::collections::HashSet<Pair>,
    notices: Vec<String>,
}

impl Actual {
    fn look(project: &Project, tasks: &TaskSet, store: &Store) -> Result<Self, IndexError> {
        let observed = refresh::all(store)?;
        let ended = store.with_index(Index::pairs_with_end)?;
        let mut actual = Self { ended, notices: observed.notices, ..Self::default() };
        let mut fingerprints = SpecFingerprints::new(project);
        // Sorted by id, oldest first: the newest run of a pair overwrites the others.
        for run in observed.runs.into_iter().filter(Run::is_active) {
            let drift = drift::of(project, tasks, store, &run, &mut fingerprints);
            actual.drift.insert(run.pair(), drift);
            actual.active.insert(run.pair(), run);
        }
        Ok(actual)
    }

    fn seen(&self, store: Option<&Store>, pair: &Pair, restart: Restart) -> Result<ObservedRun, IndexError> {
        if let Some(run) = self.active.get(pair) {
            let drift = self.drift.get(pair).cloned().unwrap_or_default();
            return Ok(ObservedRun::of(run, drift, false, 0));
        }
        let Some(store) = store.filter(|_| self.ended.contains(pair)) else { return Ok(ObservedRun::Nothing) };
        let Some(run) = store.with_index(|index| index.last_ended_of(pair))? else { return Ok(ObservedRun::Nothing) };
        let recent = match restart {
            Restart::Never if !run.never_started() => 0,
            Restart::Never | Restart::OnFailure | Restart::Always => count(&recent_restarts(store, run.id())),
        };
        Ok(ObservedRun::of(&run, Vec::new(), ended_by_person(&run), recent))
    }

    fn others(&self, wanted: &WantedSet) -> Vec<OtherActive> {
        let others = self.active.values().map(|run| (run, wanted.standing(&run.pair())));
        others
            .filter(|(_, standing)| *standing != Membership::Wanted)
            .map(|(run, standing)| OtherActive {
                pair: run.pair(),
                run: run.id().clone(),
                state: run.state.clone(),
                by_up: run.facts.by_up,
                standing,
            })
            .collect()
    }
}

pub(crate) fn ended_by_person(run: &Run) -> bool {
    run.end.as_ref().is_some_and(ExitRecord::is_by_person)
}

/// When `up` restarted the pair in the last ten minutes, this run included. Read from this run's spec, because
/// earlier runs may be pruned.
pub(crate) fn recent_restarts(store: &Store, run: &RunId) -> Vec<Timestamp> {
    let since = clock::now().as_millisecond() - LOOP_MS;
    let spec = store.folder(run).read_spec();
    let restarts = spec.map(|spec| spec.launch.restarts).unwrap_or_default();
    restarts.into_iter().filter(|at| at.as_millisecond() >= since).collect()
}

pub(crate) fn count(restarts: &[Timestamp]) -> u32 {
    u32::try_from(restarts.len()).unwrap_or(u32::MAX)
}

/// A watch on everything that a plan depends on: the manifest, templates, tasks and runs. Fails if the kernel has no
/// watch left.
pub fn changes_of(project: &Project) -> std::io::Result<ChangeWatch> {
    let manifest = &project.manifest;
    let watch = ChangeWatch::new()?;
    let mut folders = BTreeSet::from([manifest.root.clone()]);
    folders.extend(manifest.modes.values().filter_map(|mode| match &mode.prompt {
        PromptSource::Template(path) => path.parent().map(Path::to_owned),
        _ => None,
    }));
    let files = project.tasks();
    folders.extend(
        files.tasks().iter().filter_map(|task| Some(manifest.root.join(task.path.as_ref()?).parent()?.to_owned())),
    );
    for source in &manifest.tasks {
        match source {
            TaskSource::Subtasks(file) => folders.extend(file.path.parent().map(Path::to_owned)),
            // The first matching file will appear below the nearest existing folder of the pattern's fixed part.
            TaskSource::Files(files) => {
                let fixed = Path::new(&files.glob).components();
                let fixed =
                    fixed.take_while(|part| !part.as_os_str().as_encoded_bytes().iter().any(|b| b"*?[{".contains(b)));
                folders.extend(
                    manifest
                        .root
                        .join(fixed.collect::<PathBuf>())
                        .ancestors()
                        .find(|it| it.is_dir())
                        .map(Path::to_owned),
                );
            }
            TaskSource::List(_) => {}
        }
    }
    folders.insert(manifest.state_dir.clone());
    for folder in folders {
        // A missing folder is reported by its watched parent when it is made, or found by the timer.
        let _ = watch.watch_folder(&folder);
    }
    Ok(watch)
}

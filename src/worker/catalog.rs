//! Tasks, modes, problems and the pairs that are up to date: what the board shows beside the runs.

use std::collections::BTreeMap;

use crate::lifecycle::doctor;
use crate::lifecycle::failure::Failure;
use crate::lifecycle::launch::freshness;
use crate::lifecycle::launch::prepare;
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::open_file;
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::project_store;
use crate::lifecycle::project::show;
use crate::lifecycle::project::{Depth, Project};
use crate::manifest::Manifest;
use crate::model::run_state::EndState;
use crate::plan::freshness::Freshness;
use crate::plan::wanted;
use crate::tasks::TaskSet;
use crate::view::catalog_view::{BrokenView, CatalogView, ManifestLimits, MissingView, ProjectView};
use crate::worker::{WorkerFailure, files};

/// Maximum number of pairs whose freshness is computed: hashing the sources of more takes too long.
const FRESH_PAIRS: usize = 100;

pub(super) fn catalog(location: &ManifestLocation) -> Result<CatalogView, Failure> {
    // Lists the tasks even if a template is broken.
    let (project, broken) = match Project::open(location, Depth::Whole) {
        Ok(project) => (project, None),
        Err(error) => (Project::open(location, Depth::Shape)?, Some(WorkerFailure::from(Failure::from(error)))),
    };
    let manifest = &project.manifest;
    let set = project.tasks();
    let tracks = manifest.modes.values().any(|mode| !mode.sources.is_empty());
    let fresh = if tracks && broken.is_none() { fresh(&project, &set)? } else { Vec::new() };
    let wanted = wanted::wanted(manifest, &set);
    let wanted = wanted.with_needed().map(|pair| (pair.mode.to_string(), pair.task.to_string())).collect();
    let tasks = show::tasks(&set);
    let missing = doctor::missing(&project).into_iter();
    Ok(CatalogView {
        project: ProjectView {
            name: manifest.name.clone(),
            root: manifest.root.clone(),
            manifest: manifest.path.clone(),
            worktrees: manifest.worktree.is_some(),
            editor: open_file::has_editor(&project),
            editable: files::names(&project),
        },
        tasks: tasks.tasks,
        problems: tasks.problems,
        broken: broken.map(BrokenView::from),
        missing: missing
            .map(|finding| MissingView { what: finding.what, found: finding.found, cure: finding.fix })
            .collect(),
        modes: show::modes(&project, &manifest.root).modes,
        listed_in: files::listed_in(&project),
        fresh,
        limits: ManifestLimits { jobs: manifest.jobs, budget_day: manifest.budget.day },
        needs: needs(manifest),
        wanted,
        tracks,
        day_budget: manifest.budget.day,
    })
}

/// The modes with needs, and what each needs.
fn needs(manifest: &Manifest) -> BTreeMap<String, Vec<String>> {
    let modes = manifest.modes.values().filter(|mode| !mode.needs.is_empty());
    modes.map(|mode| (mode.name.to_string(), mode.needs.iter().map(ToString::to_string).collect())).collect()
}

impl From<WorkerFailure> for BrokenView {
    fn from(failure: WorkerFailure) -> Self {
        let WorkerFailure { message, hints, problems, .. } = failure;
        Self { message, hints, problems }
    }
}

/// The pairs that are up to date, as mode and task.
fn fresh(project: &Project, set: &TaskSet) -> Result<Vec<(String, String)>, Failure> {
    let Some(store) = project_store::find(project)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut left = FRESH_PAIRS;
    for run in store.last_ended(u32::MAX)? {
        let pair = run.pair();
        let (Some(mode), Some(task)) = (project.manifest.modes.get(&pair.mode), set.get(&pair.task)) else { continue };
        if mode.sources.is_empty() || run.end_state() != Some(EndState::Succeeded) {
            continue;
        }
        if left == 0 {
            break;
        }
        left -= 1;
        let Ok(prepared) = prepare::prepare(project, set, mode, task, &StartRequest::default(), None) else { continue };
        if matches!(freshness::of(&store, &prepared), Ok(Some((_, Freshness::UpToDate)))) {
            found.push((pair.mode.to_string(), pair.task.to_string()));
        }
    }
    Ok(found)
}

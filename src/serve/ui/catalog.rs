//! Tasks and modes for the pages: read by a worker once, and cached until the project's files change.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::lexical_path;
use crate::model::names::Pair;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::view::catalog_view::{BrokenView, CatalogView};
use crate::view::task_view::TaskView;
use crate::worker::{WorkerFailure, WorkerRequest};

/// How long a catalog is used while no file watcher runs.
const UNWATCHED: Duration = Duration::from_secs(1);
/// How long a catalog is used that depends on files outside the watched folders: sources and programs.
const UNWATCHED_FILES: Duration = Duration::from_secs(5);

/// The worker's catalog with an index by task id. Paths are relative to the project's folder.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Catalog {
    view: CatalogView,
    by_id: HashMap<String, usize>,
    /// The pairs that `up` keeps, as task and mode.
    wanted: HashSet<(String, String)>,
}

impl Deref for Catalog {
    type Target = CatalogView;

    fn deref(&self) -> &CatalogView {
        &self.view
    }
}

impl Catalog {
    pub(super) fn new(mut view: CatalogView) -> Self {
        let CatalogView { project, tasks, problems, broken, .. } = &mut view;
        let paths = tasks.iter_mut().filter_map(|task| task.path.as_mut());
        let broken = broken.iter_mut().flat_map(|broken| &mut broken.problems);
        let problems = problems.iter_mut().chain(broken);
        for path in paths.chain(problems.filter_map(|problem| problem.path.as_mut())) {
            make_relative(path, &project.root);
        }
        let by_id = tasks.iter().enumerate().map(|(at, task)| (task.id.clone(), at)).collect();
        let wanted = view.wanted.drain(..).map(|(mode, task)| (task, mode)).collect();
        Self { view, by_id, wanted }
    }

    pub(in crate::serve) fn task(&self, id: &str) -> Option<&TaskView> {
        self.by_id.get(id).map(|at| &self.tasks[*at])
    }

    /// What is wrong with the manifest by a request that failed after the catalog was read.
    pub(super) fn broken_by(&self, failure: WorkerFailure) -> BrokenView {
        let mut broken = BrokenView::from(failure);
        for path in broken.problems.iter_mut().filter_map(|problem| problem.path.as_mut()) {
            make_relative(path, &self.project.root);
        }
        broken
    }

    /// Whether the plan has the pair, or the task names the mode for itself.
    pub(super) fn is_next(&self, pair: &Pair) -> bool {
        let (mode, task) = (pair.mode.as_str(), pair.task.as_str());
        self.wanted.contains(&(task.to_owned(), mode.to_owned()))
            || self.task(task).is_some_and(|task| task.mode.as_deref() == Some(mode))
    }

    /// `text` with paths relative to the project's folder.
    pub(super) fn without_root(&self, text: &str) -> String {
        match self.project.root.to_str() {
            Some(root) if root.len() > 1 => text.replace(&format!("{root}/"), ""),
            _ => text.to_owned(),
        }
    }

    /// The path of a folder as people see it: from the project's folder, if it is near.
    pub(super) fn shown_folder(&self, path: &Path) -> String {
        let near = lexical_path::seen_from(path, &self.project.root);
        near.as_deref().unwrap_or(path).to_string_lossy().into_owned()
    }

    /// Whether the pair's last result is up to date.
    pub(super) fn is_fresh(&self, pair: &Pair) -> bool {
        self.fresh.iter().any(|(mode, task)| mode == pair.mode.as_str() && task == pair.task.as_str())
    }
}

fn make_relative(path: &mut PathBuf, root: &Path) {
    if let Ok(relative) = path.strip_prefix(root) {
        *path = relative.to_owned();
    }
}

#[derive(Debug, Default)]
pub(in crate::serve) struct CatalogCache(Mutex<Option<CachedCatalog>>);

#[derive(Debug)]
struct CachedCatalog {
    catalog: Arc<Catalog>,
    project_version: Option<u64>,
    at: Instant,
}

impl CatalogCache {
    /// The catalog of the files as they are now. One thread reads at a time, the others wait for it.
    pub(in crate::serve) fn get(&self, server: &HttpServer) -> Result<Arc<Catalog>, Refusal> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let project_version = server.live.project_version();
        if let Some(cached) = cached.as_ref().filter(|cached| cached.is_current(project_version)) {
            return Ok(Arc::clone(&cached.catalog));
        }
        let at = Instant::now();
        let catalog = match (server.workers.fetch(&WorkerRequest::Catalog), cached.as_ref()) {
            (Ok(view), _) => Catalog::new(view),
            // While the manifest is broken, tasks and runs stay on the page.
            (Err(failure), Some(cached)) => {
                let mut view = cached.catalog.view.clone();
                view.broken = Some(failure.into());
                Catalog::new(view)
            }
            (Err(failure), None) => return Err(failure.into()),
        };
        let catalog = Arc::new(catalog);
        *cached = Some(CachedCatalog { catalog: Arc::clone(&catalog), project_version, at });
        Ok(catalog)
    }
}

impl CachedCatalog {
    fn is_current(&self, project_version: Option<u64>) -> bool {
        let age = self.at.elapsed();
        let has_unwatched_files = self.catalog.tracks || !self.catalog.missing.is_empty();
        let is_unchanged = match project_version {
            Some(_) => project_version == self.project_version,
            None => age < UNWATCHED,
        };
        is_unchanged && (!has_unwatched_files || age < UNWATCHED_FILES)
    }
}

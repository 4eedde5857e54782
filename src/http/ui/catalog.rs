//! The tasks and modes that pages show, read once for all pages until they change.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::http::refusal::Refusal;
use crate::http::server::Shared;
use crate::model::names::Pair;
use crate::runner::errand::Errand;
use crate::view::mode_view::ModeView;
use crate::view::task_view::TaskView;

/// Where nobody watches the files, what was read is believed for so long.
const UNWATCHED: Duration = Duration::from_secs(1);
/// Sources are watched by nobody: whether a pair is up to date is asked again after this.
const TRACKED: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Deserialize)]
pub(super) struct Catalog {
    pub(super) project: About,
    pub(super) tasks: Vec<TaskView>,
    pub(super) modes: Vec<ModeView>,
    pub(super) problems: Vec<Finding>,
    /// Why runs cannot be started, where the templates are what is wrong.
    pub(super) broken: Option<Broken>,
    fresh: HashSet<(String, String)>,
    tracks: bool,
    #[serde(skip)]
    pub(super) by_id: HashMap<String, usize>,
}

/// The project itself.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) root: PathBuf,
}

impl About {
    /// A path as a person in the project's folder would say it.
    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }
}

/// What is wrong with a file of a task.
#[derive(Debug, Deserialize, serde::Serialize)]
pub(super) struct Finding {
    pub(super) severity: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) path: Option<PathBuf>,
    #[serde(default)]
    pub(super) line: Option<usize>,
    #[serde(default)]
    pub(super) hints: Vec<String>,
}

/// A failure with what helps.
#[derive(Debug, Deserialize, serde::Serialize)]
pub(super) struct Broken {
    pub(super) message: String,
    pub(super) hints: Vec<String>,
}

impl Catalog {
    pub(super) fn task(&self, id: &str) -> Option<&TaskView> {
        self.by_id.get(id).map(|at| &self.tasks[*at])
    }

    fn shorten_paths(&mut self) {
        let Self { project, tasks, problems, .. } = self;
        let paths = tasks.iter_mut().filter_map(|task| task.path.as_mut());
        for path in paths.chain(problems.iter_mut().filter_map(|problem| problem.path.as_mut())) {
            *path = project.relative(path);
        }
    }

    /// Whether running the pair again would do nothing new.
    pub(super) fn is_fresh(&self, pair: &Pair) -> bool {
        !self.fresh.is_empty() && self.fresh.contains(&(pair.mode.to_string(), pair.task.to_string()))
    }
}

/// What was read last.
#[derive(Debug, Default)]
pub(in crate::http) struct Catalogs(Mutex<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    catalog: Arc<Catalog>,
    mark: Option<u64>,
    at: Instant,
}

impl Catalogs {
    /// The catalog as the files are now. One reads at a time, the others wait for it.
    pub(super) fn get(&self, server: &Shared) -> Result<Arc<Catalog>, Refusal> {
        let mut kept = self.kept();
        let mark = server.live.project_mark();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_good(mark)) {
            return Ok(Arc::clone(&kept.catalog));
        }
        let at = Instant::now();
        let value = server.errands.run(&Errand::Catalog)?;
        let mut catalog: Catalog = serde_json::from_value(value).map_err(Refusal::broken)?;
        catalog.shorten_paths();
        catalog.by_id = catalog.tasks.iter().enumerate().map(|(at, task)| (task.id.clone(), at)).collect();
        let catalog = Arc::new(catalog);
        *kept = Some(Kept { catalog: Arc::clone(&catalog), mark, at });
        Ok(catalog)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_good(&self, mark: Option<u64>) -> bool {
        let age = self.at.elapsed();
        let as_it_was = mark.is_some() && mark == self.mark;
        (as_it_was || age < UNWATCHED) && (!self.catalog.tracks || age < TRACKED)
    }
}

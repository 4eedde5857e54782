//! The tasks and modes that pages show, read once for all pages until they change.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::http::refusal::Refusal;
use crate::http::server::Shared;
use crate::model::names::Pair;
use crate::runner::errand::Errand;
use crate::runner::failure::Failure;
use crate::view::mode_view::ModeView;
use crate::view::problem_view::ProblemView;
use crate::view::task_view::TaskView;

/// Where nobody watches the files, what was read is believed for so long.
const UNWATCHED: Duration = Duration::from_secs(1);
/// Sources and programs are watched by nobody: what depends on them is asked again after this.
const OTHERS: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Catalog {
    pub(super) project: About,
    pub(super) tasks: Vec<TaskView>,
    pub(super) modes: Vec<ModeView>,
    pub(super) problems: Vec<Finding>,
    /// Why nothing can be started, where the manifest or a template is what is wrong.
    pub(super) broken: Option<Broken>,
    /// What runs will fail for: a program that is not there.
    #[serde(default)]
    pub(super) missing: Vec<Missing>,
    fresh: HashSet<(String, String)>,
    tracks: bool,
    #[serde(skip)]
    pub(super) by_id: HashMap<String, usize>,
}

/// The project itself.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct About {
    pub(super) name: String,
    #[serde(default)]
    pub(super) root: PathBuf,
    /// Tasks are worked on in worktrees.
    #[serde(default)]
    pub(super) worktrees: bool,
}

impl About {
    /// A path as a person in the project's folder would say it.
    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }
}

/// What is wrong with a file of a task.
#[derive(Clone, Debug, Deserialize, Serialize)]
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

/// Something that `doctor` misses.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Missing {
    what: String,
    found: String,
    cure: Option<String>,
}

/// A failure with what helps.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Broken {
    message: String,
    hints: Vec<String>,
    #[serde(default)]
    problems: Vec<Finding>,
}

impl From<ProblemView> for Finding {
    fn from(view: ProblemView) -> Self {
        let ProblemView { severity, message, path, line, column: _, hints } = view;
        Self { severity: severity.to_owned(), message, path, line, hints }
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        let problems = failure.problems.iter().map(ProblemView::new).map(Finding::from).collect();
        Self { message: failure.to_string(), hints: failure.hints, problems }
    }
}

impl Catalog {
    pub(super) fn of_json(value: serde_json::Value) -> Result<Self, serde_json::Error> {
        let mut catalog: Self = serde_json::from_value(value)?;
        catalog.shorten_paths();
        catalog.by_id = catalog.tasks.iter().enumerate().map(|(at, task)| (task.id.clone(), at)).collect();
        Ok(catalog)
    }

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
        let catalog = match (server.errands.run(&Errand::Catalog), kept.as_ref()) {
            (Ok(value), _) => Catalog::of_json(value).map_err(Refusal::broken)?,
            // A manifest that is being mended takes nobody's runs out of sight.
            (Err(failure), Some(kept)) => Catalog { broken: Some(failure.into()), ..Catalog::clone(&kept.catalog) },
            (Err(failure), None) => return Err(failure.into()),
        };
        let catalog = Arc::new(catalog);
        *kept = Some(Kept { catalog: Arc::clone(&catalog), mark, at });
        Ok(catalog)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_unwatched(&self) -> bool {
        self.catalog.tracks || !self.catalog.missing.is_empty()
    }

    fn is_good(&self, mark: Option<u64>) -> bool {
        let age = self.at.elapsed();
        // Whoever watches has said so: what is young may be of before a change all the same.
        let as_it_was = if mark.is_some() { mark == self.mark } else { age < UNWATCHED };
        as_it_was && (!self.is_unwatched() || age < OTHERS)
    }
}

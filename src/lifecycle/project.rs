//! A project: a manifest and its repository; from them its tasks, its modes and its tmux server.

pub mod check;
mod executors;
pub mod init;
pub mod locate;
pub(crate) mod older_state;
pub mod origins;
pub mod project_store;
pub mod served;
pub mod show;
pub mod task_steps;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::lifecycle::launch::prepare::PrepareError;
use crate::lifecycle::project::locate::{Located, ManifestLocation, checkouts_around, locate};
use crate::lifecycle::store::TerminalPreference;
use crate::manifest::{self, Loaded, Manifest, Mode, UnsavedFile};
use crate::model::names::{ModeName, NameError, Pair};
use crate::model::nearest::nearest;
use crate::model::problem::Problem;
use crate::os::environment;
use crate::os::git::{self, CreationCheck, Repository, RepositoryError};
use crate::os::tmux::{SocketEnv, Tmux};
use crate::tasks::{self, FindError, Task, TaskSet};

/// How much of a manifest is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Shape and references: enough to read runs.
    Shape,
    /// Also templates and command files: needed to start a run.
    Whole,
}

#[derive(Clone, Debug)]
pub struct Project {
    pub manifest: Manifest,
    /// The repository that contains the manifest's folder.
    pub repository: Option<Repository>,
    /// The path from the root of the checkout to the manifest's folder.
    pub below: PathBuf,
    /// The working directory of the command.
    pub here: PathBuf,
    /// Caches which worktrees can be created.
    pub(crate) making: Arc<CreationCheck>,
    pub problems: Vec<Problem>,
    /// The folder of the person's shell; task names may be file paths relative to it.
    pub(crate) typed_in: Option<PathBuf>,
    /// Caches git's answer: the base of new branches if none is configured.
    pub(crate) default_base: OnceLock<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("no `dispatch.yaml` here or in a parent folder")]
    NotFound { folder: PathBuf },
    #[error(transparent)]
    Repository(Box<RepositoryError>),
    #[error("the manifest has {} problem{}", .problems.len(), if .problems.len() == 1 { "" } else { "s" })]
    Problems { problems: Vec<Problem> },
}

/// Why a typed name is no mode or task.
#[derive(Debug, thiserror::Error)]
pub enum NameLookupError {
    #[error("invalid mode name: {0}")]
    InvalidMode(NameError),
    #[error("unknown mode `{typed}`")]
    UnknownMode { typed: String, nearest: Option<String>, known: Vec<String> },
    #[error(transparent)]
    Task(#[from] FindError),
}

impl Project {
    /// Fails if there is no manifest, git refuses its repository, or the manifest has an error.
    pub fn open(location: &ManifestLocation, depth: Depth) -> Result<Self, OpenError> {
        let located = located(location)?;
        let home = Some(&located.home);
        let loaded = match depth {
            Depth::Shape => manifest::load_shape(&located.manifest, home),
            Depth::Whole => manifest::load(&located.manifest, home),
        };
        Self::of(loaded, located, location)
    }

    /// The project as it would be with these unsaved files. Fails as [`Self::open`] does.
    pub(crate) fn open_draft(location: &ManifestLocation, drafts: &[UnsavedFile]) -> Result<Self, OpenError> {
        let located = located(location)?;
        Self::of(manifest::load_unsaved(&located.manifest, Some(&located.home), drafts), located, location)
    }

    fn of(loaded: Loaded, located: Located, location: &ManifestLocation) -> Result<Self, OpenError> {
        let Located { manifest: _, repository, below, home: _ } = located;
        let here = location.folder.clone();
        if let Some(problems) =
            loaded.manifest.as_ref().and_then(|manifest| executors::refused(manifest, &loaded.problems))
        {
            return Err(OpenError::Problems { problems });
        }
        match loaded.manifest {
            Some(manifest) => {
                let (making, default_base) = (Arc::default(), OnceLock::new());
                let problems = loaded.problems;
                Ok(Self { manifest, repository, below, here, making, problems, typed_in: None, default_base })
            }
            None => Err(OpenError::Problems { problems: loaded.problems }),
        }
    }

    /// Lets a task also be named by its file's path relative to `here`. For commands that a person types.
    #[must_use]
    pub fn with_words_typed_in(self, here: &Path) -> Self {
        Self { typed_in: Some(here.to_owned()), ..self }
    }

    pub fn tasks(&self) -> TaskSet {
        let root = &self.manifest.root;
        let tasks = tasks::scan(root, &self.manifest.tasks);
        match &self.typed_in {
            Some(here) => tasks.with_path_words(root, here),
            None => tasks,
        }
    }

    /// The terminal from the manifest or from the user's own file beside it.
    pub fn terminal_preference(&self) -> TerminalPreference {
        TerminalPreference { terminal: self.manifest.terminal.clone(), folder: self.manifest.root.clone() }
    }

    pub fn mode(&self, typed: &str) -> Result<&Mode, NameLookupError> {
        let name = ModeName::parse(typed).map_err(NameLookupError::InvalidMode)?;
        self.manifest.modes.get(&name).ok_or_else(|| {
            let known: Vec<String> = self.manifest.modes.keys().map(ToString::to_string).collect();
            let nearest = nearest(typed, known.iter().map(String::as_str)).map(str::to_owned);
            NameLookupError::UnknownMode { typed: typed.to_owned(), nearest, known }
        })
    }

    /// The pair of a typed mode and task. Fails if either does not exist.
    pub fn pair(&self, tasks: &TaskSet, mode: &str, task: &str) -> Result<Pair, NameLookupError> {
        let mode = self.mode(mode)?.name.clone();
        let task = tasks.find(task)?.id.clone();
        Ok(Pair { mode, task })
    }

    /// The task whose worktree contains the command's working directory.
    pub fn task_of_worktree(&self, tasks: &TaskSet, mode: &Mode) -> Option<Task> {
        let around = self.checkouts_here();
        if around.is_empty() {
            return None;
        }
        let is_here = |task: &&Task| {
            crate::lifecycle::worktree::task_worktree::worktree_of(self, tasks, mode, task)
                .ok()
                .flatten()
                .is_some_and(|worktree| around.contains(&git::resolved(&worktree.path)))
        };
        // Subtasks share the worktree of their parent, which comes first in the list: the parent is returned.
        tasks.tasks().iter().find(is_here).cloned()
    }

    /// The checkouts that contain the command's working directory, without the main one: it belongs to no task.
    pub(crate) fn checkouts_here(&self) -> Vec<PathBuf> {
        let mut around = checkouts_around(&self.here);
        let main = self.repository.as_ref().and_then(Repository::main);
        around.retain(|root| Some(root.as_path()) != main);
        around
    }

    /// The repository in which `worktree:` creates worktrees. Fails outside a repository.
    pub(crate) fn known_repository(&self) -> Result<&Repository, PrepareError> {
        self.repository.as_ref().ok_or_else(|| PrepareError::NoRepository(self.manifest.root.clone()))
    }

    /// The tmux server for new windows: `DISPATCH_TMUX_SOCKET`, else the manifest's, else the user's default.
    pub fn tmux(&self) -> Tmux {
        let surroundings = SocketEnv::here();
        let name = environment::var_text("DISPATCH_TMUX_SOCKET").or_else(|| self.manifest.tmux_socket.clone());
        match name.as_deref() {
            Some(path) if path.starts_with('/') => Tmux::new(PathBuf::from(path)),
            // `default` is the server that plain `tmux` would use here.
            name => Tmux::new(Tmux::resolve_socket(name.filter(|name| *name != "default"), &surroundings)),
        }
    }
}

/// The manifest for this location. Fails if there is none.
pub(crate) fn located(location: &ManifestLocation) -> Result<Located, OpenError> {
    let found = locate(location).map_err(|error| OpenError::Repository(Box::new(error)))?;
    found.ok_or_else(|| OpenError::NotFound { folder: location.folder.clone() })
}

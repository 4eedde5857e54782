//! The manifest as a value, with all names, paths and defaults resolved.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::manifest::agent::Agent;
use crate::manifest::mode::Mode;
use crate::model::interval::Interval;
use crate::model::names::{ModeName, TaskId};
use crate::model::notify::Notify;
use crate::model::restart::Restart;
use crate::model::task_source::TaskSource;
use crate::model::task_status::TaskStatus;
use crate::model::terminal::Terminal;

/// A manifest without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The manifest file, absolute.
    pub path: PathBuf,
    /// Its folder, absolute and without links.
    pub root: PathBuf,
    /// The project's name.
    pub name: String,
    pub source: Arc<str>,
    /// The tmux session of its windows.
    pub session: String,
    /// A `tmux -L` name; `None`: the user's default server.
    pub tmux_socket: Option<String>,
    /// Headless jobs at once, 1 to 1000.
    pub jobs: u32,
    /// Absolute.
    pub state_dir: PathBuf,
    /// As written in the manifest, if it is.
    pub state_dir_written: Option<String>,
    /// Set for every run.
    pub env: BTreeMap<String, String>,
    /// Names taken from the caller's environment.
    pub pass_env: Vec<String>,
    pub retention: Retention,
    pub tasks: Vec<TaskSource>,
    pub worktree: Option<Worktree>,
    pub agents: BTreeMap<String, Agent>,
    pub modes: BTreeMap<ModeName, Mode>,
    /// The terminal that `attach` opens.
    pub terminal: Terminal,
    pub budget: Budget,
    /// `None`: no notices are sent.
    pub notify: Option<Notify>,
    /// The wanted set, in the order of the file.
    pub runs: Vec<WantedRuns>,
}

/// Which ended runs are kept, per pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    pub runs_per_pair: u32,
    /// `None`: however old.
    pub max_age: Option<Interval>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { runs_per_pair: 20, max_age: None }
    }
}

/// The worktree of each task. `path`, `branch` and `base` are templates over `task`, `project`
/// and `mode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// Relative to the manifest's folder.
    pub path: String,
    /// Whether a missing one is made.
    pub create: bool,
    pub branch: String,
    /// `None`: the branch of `origin/HEAD`, else the main checkout's.
    pub base: Option<String>,
    /// Whether the base is fetched before a new branch starts from it.
    pub fetch: bool,
    /// Whether submodules are filled in a new worktree; `None`: not written.
    pub submodules: Option<bool>,
    /// Files of the project, as paths or globs, that a new one gets, each below its root.
    pub copy: Vec<String>,
    /// argv run once in a new one, each word a template; empty means none.
    pub setup: Vec<String>,
}

/// `budget:` in USD.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    /// For one run, passed on to the agent.
    pub run: Option<f64>,
    /// For a local day: once it is spent, headless runs stay queued until the next day.
    pub day: Option<f64>,
}

/// One entry of `runs:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedRuns {
    pub mode: ModeName,
    pub tasks: TaskChoice,
    pub restart: Restart,
    /// The line of the entry, from 1.
    pub line: usize,
}

/// Which tasks are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskChoice {
    Ids(Vec<TaskId>),
    Selected(TaskSelector),
}

/// SectionFields of one kind are alternatives, those of different kinds must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskSelector {
    pub status: Vec<TaskStatus>,
    pub tag: Vec<String>,
    pub kind: Vec<String>,
    pub parent: Vec<TaskId>,
}

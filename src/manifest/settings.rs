//! The manifest's values, with all names, paths and defaults resolved.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::manifest::agent::Agent;
use crate::manifest::mode::Mode;
use crate::model::editor::EditorCommand;
use crate::model::engine::EngineExecutor;
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
    /// Its folder, absolute and resolved.
    pub root: PathBuf,
    /// The project's name.
    pub name: String,
    pub source: Arc<str>,
    /// The tmux session of its windows.
    pub session: String,
    /// A `tmux -L` name; `None`: the user's default server.
    pub tmux_socket: Option<String>,
    /// Most headless jobs at the same time, 1 to 1000.
    pub jobs: u32,
    /// Absolute path.
    pub state_dir: PathBuf,
    /// As written in the manifest; `None` if it is not set.
    pub state_dir_written: Option<String>,
    /// Variables for every run.
    pub env: BTreeMap<String, String>,
    /// Variables of templates; `None`: `--set` must give the value.
    pub vars: BTreeMap<String, Option<String>>,
    /// Names of variables that runs inherit from the caller.
    pub pass_env: Vec<String>,
    pub retention: Retention,
    pub tasks: Vec<TaskSource>,
    pub worktree: Option<Worktree>,
    pub agents: BTreeMap<String, Agent>,
    pub modes: BTreeMap<ModeName, Mode>,
    /// By name, without `local`.
    pub executors: BTreeMap<String, EngineExecutor>,
    /// The terminal that `attach` opens.
    pub terminal: Terminal,
    /// The editor in which files are opened; `None`: that of the user's environment.
    pub editor: Option<EditorCommand>,
    pub budget: Budget,
    /// `None`: no notices are sent.
    pub notify: Option<Notify>,
    /// The wanted set, in the order of the file.
    pub runs: Vec<WantedRuns>,
}

/// Which ended runs of a pair are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    pub runs_per_pair: u32,
    /// `None`: no limit of age.
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
    /// Whether a missing worktree is created.
    pub create: bool,
    pub branch: String,
    /// `None`: the branch of `origin/HEAD`, else the main checkout's branch.
    pub base: Option<String>,
    /// Whether the base is fetched before a new branch is created from it.
    pub fetch: bool,
    /// Whether submodules are filled in a new worktree; `None`: not set.
    pub submodules: Option<bool>,
    /// Files of the project, as paths or globs, that are copied into a new worktree.
    pub copy: Vec<String>,
    /// argv that runs once in a new worktree, each word a template; empty means none.
    pub setup: Vec<String>,
    /// argv that must succeed in the worktree before its branch is merged, each word a template; empty means none.
    pub check: Vec<String>,
}

/// `budget:` in USD.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    /// For one run; passed to the agent.
    pub run: Option<f64>,
    /// For a local day: when it is spent, headless runs stay queued until the next day.
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

/// Which tasks are selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskChoice {
    Ids(Vec<TaskId>),
    Selected(TaskSelector),
}

/// Values of one field are alternatives; different fields must all match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskSelector {
    pub status: Vec<TaskStatus>,
    pub tag: Vec<String>,
    pub kind: Vec<String>,
    pub parent: Vec<TaskId>,
}

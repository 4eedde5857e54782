//! Everything needed to start a run. Written once by the starter; read by the supervisor or by `__exec`.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::bytes::Bytes;
use crate::model::conditions::Conditions;
use crate::model::declared::Declared;
use crate::model::engine::EngineExecutor;
use crate::model::freshness::Tracked;
use crate::model::interval::Interval;
use crate::model::limits::Limits;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::owner::ExecutorName;
use crate::model::process_id::{FolderId, HostBoot};
use crate::model::protocol::{PromptDelivery, Protocol};
use crate::model::retry::Retry;
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_overrides::RunOverrides;
use crate::model::started_by::StartedBy;

pub const SPEC_VERSION: u32 = 1;

/// `spec.json`. Contains no secret: the environment is in its own file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSpec {
    pub version: u32,
    pub run_id: RunId,
    pub mode: ModeName,
    pub task: TaskId,
    pub created_at: Timestamp,
    pub folder: FolderId,
    #[serde(rename = "world")]
    pub host_boot: HostBoot,
    /// The file with the environment; removed before the agent starts.
    pub environment: PathBuf,
    pub umask: u32,
    /// The prompt was given for this run only; its text is in the run folder.
    #[serde(default)]
    pub prompt_given: bool,
    #[serde(default)]
    pub parent_run: Option<RunId>,
    /// `None` in records of versions that did not write it.
    #[serde(default)]
    pub declared: Option<Declared>,
    #[serde(flatten)]
    pub launch: LaunchSpec,
}

/// What is prepared before the run has an id: the agent's command and the rules of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchSpec {
    pub manifest: PathBuf,
    /// Absolute path of the agent's program.
    pub program: PathBuf,
    /// Arguments without the prompt; `argv[0]` first.
    pub argv: Vec<String>,
    pub delivery: PromptDelivery,
    /// Insert `--` before a prompt that is an argument.
    pub dash_dash: bool,
    pub cwd: PathBuf,
    pub protocol: Protocol,
    /// The agent's name in the manifest. `None` in records of versions that did not write it, like `started_by`.
    #[serde(default)]
    pub agent: Option<String>,
    #[serde(default)]
    pub started_by: Option<StartedBy>,
    pub stop_grace: Interval,
    /// The id of the agent's conversation, if the protocol lets the starter choose it.
    #[serde(default)]
    pub session_id: Option<String>,
    #[serde(default)]
    pub extras: Vec<String>,
    #[serde(default, skip_serializing_if = "RunOverrides::is_empty")]
    pub overrides: RunOverrides,
    /// The run whose conversation this one resumes.
    #[serde(default)]
    pub resumes: Option<RunId>,
    /// Started by `up` for an entry of `runs:`.
    #[serde(default)]
    pub by_up: bool,
    /// The recent restarts of this pair by `up`, this start included.
    #[serde(default)]
    pub restarts: Vec<Timestamp>,
    /// Hash of all inputs of preparation, if known.
    #[serde(default, rename = "basis")]
    pub spec_fingerprint: Option<String>,
    /// Names of variables that may hold the agent's login and were set at the start but not passed on. Never their
    /// values.
    #[serde(default)]
    pub not_passed: Vec<String>,
    #[serde(default)]
    pub conditions: Conditions,
    /// Set if the run has to create its worktree or repeat a failed set-up.
    #[serde(default)]
    pub worktree: Option<WorktreeSpec>,
    pub kind: RunKind,
    pub keep: Keep,
}

/// Which ended runs of the pair are kept, by the manifest at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keep {
    pub runs_per_pair: u32,
    #[serde(default)]
    pub max_age: Option<Interval>,
}

/// The fields that only one form of run has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "one a run, and nobody keeps a list of them")]
pub enum RunKind {
    Interactive(WindowSpec),
    Headless(JobSpec),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowSpec {
    /// Absolute path of the tmux socket (`-S`), as the starter resolved it.
    pub socket: PathBuf,
    pub session: String,
    pub cleanup_on_exit: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobSpec {
    /// The run may use slots `0..slots`.
    pub slots: u32,
    pub timeout: Option<Interval>,
    /// How long an agent that has answered may stay silent before it is killed.
    #[serde(default = "exit_grace")]
    pub exit_grace: Interval,
    pub log_max: Option<Bytes>,
    #[serde(default)]
    pub limits: Limits,
    /// Relative to `cwd`.
    pub save_to: Option<PathBuf>,
    #[serde(default)]
    pub expect: Expect,
    #[serde(default)]
    pub retry: Option<Retry>,
    /// Set if a run is skipped while its inputs are unchanged.
    #[serde(default)]
    pub tracked: Option<Tracked>,
    /// The engine that runs the job; `None`: this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineExecutor>,
}

impl RunKind {
    pub fn form(&self) -> RunForm {
        match self {
            Self::Interactive(_) => RunForm::Interactive,
            Self::Headless(_) => RunForm::Headless,
        }
    }

    pub fn window(&self) -> Option<&WindowSpec> {
        match self {
            Self::Interactive(window) => Some(window),
            Self::Headless(_) => None,
        }
    }

    pub fn job(&self) -> Option<&JobSpec> {
        match self {
            Self::Headless(job) => Some(job),
            Self::Interactive(_) => None,
        }
    }

    /// Where the run's owner lives.
    pub fn executor(&self) -> ExecutorName {
        self.engine().map_or(ExecutorName::Local, |executor| executor.engine.into())
    }

    /// The engine that runs the job; `None`: this machine.
    pub fn engine(&self) -> Option<&EngineExecutor> {
        self.job().and_then(|job| job.engine.as_ref())
    }
}

/// The default, also for records that do not contain the field.
pub const EXIT_GRACE: Interval = Interval::from_secs(60);

const fn exit_grace() -> Interval {
    EXIT_GRACE
}

/// What must hold after exit code 0 for the run to succeed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Expect {
    pub non_empty: bool,
    /// Relative to the run's cwd.
    pub files: Vec<PathBuf>,
    /// argv; must exit with 0.
    pub command: Vec<String>,
}

/// A git worktree that the run creates before the agent starts, if it is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorktreeSpec {
    /// A folder in which git finds the repository.
    pub repository: PathBuf,
    /// The manifest's folder, if it is not `repository`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// The path from the root of the checkout to the manifest's folder.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub below: PathBuf,
    pub path: PathBuf,
    pub branch: String,
    pub base: String,
    /// Whether the base is fetched before a new branch starts from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fetch: bool,
    /// Whether submodules are filled in a new worktree; `None`: the manifest does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submodules: Option<bool>,
    /// Paths or globs relative to the manifest's folder, copied into a new worktree.
    pub copy: Vec<PathBuf>,
    /// argv of the set-up command; empty for none.
    pub setup: Vec<String>,
}

impl WorktreeSpec {
    /// The manifest's folder, from which files are copied.
    pub fn project(&self) -> &Path {
        self.project.as_ref().unwrap_or(&self.repository)
    }

    /// The folder of the worktree that corresponds to the manifest's folder.
    pub fn folder(&self) -> PathBuf {
        below(&self.path, &self.below)
    }
}

/// `base` joined with `path`.
pub fn below(base: &Path, path: &Path) -> PathBuf {
    // Joining an empty path would add a trailing slash.
    if path.as_os_str().is_empty() { base.to_owned() } else { base.join(path) }
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

impl Deref for RunSpec {
    type Target = LaunchSpec;

    fn deref(&self) -> &LaunchSpec {
        &self.launch
    }
}

impl DerefMut for RunSpec {
    fn deref_mut(&mut self) -> &mut LaunchSpec {
        &mut self.launch
    }
}

impl RunSpec {
    pub fn pair(&self) -> Pair {
        Pair { mode: self.mode.clone(), task: self.task.clone() }
    }

    pub fn form(&self) -> RunForm {
        self.kind.form()
    }
}

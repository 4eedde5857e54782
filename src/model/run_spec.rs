//! What a run is to do: complete, written once by its starter, read by whoever runs it.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::bytes::Bytes;
use crate::model::conditions::Conditions;
use crate::model::declared::Declared;
use crate::model::freshness::Tracked;
use crate::model::interval::Interval;
use crate::model::limits::Limits;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::process_id::{FolderId, HostBoot};
use crate::model::protocol::{PromptDelivery, Protocol};
use crate::model::retry::Retry;
use crate::model::run_id::RunId;
use crate::model::started_by::StartedBy;

/// The version this program writes.
pub const SPEC_VERSION: u32 = 1;

/// `spec.json`. Holds no secret: the environment waits elsewhere.
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
    /// Where the environment waits until the agent starts.
    pub environment: PathBuf,
    pub umask: u32,
    /// A prompt was given for this run alone; its text is kept beside this record.
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

/// What is prepared for a run before it has an id: what the agent is, and under which rules it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchSpec {
    pub manifest: PathBuf,
    /// Absolute path of the agent's program.
    pub program: PathBuf,
    /// Arguments, `argv[0]` first, without the prompt.
    pub argv: Vec<String>,
    pub delivery: PromptDelivery,
    /// `--` goes before a prompt that is an argument.
    pub dash_dash: bool,
    pub cwd: PathBuf,
    pub protocol: Protocol,
    /// The agent's name in the manifest. `None` in records of versions that did not write it; so is the next.
    #[serde(default)]
    pub agent: Option<String>,
    #[serde(default)]
    pub started_by: Option<StartedBy>,
    pub stop_grace: Interval,
    /// The agent's own conversation id, where the protocol lets us choose it.
    #[serde(default)]
    pub session_id: Option<String>,
    #[serde(default)]
    pub extras: Vec<String>,
    /// The run whose conversation this one goes on in.
    #[serde(default)]
    pub resumes: Option<RunId>,
    /// `up` started it, for an entry of `runs:`.
    #[serde(default)]
    pub by_up: bool,
    /// When `up` started this pair again after an end: of late, and with this start.
    #[serde(default)]
    pub restarts: Vec<Timestamp>,
    /// A hash of all that this was prepared from, where it is known.
    #[serde(default)]
    pub basis: Option<String>,
    /// Names of variables that may hold the agent's login: set where the run was started, and not
    /// passed to it. Never their values.
    #[serde(default)]
    pub not_passed: Vec<String>,
    #[serde(default)]
    pub conditions: Conditions,
    /// Present where the run makes a worktree that is not there yet, or whose set-up did not succeed.
    #[serde(default)]
    pub worktree: Option<WorktreeSpec>,
    pub kind: RunKind,
    pub keep: Keep,
}

/// Which ended runs of the pair stay, by the manifest of the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keep {
    pub runs_per_pair: u32,
    #[serde(default)]
    pub max_age: Option<Interval>,
}

/// What only one kind of run has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "one a run, and nobody keeps a list of them")]
pub enum RunKind {
    Interactive {
        /// Absolute path of the tmux socket (`-S`), as the starter resolved it.
        socket: PathBuf,
        session: String,
        cleanup_on_exit: bool,
    },
    Headless {
        /// The run may use slots `0..slots`.
        slots: u32,
        timeout: Option<Interval>,
        /// How long an agent that has answered may stay silent before it is ended.
        #[serde(default = "exit_grace")]
        exit_grace: Interval,
        log_max: Option<Bytes>,
        #[serde(default)]
        limits: Limits,
        /// Relative to `cwd`.
        save_to: Option<PathBuf>,
        #[serde(default)]
        expect: Expect,
        #[serde(default)]
        retry: Option<Retry>,
        /// Where running again is skipped while nothing changed.
        #[serde(default)]
        tracked: Option<Tracked>,
    },
}

/// The grace of a mode that says nothing else, and of records from before there was one.
pub const EXIT_GRACE: Interval = Interval::from_secs(60);

const fn exit_grace() -> Interval {
    EXIT_GRACE
}

/// What must hold after exit 0 for a run to have succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Expect {
    /// The final answer is not blank.
    pub non_empty: bool,
    /// Relative to the run's cwd.
    pub files: Vec<PathBuf>,
    /// argv; exit 0 means satisfied.
    pub command: Vec<String>,
}

/// A git worktree that the run makes before the agent starts, if it is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorktreeSpec {
    /// A folder in which git finds the repository.
    pub repository: PathBuf,
    /// The manifest's folder, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<PathBuf>,
    /// The path of the manifest's folder below the root of its checkout.
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
    /// The manifest's folder: what is copied comes from there.
    pub fn project(&self) -> &Path {
        self.project.as_ref().unwrap_or(&self.repository)
    }

    /// The folder in the worktree that stands for the manifest's.
    pub fn folder(&self) -> PathBuf {
        below(&self.path, &self.below)
    }
}

/// `base`, or the folder of that path below it.
pub fn below(base: &Path, path: &Path) -> PathBuf {
    // Joined with an empty path, it would end with a slash.
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

    pub fn is_headless(&self) -> bool {
        matches!(self.kind, RunKind::Headless { .. })
    }
}

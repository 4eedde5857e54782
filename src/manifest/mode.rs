//! A mode: the task of an agent and how it is run, resolved and checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::bytes::Bytes;
use crate::model::interval::Interval;
use crate::model::limits::Limits;
use crate::model::names::ModeName;
use crate::model::retry::Retry;
use crate::model::run_form::RunForm;
use crate::model::run_spec::EXIT_GRACE;

/// One mode. Texts named "template" are rendered for each run.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    pub name: ModeName,
    pub description: String,
    pub form: RunForm,
    pub prompt: PromptSource,
    /// Each a template.
    pub flags: Vec<String>,
    /// A template; below the run's working directory.
    pub save_to: Option<String>,
    pub cleanup_on_exit: bool,
    /// The time limit of one attempt.
    pub timeout: Option<Interval>,
    /// Time between TERM and KILL.
    pub stop_grace: Interval,
    /// How long an agent may be silent after its answer before it is ended.
    pub exit_grace: Interval,
    pub log_max: Option<Bytes>,
    pub limits: Limits,
    pub expect: ExpectTemplates,
    /// Headless only.
    pub retry: Option<Retry>,
    /// Modes that must have succeeded on the task first.
    pub needs: Vec<ModeName>,
    /// A person must approve each run before it starts.
    pub gate: bool,
    /// At most one exclusive run at a time in one folder.
    pub exclusive: bool,
    /// Each a template of a glob pattern below the run's working directory; both or neither.
    pub sources: Vec<String>,
    pub generates: Vec<String>,
    pub agent: String,
    /// Headless: a name of `executors:`; `None`: this machine.
    pub executor: Option<String>,
    /// A template; `None`: the worktree, else the manifest's folder.
    pub cwd: Option<String>,
    pub env: BTreeMap<String, String>,
    pub origin: Origin,
}

/// What a headless run must leave behind to count as succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectTemplates {
    /// The final answer is not empty.
    pub non_empty: bool,
    /// Each a template; below the run's working directory.
    pub files: Vec<String>,
    /// argv, each word a template; empty means none.
    pub command: Vec<String>,
}

/// The source of a mode's prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptSource {
    /// No prompt: the agent starts without one, or with `--prompt` unchanged.
    None,
    /// A template written into the manifest.
    Inline(String),
    /// A template file, absolute.
    Template(PathBuf),
    /// A command of the agent: `name` is `review` or `sub:deep`, `path` its file.
    Command { name: String, path: PathBuf },
}

/// Where a mode is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    /// In a block of the manifest; the line of its name, from 1.
    Manifest {
        line: usize,
    },
    CommandFile(PathBuf),
}

pub(crate) const STOP_GRACE: Interval = Interval::from_secs(10);
pub(crate) const LOG_MAX: Bytes = Bytes::new(1 << 30);

impl Mode {
    /// A headless mode of the default agent without a prompt.
    pub(crate) fn new(name: ModeName, origin: Origin) -> Self {
        Self {
            name,
            description: String::new(),
            form: RunForm::Headless,
            prompt: PromptSource::None,
            flags: Vec::new(),
            save_to: None,
            cleanup_on_exit: false,
            timeout: None,
            stop_grace: STOP_GRACE,
            exit_grace: EXIT_GRACE,
            log_max: Some(LOG_MAX),
            limits: Limits::default(),
            expect: ExpectTemplates::default(),
            retry: None,
            needs: Vec::new(),
            gate: false,
            exclusive: false,
            sources: Vec::new(),
            generates: Vec::new(),
            agent: "claude".to_owned(),
            executor: None,
            cwd: None,
            env: BTreeMap::new(),
            origin,
        }
    }

    /// The built-in mode `none`: the agent in a window, without a prompt.
    pub(crate) fn none() -> Option<Self> {
        let name = ModeName::parse("none").ok()?;
        let description = "The agent alone, without a prompt".to_owned();
        Some(Self { form: RunForm::Interactive, description, ..Self::new(name, Origin::BuiltIn) })
    }
}

//! Why a run, or one attempt of it, ended as it did.
//!
//! Decisions compare values of this type. Its text is for people and for programs that read the field `reason` of a
//! record. Records older than this type contain only the text: `from_text` parses it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::bytes::Bytes;
use crate::model::engine_report::JobEnd;
use crate::model::interval::Interval;
use crate::model::names::Pair;
use crate::model::run_id::RunId;
use crate::model::run_state::EndState;
use crate::model::signal::with_signal_name;

mod from_text;

/// `None` in a record means that the state explains the end completely. A success may have a reason too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EndReason {
    /// The agent exited with a code other than 0.
    ExitCode(i32),
    Signal(i32),
    /// A signal that tmux 3.2 does not name.
    UnknownSignal,
    /// The exit status of the process was not observed.
    ExitNotSeen,

    /// The error text of the agent.
    AgentError(String),
    /// The agent's protocol requires a result, and it ended without one.
    NoResult,
    /// The line of the agent's report is too long to be read.
    ReportTooLong,
    /// The agent ended before its last turn did.
    TurnUnfinished,
    /// The agent was refused something that only its user can decide.
    NeedsDecision(Vec<Decision>),
    /// The agent had answered and was killed because it did not exit.
    DidNotExit,

    Timeout(Option<Interval>),
    LogLimit(Option<Bytes>),
    CpuLimit,
    MemoryLimit,

    /// `expect.non_empty`.
    BlankAnswer,
    /// A file of `expect.files`.
    MissingFile(PathBuf),
    /// `expect.command` with its arguments.
    CommandFailed(Vec<String>),
    /// `save_to`.
    NotSaved {
        path: PathBuf,
        error: String,
    },
    AnswerUnreadable(String),

    CannotStart {
        what: Startable,
        error: String,
    },
    /// A supervisor was started for an interactive run.
    NoJob,
    /// A limit on processes was set, and no cgroup is available.
    NoCgroup,
    /// The run's worktree could not be set up. `error` is the first line of the error.
    SetupFailed {
        error: Option<String>,
        log: Option<PathBuf>,
    },
    /// The run folder was moved to this path while it ran.
    FolderMoved(PathBuf),

    /// Stopped while queued.
    BeforeStart,
    /// A person rejected it at its gate.
    Rejected,
    /// The same, with the person's reason.
    RejectedBecause(String),
    /// Its window was closed.
    WindowClosed,
    /// `stop` had to kill its supervisor.
    SupervisorUnresponsive,
    /// A run that it needs did not succeed.
    Dependency {
        pair: Pair,
        state: EndState,
        reason: Option<Box<Self>>,
    },
    DependencyRecordGone(RunId),

    NeverStarted(Option<String>),
    /// The engine could not be asked to run it.
    NeverSubmitted(String),
    /// The engine reports its job's end, and its node has been silent for the lease.
    EngineEnded {
        end: JobEnd,
        node: Option<String>,
    },
    /// The engine does not know its job any more, and its node has been silent for the lease.
    EngineForgot {
        node: Option<String>,
    },
    /// A signal that no `stop` of this program sent ended it on its node.
    EndedByEngine,
    /// Its node could not write to the run folder for too long, and so ended it.
    Fenced,
    /// Its working directory is not visible on the node.
    FolderNotOnNode(PathBuf),
    /// The file with its environment is missing.
    EnvironmentGone,
    Reboot,
    SupervisorKilled,
    TmuxEnded,
    EndRecordDamaged,

    /// All of these, in order.
    Several(Vec<Self>),
    /// Text of another version that cannot be parsed.
    Other(String),
}

/// What an agent without a user could not ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// Permission to use this tool.
    Permission(String),
    Question,
    PlanApproval,
}

/// What a supervisor prepares or starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Startable {
    Environment,
    Signals,
    Setup,
    Agent,
    ExpectedCommand,
}

/// The text names at most this many refused tools.
const TOOLS: usize = 3;

impl EndReason {
    /// The combination of both reasons.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut all = match self {
            Self::Several(all) => all,
            one => vec![one],
        };
        match other {
            Self::Several(others) => all.extend(others),
            other => all.push(other),
        }
        Self::Several(all)
    }

    /// The single reasons of this one.
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Several(all) => all,
            one => std::slice::from_ref(one),
        }
    }
}

impl Startable {
    const ALL: [Self; 5] = [Self::Environment, Self::Signals, Self::Setup, Self::Agent, Self::ExpectedCommand];

    fn failure(self) -> &'static str {
        match self {
            Self::Environment => "its environment cannot be read",
            Self::Signals => "signals cannot be received",
            Self::Setup => "the set-up cannot start",
            Self::Agent => "the agent cannot start",
            Self::ExpectedCommand => "the expected command cannot start",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            // Shells and agents report a signal as 128 plus its number.
            Self::ExitCode(code) => return write!(f, "exit code {}", with_signal_name(*code, *code - 128)),
            Self::Signal(signal) => return write!(f, "signal {}", with_signal_name(*signal, *signal)),
            Self::UnknownSignal => "ended by a signal (tmux 3.2 cannot say which)",
            Self::ExitNotSeen => "its end was not seen",
            Self::AgentError(text) | Self::Other(text) => text,
            Self::NoResult => "no result event",
            Self::ReportTooLong => "the last line of its output is too long to be read as its report",
            Self::TurnUnfinished => "ended within a turn",
            Self::NeedsDecision(decisions) => return write!(f, "needs a decision: {}", needs(decisions)),
            Self::DidNotExit => "did not exit by itself",
            Self::Timeout(None) => "timeout",
            Self::Timeout(Some(limit)) => return write!(f, "timeout of {limit}"),
            Self::LogLimit(None) => "log limit",
            Self::LogLimit(Some(limit)) => return write!(f, "log limit of {limit}"),
            Self::CpuLimit => "cpu limit",
            Self::MemoryLimit => "memory limit",
            Self::BlankAnswer => "expected an answer that is not blank",
            Self::MissingFile(path) => return write!(f, "expected file `{}` is missing", path.display()),
            Self::CommandFailed(argv) => return write!(f, "expected command failed: {}", argv.join(" ")),
            Self::NotSaved { path, error } => return write!(f, "cannot save to `{}`: {error}", path.display()),
            Self::AnswerUnreadable(error) => return write!(f, "its answer cannot be read: {error}"),
            Self::CannotStart { what, error } => return write!(f, "{}: {error}", what.failure()),
            Self::NoJob => "an interactive run has no supervisor",
            Self::NoCgroup => "a limit on processes needs a cgroup, and none can be had here",
            Self::SetupFailed { error, log } => return setup_failed(f, error.as_deref(), log.as_deref()),
            Self::FolderMoved(path) => {
                return write!(f, "the run folder was moved to `{}` meanwhile", path.display());
            }
            Self::BeforeStart => "before it started",
            Self::Rejected => "rejected",
            Self::RejectedBecause(text) => return write!(f, "rejected: {text}"),
            Self::WindowClosed => "closed",
            Self::SupervisorUnresponsive => "its supervisor did not answer and was killed",
            Self::Dependency { pair, state, reason } => {
                let state = state.as_str().replace('_', " ");
                let why = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
                return write!(f, "{pair} {state}{why}");
            }
            Self::DependencyRecordGone(id) => {
                return write!(f, "the record of run {id}, which it waits for, is gone");
            }
            Self::NeverStarted(None) => "never started",
            Self::NeverStarted(Some(why)) => return write!(f, "never started: {why}"),
            Self::NeverSubmitted(why) => return write!(f, "never submitted: {why}"),
            Self::EngineEnded { end, node } => {
                return by_engine(f, &format!("its engine reports: {end}"), node.as_deref());
            }
            Self::EngineForgot { node } => return by_engine(f, "its engine forgot it", node.as_deref()),
            Self::EndedByEngine => "ended by its engine",
            Self::Fenced => "its node could not write to the run folder",
            Self::FolderNotOnNode(path) => {
                return write!(f, "the folder `{}` does not exist on the node", path.display());
            }
            Self::EnvironmentGone => "never started: its environment is gone; run again",
            Self::Reboot => "reboot",
            Self::SupervisorKilled => "its supervisor was killed",
            Self::TmuxEnded => "tmux ended",
            Self::EndRecordDamaged => "the record of its end was damaged",
            Self::Several(all) => {
                let all: Vec<String> = all.iter().map(Self::to_string).collect();
                return f.write_str(&all.join("; "));
            }
        };
        f.write_str(text)
    }
}

fn by_engine(f: &mut fmt::Formatter<'_>, words: &str, node: Option<&str>) -> fmt::Result {
    match node {
        Some(node) => write!(f, "{words} (node {node})"),
        None => f.write_str(words),
    }
}

fn setup_failed(f: &mut fmt::Formatter<'_>, error: Option<&str>, log: Option<&std::path::Path>) -> fmt::Result {
    f.write_str("the worktree's set-up failed")?;
    if let Some(error) = error {
        write!(f, ": {error}")?;
    }
    match log {
        Some(log) => write!(f, "; see `{}`", log.display()),
        None => Ok(()),
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission(tool) => write!(f, "permission ({tool})"),
            Self::Question => f.write_str("question"),
            Self::PlanApproval => f.write_str("approval of its plan"),
        }
    }
}

/// `permission (Bash, Edit), question`: tools first.
fn needs(decisions: &[Decision]) -> String {
    let (mut tools, mut needs) = (Vec::new(), Vec::new());
    for decision in decisions {
        match decision {
            Decision::Permission(tool) => tools.push(tool.clone()),
            other => needs.push(other.to_string()),
        }
    }
    let more = tools.len().saturating_sub(TOOLS);
    tools.truncate(TOOLS);
    if more > 0 {
        tools.push(format!("{more} more"));
    }
    if !tools.is_empty() {
        needs.insert(0, Decision::Permission(tools.join(", ")).to_string());
    }
    needs.join(", ")
}

/// A reason among the fields of a record: `reason` is its text, `cause` its value.
pub mod recorded {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    use super::EndReason;

    #[derive(Serialize, Deserialize)]
    struct Fields<T> {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<T>,
    }

    pub fn serialize<S: Serializer>(reason: &Option<EndReason>, to: S) -> Result<S::Ok, S::Error> {
        let cause = reason.as_ref().filter(|reason| !matches!(reason, EndReason::Other(_)));
        Fields { reason: reason.as_ref().map(EndReason::to_string), cause }.serialize(to)
    }

    /// An unknown value of another version is parsed from its text.
    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<EndReason>, D::Error> {
        let Fields { reason, cause } = Fields::<Value>::deserialize(from)?;
        let known = cause.and_then(|cause| serde_json::from_value(cause).ok());
        Ok(known.or_else(|| reason.map(|text| EndReason::from_text(&text))))
    }
}

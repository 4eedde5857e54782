//! One step of a plan: a pair, what is done about it, and why.

use std::fmt;

use crate::model::end_reason::EndReason;
use crate::model::names::{ModeName, Pair};
use crate::model::run_id::RunId;
use crate::model::run_state::{EndState, RunState, WaitingFor};
use crate::plan::drift::Drift;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub pair: Pair,
    pub action: Action,
    /// The mode that needs the pair.
    pub needed_by: Option<ModeName>,
    /// Start: the starts of this plan that it waits for.
    pub after: Vec<Pair>,
    /// Depth in the tree of starts.
    pub depth: usize,
    /// Start: the executor with an engine that gets the run; `None`: this machine.
    pub executor: Option<String>,
}

/// What is done about a pair, or why nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The pair was never run.
    Start,
    /// The last run ended and is followed by a new one.
    Restart {
        last: RunId,
        end: EndState,
        reason: Option<EndReason>,
        /// Why `up --watch` would not restart it.
        hold: Option<HeldReason>,
    },
    /// The active run is stopped and replaced by one with the manifest's values.
    Recreate { run: RunId, drift: Vec<Drift> },
    /// An orphan is stopped.
    Stop { run: RunId },

    /// The state is as wanted.
    Keep(Kept),
    /// The active run drifted; it is left alone.
    Drifted { run: RunId, drift: Vec<Drift> },
    /// Only a plain `up` would start it.
    Held { run: Option<RunId>, why: HeldReason },
    /// `up` started it, and no entry wants it any more.
    Orphan { run: RunId },
    /// `up` started it, and its task has left the selection.
    Unselected { run: RunId },
    /// Its state, or that of a needed pair, is unknown.
    Unknown { run: Option<RunId>, why: String },
}

/// Why nothing has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Running(RunId),
    Queued(RunId, WaitingFor),
    Stopping(RunId),
    /// The last run ended, and the entry requires no other.
    Satisfied(RunId, EndState),
}

/// Why a start is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldReason {
    StoppedByPerson,
    CrashLoop {
        restarts: u32,
    },
    /// It needs this mode, which is held.
    Need(ModeName),
}

impl HeldReason {
    fn cause(&self) -> String {
        match self {
            Self::StoppedByPerson => "stopped by a person".to_owned(),
            Self::CrashLoop { restarts } => format!("restarted {restarts} times in 10 minutes"),
            Self::Need(mode) => format!("it needs `{mode}`, which is held"),
        }
    }

    /// The reason, and the command that ends the hold.
    pub fn words(&self) -> String {
        match self {
            Self::StoppedByPerson | Self::CrashLoop { .. } => format!("{}; `up` starts it again", self.cause()),
            // `up` starts what it needs, and then it.
            Self::Need(_) => self.cause(),
        }
    }
}

impl Step {
    pub fn new(pair: Pair, action: Action) -> Self {
        Self { pair, action, needed_by: None, after: Vec::new(), depth: 0, executor: None }
    }

    pub fn is_action(&self) -> bool {
        self.is_start() || matches!(self.action, Action::Stop { .. })
    }

    /// Whether it starts a run.
    pub fn is_start(&self) -> bool {
        matches!(self.action, Action::Start | Action::Restart { .. } | Action::Recreate { .. })
    }

    /// The active or last run of the pair.
    pub fn run(&self) -> Option<&RunId> {
        match &self.action {
            Action::Start => None,
            Action::Unknown { run, .. } | Action::Held { run, .. } => run.as_ref(),
            Action::Restart { last: run, .. }
            | Action::Recreate { run, .. }
            | Action::Stop { run }
            | Action::Keep(Kept::Running(run) | Kept::Queued(run, _) | Kept::Stopping(run) | Kept::Satisfied(run, _))
            | Action::Drifted { run, .. }
            | Action::Orphan { run }
            | Action::Unselected { run } => Some(run),
        }
    }

    /// The reason as text.
    pub fn reason(&self) -> String {
        let reason = match &self.action {
            Action::Start => "missing".to_owned(),
            Action::Restart { end, reason, hold, .. } => {
                let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                let end = end.as_str();
                match hold {
                    None => format!("{end}{reason}"),
                    Some(HeldReason::StoppedByPerson) => format!("{end} by a person{reason}; held by `--watch`"),
                    Some(hold) => format!("{end}{reason}; {}, held by `--watch`", hold.cause()),
                }
            }
            Action::Recreate { drift, .. } | Action::Drifted { drift, .. } => {
                let fields: Vec<String> = drift.iter().map(Drift::to_string).collect();
                format!("drifted: {}", fields.join(", "))
            }
            Action::Stop { .. } | Action::Orphan { .. } => "orphan: no entry of `runs` wants it".to_owned(),
            Action::Keep(Kept::Running(_)) => "running".to_owned(),
            Action::Keep(Kept::Queued(_, waiting)) => format!("queued ({})", waiting.as_str()),
            Action::Keep(Kept::Stopping(_)) => "stopping".to_owned(),
            Action::Keep(Kept::Satisfied(_, end)) => end.as_str().to_owned(),
            Action::Held { why, .. } => why.words(),
            Action::Unselected { .. } => "its task left the selection".to_owned(),
            Action::Unknown { why, .. } => why.clone(),
        };
        match &self.needed_by {
            Some(mode) => format!("{reason}, needed by `{mode}`"),
            None => reason,
        }
    }
}

impl Step {
    /// The command that settles a step without action, as arguments of `dispatch`.
    pub fn settled_by(&self) -> Option<Vec<String>> {
        let Pair { mode, task } = &self.pair;
        let of_pair =
            |words: &[&str]| words.iter().copied().chain([mode.as_str(), task.as_str()]).map(str::to_owned).collect();
        match &self.action {
            Action::Start | Action::Restart { .. } | Action::Recreate { .. } | Action::Stop { .. } => None,
            Action::Drifted { .. } => Some(vec!["up".to_owned(), "--recreate".to_owned()]),
            Action::Held { .. } => Some(vec!["up".to_owned()]),
            Action::Orphan { .. } | Action::Unselected { .. } => Some(of_pair(&["stop"])),
            Action::Unknown { .. } => Some(of_pair(&["status", "--explain"])),
            Action::Keep(Kept::Queued(_, WaitingFor::Gate)) => Some(of_pair(&["approve"])),
            Action::Keep(_) => None,
        }
    }
}

impl Action {
    /// The name in output and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Restart { .. } => "restart",
            Self::Recreate { .. } => "recreate",
            Self::Stop { .. } => "stop",
            Self::Keep(_) => "keep",
            Self::Drifted { .. } => "drifted",
            Self::Held { .. } => "held",
            Self::Orphan { .. } => "orphan",
            Self::Unselected { .. } => "unselected",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The action for an active run that needs none. `None` for an ended run.
    pub(in crate::plan) fn of_active(run: RunId, state: &RunState) -> Option<Self> {
        Some(match state {
            RunState::Queued(waiting) => Self::Keep(Kept::Queued(run, *waiting)),
            RunState::Starting | RunState::Running => Self::Keep(Kept::Running(run)),
            RunState::Stopping => Self::Keep(Kept::Stopping(run)),
            RunState::Unknown(why) => Self::Unknown { run: Some(run), why: why.reason() },
            RunState::Ended(_) => return None,
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.action.word(), self.pair, self.reason())
    }
}

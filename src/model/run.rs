//! An observed run: its facts, its state and, once ended, its end.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::activity::Activity;
use crate::model::answer_record::Answered;
use crate::model::exit_record::ExitRecord;
use crate::model::limits::LimitsHold;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::protocol::Protocol;
use crate::model::run_id::RunId;
use crate::model::run_spec::{RunKind, RunSpec};
use crate::model::run_state::{EndState, RunState};
use crate::model::started_by::StartedBy;
use crate::model::usage::Usage;

/// What does not change in a run's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFacts {
    pub run_id: RunId,
    pub mode: ModeName,
    pub task: TaskId,
    pub headless: bool,
    /// How its agent is read.
    pub protocol: Protocol,
    pub session: Option<String>,
    /// The tmux socket of an interactive run.
    pub socket: Option<PathBuf>,
    pub cwd: PathBuf,
    pub created_at: Timestamp,
    pub parent_run: Option<RunId>,
    pub session_id: Option<String>,
    /// The agent's name in the manifest.
    #[serde(default)]
    pub agent: Option<String>,
    #[serde(default)]
    pub started_by: Option<StartedBy>,
    #[serde(default)]
    pub by_up: bool,
    #[serde(default)]
    pub exclusive: bool,
    /// Of a job: it may use slots below this.
    #[serde(default)]
    pub slots: u32,
    /// What the run was prepared from; the same basis means the same spec.
    #[serde(default)]
    pub basis: Option<String>,
}

/// How far an unfinished run has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub started_at: Option<Timestamp>,
    pub pid: Option<u32>,
    pub attempt: u32,
    pub log_bytes: u64,
    pub limits: Option<LimitsHold>,
    /// Of an interactive run: its pane and window in tmux.
    pub pane: Option<String>,
    pub window: Option<String>,
    /// Of a run that runs in a window.
    pub activity: Option<Activity>,
    /// The conversation that the agent in a window is in by now.
    pub session_id: Option<String>,
    /// A problem that does not end it, such as a full disk.
    pub trouble: Option<String>,
    /// Of a job: its agent has answered and not exited yet.
    pub answered: Option<Answered>,
    /// Its answer.
    pub answer: Option<String>,
    /// Of a queued run: why it waits and until when, in words.
    pub waits: Option<String>,
    /// Of a queued run: since when it waits for that, where it is on record.
    pub waits_since: Option<Timestamp>,
}

/// An observed run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub facts: RunFacts,
    pub state: RunState,
    pub progress: Progress,
    /// Present exactly when `state` is `Ended`.
    pub end: Option<ExitRecord>,
}

impl RunFacts {
    pub fn of(spec: &RunSpec) -> Self {
        let (session, socket) = match &spec.kind {
            RunKind::Interactive { session, socket, .. } => (Some(session.clone()), Some(socket.clone())),
            RunKind::Headless { .. } => (None, None),
        };
        Self {
            run_id: spec.run_id.clone(),
            mode: spec.mode.clone(),
            task: spec.task.clone(),
            headless: spec.is_headless(),
            protocol: spec.protocol,
            session,
            socket,
            cwd: spec.cwd.clone(),
            created_at: spec.created_at,
            parent_run: spec.parent_run.clone(),
            session_id: spec.session_id.clone(),
            agent: spec.agent.clone(),
            started_by: spec.started_by,
            by_up: spec.by_up,
            exclusive: spec.conditions.exclusive,
            slots: match spec.kind {
                RunKind::Headless { slots, .. } => slots,
                RunKind::Interactive { .. } => 0,
            },
            basis: spec.basis.clone(),
        }
    }

    pub fn pair(&self) -> Pair {
        Pair { mode: self.mode.clone(), task: self.task.clone() }
    }
}

impl Run {
    /// A run that has not ended, of which no more is known.
    pub fn active(facts: RunFacts, state: RunState) -> Self {
        Self { facts, state, progress: Progress::default(), end: None }
    }

    pub fn ended(facts: RunFacts, end: ExitRecord) -> Self {
        Self { facts, state: RunState::Ended(end.state), progress: Progress::default(), end: Some(end) }
    }

    pub fn id(&self) -> &RunId {
        &self.facts.run_id
    }

    pub fn pair(&self) -> Pair {
        self.facts.pair()
    }

    /// The conversation that another run could go on in. What never started had none.
    pub fn conversation(&self) -> Option<String> {
        let started = self.end.as_ref().map_or(self.progress.started_at, |end| end.started_at);
        started.and_then(|_| self.session_id())
    }

    /// The agent's own id of its last conversation.
    pub fn session_id(&self) -> Option<String> {
        let last = self.usage().session_id.or_else(|| self.progress.session_id.clone());
        last.or_else(|| self.facts.session_id.clone())
    }

    /// Whether a window was cut off whose conversation can go on.
    pub fn offers_resume(&self) -> bool {
        let cut_off = matches!(self.end_state(), Some(EndState::Lost | EndState::Stopped));
        cut_off && !self.facts.headless && self.conversation().is_some()
    }

    /// The command that goes on in a job's conversation with its user there, where the job was refused
    /// what only the user can decide.
    pub fn go_on(&self) -> Option<String> {
        let refused = self.end.as_ref().is_some_and(|end| !end.usage.denials.is_empty());
        let goes_on = refused && self.facts.headless && self.conversation().is_some();
        // The mode that every manifest has. Both names and ids are plain words for a shell.
        goes_on.then(|| format!("dispatch run --resume={} none {}", self.id(), self.facts.task))
    }

    /// What to write in the manifest, where the agent had no login and the one that the user has set was
    /// not passed to it.
    pub fn hint(&self) -> Option<String> {
        let names = &self.end.as_ref()?.answer.not_passed;
        let list = names.join(", ");
        let verb = if names.len() == 1 { "is" } else { "are" };
        let hint =
            || format!("{list} {verb} set but not passed to the agent; add to the manifest: `pass_env: [{list}]`");
        (!names.is_empty()).then(hint)
    }

    pub fn is_active(&self) -> bool {
        self.state.is_active()
    }

    pub fn end_state(&self) -> Option<EndState> {
        self.end.as_ref().map(|end| end.state)
    }

    /// Whether it failed, or was lost, before any process of it ran.
    pub fn never_started(&self) -> bool {
        let unwanted = |state| matches!(state, EndState::Failed | EndState::Lost);
        self.end.as_ref().is_some_and(|end| end.started_at.is_none() && unwanted(end.state))
    }

    /// What it cost. Of a run that has not ended: its cost so far, once its agent has answered.
    pub fn usage(&self) -> Usage {
        let so_far = || Usage {
            cost_usd: self.progress.answered.as_ref().and_then(|answered| answered.cost_usd),
            ..Usage::default()
        };
        self.end.as_ref().map_or_else(so_far, |end| end.usage.clone())
    }

    /// When its agent answered, whether or not its process has ended.
    pub fn answered_at(&self) -> Option<Timestamp> {
        match &self.end {
            Some(end) => end.answer.at,
            None => self.progress.answered.as_ref().map(|answered| answered.at),
        }
    }

    pub fn answer(&self) -> Option<&str> {
        self.end.as_ref().map_or(self.progress.answer.as_deref(), |end| end.answer.text.as_deref())
    }
}

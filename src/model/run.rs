//! An observed run: facts, state, progress and, once ended, its end.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::activity::Activity;
use crate::model::answer_record::Answered;
use crate::model::exit_record::ExitRecord;
use crate::model::limits::LimitsHold;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::protocol::Protocol;
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::{EndState, RunState};
use crate::model::started_by::StartedBy;
use crate::model::usage::Usage;

/// What never changes during a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFacts {
    pub run_id: RunId,
    pub mode: ModeName,
    pub task: TaskId,
    #[serde(rename = "headless")]
    pub form: RunForm,
    /// How the agent's output is read.
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
    /// Job of this machine: it may use slots `0..slots`.
    #[serde(default)]
    pub slots: u32,
    /// The name in `executors:` of the engine that runs the job; `None`: this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Hash of the inputs of preparation: equal hashes mean equal specs.
    #[serde(default, rename = "basis")]
    pub spec_fingerprint: Option<String>,
}

/// What is known of an active run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub started_at: Option<Timestamp>,
    pub pid: Option<u32>,
    pub attempt: u32,
    pub log_bytes: u64,
    pub limits: Option<LimitsHold>,
    /// Interactive run: its pane and window in tmux.
    pub pane: Option<String>,
    pub window: Option<String>,
    /// Set for a running window.
    pub activity: Option<Activity>,
    /// The current conversation of the agent in a window.
    pub session_id: Option<String>,
    /// A problem that does not end the run, such as a full disk.
    pub trouble: Option<String>,
    /// Job: the agent has answered but not exited.
    pub answered: Option<Answered>,
    pub answer: Option<String>,
    /// Queued run: why it waits and until when, as text.
    pub waits: Option<String>,
    /// Queued run: begin of the wait, if recorded.
    pub waits_since: Option<Timestamp>,
    /// The engine's name of the node on which it runs.
    pub node: Option<String>,
    /// When the present state began, if a process has followed the run's changes.
    pub state_since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub facts: RunFacts,
    pub state: RunState,
    pub progress: Progress,
    /// Present if and only if `state` is `Ended`.
    pub end: Option<ExitRecord>,
}

impl RunFacts {
    pub fn of(spec: &RunSpec) -> Self {
        let window = spec.kind.window();
        Self {
            run_id: spec.run_id.clone(),
            mode: spec.mode.clone(),
            task: spec.task.clone(),
            form: spec.form(),
            protocol: spec.protocol,
            session: window.map(|window| window.session.clone()),
            socket: window.map(|window| window.socket.clone()),
            cwd: spec.cwd.clone(),
            created_at: spec.created_at,
            parent_run: spec.parent_run.clone(),
            session_id: spec.session_id.clone(),
            agent: spec.agent.clone(),
            started_by: spec.started_by,
            by_up: spec.by_up,
            exclusive: spec.conditions.exclusive,
            // A job on an engine uses none of this machine's slots.
            slots: spec.kind.job().filter(|job| job.engine.is_none()).map_or(0, |job| job.slots),
            executor: spec.kind.engine().map(|executor| executor.name.clone()),
            spec_fingerprint: spec.spec_fingerprint.clone(),
        }
    }

    pub fn pair(&self) -> Pair {
        Pair { mode: self.mode.clone(), task: self.task.clone() }
    }
}

impl Run {
    /// An active run of which only the state is known.
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

    /// The conversation that another run could resume. `None` if the run never started.
    pub fn conversation(&self) -> Option<String> {
        let started = self.end.as_ref().map_or(self.progress.started_at, |end| end.started_at);
        started.and_then(|_| self.session_id())
    }

    /// The agent's id of its last conversation.
    pub fn session_id(&self) -> Option<String> {
        let last = self.usage().session_id.or_else(|| self.progress.session_id.clone());
        last.or_else(|| self.facts.session_id.clone())
    }

    /// Whether an interactive run was interrupted and its conversation can be resumed.
    pub fn offers_resume(&self) -> bool {
        let cut_off = matches!(self.end_state(), Some(EndState::Lost | EndState::Stopped));
        cut_off && self.facts.form.has_window() && self.conversation().is_some()
    }

    /// The command that resumes a job's conversation in a window, if the job was refused something that only the
    /// user can decide.
    pub fn go_on(&self) -> Option<String> {
        let refused = self.end.as_ref().is_some_and(|end| !end.usage.denials.is_empty());
        let goes_on = refused && self.facts.form.is_job() && self.conversation().is_some();
        // Every manifest has the mode `none`. Run ids and task ids need no shell quoting.
        goes_on.then(|| format!("dispatch run --resume={} none {}", self.id(), self.facts.task))
    }

    /// What to add to the manifest if the agent had no login and the variables that may hold one were not passed to it.
    pub fn hint(&self) -> Option<String> {
        let names = &self.end.as_ref()?.answer.not_passed;
        let list = names.join(", ");
        let verb = if names.len() == 1 { "is" } else { "are" };
        let hint =
            || format!("{list} {verb} set but not passed to the agent; add to the manifest: `pass_env: [{list}]`");
        (!names.is_empty()).then(hint)
    }

    /// The node on which it runs or ran, if that is not this machine.
    pub fn node(&self) -> Option<&str> {
        self.end.as_ref().map_or(self.progress.node.as_deref(), |end| end.node.as_deref())
    }

    pub fn is_active(&self) -> bool {
        self.state.is_active()
    }

    /// When the present state began, as far as it is known.
    pub fn since(&self) -> Timestamp {
        let progress = &self.progress;
        let recorded = match &self.end {
            Some(end) => Some(end.ended_at),
            None if matches!(self.state, RunState::Queued(_)) => progress.waits_since,
            None => progress.activity.as_ref().map(|activity| activity.at).or(progress.started_at),
        };
        progress.state_since.or(recorded).unwrap_or(self.facts.created_at)
    }

    pub fn end_state(&self) -> Option<EndState> {
        self.end.as_ref().map(|end| end.state)
    }

    /// Whether the run failed or was lost before any process of it started.
    pub fn never_started(&self) -> bool {
        let unwanted = |state| matches!(state, EndState::Failed | EndState::Lost);
        self.end.as_ref().is_some_and(|end| end.started_at.is_none() && unwanted(end.state))
    }

    /// What the run used. For an active run: the cost so far, once its agent has answered.
    pub fn usage(&self) -> Usage {
        let so_far = || Usage {
            cost_usd: self.progress.answered.as_ref().and_then(|answered| answered.cost_usd),
            ..Usage::default()
        };
        self.end.as_ref().map_or_else(so_far, |end| end.usage.clone())
    }

    /// When the agent answered, whether or not its process has ended.
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

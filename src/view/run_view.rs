//! A run as JSON (fields: `docs/states.md`).

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::answer_record::OutcomeSource;
use crate::model::limits::LimitsHold;
use crate::model::owner::ExecutorName;
use crate::model::run::Run;
use crate::model::run_form::RunForm;
use crate::model::run_state::RunState;
use crate::model::started_by::StartedBy;
use crate::model::usage::{Denial, Tokens};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    pub run_id: String,
    pub mode: String,
    pub task: String,
    pub label: String,
    #[serde(rename = "headless")]
    pub form: RunForm,
    pub state: &'static str,
    pub running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<&'static str>,
    /// When the present state began, as far as it is known.
    pub since: Timestamp,
    /// Its place among the runs that wait for a slot, from 1. Only some answers contain it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    pub window: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    pub cwd: PathBuf,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When the agent's last turn ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// All text of the agent's last message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What decided between success and failure: `result`, `exit` or `expect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome_source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_run: Option<String>,
    /// The agent's name in the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Where the run executes: `local`, this machine, or a name of the manifest's `executors`.
    pub executor: String,
    /// The engine's name of the node that runs it, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// `cli`, `web`, `up`, `need` or `run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<Denial>,
    /// How to fix the failure, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The command that resumes the conversation, if the run was refused something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub go_on: Option<String>,
    pub log_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsHold>,
    /// Why `up --watch` does not restart it. Only some answers contain it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

/// A pair that was skipped without starting a run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SkippedView {
    pub mode: String,
    pub task: String,
    pub label: String,
    pub state: &'static str,
    pub reason: &'static str,
    /// The success that makes the pair up to date.
    pub last_run: String,
}

impl SkippedView {
    pub fn new(last: &Run) -> Self {
        Self {
            mode: last.facts.mode.to_string(),
            task: last.facts.task.to_string(),
            label: last.pair().label(),
            state: "skipped",
            reason: "up to date",
            last_run: last.id().to_string(),
        }
    }
}

impl RunView {
    /// `now` determines the duration of an active run.
    pub fn new(run: &Run, now: Timestamp) -> Self {
        let facts = &run.facts;
        let end = run.end.as_ref();
        let started_at = end.map_or(run.progress.started_at, |end| end.started_at);
        let so_far = |start: Timestamp| u64::try_from(now.as_millisecond() - start.as_millisecond()).unwrap_or(0);
        let duration_ms = match end {
            Some(end) => Some(end.duration_ms),
            None => started_at.map(so_far),
        };
        let (waiting_for, reason) = match &run.state {
            RunState::Queued(waiting_for) => (Some(waiting_for.as_str()), run.progress.waits.clone()),
            RunState::Unknown(why) => (None, Some(why.reason())),
            _ => (None, run.progress.trouble.clone()),
        };
        let activity = run.progress.activity.as_ref();
        let usage = run.usage();
        let attempt = end.map_or(run.progress.attempt, |end| end.attempt);
        Self {
            run_id: facts.run_id.to_string(),
            mode: facts.mode.to_string(),
            task: facts.task.to_string(),
            label: run.pair().label(),
            form: facts.form,
            state: run.state.as_str(),
            running: matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping),
            waiting_for,
            since: run.since(),
            position: None,
            activity: activity.map(|activity| activity.state.as_str()),
            activity_reason: activity.map(|activity| activity.reason.clone()),
            activity_source: activity.map(|activity| activity.source.as_str()),
            activity_at: activity.map(|activity| activity.at),
            exit_code: end.and_then(|end| end.exit.code),
            signal: end.and_then(|end| end.exit.signal),
            reason: end.map_or(reason, |end| end.reason.as_ref().map(ToString::to_string)),
            session: facts.session.clone(),
            window: run.pair().window_name(),
            pid: end.map_or(run.progress.pid, |end| end.pid),
            cwd: facts.cwd.clone(),
            created_at: facts.created_at,
            started_at,
            ended_at: end.map(|end| end.ended_at),
            answered_at: run.answered_at(),
            answer: run.answer().map(str::to_owned),
            outcome_source: end.and_then(|end| end.answer.outcome_source).map(OutcomeSource::as_str),
            duration_ms,
            attempt: (attempt > 0).then_some(attempt),
            parent_run: facts.parent_run.as_ref().map(ToString::to_string),
            agent: facts.agent.clone(),
            executor: facts.executor.clone().unwrap_or_else(|| ExecutorName::Local.as_str().to_owned()),
            node: run.node().map(str::to_owned),
            started_by: facts.started_by.map(StartedBy::as_str),
            cost_usd: usage.cost_usd,
            tokens: usage.tokens,
            session_id: run.session_id(),
            denials: usage.denials,
            hint: run.hint(),
            go_on: run.go_on(),
            log_bytes: end.map_or(run.progress.log_bytes, |end| end.log_bytes),
            limits: end.map_or(run.progress.limits, |end| end.limits),
            held: None,
        }
    }
}

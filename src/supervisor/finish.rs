//! What an ended agent amounts to: the agent's report, what the mode expects, the answer saved.

use std::io;

use crate::agent::{self, FinalReport, RateLimit};
use crate::model::retry::{Retry, RetryOn};
use crate::model::run_spec::{Expect, RunKind, RunSpec};
use crate::model::run_state::EndState;
use crate::model::usage::Usage;
use crate::supervisor::machine::{Exit, Why};
use crate::supervisor::stage::expect_of;
use crate::system::store::answer::Answer;
use crate::system::store::run_folder::RunFolder;

/// A run's end, before it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub state: EndState,
    pub reason: Option<String>,
    pub usage: Usage,
    /// What kind of failure of the agent itself it was. `None` for all that another attempt would
    /// not change: a success, a stop, a limit that was set, an expectation that does not hold.
    pub kind: Option<RetryOn>,
    /// The limit, where that was the kind.
    pub limit: Option<RateLimit>,
}

impl Outcome {
    /// An end for a reason that is none of the agent's.
    pub fn failed(reason: impl Into<String>) -> Self {
        let usage = Usage::default();
        Self { state: EndState::Failed, reason: Some(reason.into()), usage, kind: None, limit: None }
    }

    /// The same work with another end.
    pub fn but(self, state: EndState, reason: Option<String>) -> Self {
        Self { state, reason, kind: None, limit: None, ..self }
    }
}

/// Judges the agent's stage, whose part of the log starts at byte `from`. Where it succeeded, saves its answer and looks at the files that the
/// mode expects; its `expect.command` is a stage of its own.
pub fn judge_agent(spec: &RunSpec, folder: &RunFolder, from: u64, why: Why, exit: Option<Exit>) -> Outcome {
    let report = folder.read_stdout(from).and_then(|log| agent::read_report(spec.protocol, log)).unwrap_or_default();
    let usage = Usage {
        session_id: report.usage.session_id.clone().or_else(|| spec.session_id.clone()),
        ..report.usage.clone()
    };
    let ended =
        |state, reason: Option<String>| Outcome { state, reason, usage: usage.clone(), kind: None, limit: None };
    match why {
        Why::Stopped { .. } => return ended(EndState::Stopped, None),
        Why::TimedOut => {
            let limit = match &spec.kind {
                RunKind::Headless { timeout: Some(timeout), .. } => format!("timeout of {timeout}"),
                _ => "timeout".to_owned(),
            };
            return timed_out(spec, rate_limit(spec, folder, from), ended(EndState::TimedOut, Some(limit)));
        }
        Why::LogFull => {
            let limit = match &spec.kind {
                RunKind::Headless { log_max: Some(max), .. } => format!("log limit of {max}"),
                _ => "log limit".to_owned(),
            };
            return ended(EndState::Failed, Some(limit));
        }
        Why::CpuUsed => return ended(EndState::Failed, Some("cpu limit".to_owned())),
        Why::Exited => {}
    }
    let Some(exit) = exit else { return ended(EndState::Lost, Some("its end was not seen".to_owned())) };
    let verdict = agent::judge(spec.protocol, agent::Exit { code: exit.code, signal: exit.signal }, &report);
    if verdict.state != EndState::Succeeded {
        let limit = rate_limit(spec, folder, from);
        let kind = (verdict.state == EndState::Failed).then(|| kind_of(&report, limit.as_ref())).flatten();
        return Outcome { kind, limit, ..ended(verdict.state, verdict.reason) };
    }
    match keep_promises(spec, folder, from) {
        Ok(()) => ended(EndState::Succeeded, verdict.reason),
        // What it was refused may be why.
        Err(reason) => {
            let decision = verdict.reason.map_or_else(String::new, |decision| format!("; {decision}"));
            ended(EndState::Failed, Some(format!("{reason}{decision}")))
        }
    }
}

/// How the mode of `spec` retries, if it does.
pub fn retry_of(spec: &RunSpec) -> Option<&Retry> {
    match &spec.kind {
        RunKind::Headless { retry, .. } => retry.as_ref(),
        RunKind::Interactive { .. } => None,
    }
}

/// Read only where it is of use: it may mean to read the whole log.
fn rate_limit(spec: &RunSpec, folder: &RunFolder, from: u64) -> Option<RateLimit> {
    retry_of(spec)?;
    folder.read_stdout(from).and_then(|log| agent::read_rate_limit(spec.protocol, log)).ok().flatten()
}

/// An agent that was still waiting for a rate limit when its time was up failed in both ways.
fn timed_out(spec: &RunSpec, limit: Option<RateLimit>, ended: Outcome) -> Outcome {
    let counts = |kind| retry_of(spec).is_some_and(|retry| retry.on.contains(&kind));
    let limited = limit.is_some() && counts(RetryOn::RateLimit) && !counts(RetryOn::Timeout);
    Outcome { kind: Some(if limited { RetryOn::RateLimit } else { RetryOn::Timeout }), limit, ..ended }
}

/// The kind of an agent's own failure. One that reached a limit its user gave it would reach it again.
fn kind_of(report: &FinalReport, limit: Option<&RateLimit>) -> Option<RetryOn> {
    match (limit, &report.result) {
        (Some(_), _) => Some(RetryOn::RateLimit),
        (None, Some(result)) if result.is_own_limit() => None,
        (None, _) => Some(RetryOn::Crash),
    }
}

/// `save_to`, `expect.non_empty` and `expect.files`.
fn keep_promises(spec: &RunSpec, folder: &RunFolder, from: u64) -> Result<(), String> {
    let expect = expect_of(spec);
    let saving = match &spec.kind {
        RunKind::Headless { save_to, .. } => save_to.as_deref(),
        RunKind::Interactive { .. } => None,
    };
    if saving.is_some() || expect.non_empty {
        let answer = answer(spec, folder, from).map_err(|error| format!("its answer cannot be read: {error}"))?;
        if expect.non_empty && answer.is_blank().map_err(|error| format!("its answer cannot be read: {error}"))? {
            return Err(Expect::BLANK.to_owned());
        }
        if let Some(path) = saving {
            answer
                .save(&spec.cwd, path, spec.umask)
                .map_err(|error| format!("cannot save to `{}`: {error}", path.display()))?;
        }
    }
    for file in &expect.files {
        if !spec.cwd.join(file).exists() {
            return Err(Expect::missing(file));
        }
    }
    Ok(())
}

/// The agent's final answer: a text of its own, or all that its attempt printed.
fn answer(spec: &RunSpec, folder: &RunFolder, from: u64) -> io::Result<Answer> {
    let text = agent::final_answer(spec.protocol, folder.read_stdout(from)?)?;
    Ok(text.map_or_else(|| Answer::Log { path: folder.stdout(), from }, Answer::Text))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::model::protocol::Protocol;

    #[test]
    fn what_another_attempt_would_reach_again_is_not_worth_one() {
        let kind = |rest: &str| {
            let log = format!(r#"{{"type":"result","is_error":true,{rest}}}"#);
            let report = agent::read_report(Protocol::Claude, Cursor::new(&log)).unwrap();
            let limit = agent::read_rate_limit(Protocol::Claude, Cursor::new(&log)).unwrap();
            kind_of(&report, limit.as_ref())
        };
        assert_eq!(kind(r#""subtype":"error_max_turns""#), None);
        assert_eq!(kind(r#""subtype":"error_max_budget_usd""#), None);
        assert_eq!(kind(r#""subtype":"success","api_error_status":429"#), Some(RetryOn::RateLimit));
        assert_eq!(kind(r#""subtype":"success","api_error_status":500"#), Some(RetryOn::Crash));
        assert_eq!(kind_of(&FinalReport::default(), None), Some(RetryOn::Crash), "it ended without a word");
    }
}

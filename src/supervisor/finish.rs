//! Judges an ended agent by its exit, its report and what the mode expects, and saves its answer. Output: a
//! [`AttemptOutcome`]. Must not record the end: a failed attempt may be followed by another.

use std::io;

use jiff::Timestamp;

use crate::agents::{self, AgentReport, RateLimit, ReportedOutcome};
use crate::model::answer_record::{AnswerRecord, OutcomeSource};
use crate::model::end_reason::EndReason;
use crate::model::exit::Exit;
use crate::model::retry::{Retry, RetryOn};
use crate::model::run_spec::RunSpec;
use crate::model::run_state::EndState;
use crate::model::usage::Usage;
use crate::os::clock;
use crate::store::answer::Answer;
use crate::store::run_folder::RunFolder;
use crate::supervisor::machine::EndCause;
use crate::supervisor::stage::expect_of;

/// A run's end, before it is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptOutcome {
    pub state: EndState,
    pub reason: Option<EndReason>,
    pub usage: Usage,
    pub answer: AnswerRecord,
    /// The kind of failure of the agent itself. `None` for all that another attempt would not change: a success, a
    /// stop, a log, CPU, turn or cost limit, an unmet expectation, and an agent that had answered but did not exit.
    pub kind: Option<RetryOn>,
    /// The rate limit that the agent met, if any.
    pub limit: Option<RateLimit>,
}

#[derive(Clone, Copy, Debug)]
pub struct AgentEnd {
    /// Offset in stdout, in bytes, where the attempt's output begins.
    pub from: u64,
    /// The length of stdout, in bytes, when the supervisor began to end the agent: later output is no answer.
    pub until: Option<u64>,
    pub why: EndCause,
    pub exit: Option<Exit>,
    /// When its last turn ended, where the supervisor observed that while the agent lived.
    pub answered_at: Option<Timestamp>,
}

impl AttemptOutcome {
    /// An end that the agent did not cause.
    pub fn failed(reason: EndReason) -> Self {
        Self {
            state: EndState::Failed,
            reason: Some(reason),
            usage: Usage::default(),
            answer: AnswerRecord::default(),
            kind: None,
            limit: None,
        }
    }

    /// Replaces the end, which `source` decided; usage and answer stay.
    pub fn but(self, state: EndState, reason: Option<EndReason>, source: Option<OutcomeSource>) -> Self {
        let answer = AnswerRecord { outcome_source: source, ..self.answer };
        Self { state, reason, answer, kind: None, limit: None, ..self }
    }
}

/// Judges the agent's stage, saves its answer, and checks the files that the mode expects. `expect.command` is a stage
/// of its own.
pub fn judge_agent(spec: &RunSpec, folder: &RunFolder, end: &AgentEnd) -> AttemptOutcome {
    let read = |until| {
        let log = folder.read_stdout(end.from).map(|log| log.up_to(until));
        log.and_then(|mut log| agents::of(spec.protocol).read_report(&mut log)).unwrap_or_default()
    };
    let whole = read(None);
    let report = if end.until.is_some() { read(end.until) } else { whole.clone() };
    let session_id = whole.usage.session_id.clone().or_else(|| spec.session_id.clone());
    let judging = Judging { spec, folder, end, usage: Usage { session_id, ..whole.usage }, report };
    match (end.why, end.exit) {
        (EndCause::Stopped { .. }, _) => judging.cut_off(EndState::Stopped, None),
        (EndCause::TimedOut | EndCause::ExitOverdue, Some(_)) if judging.report.has_answered() => judging.by_answer(),
        (EndCause::TimedOut, _) => judging.timed_out(),
        (EndCause::LogFull, _) => judging.cut_off(EndState::Failed, Some(log_limit(spec))),
        (EndCause::CpuUsed, _) => judging.cut_off(EndState::Failed, Some(EndReason::CpuLimit)),
        (EndCause::Exited | EndCause::ExitOverdue, None) => {
            judging.ended(EndState::Lost, Some(EndReason::ExitNotSeen), None)
        }
        // The agent truncated its log: the answer is gone.
        (EndCause::ExitOverdue, Some(_)) => judging.cut_off(EndState::Failed, Some(EndReason::DidNotExit)),
        (EndCause::Exited, Some(exit)) => judging.by_exit(exit),
    }
}

/// What an attempt is judged by.
struct Judging<'a> {
    spec: &'a RunSpec,
    folder: &'a RunFolder,
    end: &'a AgentEnd,
    usage: Usage,
    report: AgentReport,
}

impl Judging<'_> {
    fn ended(&self, state: EndState, reason: Option<EndReason>, source: Option<OutcomeSource>) -> AttemptOutcome {
        let answered = self.report.has_answered();
        let text = self.report.answer.clone().filter(|_| answered);
        let at = match self.end.exit {
            _ if answered => self.end.answered_at.or_else(|| self.folder.stdout_written_at()),
            // An agent without a report answers when it exits.
            Some(Exit { code: Some(0), .. }) if self.report.outcome == ReportedOutcome::NotDue => Some(clock::now()),
            _ => None,
        };
        let not_passed = if self.report.not_authenticated { self.spec.not_passed.clone() } else { Vec::new() };
        let text = text.and_then(AnswerRecord::kept);
        let answer = AnswerRecord { at, text, outcome_source: source, did_not_exit: false, not_passed };
        AttemptOutcome { state, reason, usage: self.usage.clone(), answer, kind: None, limit: None }
    }

    /// An agent that was ended before it exited, for a reason that decides alone. Its answer, if any, is saved.
    fn cut_off(&self, state: EndState, reason: Option<EndReason>) -> AttemptOutcome {
        let unsaved = if self.report.has_answered() { self.save_answer().err() } else { None };
        self.ended(state, reason.into_iter().chain(unsaved).reduce(EndReason::and), None)
    }

    /// An agent that had answered and was ended because it did not exit, or not in time.
    fn by_answer(&self) -> AttemptOutcome {
        let Some(verdict) = agents::judge_answer(&self.report) else { return self.timed_out() };
        let kept = if verdict.state == EndState::Succeeded { self.check_postconditions() } else { Ok(()) };
        let mut outcome = match kept {
            Ok(()) => self.ended(verdict.state, verdict.reason, verdict.source),
            Err(reason) => self.not_as_expected(reason, verdict.reason),
        };
        outcome.answer.did_not_exit = true;
        outcome
    }

    fn by_exit(&self, exit: Exit) -> AttemptOutcome {
        let verdict = agents::judge(exit, &self.report);
        if verdict.state != EndState::Succeeded {
            let limit = self.rate_limit();
            let is_failure = verdict.state == EndState::Failed;
            let kind = is_failure.then(|| kind_of(&self.report, limit.as_ref())).flatten();
            return AttemptOutcome { kind, limit, ..self.ended(verdict.state, verdict.reason, verdict.source) };
        }
        match self.check_postconditions() {
            Ok(()) => self.ended(EndState::Succeeded, verdict.reason, verdict.source),
            // The agent's refused requests may be the cause.
            Err(reason) => self.not_as_expected(reason, verdict.reason),
        }
    }

    fn not_as_expected(&self, reason: EndReason, about: Option<EndReason>) -> AttemptOutcome {
        let reason = about.into_iter().fold(reason, EndReason::and);
        self.ended(EndState::Failed, Some(reason), Some(OutcomeSource::Expect))
    }

    /// An agent that waited for a rate limit when its time was up failed in both ways. It counts as a rate limit only
    /// where the mode retries those and not timeouts.
    fn timed_out(&self) -> AttemptOutcome {
        let ended = self.ended(EndState::TimedOut, Some(time_limit(self.spec)), None);
        let limit = self.rate_limit();
        let counts = |kind| retry_of(self.spec).is_some_and(|retry| retry.on.contains(&kind));
        let limited = limit.is_some() && counts(RetryOn::RateLimit) && !counts(RetryOn::Timeout);
        AttemptOutcome { kind: Some(if limited { RetryOn::RateLimit } else { RetryOn::Timeout }), limit, ..ended }
    }

    /// Reads the whole log, so only where the mode retries.
    fn rate_limit(&self) -> Option<RateLimit> {
        retry_of(self.spec)?;
        let log = self.folder.read_stdout(self.end.from);
        log.and_then(|mut log| agents::of(self.spec.protocol).read_rate_limit(&mut log)).ok().flatten()
    }

    /// Checks `expect.non_empty` and `expect.files` and saves to `save_to`. Fails with the first that does not succeed.
    fn check_postconditions(&self) -> Result<(), EndReason> {
        let expect = expect_of(self.spec);
        if expect.non_empty {
            let unreadable = |error: io::Error| EndReason::AnswerUnreadable(error.to_string());
            if self.answer().is_blank().map_err(unreadable)? {
                return Err(EndReason::BlankAnswer);
            }
        }
        self.save_answer()?;
        for file in &expect.files {
            if !self.spec.cwd.join(file).exists() {
                return Err(EndReason::MissingFile(file.clone()));
            }
        }
        Ok(())
    }

    /// Saves the answer to `save_to`, unless the agent reported a failure.
    fn save_answer(&self) -> Result<(), EndReason> {
        let Some(path) = self.spec.kind.job().and_then(|job| job.save_to.as_ref()) else { return Ok(()) };
        if self.report.outcome.failure().is_some() {
            return Ok(());
        }
        let saved = self.answer().save(&self.spec.cwd, path, self.spec.umask);
        saved.map_err(|error| EndReason::NotSaved { path: path.clone(), error: error.to_string() })
    }

    /// The answer that the agent reported; without a report everything that the attempt printed.
    fn answer(&self) -> Answer {
        match self.report.outcome {
            ReportedOutcome::NotDue => Answer::Log { path: self.folder.stdout(), from: self.end.from },
            _ => Answer::Text(self.report.answer.clone().unwrap_or_default().into_bytes()),
        }
    }
}

/// The end of a run whose agent had succeeded and whose `expect.command` was ended. The agent has answered, so the run
/// is not retried.
pub fn cut_off_check(spec: &RunSpec, outcome: AttemptOutcome, why: EndCause) -> AttemptOutcome {
    let (state, reason) = match why {
        EndCause::Stopped { .. } => (EndState::Stopped, None),
        EndCause::TimedOut => (EndState::TimedOut, Some(time_limit(spec))),
        EndCause::LogFull => (EndState::Failed, Some(log_limit(spec))),
        // The command's exit decides. CPU time and the exit grace are not watched during the check.
        EndCause::Exited | EndCause::CpuUsed | EndCause::ExitOverdue => return outcome,
    };
    let mut outcome = outcome.but(state, reason, None);
    outcome.answer.did_not_exit = false;
    outcome
}

fn time_limit(spec: &RunSpec) -> EndReason {
    EndReason::Timeout(spec.kind.job().and_then(|job| job.timeout))
}

fn log_limit(spec: &RunSpec) -> EndReason {
    EndReason::LogLimit(spec.kind.job().and_then(|job| job.log_max))
}

/// How the mode of `spec` retries, if it does.
pub fn retry_of(spec: &RunSpec) -> Option<&Retry> {
    spec.kind.job().and_then(|job| job.retry.as_ref())
}

/// The kind of an agent's own failure. `None` at a limit that its user set: another attempt would reach it again.
fn kind_of(report: &AgentReport, limit: Option<&RateLimit>) -> Option<RetryOn> {
    match (limit, &report.outcome) {
        (Some(_), _) => Some(RetryOn::RateLimit),
        (None, ReportedOutcome::Failed { is_own_limit: true, .. }) => None,
        (None, _) => Some(RetryOn::Crash),
    }
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
            let report = agents::of(Protocol::Claude).read_report(&mut Cursor::new(&log)).unwrap();
            let limit = agents::of(Protocol::Claude).read_rate_limit(&mut Cursor::new(&log)).unwrap();
            kind_of(&report, limit.as_ref())
        };
        assert_eq!(kind(r#""subtype":"error_max_turns""#), None);
        assert_eq!(kind(r#""subtype":"error_max_budget_usd""#), None);
        assert_eq!(kind(r#""subtype":"success","api_error_status":429"#), Some(RetryOn::RateLimit));
        assert_eq!(kind(r#""subtype":"success","api_error_status":500"#), Some(RetryOn::Crash));
        assert_eq!(kind_of(&AgentReport::default(), None), Some(RetryOn::Crash), "it ended without a word");
    }
}

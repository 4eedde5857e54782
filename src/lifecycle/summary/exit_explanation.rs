//! Explains why a run ended in its state, as a list of facts.
//! Input: the run's records, the end of its log and its engine's report. Must not judge the run again.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::agents::{self, AgentReport, ReportedOutcome};
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::engine_report;
use crate::model::attempt_record::AttemptRecord;
use crate::model::end_reason::{EndReason, Startable};
use crate::model::exit::Exit;
use crate::model::exit_record::ExitRecord;
use crate::model::limits::LimitsHold;
use crate::model::protocol::Protocol;
use crate::model::run::Run;
use crate::model::run_spec::{Expect, JobSpec, RunSpec};
use crate::model::run_state::EndState;
use crate::model::signal::with_signal_name;
use crate::store::run_folder::RunFolder;

/// How many bytes of the end of a log are read for the agent's report: a log may be a gigabyte.
const REPORT_BYTES: u64 = 1 << 20;
/// Longest list of facts of one kind.
const LISTED: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub bears: Bears,
    /// The subject, in one or two words.
    pub about: &'static str,
    pub says: String,
}

/// What a fact is evidence for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bears {
    Success,
    Failure,
    Neither,
}

/// The facts of an ended run; empty for an active one.
pub fn why_ended(store: &Store, run: &Run) -> Vec<Fact> {
    let Some(end) = &run.end else { return Vec::new() };
    let folder = store.folder(run.id());
    let mut facts = match folder.read_spec() {
        Ok(spec) => Facts::of(&spec, end, &folder.read_attempts(), &last_words(&spec, &folder)),
        Err(_) => Facts::default().end(end).reason(end).0,
    };
    if let Some(reported) = engine_report::of_ended(store, run) {
        facts.push(Fact { bears: Bears::Neither, about: "engine", says: format!("reports: {reported}") });
    }
    facts
}

/// The report of the last attempt. `None` if it may be located before the part that was read.
fn last_words(spec: &RunSpec, folder: &RunFolder) -> Option<AgentReport> {
    let begins = folder.read_attempts().last().map_or(0, |attempt| attempt.stdout_from);
    let from = begins.max(folder.log_lengths().0.saturating_sub(REPORT_BYTES));
    let report = agents::of(spec.protocol).read_report(&mut folder.read_stdout(from).ok()?).ok()?;
    (report.outcome != ReportedOutcome::Missing || from == begins).then_some(report)
}

#[derive(Debug, Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn of(spec: &RunSpec, end: &ExitRecord, attempts: &[AttemptRecord], report: &Option<AgentReport>) -> Vec<Fact> {
        let mut facts = Self::default().end(end);
        if let (Some(job), Some(_)) = (spec.kind.job(), end.started_at) {
            facts = facts.report(spec.protocol, end, report.as_ref()).postconditions(job, end).bounds(job, end);
        }
        facts.reason(end).denials(end).attempts(attempts).0
    }

    fn add(&mut self, bears: Bears, about: &'static str, says: impl Into<String>) {
        self.0.push(Fact { bears, about, says: says.into() });
    }

    /// How the process ended, and what ended it.
    fn end(mut self, end: &ExitRecord) -> Self {
        // The exit status of an agent that was killed after its answer is no evidence about the agent.
        let failure = if end.answer.did_not_exit { Bears::Neither } else { Bears::Failure };
        if end.answer.did_not_exit {
            self.add(Bears::Neither, "end", "it had answered and did not exit by itself, so it was ended");
        }
        match end.exit {
            Exit { code: Some(0), .. } if end.answer.did_not_exit => self.add(Bears::Neither, "exit code", "0"),
            Exit { code: Some(0), .. } => self.add(Bears::Success, "exit code", "0"),
            Exit { code: Some(code), .. } => self.add(failure, "exit code", with_signal_name(code, code - 128)),
            Exit { signal: Some(signal), .. } => self.add(failure, "signal", with_signal_name(signal, signal)),
            Exit::NOT_SEEN if end.started_at.is_some() => self.add(Bears::Neither, "exit code", "none on record"),
            Exit::NOT_SEEN => self.add(Bears::Neither, "start", "its agent was never started"),
        }
        let said = |else_said: &str| end.reason.as_ref().map_or_else(|| else_said.to_owned(), EndReason::to_string);
        match end.state {
            EndState::Stopped if end.interrupted => {
                self.add(Bears::Neither, "stopped", "by Ctrl-C of the command that started it");
            }
            EndState::Stopped => self.add(Bears::Neither, "stopped", said("on request")),
            EndState::TimedOut => self.add(Bears::Failure, "time", said("over its timeout")),
            EndState::Lost => self.add(Bears::Failure, "lost", said("nobody saw its end")),
            EndState::DependencyFailed => self.add(Bears::Failure, "needs", said("what it needs failed")),
            EndState::Failed | EndState::Succeeded => {}
        }
        if !end.survivors.is_empty() {
            let pids: Vec<String> = end.survivors.iter().take(LISTED).map(u32::to_string).collect();
            self.add(Bears::Failure, "survivors", format!("processes that could not be ended: {}", pids.join(", ")));
        }
        self
    }

    /// The final report of the agent.
    fn report(mut self, protocol: Protocol, end: &ExitRecord, report: Option<&AgentReport>) -> Self {
        const ABOUT: &str = "final result";
        if !agents::of(protocol).capabilities().reports {
            if end.exit.code.is_some() {
                let name = agents::of(protocol).name();
                self.add(
                    Bears::Neither,
                    "judged by",
                    format!("its exit code alone: protocol `{name}` reports no result"),
                );
            }
            return self;
        }
        let Some(report) = report else { return self };
        match &report.outcome {
            ReportedOutcome::Succeeded | ReportedOutcome::Failed { .. } => {
                let failure = report.outcome.failure();
                let mut parts = vec![failure.unwrap_or("`success`, no error").to_owned()];
                parts.extend(report.turns.map(|turns| format!("{turns} turn{}", if turns == 1 { "" } else { "s" })));
                parts.extend(report.usage.cost_usd.map(|cost| format!("${cost:.4}")));
                let bears = if failure.is_some() { Bears::Failure } else { Bears::Success };
                self.add(bears, ABOUT, parts.join(" · "));
                if report.unfinished {
                    self.add(Bears::Failure, ABOUT, "another turn began after it, and has none");
                }
            }
            ReportedOutcome::NotDue => {
                self.add(Bears::Neither, "judged by", "its exit code alone: it reported no result");
            }
            ReportedOutcome::Missing => {
                let cut_off = matches!(end.state, EndState::Stopped | EndState::TimedOut | EndState::Lost);
                self.add(if cut_off { Bears::Neither } else { Bears::Failure }, ABOUT, "there is none in its log");
            }
        }
        self
    }

    /// `expect` and `save_to`, in the order of the checks, up to the first that failed.
    fn postconditions(mut self, job: &JobSpec, end: &ExitRecord) -> Self {
        let reason = end.reason.as_ref().and_then(|reason| reason.parts().first());
        let succeeded = end.state == EndState::Succeeded;
        let requested = postconditions(job.save_to.as_deref(), &job.expect);
        let failed =
            requested.iter().position(|postcondition| reason.is_some_and(|reason| postcondition.is_broken_by(reason)));
        if !succeeded && failed.is_none() {
            if !requested.is_empty() {
                self.add(Bears::Neither, "expect", "not checked, since the agent itself did not succeed");
            }
            return self;
        }
        for (at, postcondition) in requested.iter().enumerate() {
            match failed {
                Some(failed) if at > failed => break,
                Some(failed) if at == failed => {
                    self.add(Bears::Failure, postcondition.about(), format!("{postcondition}: no"));
                }
                _ => self.add(Bears::Success, postcondition.about(), format!("{postcondition}: yes")),
            }
        }
        self
    }

    /// Timeout and resource limits.
    fn bounds(mut self, job: &JobSpec, end: &ExitRecord) -> Self {
        if let Some(timeout) = job.timeout.as_ref().filter(|_| end.state != EndState::TimedOut) {
            self.add(Bears::Neither, "time", format!("within its timeout of {timeout}"));
        }
        if job.limits.is_empty() {
            return self;
        }
        match end.limits {
            Some(LimitsHold::Full) => self.add(Bears::Neither, "limits", "held for its whole process tree"),
            Some(LimitsHold::Partial) => {
                self.add(Bears::Neither, "limits", "partial: memory and CPU were bounded for each process alone");
            }
            None => {}
        }
        self
    }

    /// The recorded reason of a failure, unless another fact contains it.
    fn reason(mut self, end: &ExitRecord) -> Self {
        let Some(reason) = end.reason.as_ref().filter(|_| end.state == EndState::Failed) else { return self };
        let text = reason.to_string();
        let is_told = match reason.parts() {
            [EndReason::ExitCode(_) | EndReason::Signal(_) | EndReason::NoResult] => true,
            [first, ..] if Postcondition::is_about(first) => true,
            _ => self.0.iter().any(|fact| fact.says.starts_with(&text)),
        };
        if !is_told {
            self.add(Bears::Failure, "reason", text);
        }
        self
    }

    fn denials(mut self, end: &ExitRecord) -> Self {
        let all = &end.usage.denials;
        for denial in all.iter().take(LISTED) {
            self.add(Bears::Neither, "refused", format!("{} {}", denial.tool, denial.input));
        }
        if let Some(more) = all.len().checked_sub(LISTED + 1) {
            self.add(Bears::Neither, "refused", format!("and {} more", more + 1));
        }
        self
    }

    fn attempts(mut self, attempts: &[AttemptRecord]) -> Self {
        if attempts.len() < 2 && attempts.iter().all(|attempt| attempt.state == EndState::Succeeded) {
            return self;
        }
        for attempt in attempts.iter().rev().take(LISTED).rev() {
            let state = attempt.state.as_str().replace('_', " ");
            let why = attempt.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            self.add(Bears::Neither, "attempt", format!("{} {state}{why}", attempt.attempt));
        }
        self
    }
}

/// A condition that is checked after the agent's success.
enum Postcondition<'a> {
    NotBlank,
    Saved(&'a Path),
    File(&'a Path),
    Command(&'a [String]),
}

/// In the order in which the supervisor checks them.
fn postconditions<'a>(save_to: Option<&'a Path>, expect: &'a Expect) -> Vec<Postcondition<'a>> {
    let not_blank = expect.non_empty.then_some(Postcondition::NotBlank);
    let files = expect.files.iter().map(|file| Postcondition::File(file));
    let command = Some(Postcondition::Command(&expect.command)).filter(|_| !expect.command.is_empty());
    not_blank.into_iter().chain(save_to.map(Postcondition::Saved)).chain(files).chain(command).collect()
}

impl Postcondition<'_> {
    fn about(&self) -> &'static str {
        if matches!(self, Self::Saved(_)) { "save to" } else { "expect" }
    }

    fn is_broken_by(&self, reason: &EndReason) -> bool {
        match (self, reason) {
            (Self::NotBlank, EndReason::BlankAnswer) => true,
            (Self::Saved(path), EndReason::NotSaved { path: unsaved, .. }) => path == unsaved,
            (Self::File(path), EndReason::MissingFile(missing)) => path == missing,
            (Self::Command(_), EndReason::CommandFailed(_)) => true,
            (Self::Command(_), EndReason::CannotStart { what, .. }) => *what == Startable::ExpectedCommand,
            _ => false,
        }
    }

    /// Whether a broken postcondition expresses `reason` completely.
    fn is_about(reason: &EndReason) -> bool {
        matches!(
            reason,
            EndReason::BlankAnswer
                | EndReason::NotSaved { .. }
                | EndReason::MissingFile(_)
                | EndReason::CommandFailed(_)
        )
    }
}

impl fmt::Display for Postcondition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBlank => f.write_str("an answer that is not blank"),
            Self::Saved(path) => write!(f, "its answer is saved in `{}`", path.display()),
            Self::File(path) => write!(f, "file `{}`", path.display()),
            Self::Command(argv) => write!(f, "command `{}`", argv.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::model::usage::{Denial, Usage};

    fn end(state: EndState, code: Option<i32>, reason: Option<EndReason>) -> ExitRecord {
        let text = format!(
            r#"{{"version":1,"runId":"01ARZ3NDEKTSV4RRFFQ69G5FAV","state":"{}","startedAt":"2026-01-01T00:00:00Z","endedAt":"2026-01-01T00:00:01Z"}}"#,
            state.as_str()
        );
        let record: ExitRecord = serde_json::from_str(&text).unwrap();
        ExitRecord { exit: Exit { code, signal: None }, reason, ..record }
    }

    fn lines(facts: Facts) -> Vec<String> {
        facts.0.into_iter().map(|fact| format!("{:?} {}: {}", fact.bears, fact.about, fact.says)).collect()
    }

    fn report(failure: &str) -> AgentReport {
        let outcome = ReportedOutcome::Failed { reason: failure.to_owned(), is_own_limit: false };
        AgentReport { outcome, turns: Some(1), ..AgentReport::default() }
    }

    #[test]
    fn a_claude_that_exits_with_0_and_reports_an_error_is_told_so_once() {
        let end = end(EndState::Failed, Some(0), Some(EndReason::AgentError("it broke".to_owned())));
        let facts = Facts::default().end(&end).report(Protocol::Claude, &end, Some(&report("it broke")));
        let wanted = ["Success exit code: 0", "Failure final result: it broke · 1 turn"];
        assert_eq!(lines(facts.reason(&end)), wanted);
    }

    #[test]
    fn what_nobody_saw_is_not_told() {
        let lost = end(EndState::Lost, None, Some(EndReason::SupervisorKilled));
        let facts = Facts::default().end(&lost).report(Protocol::Claude, &lost, None);
        assert_eq!(lines(facts), ["Neither exit code: none on record", "Failure lost: its supervisor was killed"]);
        let stopped = ExitRecord { interrupted: true, ..end(EndState::Stopped, None, None) };
        let facts = Facts::default().end(&stopped).report(Protocol::Claude, &stopped, Some(&AgentReport::default()));
        let wanted = [
            "Neither exit code: none on record",
            "Neither stopped: by Ctrl-C of the command that started it",
            "Neither final result: there is none in its log",
        ];
        assert_eq!(lines(facts), wanted);
    }

    #[test]
    fn a_reason_that_no_fact_holds_is_told_and_refusals_are_listed() {
        let denial = Denial { tool: "Bash".to_owned(), input: "{}".to_owned() };
        let usage = Usage { denials: vec![denial; LISTED + 2], ..Usage::default() };
        let end = ExitRecord { usage, ..end(EndState::Failed, Some(0), Some(EndReason::LogLimit(None))) };
        let told = lines(Facts::default().end(&end).reason(&end).denials(&end));
        assert_eq!(told[..3], ["Success exit code: 0", "Failure reason: log limit", "Neither refused: Bash {}"]);
        assert_eq!(told.last().unwrap(), "Neither refused: and 2 more");
        assert_eq!(told.len(), 2 + LISTED + 1);
    }

    #[test]
    fn a_deep_log_is_no_danger_to_a_thread_with_a_small_stack() {
        let line = format!("{{\"type\":\"result\",\"x\":{}{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
        let deep = format!("{{\"type\":\"result\",\"x\":{}1{}}}\n", "[{\"a\":".repeat(60), "}]".repeat(60));
        let small = std::thread::Builder::new().stack_size(256 * 1024);
        let read = small.spawn(move || {
            for log in [line, deep] {
                agents::of(Protocol::Claude).read_report(&mut Cursor::new(log)).unwrap();
            }
        });
        read.unwrap().join().unwrap();
    }
}

//! A supervisor's work from set-up to end: the set-up, then attempts with pauses until no other follows. Output: how
//! the run ended, and a line in `attempts.jsonl` for each attempt of a mode that retries.

use std::time::Duration;

use crate::agents;
use crate::model::answer_record::OutcomeSource;
use crate::model::attempt_record::AttemptRecord;
use crate::model::end_reason::{EndReason, Startable};
use crate::model::exit::Exit;
use crate::model::limits::LimitsHold;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::EndState;
use crate::model::usage::Usage;
use crate::os::environment::Environment;
use crate::os::process::resource_scope::ResourceScope;
use crate::os::process::supervise;
use crate::os::{clock, ids};
use crate::supervisor::finish::{self, AgentEnd, AttemptOutcome};
use crate::supervisor::freshness::InputTracker;
use crate::supervisor::machine::EndCause;
use crate::supervisor::rest::{self, Rested};
use crate::supervisor::retry;
use crate::supervisor::stage::{Stage, Stages, expect_of};
use crate::supervisor::supervision::{StageEnd, Supervision};
use crate::supervisor::wakeups::Signals;

pub(super) struct Ended {
    pub(super) outcome: AttemptOutcome,
    pub(super) why: EndCause,
    pub(super) exit: Option<Exit>,
    pub(super) survivors: Vec<u32>,
    pub(super) limits: Option<LimitsHold>,
    pub(super) pid: Option<u32>,
    /// The number of the last attempt.
    pub(super) attempt: u32,
}

impl Ended {
    pub(super) fn failed(reason: EndReason) -> Self {
        Self::without_agent(AttemptOutcome::failed(reason), EndCause::Exited)
    }

    pub(super) fn cannot_start(what: Startable, error: &dyn std::error::Error) -> Self {
        Self::failed(EndReason::CannotStart { what, error: error.to_string() })
    }

    fn without_agent(outcome: AttemptOutcome, why: EndCause) -> Self {
        Self { outcome, why, exit: None, survivors: Vec::new(), limits: None, pid: None, attempt: 1 }
    }

    fn of(outcome: AttemptOutcome, end: StageEnd) -> Self {
        let StageEnd { why, exit, survivors, pid, until: _, answered_at: _ } = end;
        Self { outcome, why, exit, survivors, limits: None, pid, attempt: 1 }
    }
}

/// What all stages of all attempts share.
struct StageHost {
    environment: Environment,
    scope: Option<ResourceScope>,
    hold: Option<LimitsHold>,
    rlimits: Vec<(rustix::process::Resource, u64)>,
    cpu_limit: Option<Duration>,
}

/// Sets up, runs and judges the job.
pub(super) async fn run(supervision: &mut Supervision<'_>) -> Ended {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return Ended::cannot_start(Startable::Signals, &error),
    };
    let mut around = match StageHost::new(supervision) {
        Ok(around) => around,
        Err(reason) => return Ended::failed(reason),
    };
    if let Some(ended) = set_up(supervision, &around, &mut signals).await {
        return Ended { limits: around.hold, ..ended };
    }
    let freshness = InputTracker::before(supervision.folder, supervision.spec);
    let ended = run_attempts(supervision, &mut around, &mut signals).await;
    if let (EndState::Succeeded, Some(freshness)) = (ended.outcome.state, freshness) {
        freshness.record();
    }
    Ended { limits: around.hold, ..ended }
}

impl StageHost {
    fn new(supervision: &mut Supervision<'_>) -> Result<Self, EndReason> {
        let limits = &supervision.spec.kind.job().ok_or(EndReason::NoJob)?.limits;
        let environment = std::mem::take(&mut supervision.environment);
        let scope = match limits.is_empty() {
            true => None,
            // Beside the engine's own limits there is no place for a scope.
            false if supervision.node.is_some() => None,
            false => ResourceScope::create(supervision.spec.run_id.as_str(), limits, &environment),
        };
        if scope.is_none() && limits.processes.is_some() {
            // `run` found a cgroup, but a queued run may start later, from a session that has none.
            return Err(EndReason::NoCgroup);
        }
        let hold = match (&scope, limits.is_empty()) {
            (_, true) => None,
            (Some(_), false) => Some(LimitsHold::Full),
            (None, false) => Some(LimitsHold::Partial),
        };
        let rlimits = if scope.is_none() { supervise::as_rlimits(limits) } else { Vec::new() };
        let cpu_limit = limits.cpu.map(|cpu| cpu.as_duration());
        Ok(Self { environment, scope, hold, rlimits, cpu_limit })
    }

    fn stages<'a>(&'a self, supervision: &Supervision<'a>, spec: &'a RunSpec) -> Stages<'a> {
        Stages {
            folder: supervision.folder,
            spec,
            environment: &self.environment,
            scope: self.scope.as_ref(),
            rlimits: &self.rlimits,
        }
    }
}

/// Creates the worktree. Returns the run's end if that failed.
async fn set_up(supervision: &mut Supervision<'_>, around: &StageHost, signals: &mut Signals) -> Option<Ended> {
    supervision.spec.worktree.as_ref()?;
    let stages = around.stages(supervision, supervision.spec);
    let end = match supervision.run_stage(&stages, Stage::SetUp, signals, around.hold, None).await {
        Ok(end) => end,
        Err(error) => return Some(Ended::cannot_start(Startable::Setup, &error)),
    };
    if end.why == EndCause::Exited && end.exit == Some(Exit::code(0)) {
        return None;
    }
    let mut outcome = finish::judge_agent(supervision.spec, supervision.folder, &agent_end(0, &end));
    if end.why == EndCause::Exited {
        let log = supervision.folder.absolute().unwrap_or_default().join("setup.log");
        let reason = EndReason::SetupFailed { error: supervision.folder.read_setup_failure(), log: Some(log) };
        outcome = outcome.but(EndState::Failed, Some(reason), Some(OutcomeSource::Exit));
    }
    Some(Ended::of(outcome, end))
}

async fn run_attempts(supervision: &mut Supervision<'_>, around: &mut StageHost, signals: &mut Signals) -> Ended {
    let mut spec = supervision.spec.clone();
    let mut spent = Usage::default();
    loop {
        let begun = (clock::now(), supervision.folder.log_lengths());
        let mut ended = run_attempt(supervision, around, &spec, signals).await;
        ended.attempt = supervision.attempt;
        spent = spent.and_then(ended.outcome.usage.clone());
        supervision.spent_usd = spent.cost_usd;
        if let Some(retry) = finish::retry_of(supervision.spec) {
            // A surviving process may still work: another attempt would be a second agent.
            let goes_on = ended.survivors.is_empty() && retry::goes_on(retry, ended.attempt, ended.outcome.kind);
            let limit = ended.outcome.limit.as_ref();
            let wait = goes_on.then(|| retry::pause(retry, ended.attempt, limit, clock::now(), ids::chance()));
            note_attempt(supervision, &ended, begun, wait);
            if let Some(wait) = wait {
                match rest::rest(supervision, wait, ended.outcome.reason.clone(), signals).await {
                    Rested::Ready => {
                        supervision.attempt += 1;
                        supervision.begin_time();
                        renew_session(&mut spec);
                        if let Some(scope) = &mut around.scope {
                            scope.renew();
                        }
                        continue;
                    }
                    Rested::Removed => {}
                    Rested::Stopped { interrupted } => {
                        let outcome = ended.outcome.but(EndState::Stopped, None, None);
                        let attempt = ended.attempt;
                        let why = EndCause::Stopped { interrupted };
                        ended = Ended { attempt, ..Ended::without_agent(outcome, why) };
                    }
                }
            }
        }
        ended.outcome.usage = spent;
        return ended;
    }
}

/// Runs the agent and, after a success, the check.
async fn run_attempt(
    supervision: &mut Supervision<'_>,
    around: &StageHost,
    spec: &RunSpec,
    signals: &mut Signals,
) -> Ended {
    let stages = around.stages(supervision, spec);
    let (from, _) = supervision.folder.log_lengths();
    let end = match supervision.run_stage(&stages, Stage::Agent, signals, around.hold, around.cpu_limit).await {
        Ok(end) => end,
        Err(error) => {
            // The program was executable when the run was prepared. 127 and 126 are the codes that a shell uses.
            let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
            return Ended { exit: Some(Exit::code(code)), ..Ended::cannot_start(Startable::Agent, &error) };
        }
    };
    let mut outcome = finish::judge_agent(spec, supervision.folder, &agent_end(from, &end));
    if around.scope.as_ref().is_some_and(ResourceScope::was_out_of_memory) && outcome.state == EndState::Failed {
        outcome = outcome.but(EndState::Failed, Some(EndReason::MemoryLimit), Some(OutcomeSource::Exit));
    }
    if end.why == EndCause::TimedOut {
        // The agent has used up its timeout; the check gets its own.
        supervision.begin_time();
    }
    let mut ended = Ended::of(outcome, end);
    if ended.outcome.state != EndState::Succeeded || expect_of(spec).command.is_empty() {
        return ended;
    }
    let reason = match supervision.run_stage(&stages, Stage::Check, signals, around.hold, None).await {
        Err(error) => EndReason::CannotStart { what: Startable::ExpectedCommand, error: error.to_string() },
        Ok(check) => {
            ended.survivors.extend(check.survivors);
            if check.why != EndCause::Exited {
                ended.why = check.why;
                ended.outcome = finish::cut_off_check(spec, ended.outcome, check.why);
                return ended;
            }
            if check.exit == Some(Exit::code(0)) {
                return ended;
            }
            EndReason::CommandFailed(expect_of(spec).command.clone())
        }
    };
    ended.outcome = ended.outcome.but(EndState::Failed, Some(reason), Some(OutcomeSource::Expect));
    ended
}

fn agent_end(from: u64, end: &StageEnd) -> AgentEnd {
    AgentEnd { from, until: end.until, why: end.why, exit: end.exit, answered_at: end.answered_at }
}

/// Gives the next attempt a new conversation id, since an id can be used once. A resumed conversation keeps its id.
fn renew_session(spec: &mut RunSpec) {
    if let Some(used) = &spec.session_id {
        let fresh = ids::new_session_id();
        if let Some(argv) = agents::of(spec.protocol).argv_for_retry(&spec.argv, used, &fresh) {
            spec.argv = argv;
            spec.session_id = Some(fresh);
        }
    }
}

/// Records a finished attempt; another one follows after `wait`, if that is given.
fn note_attempt(
    supervision: &Supervision<'_>,
    ended: &Ended,
    (started_at, from): (jiff::Timestamp, (u64, u64)),
    wait: Option<Duration>,
) {
    let ended_at = clock::now();
    let to = supervision.folder.log_lengths();
    let record = AttemptRecord {
        attempt: ended.attempt,
        state: ended.outcome.state,
        reason: ended.outcome.reason.clone(),
        exit: ended.exit.unwrap_or_default(),
        started_at,
        ended_at,
        stdout_from: from.0,
        stdout_to: to.0,
        stderr_from: from.1,
        stderr_to: to.1,
        cost_usd: ended.outcome.usage.cost_usd,
        session_id: ended.outcome.usage.session_id.clone(),
        outcome_source: ended.outcome.answer.outcome_source,
        retried_for: ended.outcome.kind.filter(|_| wait.is_some()),
        again_at: wait.and_then(|wait| rest::moment_after(ended_at, wait)),
    };
    if let Err(error) = supervision.folder.append_attempt(&record) {
        tracing::warn!(%error, "the attempt cannot be noted");
    }
}

//! Hands a job to its executor. For an engine, the intention is on disk before the engine is asked, and its answer after
//! it: a command that is killed in between leaves a run that the next observation finds by its name or submits again.

use std::io::{self, Write as _};

use crate::executor::{self, PreparedJob, Submission};
use crate::lifecycle::launch::setup::{self, SetupPart};
use crate::lifecycle::launch::start::StartError;
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::engine::EngineExecutor;
use crate::model::exit::Exit;
use crate::model::exit_record::ExitRecord;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::EndState;
use crate::model::submit_record::{SubmitPhase, SubmitRecord};
use crate::os::clock;
use crate::os::environment;
use crate::store::late_jobs;
use crate::store::pair_lock::{self, Claim, PairLock};
use crate::store::run_folder::RunFolder;
use crate::store::slots::Slot;

/// Submits the job of a run whose folder is complete. Fails if it was not started, as far as the executor knows; of an
/// engine that gave no answer, only while the run's environment still waits.
pub(crate) fn submit(folder: &RunFolder, spec: &RunSpec, lock: PairLock, slot: Option<Slot>) -> Result<(), StartError> {
    make_worktree(folder, spec)?;
    intend(folder, spec)?;
    submit_intended(folder, spec, lock, slot)
}

/// As [`submit`], after [`intend`].
pub(crate) fn submit_intended(
    folder: &RunFolder,
    spec: &RunSpec,
    lock: PairLock,
    slot: Option<Slot>,
) -> Result<(), StartError> {
    let submission = executor::submit_one(spec, PreparedJob::new(folder, spec, lock, slot)?);
    answered(folder, spec, submission)
}

/// Makes the worktree of a run of an engine, whose nodes may have neither git's keys nor its network. Does nothing for a
/// job of this machine, which does that itself.
pub(crate) fn make_worktree(folder: &RunFolder, spec: &RunSpec) -> Result<(), StartError> {
    let (Some(worktree), Some(_)) = (&spec.worktree, spec.kind.engine()) else { return Ok(()) };
    let mut log = RunFolder::open_log(&folder.setup_log())?;
    let mut write = |line: &str| drop(writeln!(log, "{line}"));
    let made = setup::set_up(worktree, SetupPart::BeforeSubmission, &environment::all(), &mut write);
    made.map_err(|error| {
        write(&error.to_string());
        StartError::Worktree { error: error.in_a_line(), log: folder.setup_log() }
    })
}

/// Writes down that an engine is asked next. Does nothing for a job of this machine.
pub(crate) fn intend(folder: &RunFolder, spec: &RunSpec) -> io::Result<()> {
    spec.kind.engine().map_or(Ok(()), |executor| note(folder, executor, SubmitPhase::Intended))
}

/// Writes down what became of a submission.
pub(crate) fn answered(folder: &RunFolder, spec: &RunSpec, submission: Submission) -> Result<(), StartError> {
    match (submission, spec.kind.engine()) {
        (Submission::Accepted, _) => Ok(()),
        (Submission::Submitted { job, pair }, Some(executor)) => {
            // Without this record the run is found by its name.
            if let Err(error) = note(folder, executor, SubmitPhase::Accepted { job }) {
                tracing::warn!(%error, run = %spec.run_id, "that the engine accepted the run cannot be recorded");
            }
            drop(pair);
            Ok(())
        }
        (Submission::Submitted { .. }, None) => Ok(()),
        (Submission::Refused(error), None) => Err(error.into()),
        (Submission::Refused(error), Some(executor)) => {
            Err(StartError::Refused { executor: executor.name.clone(), words: error.to_string() })
        }
        // A node has taken it: it runs.
        (Submission::Unsure { .. }, _) if !folder.environment_waits(spec) => Ok(()),
        (Submission::Unsure { words }, executor) => {
            let executor = executor.map(|executor| executor.name.clone()).unwrap_or_default();
            Err(StartError::NotSubmitted { executor, words })
        }
    }
}

fn note(folder: &RunFolder, executor: &EngineExecutor, phase: SubmitPhase) -> io::Result<()> {
    folder.write_submitted(&SubmitRecord::new(&executor.name, executor.engine, clock::now(), phase))
}

/// Submits again a run that a killed command has left, unless another process does it or a node has taken it.
pub(crate) fn submit_again(store: &Store, folder: &RunFolder, spec: &RunSpec) -> Result<(), StartError> {
    let Claim::Taken(lock, last) = pair_lock::claim(store.state(), &spec.pair())? else { return Ok(()) };
    let is_last = last.is_none_or(|last| last == spec.run_id);
    let is_intended = matches!(folder.read_submitted(), Ok(Some(SubmitRecord { phase: SubmitPhase::Intended, .. })));
    if !is_last || !is_intended || folder.has_exit() || !folder.environment_waits(spec) {
        return Ok(());
    }
    lock.name(&spec.run_id)?;
    match submit(folder, spec, lock, None) {
        // The engine does not answer: the next observation after a while tries again.
        Ok(()) | Err(StartError::NotSubmitted { .. }) => Ok(()),
        Err(error) => {
            if folder.withdraw_environment(spec) {
                store.write_end(folder, &end_of(spec, &error))?;
            }
            Ok(())
        }
    }
}

/// Records that an engine has a run whose submission was not answered.
pub(crate) fn accept(store: &Store, folder: &RunFolder, spec: &RunSpec) -> io::Result<()> {
    let (Claim::Taken(lock, _), Some(executor)) = (pair_lock::claim(store.state(), &spec.pair())?, spec.kind.engine())
    else {
        return Ok(());
    };
    if matches!(folder.read_submitted(), Ok(Some(SubmitRecord { phase: SubmitPhase::Intended, .. }))) {
        note(folder, executor, SubmitPhase::Accepted { job: None })?;
    }
    drop(lock);
    Ok(())
}

/// Notes, before such a run is given up, that a job of it may still come up.
pub(crate) fn note_late_job(store: &Store, spec: &RunSpec, why: &StartError) {
    if let (StartError::NotSubmitted { .. }, Some(executor)) = (why, spec.kind.engine())
        && let Err(error) = late_jobs::note(store.state(), &spec.run_id, executor.engine, clock::now())
    {
        tracing::warn!(%error, run = %spec.run_id, "a late job of the run would not be cancelled");
    }
}

/// The end of a run that could not be started.
pub(crate) fn end_of(spec: &RunSpec, error: &StartError) -> ExitRecord {
    let reason = match error {
        StartError::NotSubmitted { words, .. } => EndReason::NeverSubmitted(words.clone()),
        StartError::Worktree { error, log } => {
            EndReason::SetupFailed { error: Some(error.clone()), log: Some(log.clone()) }
        }
        StartError::Refused { words, .. } => EndReason::NeverStarted(Some(words.clone())),
        other => EndReason::NeverStarted(Some(other.to_string())),
    };
    let never = ExitRecord::never_started(spec.run_id.clone(), EndState::Failed, reason, clock::now());
    ExitRecord { exit: Exit::code(125), ..never }
}

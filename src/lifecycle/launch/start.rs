//! Starts a prepared run, or joins the active run of its pair: the pair lock lets one of many commands start it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::lifecycle::launch;
use crate::lifecycle::launch::freshness;
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::unrecorded;
use crate::lifecycle::launch::unrecorded::UnrecordedRun;
use crate::lifecycle::queue;
use crate::lifecycle::reconcile::drift;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::exit_record::ExitRecord;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_spec::{LaunchSpec, RunSpec};
use crate::model::run_state::{EndState, RunState, UnknownWhy, WaitingFor};
use crate::os::clock;
use crate::os::clock::Stopwatch;
use crate::os::environment;
use crate::os::process::holder::{self, Holder};
use crate::os::tmux::{TmuxError, WarmClient};
use crate::plan::freshness::Freshness;
use crate::store::index::IndexError;
use crate::store::pair_lock::{self, Claim};
use crate::store::record_file::RecordError;

/// How deep runs may be nested.
const MAX_DEPTH: u32 = 3;
/// How long a run that is ending may take to release the pair lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// Interval of the check for a stopped (SIGSTOP) holder of the pair lock: it would never release it.
const STOPPED_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// The result of a start.
#[derive(Clone, Debug, PartialEq)]
pub enum Started {
    /// This call started it, or queued it.
    New(Box<Run>),
    /// The run was active already.
    Joined(Box<Run>),
    /// No input has changed since the last success. Nothing was written.
    UpToDate(Box<Run>),
    /// The run would have to be queued, which [`Queueing::Never`] forbids. Nothing was written.
    NoSlot,
}

/// What to do if no slot is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queueing<'a> {
    Allowed,
    /// The run is not queued, and not started if one of these failed: a job records its end before it releases its
    /// slot, so the failure of the run that released the slot is noticed.
    Never {
        after_failure_of: &'a [RunId],
    },
}

/// Why a pair was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Active with other options; joining would silently drop those of the request.
    #[error("`{}` runs already, with {difference}", .run.pair())]
    Differs { run: Box<Run>, difference: &'static str },
    /// The plan was made before this run, which another process started.
    #[error("`{pair}` was run by another process meanwhile (run {run})")]
    RanMeanwhile { pair: Pair, run: RunId },
    /// The state of the last run is unknown: a start could create a second agent.
    #[error("the state of the last run of `{}` is unknown: {}", .run.pair(), .why.reason())]
    Unknown { run: Box<Run>, why: UnknownWhy },
    /// The last run may be alive: its record cannot be read.
    #[error("the record of the pair's last run {id} cannot be read")]
    Unreadable {
        id: RunId,
        #[source]
        source: RecordError,
    },
    /// The last id is the greatest possible one: its record was forged or damaged.
    #[error("no run id is greater than that of the pair's last run, `{}`", .last.display())]
    NoGreaterId { last: PathBuf, index: PathBuf, lock: PathBuf },
    /// The pair lock is held, but not by a run that can be joined.
    #[error("the pair is being started or ended {}", .holder.as_ref().map_or("by another command, and it takes too long".to_owned(), |holder| format!("by {holder}")))]
    Busy { holder: Option<Holder> },
    /// An agent of the pair is alive without a record: a start would create a second agent.
    #[error(
        "`{pair}` still runs{}: it was started before the state folder was removed (run {})",
        .run.pid().map_or(String::new(), |pid| format!(" as process {pid}")), .run.id
    )]
    Unrecorded { pair: Pair, run: Box<UnrecordedRun> },
    #[error("the folder `{}` is gone", .0.display())]
    FolderGone(PathBuf),
    /// Of a run of an engine: this host makes the worktree.
    #[error("the worktree's set-up failed: {error}")]
    Worktree { error: String, log: PathBuf },
    /// The engine refused the job; its words.
    #[error("`{executor}` refused the job: {words}")]
    Refused { executor: String, words: String },
    /// The engine gave no answer, and its node has not taken the run.
    #[error("`{executor}` could not be asked to run the job: {words}")]
    NotSubmitted { executor: String, words: String },
    #[error("runs are nested {MAX_DEPTH} deep already")]
    TooDeep,
    #[error(transparent)]
    Tmux(#[from] TmuxError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the run cannot be started")]
    Io(#[from] io::Error),
}

/// Starts the prepared run, or joins the pair's active run. The tmux client `warm` creates the first window.
pub(crate) fn start(
    store: &Store,
    prepared: &Prepared,
    force: bool,
    queueing: Queueing<'_>,
    warm: &mut Option<WarmClient>,
) -> Result<Started, StartError> {
    let parent = parent();
    check_depth(store, parent.as_ref())?;
    let mut left = PATIENCE;
    let step = Duration::from_millis(2);
    let begun = Stopwatch::start();
    let mut next_check = STOPPED_CHECK_INTERVAL;
    loop {
        match pair_lock::claim(store.state(), &prepared.pair)? {
            Claim::Held(Some(id)) => {
                // Retry if the spec is missing (it is written after the lock names the run) or the end is recorded
                // (the lock is released next).
                let folder = store.folder(&id);
                if folder.has_spec() && matches!(folder.read_exit(), Ok(None)) {
                    if let Some(run) = refresh::one(store, &id)?.filter(Run::is_active) {
                        // Do not join it: the command that was starting it is stopped and starts nothing.
                        if run.state == RunState::Starting
                            && let Some(holder) = stopped_holder(store, &prepared.pair)
                        {
                            return Err(StartError::Busy { holder: Some(holder) });
                        }
                        return join(store, run, prepared, force);
                    }
                    check_readable(store, &id)?;
                }
            }
            Claim::Held(None) => {}
            Claim::Taken(lock, last) => {
                let unfinished = unfinished(store, prepared, last.clone())?;
                if unfinished.is_empty() {
                    check_as_planned(store, prepared, last)?;
                    unrecorded::check_none(store, prepared)?;
                    // Its dependencies may change its sources.
                    let may_skip = !force && prepared.conditions.after.is_empty();
                    if may_skip && let Some((run, Freshness::UpToDate)) = freshness::of(store, prepared)? {
                        return Ok(Started::UpToDate(Box::new(run)));
                    }
                    return launch::claimed(store, prepared, lock, parent, queueing, warm);
                }
                // Queued, in a window, or dead. `refresh` needs the pair lock to record the end of a dead run.
                drop(lock);
                let seen = refresh::some(store, &unfinished)?.runs;
                for id in unfinished.iter().filter(|id| !seen.iter().any(|run| run.id() == *id)) {
                    check_readable(store, id)?;
                }
                for run in seen {
                    match &run.state {
                        RunState::Ended(_) => {}
                        RunState::Unknown(why) => {
                            let why = why.clone();
                            return Err(StartError::Unknown { run: Box::new(run), why });
                        }
                        // Its environment file is missing, so it can never start: end it, then start anew.
                        RunState::Queued(WaitingFor::Environment) => abandon(store, &run)?,
                        _ => return join(store, run, prepared, force),
                    }
                }
            }
        }
        if begun.elapsed() > next_check {
            next_check += STOPPED_CHECK_INTERVAL;
            if let Some(holder) = stopped_holder(store, &prepared.pair) {
                return Err(StartError::Busy { holder: Some(holder) });
            }
        }
        if left < step {
            let holder = holder::holder_of(&store.state().pair(&prepared.pair)).ok().flatten();
            return Err(StartError::Busy { holder });
        }
        left -= step;
        std::thread::sleep(step);
    }
}

/// Fails if the pair has had a run since the plan was made. `last` is the run that the pair lock names.
pub(crate) fn check_as_planned(store: &Store, prepared: &Prepared, last: Option<RunId>) -> Result<(), StartError> {
    let (Some(planned_after), Some(last)) = (&prepared.planned_after, last) else { return Ok(()) };
    let is_newer = planned_after.as_ref().is_none_or(|planned_after| last > *planned_after);
    // The lock still names a pruned run.
    match is_newer && store.folder(&last).has_spec() {
        true => Err(StartError::RanMeanwhile { pair: prepared.pair.clone(), run: last }),
        false => Ok(()),
    }
}

/// The process that holds the lock of `pair`, if it is stopped (SIGSTOP) and so never releases it.
pub(crate) fn stopped_holder(store: &Store, pair: &Pair) -> Option<Holder> {
    holder::holder_of(&store.state().pair(pair)).ok().flatten().filter(|holder| holder.is_stopped)
}

/// Fails if the spec of a run that `refresh` did not return cannot be read: the run may be alive.
fn check_readable(store: &Store, id: &RunId) -> Result<(), StartError> {
    match store.folder(id).read_spec() {
        Ok(_) | Err(RecordError::Missing(_)) => Ok(()),
        Err(source) => Err(StartError::Unreadable { id: id.clone(), source }),
    }
}

/// The run whose agent started this command.
pub(crate) fn parent() -> Option<RunId> {
    environment::var_text("DISPATCH_RUN_ID").and_then(|id| RunId::parse(&id))
}

pub(crate) fn check_depth(store: &Store, parent: Option<&RunId>) -> Result<(), StartError> {
    let mut above = parent.cloned();
    for _ in 1..MAX_DEPTH {
        let Some(id) = above else { return Ok(()) };
        above = store.folder(&id).read_spec().ok().and_then(|spec| spec.parent_run);
    }
    if above.is_some() { Err(StartError::TooDeep) } else { Ok(()) }
}

/// The pair's runs without a recorded end.
pub(crate) fn unfinished(store: &Store, prepared: &Prepared, last: Option<RunId>) -> Result<Vec<RunId>, StartError> {
    let has_ended = |id: &RunId| store.folder(id).has_end();
    // Usual case, one small read: the last run has ended, and it was started after the earlier ones had.
    if last.as_ref().is_some_and(has_ended) {
        return Ok(Vec::new());
    }
    let mut ids = store.index()?.active_of(&prepared.pair)?;
    ids.extend(last);
    ids.sort();
    ids.dedup();
    ids.retain(|id| store.folder(id).has_spec() && !has_ended(id));
    Ok(ids)
}

fn join(store: &Store, run: Run, prepared: &Prepared, force: bool) -> Result<Started, StartError> {
    let folder = store.folder(run.id());
    let given = folder.read_given();
    let spec = folder.read_spec().ok();
    let replaces_older = prepared.planned_after.as_ref().is_some_and(|after| after.as_ref() != Some(run.id()));
    if force && replaces_older {
        return Err(StartError::RanMeanwhile { pair: run.pair(), run: run.id().clone() });
    }
    let other_override = spec.as_ref().and_then(|spec| other_override(spec, prepared));
    let difference = if force {
        Some("`-B`: it is not stopped for that")
    } else if prepared.given.is_some() && prepared.given != given {
        Some("another prompt")
    } else if !prepared.extras.is_empty() && spec.as_ref().is_some_and(|spec| spec.extras != prepared.extras) {
        Some("other arguments")
    } else if let Some(option) = other_override {
        Some(option)
    } else if prepared.resumes.as_ref().is_some_and(|resumed| resumed != run.id())
        && spec.is_some_and(|spec| spec.session_id != prepared.session_id)
    {
        Some("another conversation")
    } else {
        None
    };
    match difference {
        Some(difference) => Err(StartError::Differs { run: Box::new(run), difference }),
        None => Ok(Started::Joined(Box::new(run))),
    }
}

/// The option of the request that the active run was not started with. Options that are left out join any run.
fn other_override(spec: &RunSpec, prepared: &Prepared) -> Option<&'static str> {
    let (was, now) = (&spec.overrides, &prepared.overrides);
    let timeout = |launch: &LaunchSpec| launch.kind.job().and_then(|job| job.timeout);
    let hashes: BTreeMap<String, String> = match &spec.declared {
        Some(declared) => declared.env.clone().into_iter().filter(|(name, _)| was.env.contains(name)).collect(),
        None => BTreeMap::new(),
    };
    if !now.env.is_empty() && hashes != drift::given_hashes(prepared, &spec.run_id) {
        Some("other variables (`-e`)")
    } else if !now.vars.is_empty() && now.vars != was.vars {
        Some("other template variables (`--set`)")
    } else if now.timeout.is_some() && timeout(&spec.launch) != timeout(prepared) {
        Some("another `--timeout`")
    } else if now.model.is_some() && now.model != was.model {
        Some("another `--model`")
    } else {
        None
    }
}

/// Ends a queued run whose environment file is missing, so that the pair can be started.
fn abandon(store: &Store, run: &Run) -> Result<(), StartError> {
    let folder = store.folder(run.id());
    let spec = folder.read_spec().map_err(io::Error::other)?;
    let Some(lock) = queue::claim_queued(store, &folder, &spec)? else { return Ok(()) };
    if folder.environment_waits(&spec) {
        lock.name(run.id())?;
        return Ok(());
    }
    let (id, reason) = (spec.run_id.clone(), EndReason::EnvironmentGone);
    let end = ExitRecord::never_started(id, EndState::Lost, reason, clock::now());
    let end = store.write_end(&folder, &end)?;
    store.index()?.finish(&run.facts, &end)?;
    lock.name(run.id())?;
    Ok(())
}

//! Starting a pair exactly once, or joining the run that is there.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::lifecycle::launch;
use crate::lifecycle::launch::freshness;
use crate::lifecycle::launch::orphans;
use crate::lifecycle::launch::orphans::Orphan;
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::queue;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::exit_record::ExitRecord;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
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

/// Runs within runs within runs, but not for ever.
const MAX_DEPTH: u32 = 3;
/// How long a run that is ending may take to let its pair go.
const PATIENCE: Duration = Duration::from_secs(10);

/// A stopped process lets no pair go: from then on, and again after each such time, it is looked for one.
const EARLY_LOOK: Duration = Duration::from_secs(2);

/// What came of a start.
#[derive(Clone, Debug, PartialEq)]
pub enum Started {
    /// This call started it, or queued it.
    New(Box<Run>),
    /// It was there already.
    Joined(Box<Run>),
    /// Nothing it depends on changed since its last success. Nothing was written.
    UpToDate(Box<Run>),
    /// It would have had to be queued, and [`Queueing::Never`] was asked for. Nothing was written.
    NoSlot,
}

/// What to do where no slot is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queueing<'a> {
    Allowed,
    /// The run is not queued. It is not started either once one of these failed: a job releases its slot after
    /// its end is recorded, so a slot that a failed run released is noticed.
    Never {
        after_failure_of: &'a [RunId],
    },
}

/// Why a pair was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Active, and asked for with other words: nothing typed is dropped unseen.
    #[error("`{}` runs already, with {difference}", .run.pair())]
    Differs { run: Box<Run>, difference: &'static str },
    /// Its state cannot be seen, so starting it could start it twice.
    #[error("the last run of `{}` cannot be seen: {}", .run.pair(), .why.reason())]
    Unknown { run: Box<Run>, why: UnknownWhy },
    /// Its record cannot be read, so it may run.
    #[error("the record of the pair's last run {id} cannot be read")]
    Unreadable {
        id: RunId,
        #[source]
        source: RecordError,
    },
    /// No program of ours makes such an id: the record was forged or damaged.
    #[error("no run id is greater than that of the pair's last run, `{}`", .last.display())]
    NoGreaterId { last: PathBuf, index: PathBuf, lock: PathBuf },
    /// Its lock is held, and not by a run that can be joined.
    #[error("the pair is being started or ended {}", .holder.as_ref().map_or("by another command, and it takes too long".to_owned(), |holder| format!("by {holder}")))]
    Busy { holder: Option<Holder> },
    /// An agent of the pair lives, and its record is gone: another one beside it would be a second agent.
    #[error(
        "`{pair}` still runs{}: it was started before the state folder was removed (run {})",
        .orphan.pid().map_or(String::new(), |pid| format!(" as process {pid}")), .orphan.run
    )]
    Orphan { pair: Pair, orphan: Box<Orphan> },
    #[error("the folder `{}` is gone", .0.display())]
    FolderGone(PathBuf),
    #[error("runs are nested {MAX_DEPTH} deep already")]
    TooDeep,
    #[error(transparent)]
    Tmux(#[from] TmuxError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the run cannot be started")]
    Io(#[from] io::Error),
}

/// Starts the prepared run, unless the pair is active: then that run is joined. The first window is made by
/// the client `warm`.
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
    let mut next_look = EARLY_LOOK;
    loop {
        match pair_lock::claim(store.state(), &prepared.pair)? {
            Claim::Held(Some(id)) => {
                // Its folder is made right after its name is written; an end that is written
                // means the lock goes in a moment.
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
                let unfinished = unfinished(store, prepared, last)?;
                if unfinished.is_empty() {
                    orphans::check_no_orphan(store, prepared)?;
                    // What it waits for may change its sources.
                    let may_skip = !force && prepared.conditions.after.is_empty();
                    if may_skip && let Some((run, Freshness::UpToDate)) = freshness::of(store, prepared)? {
                        return Ok(Started::UpToDate(Box::new(run)));
                    }
                    return launch::claimed(store, prepared, lock, parent, queueing, warm);
                }
                // Queued, in a window, or dead. Looking writes down the ends of the dead, and
                // needs the pair for it.
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
                        // It waits to be run again: this is that.
                        RunState::Queued(WaitingFor::Environment) => abandon(store, &run)?,
                        _ => return join(store, run, prepared, force),
                    }
                }
            }
        }
        if begun.elapsed() > next_look {
            next_look += EARLY_LOOK;
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

/// The process that holds the lock of `pair`, where it was stopped and so does not let it go.
pub(crate) fn stopped_holder(store: &Store, pair: &Pair) -> Option<Holder> {
    holder::holder_of(&store.state().pair(pair)).ok().flatten().filter(|holder| holder.is_stopped)
}

/// A run that looking told nothing of, and that stands there still, may run.
fn check_readable(store: &Store, id: &RunId) -> Result<(), StartError> {
    match store.folder(id).read_spec() {
        Ok(_) | Err(RecordError::Missing(_)) => Ok(()),
        Err(source) => Err(StartError::Unreadable { id: id.clone(), source }),
    }
}

/// The run that this command is called in.
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
    // The usual case costs one small read: the last run has ended, and it saw to the others.
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
    let difference = if force {
        Some("`-B`: it is not stopped for that")
    } else if prepared.given.is_some() && prepared.given != given {
        Some("another prompt")
    } else if !prepared.extras.is_empty() && spec.as_ref().is_some_and(|spec| spec.extras != prepared.extras) {
        Some("other arguments")
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

/// Ends a queued run that can never start, so that the pair can.
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

//! Decides whether a run starts or is queued, and gives it an id, a folder and a row in the index. The caller holds
//! the pair lock. Starts nothing.

use std::io;

use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::record;
use crate::lifecycle::launch::start::{Queueing, StartError};
use crate::lifecycle::queue::engine_capacity;
use crate::lifecycle::queue::readiness;
use crate::lifecycle::queue::readiness::Readiness;
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run::RunFacts;
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::{EndState, WaitingFor};
use crate::os::git;
use crate::os::ids;
use crate::store::index::{Index, IndexError};
use crate::store::pair_lock::PairLock;
use crate::store::run_folder::RunFolder;
use crate::store::slots::{self, Slot};
use crate::store::state_dir::{FoldersLock, WorktreeLock};

/// A run with id, folder, row and pair lock that is not started or queued yet.
#[derive(Debug)]
pub(crate) struct Reserved {
    pub(crate) folder: RunFolder,
    pub(crate) spec: RunSpec,
    pub(crate) facts: RunFacts,
    pub(crate) lock: PairLock,
    pub(crate) next: NextStep,
}

/// What to do with a reserved run.
#[derive(Debug)]
pub(crate) enum NextStep {
    Window,
    /// With its slot; `None` if no slot is free and the run is nested in a job.
    Job(Option<Slot>),
    Queue(WaitingFor, Option<String>),
}

/// Locks the run's worktree, if it works in one, against `clean`. Fails if the folder does not exist any more.
pub(crate) fn share_worktree(store: &Store, prepared: &Prepared) -> Result<Option<WorktreeLock>, StartError> {
    let path = match &prepared.worktree {
        Some(worktree) => Some(worktree.path.clone()),
        None => git::linked_worktree_of(&prepared.cwd),
    };
    if path.is_some() {
        // The holder of this lock may have to rebuild the index, which waits until our connection is closed.
        store.close_index();
    }
    let lock = path.map(|path| store.state().share_worktree(&git::resolved(&path))).transpose()?;
    // `clean` may have removed it between the preparation and the lock.
    if prepared.worktree.is_none() && !prepared.cwd.is_dir() {
        return Err(StartError::FolderGone(prepared.cwd.clone()));
    }
    Ok(lock)
}

pub(crate) fn lock_folders(store: &Store, exclusive: bool) -> io::Result<Option<FoldersLock>> {
    if exclusive {
        // The holder of this lock may have to rebuild the index, which waits until our connection is closed.
        store.close_index();
    }
    exclusive.then(|| store.state().lock_folders()).transpose()
}

/// `None` if queueing is not allowed and the run would wait for a slot, or one of `after_failure_of` failed.
pub(crate) fn reserve(
    store: &Store,
    index: &Index,
    prepared: &Prepared,
    lock: PairLock,
    parent: Option<RunId>,
    queueing: Queueing<'_>,
) -> Result<Option<Reserved>, StartError> {
    // Held until the row of this run counts.
    let limited = prepared.kind.engine().is_some_and(|executor| executor.max_jobs.is_some());
    let _engines = limited.then(|| store.state().lock_engines()).transpose()?;
    let next = what_next(store, index, prepared, parent.as_ref())?;
    if let Queueing::Never { after_failure_of } = queueing {
        let waits = matches!(next, NextStep::Queue(WaitingFor::Slot, _));
        // After the slot was taken: a job records its end before it releases its slot.
        if waits || after_failure_of.iter().any(|id| has_failed(store, id)) {
            return Ok(None);
        }
    }
    let waiting = match &next {
        NextStep::Queue(waiting, _) => Some(*waiting),
        NextStep::Window | NextStep::Job(_) => None,
    };
    let id = next_id(store, index, &prepared.pair, &lock)?;
    lock.name(&id)?;
    let folder = RunFolder::create(store.state().run(&id))?;
    let spec = record::spec(store, prepared, id, &folder, parent, waiting.is_some())?;
    let facts = RunFacts::of(&spec);
    // The caller keeps the index open until the spec is written: a rebuild in between would miss the run.
    index.insert(&facts, waiting)?;
    Ok(Some(Reserved { folder, spec, facts, lock, next }))
}

fn has_failed(store: &Store, id: &RunId) -> bool {
    matches!(store.folder(id).read_exit(), Ok(Some(end)) if end.state != EndState::Succeeded)
}

/// Greater than the id of the pair's last run, whatever the clock shows; and greater than all other ids if one is
/// left, since the queue is in their order.
fn next_id(store: &Store, index: &Index, pair: &Pair, lock: &PairLock) -> Result<RunId, StartError> {
    // The lock still names a pruned run. A name that is no ULID is damage: no run had it.
    let named = lock.named()?.filter(ids::is_ulid);
    let last = named.max(index.newest_of(pair)?);
    let newest = index.newest()?.filter(|newest| last.as_ref().is_none_or(|last| newest > last));
    let after_all = newest.and_then(|newest| ids::new_run_id_after(Some(&newest)));
    if let Some(id) = after_all.or_else(|| ids::new_run_id_after(last.as_ref())) {
        return Ok(id);
    }
    let last = last.map(|last| store.state().run(&last)).unwrap_or_default();
    Err(StartError::NoGreaterId { last, index: store.state().index(), lock: store.state().pair(pair) })
}

fn what_next(
    store: &Store,
    index: &Index,
    prepared: &Prepared,
    parent: Option<&RunId>,
) -> Result<NextStep, StartError> {
    match readiness::of(store, index, &prepared.conditions, prepared.kind.form(), &prepared.cwd, None)? {
        Readiness::Ready => {}
        Readiness::Waits { waiting_for, about } => return Ok(NextStep::Queue(waiting_for, about)),
        // `queue::advance` ends it, and its dependents.
        Readiness::Never(_) => return Ok(NextStep::Queue(WaitingFor::Need, None)),
    }
    if let Some(executor) = prepared.kind.engine() {
        return Ok(match engine_capacity::has_room(store, index, executor, None)? {
            true => NextStep::Job(None),
            false => NextStep::Queue(WaitingFor::Slot, Some(executor.about_max_jobs())),
        });
    }
    let Some(slots) = prepared.kind.job().map(|job| job.slots) else { return Ok(NextStep::Window) };
    let nested = is_nested(store, parent);
    let slot = match nested || !others_wait(store, index, slots)? {
        true => slots::take(store.state(), slots)?,
        false => None,
    };
    Ok(match slot {
        None if !nested => NextStep::Queue(WaitingFor::Slot, None),
        slot => NextStep::Job(slot),
    })
}

/// A run nested in a job never waits for a slot: its parent holds one and may wait for it.
pub(crate) fn is_nested(store: &Store, parent: Option<&RunId>) -> bool {
    parent.is_some_and(|id| store.folder(id).read_spec().is_ok_and(|spec| spec.form().is_job()))
}

/// Whether older runs wait for slots that this one would take. A run whose dependency has just ended does so too,
/// although its record does not show it yet.
fn others_wait(store: &Store, index: &Index, slots: u32) -> Result<bool, IndexError> {
    let queued = index.queued()?;
    for rival in queued.iter().filter(|queued| queued.slots >= slots) {
        if !matches!(rival.waiting_for, WaitingFor::Slot | WaitingFor::Need) {
            continue;
        }
        let folder = store.folder(&rival.id);
        let Ok(spec) = folder.read_spec() else { continue };
        let waits = folder.is_queued() && folder.environment_waits(&spec) && folder.id().ok() == Some(spec.folder);
        if waits
            && (rival.waiting_for == WaitingFor::Slot
                || readiness::of(store, index, &spec.conditions, RunForm::Headless, &spec.cwd, Some(&rival.id))?
                    == Readiness::Ready)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

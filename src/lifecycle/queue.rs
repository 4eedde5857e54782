//! Starts queued runs while slots are free, and ends those that can never start.
//!
//! Called by `__next` (a supervisor's last act), by commands that queue a run and by commands that observe runs. Any
//! number of processes may do this at once: the pair lock makes each start happen once.

pub mod approve;
pub(crate) mod engine_capacity;
pub(crate) mod late_jobs;
pub(crate) mod readiness;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use crate::lifecycle::launch;
use crate::lifecycle::launch::reserve::{self, NextStep, Reserved};
use crate::lifecycle::launch::start::StartError;
use crate::lifecycle::launch::submit;
use crate::lifecycle::notify;
use crate::lifecycle::prune;
use crate::lifecycle::queue::readiness::Readiness;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::exit_record::ExitRecord;
use crate::model::queue_record::QueueRecord;
use crate::model::run::RunFacts;
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_spec::{JobSpec, RunSpec};
use crate::model::run_state::{EndState, WaitingFor};
use crate::os::clock;
use crate::store::index::{Index, Queued};
use crate::store::pair_lock::{self, Claim, PairLock};
use crate::store::run_folder::RunFolder;
use crate::store::slots;
use crate::store::state_dir::FoldersLock;

/// Longer than an observing command holds a pair lock.
const CLAIM_WAIT: Duration = Duration::from_millis(20);

/// After a run ended: records ends, advances the queue, prunes old runs of the pair.
pub fn run_ended(store: &Store, ended: Option<&Path>) -> Result<(), StartError> {
    let ended_id = ended.and_then(|folder| RunFolder::at(folder).run_id());
    let queued = store.with_index(Index::queued)?;
    let waits_for_others =
        queued.iter().any(|queued| matches!(queued.waiting_for, WaitingFor::Need | WaitingFor::Folder));
    match ended_id {
        // When many runs end at once, each of them must not observe all.
        Some(id) if !waits_for_others => drop(refresh::some(store, &[id])?),
        _ => drop(refresh::all(store)?),
    }
    advance(store)?;
    let ended = ended.map(RunFolder::at).and_then(|folder| folder.read_spec().ok());
    if let Some(spec) = ended {
        // Retention must never fail a run that ended.
        if let Err(error) = prune::prune_pair(store, &spec.pair(), Some(&spec.keep)) {
            tracing::warn!(%error, pair = %spec.pair(), "old runs cannot be pruned");
        }
    }
    Ok(())
}

/// What one call of [`advance`] knows of the queue so far.
#[derive(Default)]
struct QueuePass {
    /// The slots up to this number are taken: jobs that may use no others are skipped.
    full: u32,
    /// The runs before this place were checked again.
    rechecked: usize,
    /// The queue has to be read once more.
    again: bool,
    /// Runs whose record this call has changed.
    noted: HashSet<RunId>,
    /// The executors whose engine may get no further run.
    full_engines: HashSet<String>,
}

/// Starts the queued runs that are ready, oldest first. Fails if the index cannot be read; an error of one run is
/// logged and holds no other back.
pub fn advance(store: &Store) -> Result<(), StartError> {
    let mut pass = QueuePass { again: true, ..QueuePass::default() };
    // Repeat after an end: it ends the dependents too, which may be earlier in the queue. Repeat after a record was
    // changed too: a process that found the run's lock held meanwhile has left the run to this one.
    while std::mem::take(&mut pass.again) {
        (pass.full, pass.rechecked) = (0, 0);
        pass.full_engines.clear();
        let queue = store.with_index(Index::queued)?;
        let mut at = 0;
        while let Some(queued) = queue.get(at) {
            at += 1;
            let uses_slots = queued.slots > 0;
            if queued.waiting_for == WaitingFor::Slot && uses_slots && queued.slots <= pass.full {
                continue;
            }
            // A dependency may end while the queue is read. A younger run is then ready after an older one with the
            // dependency was passed over: check the older ones again.
            let older_unchecked = pass.rechecked < at - 1;
            match move_on(store, queued, older_unchecked, &mut pass) {
                Ok(Moved::OlderMayBeReady) => {
                    pass.rechecked = at - 1;
                    at = 0;
                }
                Ok(Moved::NoSlot) => pass.full = pass.full.max(queued.slots),
                Ok(Moved::Ended) => pass.again = true,
                Ok(Moved::Waits | Moved::Started) => {}
                Err(error) => tracing::warn!(%error, run = %queued.id, "a queued run cannot be started"),
            }
        }
    }
    Ok(())
}

/// [`advance`] for commands that only observe: an error is logged.
pub(crate) fn advance_quietly(store: &Store) {
    if let Err(error) = advance(store) {
        tracing::warn!(%error, "queued runs could not be started");
    }
}

fn move_on(store: &Store, queued: &Queued, older_unchecked: bool, pass: &mut QueuePass) -> Result<Moved, StartError> {
    let folder = store.folder(&queued.id);
    // Do not overwrite a record that is damaged or of a newer version.
    if !matches!(folder.read_queue(), Ok(Some(_))) {
        return Ok(Moved::Waits);
    }
    if queued.waiting_for == WaitingFor::Gate && !folder.is_approved() {
        return Ok(Moved::Waits);
    }
    let Ok(spec) = folder.read_spec() else { return Ok(Moved::Waits) };
    // Never start the queue of a copied state folder.
    if folder.id()? != spec.folder || !folder.environment_waits(&spec) {
        return Ok(Moved::Waits);
    }
    let folders = reserve::lock_folders(store, spec.conditions.exclusive)?;
    let readiness =
        readiness::of(store, &*store.index()?, &spec.conditions, spec.form(), &spec.cwd, Some(&spec.run_id))?;
    match readiness {
        Readiness::Never(why) => end_unstarted(store, &folder, &spec, EndState::DependencyFailed, why),
        Readiness::Waits { waiting_for, about } => {
            let record = QueueRecord::new(waiting_for, about, clock::now());
            note_wait(store, &folder, &spec, queued.waiting_for, record, pass)?;
            Ok(Moved::Waits)
        }
        Readiness::Ready if older_unchecked && queued.waiting_for == WaitingFor::Need => Ok(Moved::OlderMayBeReady),
        Readiness::Ready => start_one_queued(store, &folder, &spec, queued, folders, pass),
    }
}

fn take_slot(store: &Store, slots: u32, full: u32) -> std::io::Result<Option<slots::Slot>> {
    if slots > full { slots::take(store.state(), slots) } else { Ok(None) }
}

/// A slot up to `pass.full` that is free by now belongs to an older run that found none.
fn start_one_queued(
    store: &Store,
    folder: &RunFolder,
    spec: &RunSpec,
    queued: &Queued,
    mut folders: Option<FoldersLock>,
    pass: &mut QueuePass,
) -> Result<Moved, StartError> {
    let engines = spec.kind.engine().and_then(|executor| executor.max_jobs).map(|_| store.state().lock_engines());
    let engines = engines.transpose()?;
    // Slot before pair lock: an observing command that holds the lock must not cost the run its turn.
    let slot = match spec.kind.job() {
        Some(JobSpec { engine: Some(executor), .. }) => {
            let is_full = pass.full_engines.contains(&executor.name)
                || !engine_capacity::has_room(store, &*store.index()?, executor, Some(&spec.run_id))?;
            if is_full {
                pass.full_engines.insert(executor.name.clone());
                let about = Some(executor.about_max_jobs());
                let record = QueueRecord::new(WaitingFor::Slot, about, clock::now());
                note_wait(store, folder, spec, queued.waiting_for, record, pass)?;
                return Ok(Moved::NoSlot);
            }
            None
        }
        Some(job) => match take_slot(store, job.slots, pass.full)? {
            Some(slot) => Some(slot),
            None if reserve::is_nested(store, spec.parent_run.as_ref()) => None,
            None => {
                let record = QueueRecord::new(WaitingFor::Slot, None, clock::now());
                note_wait(store, folder, spec, queued.waiting_for, record, pass)?;
                return Ok(Moved::NoSlot);
            }
        },
        None => None,
    };
    let Some(lock) = claim_queued(store, folder, spec)? else { return Ok(Moved::Waits) };
    lock.name(&spec.run_id)?;
    match spec.form() {
        RunForm::Headless => {
            submit::intend(folder, spec)?;
            // From now on a run of an engine counts as started, and other starts need not wait until git has made its
            // worktree.
            drop(engines);
            folders = folders.filter(|_| spec.kind.engine().is_none());
            let submitted = match spec.worktree {
                Some(_) => submit::submit(folder, spec, lock, slot),
                None => submit::submit_intended(folder, spec, lock, slot),
            };
            if let Err(error) = submitted {
                return not_submitted(store, folder, spec, error);
            }
        }
        RunForm::Interactive => {
            let facts = RunFacts::of(spec);
            let reserved = Reserved { folder: folder.clone(), spec: spec.clone(), facts, lock, next: NextStep::Window };
            launch::launch(store, reserved, None)?;
        }
    }
    // After the start: a queue record of a living run is ignored, but without it an unstarted run is judged lost.
    folder.remove_queue()?;
    drop(folders);
    store.index()?.set_waiting(&spec.run_id, None)?;
    Ok(Moved::Started)
}

/// A queued run that its executor did not take. One of an engine ends: the next attempt would fail, too. Another one
/// stays queued.
fn not_submitted(store: &Store, folder: &RunFolder, spec: &RunSpec, error: StartError) -> Result<Moved, StartError> {
    if spec.kind.engine().is_none() {
        return Err(error);
    }
    let facts = RunFacts::of(spec);
    let is_given_up = launch::give_up(store, None, folder, spec, &facts, &error)?;
    folder.remove_queue()?;
    Ok(if is_given_up { Moved::Ended } else { Moved::Started })
}

/// The pair lock of a run that is still queued; `None` if it is not, or another process holds the lock.
pub(crate) fn claim_queued(store: &Store, folder: &RunFolder, spec: &RunSpec) -> Result<Option<PairLock>, StartError> {
    let claimed = pair_lock::claim_from_ending(store.state(), &spec.pair(), CLAIM_WAIT)?;
    let Some(Claim::Taken(lock, _)) = claimed else { return Ok(None) };
    let waits = folder.is_queued() && !folder.has_end() && matches!(folder.read_live(), Ok(None));
    if waits {
        // A held lock that names the run would mean that the run is alive.
        lock.unname()?;
    }
    Ok(waits.then_some(lock))
}

/// Ends a queued run that can never start, unless another process holds the pair lock.
pub(crate) fn end_unstarted(
    store: &Store,
    folder: &RunFolder,
    spec: &RunSpec,
    state: EndState,
    reason: EndReason,
) -> Result<Moved, StartError> {
    let Some(lock) = claim_queued(store, folder, spec)? else { return Ok(Moved::Waits) };
    end_claimed(store, folder, spec, &lock, state, reason)?;
    Ok(Moved::Ended)
}

/// [`end_unstarted`] for a caller that holds the pair lock.
pub(crate) fn end_claimed(
    store: &Store,
    folder: &RunFolder,
    spec: &RunSpec,
    lock: &PairLock,
    state: EndState,
    reason: EndReason,
) -> Result<(), StartError> {
    let end = ExitRecord::never_started(spec.run_id.clone(), state, reason, clock::now());
    let end = store.write_end(folder, &end)?;
    folder.remove_queue()?;
    notify::raise_end(store, &RunFacts::of(spec), &end);
    store.index()?.finish(&RunFacts::of(spec), &end)?;
    Ok(lock.name(&spec.run_id)?)
}

/// Records what a run waits for, if that changed. The queue has then to be read once more.
fn note_wait(
    store: &Store,
    folder: &RunFolder,
    spec: &RunSpec,
    indexed: WaitingFor,
    record: QueueRecord,
    pass: &mut QueuePass,
) -> Result<(), StartError> {
    let noted = folder.read_queue().ok().flatten().filter(|noted| noted.waiting_for == record.waiting_for);
    if indexed == record.waiting_for && noted.as_ref().is_some_and(|noted| noted.about == record.about) {
        return Ok(());
    }
    let record = QueueRecord { since: noted.and_then(|noted| noted.since).or(record.since), ..record };
    let Some(lock) = claim_queued(store, folder, spec)? else { return Ok(()) };
    store.index()?.set_waiting(&spec.run_id, Some(record.waiting_for))?;
    folder.write_queue(&record)?;
    if record.waiting_for == WaitingFor::Gate {
        notify::raise_gate(store, &RunFacts::of(spec));
    }
    lock.name(&spec.run_id)?;
    // Once for each run: two processes with other limits would else change its record in turns for ever.
    pass.again |= pass.noted.insert(spec.run_id.clone());
    Ok(())
}

/// The result of an attempt to start a queued run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    Started,
    /// Still queued, or another process handles it.
    Waits,
    NoSlot,
    Ended,
    /// Ready, but older runs were checked before its dependency ended. Nothing was changed.
    OlderMayBeReady,
}

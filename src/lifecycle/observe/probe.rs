//! Reads the records and the pair lock of one run. Changes nothing.

use std::time::Duration;

use crate::executor;
use crate::lifecycle::observe::Observations;
use crate::lifecycle::observe::observation::Observation;
use crate::lifecycle::store::Store;
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::{RunState, UnknownWhy};
use crate::model::submit_record::SubmitPhase;
use crate::os::clock;
use crate::plan::engine_verdict::EngineEvidence;
use crate::plan::observed_state::{Locality, LockProbe, OwnerProbe, ProbeResult};
use crate::store::index::{Index, IndexError};
use crate::store::pair_lock::{self, Liveness};
use crate::store::record_file::RecordError;
use crate::store::run_folder::RunFolder;

/// Reads the records of the run `id`. `None` if they settle its state; it is then in `seen`.
pub(super) fn records(
    store: &Store,
    index: &Index,
    id: &RunId,
    seen: &mut Observations,
) -> Result<Option<Observation>, IndexError> {
    let folder = store.folder(id);
    let spec = match folder.read_spec() {
        Ok(spec) => spec,
        Err(RecordError::Missing(_)) => {
            without_spec(store, index, id, seen)?;
            return Ok(None);
        }
        Err(error) => {
            unreadable_spec(store, index, id, &error, seen)?;
            return Ok(None);
        }
    };
    let facts = RunFacts::of(&spec);
    let mut end_damaged = false;
    match folder.read_exit() {
        Ok(Some(end)) => {
            seen.runs.push(Run::ended(facts, end));
            return Ok(None);
        }
        Ok(None) => {}
        Err(error @ RecordError::Damaged { .. })
            if matches!(pair_lock::probe(store.state(), &spec.pair()), Ok(Liveness::Free)) =>
        {
            end_damaged = true;
            seen.damaged_ends.push((folder.clone(), error));
        }
        Err(error) => {
            let state = RunState::Unknown(UnknownWhy::Unreadable(error.to_string()));
            seen.runs.push(Run::active(facts, state));
            return Ok(None);
        }
    }
    let mut probe = probe(store, &folder, &spec);
    probe.end_damaged |= end_damaged;
    let queue = folder.read_queue().ok().flatten();
    let waits_since = queue.as_ref().and_then(|record| record.since);
    let waits = queue.and_then(|record| record.about);
    Ok(Some(Observation { folder, spec, probe, pane: None, waits, waits_since }))
}

/// A start writes row, folder, spec in this order: a row without a spec is a leftover only if the pair lock is free.
fn without_spec(store: &Store, index: &Index, id: &RunId, seen: &mut Observations) -> Result<(), IndexError> {
    // The starting command has not written the spec yet.
    if let Some(facts) = index.facts(id)?
        && let Ok(Liveness::Held(holder)) = pair_lock::probe(store.state(), &facts.pair())
        && holder.is_none_or(|holder| holder == *id)
    {
        seen.runs.push(Run::active(facts, RunState::Starting));
        return Ok(());
    }
    if let Some(pair) = index.pair_of(id)?
        && matches!(pair_lock::probe(store.state(), &pair), Ok(Liveness::Free))
        && matches!(store.folder(id).read_spec(), Err(RecordError::Missing(_)))
    {
        seen.leftovers.push(id.clone());
    }
    Ok(())
}

/// A run whose lock is free and whose owner is gone is dead, even if its spec is damaged.
fn unreadable_spec(
    store: &Store,
    index: &Index,
    id: &RunId,
    error: &RecordError,
    seen: &mut Observations,
) -> Result<(), IndexError> {
    let facts = index.facts(id)?;
    let free = |facts: &RunFacts| matches!(pair_lock::probe(store.state(), &facts.pair()), Ok(Liveness::Free));
    let is_damaged = matches!(error, RecordError::Damaged { .. });
    if is_damaged && facts.as_ref().is_none_or(free) && !store.folder(id).owner_may_live() {
        seen.damaged_specs.push(id.clone());
        return Ok(());
    }
    match facts {
        Some(facts) => {
            let state = RunState::Unknown(UnknownWhy::Unreadable(error.to_string()));
            seen.runs.push(Run::active(facts, state));
        }
        None => seen.notices.push(format!("run {id}: {error}")),
    }
    Ok(())
}

/// Probes all of a run but its window.
pub(crate) fn probe(store: &Store, folder: &RunFolder, spec: &RunSpec) -> ProbeResult {
    let lock = match pair_lock::probe(store.state(), &spec.pair()) {
        Ok(Liveness::Free) => Ok(LockProbe::Free),
        Ok(Liveness::Held(Some(id))) if id == spec.run_id => Ok(LockProbe::Held),
        Ok(Liveness::Held(None)) => Ok(LockProbe::HeldByCommand),
        Ok(Liveness::Held(Some(_))) => Ok(LockProbe::HeldByAnother),
        Err(error) => Err(error),
    };
    let queued = folder.read_queue();
    let live = folder.read_live().ok().flatten();
    let owner = live.as_ref().map(|live| executor::of(live.owner.executor()).look(&live.owner));
    // A queued run may start in a later boot than its spec names. `live.json` names the boot it runs in; before that
    // is written, the record of its window does.
    let window = if live.is_none() { folder.read_window().ok().flatten() } else { None };
    let server = window.as_ref().and_then(|window| window.server.as_ref());
    let (here, there) = (
        store.host_boot(),
        live.as_ref()
            .and_then(|live| live.owner.process())
            .or(server)
            .map_or(&spec.host_boot, |owner| &owner.host_boot),
    );
    let locality = match (&lock, folder.id(), &queued) {
        (Err(error), ..) => Locality::Unreadable(format!("the pair's lock: {error}")),
        (_, Err(error), _) => Locality::Unreadable(error.to_string()),
        (.., Err(error)) => Locality::Unreadable(error.to_string()),
        // Before the folder's id, since device numbers may change with a boot; no process is signalled for this. A
        // record whose owner is alive here names a wrong boot.
        _ if there.host == here.host && there.boot_id != here.boot_id && owner != Some(OwnerProbe::Alive) => {
            Locality::EarlierBoot
        }
        (_, Ok(id), _) if id != spec.folder => Locality::Foreign,
        // An equal boot id means this machine, whatever its host name is now.
        _ if there.boot_id == here.boot_id && there.pid_namespace == here.pid_namespace => Locality::Here,
        _ => Locality::OtherHost(there.host.clone()),
    };
    let queued = queued.ok().flatten().map(|record| record.waiting_for);
    ProbeResult {
        form: spec.form(),
        locality,
        // On an error the locality is `Unreadable`, and the lock is not used.
        lock: lock.unwrap_or(LockProbe::Held),
        queued,
        environment_waits: queued.is_none() || folder.environment_waits(spec),
        live,
        owner,
        unsaved: folder.is_unsaved(),
        end_damaged: folder.lost_its_end(),
        stop_requested: folder.stop_requested(),
        window: None,
        engine: engine_evidence(folder, spec),
    }
}

/// What the records say of a run on an engine; the engine is asked later, for all runs at once.
fn engine_evidence(folder: &RunFolder, spec: &RunSpec) -> Option<EngineEvidence> {
    let executor = spec.kind.engine()?;
    let submitted = folder.read_submitted();
    let at = submitted.as_ref().ok().and_then(Option::as_ref).map(|record| record.at);
    let phase = match submitted {
        Ok(record) => record.map(|record| record.phase),
        // Damaged or of a newer program: the engine may have it.
        Err(_) => Some(SubmitPhase::Accepted { job: None }),
    };
    // A record without a readable time was not written just now.
    let age = at.map_or(u64::MAX, |at| clock::millis_between(at, clock::now()));
    Some(EngineEvidence {
        phase,
        submit_age: Duration::from_millis(age),
        environment_waits: folder.environment_waits(spec),
        quiet: Duration::ZERO,
        lease: executor.lease(),
        report: None,
    })
}

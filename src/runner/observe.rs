//! Looking: the evidence of every unfinished run, judged, and the ends that were seen written down.
//!
//! At most one tmux client for each server that unfinished runs were started on.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use crate::model::names::Pair;
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::{EndState, RunState, UnknownWhy, WaitingFor};
use crate::plan::actual::{self, Evidence, Lock, Over, Place, Verdict};
use crate::runner::candidate::{Candidate, Listings, look_at_window};
use crate::runner::glance;
use crate::runner::next;
use crate::runner::notify;
use crate::runner::store::{Observed, Store};
use crate::system::clock::Stopwatch;
use crate::system::process;
use crate::system::store::index::{Index, IndexError};
use crate::system::store::pair_lock::{self, Claim, Liveness};
use crate::system::store::record_file::RecordError;
use crate::system::store::run_folder::RunFolder;

/// A window that took its environment says within this time that it lives, or never will.
const TAKEN_AND_SILENT: Duration = Duration::from_secs(3);

/// Longer than a supervisor lives after it has let its pair go.
const AT_ITS_END: Duration = Duration::from_secs(1);

/// What is not settled is looked at again after this long.
const LOOK_STEP: Duration = Duration::from_millis(5);

/// All unfinished runs. Ends that are seen are written down.
pub fn observe(store: &Store) -> Result<Observed, IndexError> {
    // tmux takes longer to answer than all the rest: it is asked first where windows are known.
    let hint = store.state().windows_hint();
    let listings = match store.take_listing() {
        Some((socket, asked)) => Listings::asked(socket, asked, store.patience()),
        None => Listings::early(hint.clone(), store.patience()),
    };
    let known = store.with_index(Index::active_facts)?;
    let has_windows = known.iter().any(|(_, facts)| facts.as_ref().is_none_or(|facts| !facts.headless));
    if hint.is_some() && !has_windows {
        store.state().hint_windows(None);
    }
    let observed = observe_known(store, known, listings)?;
    notify::tell_waits(store, &observed.runs);
    Ok(observed)
}

/// The unfinished runs of one pair.
pub fn observe_pair(store: &Store, pair: &Pair) -> Result<Observed, IndexError> {
    let ids = store.with_index(|index| index.active_of(pair))?;
    observe_some(store, &ids)
}

/// The last run of a pair: the active one, else the last to have started.
pub fn last_run(store: &Store, pair: &Pair) -> Result<Option<Run>, IndexError> {
    let Some(id) = store.with_index(|index| index.of_pair(pair))?.into_iter().next() else { return Ok(None) };
    run(store, &id)
}

/// One run by its id.
pub fn run(store: &Store, id: &RunId) -> Result<Option<Run>, IndexError> {
    let folder = store.folder(id);
    if let (Ok(spec), Ok(Some(end))) = (folder.read_spec(), folder.read_exit()) {
        return Ok(Some(Run::ended(RunFacts::of(&spec), end)));
    }
    Ok(observe_some(store, std::slice::from_ref(id))?.runs.into_iter().next())
}

pub(crate) fn observe_some(store: &Store, ids: &[RunId]) -> Result<Observed, IndexError> {
    let known = store.with_index(|index| {
        ids.iter().map(|id| Ok((id.clone(), index.facts(id)?))).collect::<Result<Vec<_>, IndexError>>()
    })?;
    observe_known(store, known, Listings::new(store.patience()))
}

fn observe_known(
    store: &Store,
    known: Vec<(RunId, Option<RunFacts>)>,
    mut listings: Listings,
) -> Result<Observed, IndexError> {
    let index = store.index()?;
    let mut observed = Observed { runs: Vec::new(), notices: index.notices().to_vec() };
    let mut candidates = Vec::new();
    let rest = glance::glance(store, &index, known, &mut listings, &mut observed);
    // Locks first, windows after: a window that is being made is locked until it stands. So
    // what the first look did not find is looked for again.
    for id in &rest {
        gather(store, &index, id, &mut candidates, &mut observed)?;
    }
    listings.observed = candidates.iter().map(|candidate| candidate.spec.run_id.clone()).collect();
    for mut candidate in candidates {
        let run = settle(store, &index, &mut candidate, &mut listings)?;
        observed.runs.push(run);
    }
    // Starting opens the index anew, and may have to rebuild it: not while we hold it.
    drop(index);
    observed.runs.sort_by(|a, b| a.id().cmp(b.id()));
    let waits_for_others = |run: &Run| matches!(run.state, RunState::Queued(WaitingFor::Need | WaitingFor::Folder));
    if observed.runs.iter().any(waits_for_others) {
        look_at_those_awaited(store, &observed.runs)?;
    }
    let may_move = |run: &Run| {
        let waits_for_us =
            !matches!(run.state, RunState::Queued(WaitingFor::Gate | WaitingFor::Retry | WaitingFor::Environment));
        matches!(run.state, RunState::Queued(_)) && waits_for_us || run.end_state() == Some(EndState::Lost)
    };
    if observed.runs.iter().any(may_move) {
        // A killed supervisor moved no queue.
        next::start_queued_quietly(store);
    }
    Ok(observed)
}

/// What a run waits for may be dead without an end on record, and who waits would wait for ever.
fn look_at_those_awaited(store: &Store, seen: &[Run]) -> Result<(), IndexError> {
    let (mut others, queued) = store.with_index(|index| Ok((index.active_facts()?, index.queued()?)))?;
    let mut left_out: HashSet<&RunId> = seen.iter().map(Run::id).collect();
    left_out.extend(queued.iter().map(|queued| &queued.id));
    others.retain(|(id, _)| !left_out.contains(id));
    if !others.is_empty() {
        observe_known(store, others, Listings::new(store.patience()))?;
    }
    Ok(())
}

fn gather(
    store: &Store,
    index: &Index,
    id: &RunId,
    candidates: &mut Vec<Candidate>,
    observed: &mut Observed,
) -> Result<(), IndexError> {
    let folder = store.folder(id);
    let spec = match folder.read_spec() {
        Ok(spec) => spec,
        Err(RecordError::Missing(_)) => {
            // Its starter is about to write it.
            if let Some(facts) = index.facts(id)?
                && let Ok(Liveness::Held(holder)) = pair_lock::probe(store.state(), &facts.pair())
                && holder.is_none_or(|holder| holder == *id)
            {
                let state = RunState::Starting;
                observed.runs.push(Run::active(facts, state));
                return Ok(());
            }
            // A row comes before its folder, and a folder before its spec: only a row whose
            // writer is gone is a leftover.
            if let Some(pair) = index.pair_of(id)?
                && matches!(pair_lock::probe(store.state(), &pair), Ok(Liveness::Free))
                && matches!(folder.read_spec(), Err(RecordError::Missing(_)))
            {
                folder.clear_unmade();
                index.remove(id)?;
            }
            return Ok(());
        }
        Err(error) => {
            // A run whose lock is free and whose owner is gone is dead, whatever its record says.
            let facts = index.facts(id)?;
            let free = |facts: &RunFacts| matches!(pair_lock::probe(store.state(), &facts.pair()), Ok(Liveness::Free));
            if matches!(error, RecordError::Damaged { .. })
                && facts.as_ref().is_none_or(free)
                && !folder.owner_may_live()
            {
                observed.notices.push(folder.set_aside(&error));
                index.remove(id)?;
                return Ok(());
            }
            match facts {
                Some(facts) => {
                    let state = RunState::Unknown(UnknownWhy::Unreadable(error.to_string()));
                    observed.runs.push(Run::active(facts, state));
                }
                None => observed.notices.push(format!("run {id}: {error}")),
            }
            return Ok(());
        }
    };
    let facts = RunFacts::of(&spec);
    match folder.read_exit() {
        Ok(Some(end)) => {
            notify::tell_end(store, &facts, &end);
            index.finish(&facts, &end)?;
            observed.runs.push(Run::ended(facts, end));
            return Ok(());
        }
        Ok(None) => {}
        Err(error @ RecordError::Damaged { .. })
            if matches!(pair_lock::probe(store.state(), &spec.pair()), Ok(Liveness::Free)) =>
        {
            let place = folder.set_end_aside()?;
            observed.notices.push(format!("{error}; set aside as `{}`", place.display()));
        }
        Err(error) => {
            let state = RunState::Unknown(UnknownWhy::Unreadable(error.to_string()));
            observed.runs.push(Run::active(facts, state));
            return Ok(());
        }
    }
    let evidence = evidence(store, &folder, &spec);
    let queue = folder.read_queue().ok().flatten();
    let waits_since = queue.as_ref().and_then(|record| record.since);
    let waits = queue.and_then(|record| record.about);
    candidates.push(Candidate { folder, spec, evidence, pane: None, waits, waits_since });
    Ok(())
}

fn evidence(store: &Store, folder: &RunFolder, spec: &RunSpec) -> Evidence {
    let lock = match pair_lock::probe(store.state(), &spec.pair()) {
        Ok(Liveness::Free) => Ok(Lock::Free),
        Ok(Liveness::Held(Some(id))) if id == spec.run_id => Ok(Lock::Held),
        Ok(Liveness::Held(None)) => Ok(Lock::Moving),
        Ok(Liveness::Held(Some(_))) => Ok(Lock::HeldByAnother),
        Err(error) => Err(error),
    };
    let queued = folder.read_queue();
    let live = folder.read_live().ok().flatten();
    let lives_here = live.as_ref().is_some_and(|live| process::is_alive(&live.owner));
    // A queued run may be started in a later boot than its spec was written in. The record of its owner
    // names the boot it runs in, and before that is written, the record of its window does.
    let window = if live.is_none() { folder.read_window().ok().flatten() } else { None };
    let server = window.as_ref().and_then(|window| window.server.as_ref());
    let world = live.as_ref().map(|live| &live.owner).or(server).map_or(&spec.world, |owner| &owner.world);
    let place = match (&lock, folder.id(), &queued) {
        (Err(error), ..) => Place::Unreadable(format!("the pair's lock: {error}")),
        (_, Err(error), _) => Place::Unreadable(error.to_string()),
        (.., Err(error)) => Place::Unreadable(error.to_string()),
        // First, since device numbers may change with a boot; nothing is signalled for it.
        // A record that its own owner contradicts is believed in nothing.
        _ if world.host == store.world().host && world.boot_id != store.world().boot_id && !lives_here => {
            Place::EarlierBoot
        }
        (_, Ok(id), _) if id != spec.folder => Place::Foreign,
        // The same boot is the same machine, whatever it is called by now.
        _ if world.boot_id == store.world().boot_id && world.pid_namespace == store.world().pid_namespace => {
            Place::Here
        }
        _ => Place::OtherHost(world.host.clone()),
    };
    let queued = queued.ok().flatten().map(|record| record.waiting_for);
    Evidence {
        headless: spec.is_headless(),
        place,
        lock: lock.unwrap_or(Lock::Held),
        queued,
        environment_waits: queued.is_none() || folder.environment_waits(spec),
        live,
        unsaved: folder.is_unsaved(),
        end_damaged: folder.lost_its_end(),
        stop_asked: folder.stop_asked(),
        window: None,
    }
}

/// Judges one run, looking at its window where it has one, and records its end.
fn settle(store: &Store, index: &Index, candidate: &mut Candidate, listings: &mut Listings) -> Result<Run, IndexError> {
    let facts = RunFacts::of(&candidate.spec);
    let begun = Stopwatch::start();
    loop {
        let needs_window = !candidate.evidence.headless
            && matches!(candidate.evidence.lock, Lock::Free | Lock::HeldByAnother)
            && candidate.evidence.place == Place::Here;
        if needs_window {
            let (window, pane) = look_at_window(candidate, listings);
            candidate.evidence.window = Some(window);
            candidate.pane = pane;
        }
        // A stop is asked for before anything is signalled: who sees the end sees the request.
        candidate.evidence.stop_asked = candidate.folder.stop_asked();
        let patience = match actual::judge(&candidate.evidence) {
            Verdict::Is(state) => return Ok(candidate.run(facts, state)),
            // A supervisor lives without its pair for a moment at its end; longer where a
            // damaged record names another pair. What lives is not swept.
            Verdict::Over { .. } if candidate.supervisor_lives() => {
                if begun.elapsed() > AT_ITS_END {
                    let why = UnknownWhy::Unreadable("its supervisor does not hold the pair it names".to_owned());
                    return Ok(candidate.run(facts, RunState::Unknown(why)));
                }
                8000
            }
            Verdict::Over { end, sweep } => {
                match finish(store, index, candidate, listings, &end, sweep, begun.elapsed() > TAKEN_AND_SILENT)? {
                    Some(run) => return Ok(run),
                    // It moved while we looked: a queued run was started, a window made.
                    None => 8000,
                }
            }
            Verdict::LookAgain { patience_ms } => patience_ms,
        };
        if begun.elapsed() > Duration::from_millis(patience.into()) {
            let why = UnknownWhy::Tmux("its end is not settled".to_owned());
            let is_window = candidate.evidence.window.is_some();
            let state = if is_window { RunState::Unknown(why) } else { RunState::Starting };
            return Ok(candidate.run(facts, state));
        }
        thread::sleep(LOOK_STEP);
        if let Ok(Some(end)) = candidate.folder.read_exit() {
            notify::tell_end(store, &facts, &end);
            index.finish(&facts, &end)?;
            return Ok(Run::ended(facts, end));
        }
        candidate.evidence = evidence(store, &candidate.folder, &candidate.spec);
        listings.forget();
    }
}

/// Ends what is left of a run that is over and writes its end, under the pair's lock. `None`
/// where the evidence no longer holds.
fn finish(
    store: &Store,
    index: &Index,
    candidate: &Candidate,
    listings: &mut Listings,
    over: &Over,
    sweep: bool,
    out_of_patience: bool,
) -> Result<Option<Run>, IndexError> {
    let id = &candidate.spec.run_id;
    let facts = RunFacts::of(&candidate.spec);
    let lock = match pair_lock::claim(store.state(), &candidate.spec.pair())? {
        Claim::Taken(lock, last) => Some((lock, last)),
        // Whoever holds the pair for another run sees to this one's record no more.
        Claim::Held(Some(other)) if other != *id => None,
        Claim::Held(_) => return Ok(None),
    };
    // The pair's name is put back as it was: it may be a later run's, which must stay known.
    let ours = lock.as_ref().filter(|(_, last)| last.as_ref().is_none_or(|last| last == id)).map(|(lock, _)| lock);
    if let Some(lock) = ours {
        // A starter must not take this moment for the run itself and join it.
        lock.unname()?;
    }
    let end = match candidate.folder.read_exit() {
        Ok(Some(end)) => Some(end),
        // A tmux client outlives the command that was killed beside it, so a window may come
        // up late. Whoever has the environment is the run: if it is not here to be taken back,
        // the window has it.
        Ok(None)
            if !candidate.evidence.headless
                && candidate.evidence.live.is_none()
                && !candidate.folder.withdraw_environment(&candidate.spec)
                && !out_of_patience =>
        {
            None
        }
        Ok(None) if still_holds(store, candidate) => {
            // The screen first: ending what is left may print on it.
            candidate.keep_screen(listings);
            let survivors = if sweep { listings.sweep(id)? } else { Vec::new() };
            let end = candidate.exit_record(over, survivors);
            Some(store.write_end(&candidate.folder, &end)?)
        }
        _ => None,
    };
    if let Some(lock) = ours {
        lock.name(id)?;
    }
    drop(lock);
    let Some(end) = end else { return Ok(None) };
    candidate.close_window();
    notify::tell_end(store, &facts, &end);
    index.finish(&facts, &end)?;
    Ok(Some(Run::ended(facts, end)))
}

/// A queued run may have been started since the evidence was gathered. (Its lock is ours now.)
fn still_holds(store: &Store, candidate: &Candidate) -> bool {
    let now = evidence(store, &candidate.folder, &candidate.spec);
    now.live == candidate.evidence.live && now.queued == candidate.evidence.queued
}

//! Ends runs with their whole process trees, and no other process.
//!
//! All runs are signalled first, then awaited together. They share each read of the process table and each call of
//! tmux, so that the cost of a run does not grow with their number. At the end the queue is advanced.

mod engine_job;
mod run_stop;
pub(crate) mod stuck;
mod windows;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use crate::executor::{self, OwnerSignal, RunTree};
use crate::lifecycle::queue;
use crate::lifecycle::refresh;
use crate::lifecycle::stop::run_stop::{RunStop, StopPart, guards, windows_of};
use crate::lifecycle::stop::windows::{await_dead_panes, close_windows, stop_waiting_window, with_pane};
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::exit_record::ExitRecord;
use crate::model::names::Pair;
use crate::model::owner::ExecutorName;
use crate::model::run::Run;
use crate::model::run_form::RunForm;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::{EndState, RunState, UnknownWhy};
use crate::os::clock::{self, Stopwatch};
use crate::os::process;
use crate::os::process::holder::Holder;
use crate::os::tmux::{Tmux, TmuxError};
use crate::store::index::{Index, IndexError};
use crate::store::pair_lock::{self, Claim};

pub use crate::model::stop_kind::StopKind;

/// The result of a stop.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopped {
    /// Ended by this stop or a concurrent one.
    Ended(Box<Run>),
    /// No run of the pair was active; its last run, if there is one.
    NotRunning(Option<Box<Run>>),
}

/// Why a run could not be stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    #[error("the state of `{pair}` is unknown: {}", .why.reason())]
    Unknown { pair: Pair, why: UnknownWhy },
    #[error("processes of `{pair}` are still alive: {}", .pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Survivors { pair: Pair, pids: Vec<u32> },
    /// The run has no process, and another process holds the pair lock.
    #[error("`{pair}` is being started or ended {}, and makes no progress", .holder.as_ref().map_or("by another command".to_owned(), |holder| format!("by {holder}")))]
    Held { pair: Pair, holder: Option<Holder> },
    #[error(
        "`{pair}` has ended, and its end cannot be written yet (is the disk full?); {supervisor} retries every second"
    )]
    Unsaved { pair: Pair, supervisor: Holder },
    #[error("`{pair}` cannot be stopped: its supervisor does not die: {supervisor}")]
    Undying { pair: Pair, supervisor: Holder },
    /// Nothing was changed.
    #[error("`{pair}` cannot be stopped: `{executor}` does not answer: {words}")]
    Engine { pair: Pair, executor: String, words: String },
    #[error("`{pair}` cannot be stopped: {node} is silent, and the engine does not report that its job ended")]
    Node { pair: Pair, node: String },
    #[error(transparent)]
    Tmux(#[from] TmuxError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the run cannot be stopped")]
    Io(#[from] io::Error),
}

/// How long a job's `live.json` may stay unreadable.
const LIVE_RECORD_PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of a run may take to be recorded after all its processes have exited.
const END_RECORD_PATIENCE: Duration = Duration::from_secs(10);

/// Interval of the check whether a stopped (SIGSTOP) process blocks a run.
pub(crate) const STOPPED_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// First and longest interval of a poll for something that sends no event; doubled in between.
const STEP: Duration = Duration::from_millis(5);
const STEP_MAX: Duration = Duration::from_millis(80);

/// Stops the active run of `pair` with all its processes. Fails if its state is unknown or a process survives.
pub fn stop(store: &Store, pair: &Pair, how: StopKind) -> Result<Stopped, StopError> {
    let mut stopped = stop_pairs(store, std::slice::from_ref(pair), how)?;
    stopped.pop().unwrap_or_else(|| Err(not_processed()))
}

/// [`stop`] for many pairs at once; the results are in their order. Fails if the index cannot be used.
pub fn stop_pairs(store: &Store, pairs: &[Pair], how: StopKind) -> Result<Vec<Result<Stopped, StopError>>, StopError> {
    let ids = store.with_index(|index| {
        let active = pairs.iter().map(|pair| index.active_of(pair));
        Ok(active.collect::<Result<Vec<_>, _>>()?.concat())
    })?;
    let mut active: BTreeMap<Pair, Run> = BTreeMap::new();
    // In the order of their ids, so that the newest of a pair remains.
    for run in refresh::some(store, &ids)?.runs.into_iter().filter(Run::is_active) {
        active.insert(run.pair(), run);
    }
    let runs: Vec<Run> = pairs.iter().filter_map(|pair| active.get(pair).cloned()).collect();
    let mut stopped = stop_runs(store, &runs, how).into_iter();
    let each = pairs.iter().map(|pair| match active.contains_key(pair).then(|| stopped.next()).flatten() {
        Some(stopped) => stopped,
        None => Ok(Stopped::NotRunning(refresh::last_run(store, pair)?.map(Box::new))),
    });
    Ok(each.collect())
}

/// Stops observed runs and returns when no process of them is left; the results are in their order.
pub fn stop_runs(store: &Store, runs: &[Run], how: StopKind) -> Vec<Result<Stopped, StopError>> {
    stop_with(store, runs, how, WindowsThen::Close)
}

/// [`stop_runs`] before the same pairs are started anew: their windows stay open, dead, until the new ones replace
/// them, so that a session does not end in between.
pub(crate) fn stop_for_restart(store: &Store, runs: &[Run]) -> Vec<Result<Stopped, StopError>> {
    stop_with(store, runs, StopKind::Stop, WindowsThen::Keep)
}

/// How long a stop of this run may take.
pub(crate) fn longest(spec: &RunSpec) -> Duration {
    let engine = spec.kind.engine().map(engine_job::patience).unwrap_or_default();
    spec.stop_grace.as_duration() + END_RECORD_PATIENCE + engine
}

/// What to do with the windows of stopped runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WindowsThen {
    Close,
    Keep,
}

fn stop_with(store: &Store, runs: &[Run], how: StopKind, windows: WindowsThen) -> Vec<Result<Stopped, StopError>> {
    let mut all: Vec<RunStop> = runs.iter().map(|run| begin_stop(store, run)).collect();
    engine_job::check_answers(&mut all);
    for one in &mut all {
        one.attempt(|one| request(store, one, how));
    }
    // Otherwise each dead pane would start `__ended`; these ends are observed together below.
    for (socket, places) in windows_of(&all).into_iter().filter(|(_, places)| places.len() > 1) {
        let _ = Tmux::new(socket).unhook_panes(&guards(&all, &places));
    }
    if let Err(error) = end_processes(&mut all, how) {
        for one in all.iter_mut().filter(|one| one.goes_on()) {
            one.outcome = Some(Err(StopError::Io(io::Error::new(error.kind(), error.to_string()))));
        }
    }
    wait_for_jobs(store, &mut all, how);
    engine_job::wait_for_nodes(store, &mut all);
    await_dead_panes(store, &mut all);
    if windows == WindowsThen::Close {
        close_windows(&mut all);
    }
    conclude(store, &mut all);
    all.into_iter().map(|one| one.outcome.unwrap_or_else(|| Err(not_processed()))).collect()
}

/// For a run without a result, which is a fault of this program.
fn not_processed() -> StopError {
    StopError::Io(io::Error::other("the stop has no result for this run"))
}

fn begin_stop(store: &Store, run: &Run) -> RunStop {
    let folder = store.folder(run.id());
    let part = match (run.facts.form, &run.facts.executor) {
        (RunForm::Headless, Some(_)) => StopPart::EngineJob { is_cancelled: false },
        (RunForm::Headless, None) => StopPart::Job { signalled: false },
        (RunForm::Interactive, _) => StopPart::Window,
    };
    let (run, outcome) = (run.clone(), None);
    RunStop { run, folder, outcome, part, owner: None, signalled_group: None, survivors: Vec::new() }
}

/// Writes the stop request into the run folder, then signals a job's supervisor.
fn request(store: &Store, one: &mut RunStop, how: StopKind) -> Result<(), StopError> {
    if let RunState::Unknown(why) = &one.run.state {
        return Err(StopError::Unknown { pair: one.run.pair(), why: why.clone() });
    }
    if let StopPart::EngineJob { .. } = one.part {
        return engine_job::request(store, one, how);
    }
    let own = process::this()?;
    one.folder.request_stop(how != StopKind::Stop, (own.pid, own.start_time))?;
    match one.part {
        StopPart::Job { .. } => drop(advance_job(store, one, how, true)?),
        StopPart::Window if stop_waiting_window(store, &one.run, &one.folder, how)? => one.part = StopPart::Nothing,
        StopPart::Window => {
            one.run = with_pane(store, &one.run)?;
            // From the agent's own record, since a pid may be reused.
            one.owner = one.folder.read_live().ok().flatten().map(|live| live.owner);
        }
        StopPart::EngineJob { .. } | StopPart::Nothing => {}
    }
    Ok(())
}

/// Waits until each job has a recorded end: its supervisor writes it, or [`stuck`] does.
fn wait_for_jobs(store: &Store, all: &mut [RunStop], how: StopKind) {
    let begun = Stopwatch::start();
    let mut next_check = STOPPED_CHECK_INTERVAL;
    let mut step = STEP;
    for round in 1_u32.. {
        let mut waits = false;
        for one in all.iter_mut().filter(|one| one.goes_on() && matches!(one.part, StopPart::Job { .. })) {
            // The pair lock is tried each 8th round: it is free only if no process can write an end.
            let mut ended = false;
            one.attempt(|one| {
                ended = advance_job(store, one, how, round % 8 == 0)?;
                Ok(())
            });
            waits |= !ended && one.goes_on();
        }
        if !waits {
            return;
        }
        if begun.elapsed() > LIVE_RECORD_PATIENCE {
            for one in all.iter_mut().filter(|one| one.goes_on() && one.part == StopPart::Job { signalled: false }) {
                one.attempt(|one| one.folder.read_live().map(drop).map_err(|error| io::Error::other(error).into()));
            }
        }
        if begun.elapsed() > next_check {
            next_check += STOPPED_CHECK_INTERVAL;
            for one in all.iter_mut().filter(|one| one.goes_on() && matches!(one.part, StopPart::Job { .. })) {
                one.attempt(|one| stuck::end_for_supervisor(store, &one.run, &one.folder, how, begun.elapsed()));
            }
        }
        std::thread::sleep(step);
        step = (step * 2).min(STEP_MAX);
    }
}

/// Does the next step for a job. True once the job has ended, another run has its pair, or its supervisor is dead:
/// [`conclude`] then records the end.
fn advance_job(store: &Store, one: &mut RunStop, how: StopKind, try_pair: bool) -> Result<bool, StopError> {
    // A later run of the pair is not waited for.
    if one.folder.has_end() {
        return Ok(true);
    }
    let signalled = one.part == StopPart::Job { signalled: true };
    if try_pair || !signalled {
        match pair_lock::claim(store.state(), &one.run.pair())? {
            // Queued, and it cannot start while this command holds the lock; or its supervisor is dead.
            Claim::Taken(lock, _) => {
                if matches!(one.folder.read_queue(), Ok(Some(_)))
                    && matches!(one.folder.read_live(), Ok(None))
                    && !one.folder.has_end()
                {
                    one.folder.remove_queue()?;
                    store.write_end(&one.folder, &stopped_end(&one.run, how, EndReason::BeforeStart))?;
                }
                drop(lock);
                return Ok(true);
            }
            Claim::Held(Some(other)) if other != *one.run.id() => return Ok(true),
            Claim::Held(_) => {}
        }
    }
    // Without `live.json` it is starting: its supervisor reads the stop request after it wrote that file.
    if let (false, Ok(Some(live))) = (signalled, one.folder.read_live()) {
        executor::of(live.owner.executor()).signal(&live.owner, OwnerSignal::Soft(how))?;
        one.part = StopPart::Job { signalled: true };
        one.signalled_group = live.agent.map(|agent| agent.pid);
        one.owner = Some(live.owner);
    }
    Ok(false)
}

/// The end of a stopped run that has no supervisor to record it.
pub(crate) fn stopped_end(run: &Run, how: StopKind, reason: EndReason) -> ExitRecord {
    ExitRecord {
        interrupted: how != StopKind::Stop,
        ..ExitRecord::never_started(run.id().clone(), EndState::Stopped, reason, clock::now())
    }
}

/// Sets the outcome of each run, enters the ends in the index and advances the queue.
fn conclude(store: &Store, all: &mut [RunStop]) {
    let begun = Stopwatch::start();
    for one in all.iter_mut() {
        // The process that ended it has recorded the end; otherwise observing records it.
        while one.goes_on() {
            one.attempt(|one| {
                let run = refresh::one(store, one.run.id())?.ok_or_else(|| io::Error::other("its record is gone"))?;
                if run.is_active() && begun.elapsed() < END_RECORD_PATIENCE {
                    std::thread::sleep(STEP);
                    return Ok(());
                }
                one.outcome = Some(one.outcome_of(run));
                Ok(())
            });
        }
    }
    let ended: Vec<&Run> = all.iter().filter_map(RunStop::ended).collect();
    let note = |index: &Index| {
        ended
            .iter()
            .filter_map(|run| Some((run, run.end.as_ref()?)))
            .try_for_each(|(run, end)| index.finish(&run.facts, end))
    };
    // On failure the next observation enters them.
    let _ = store.index().and_then(|index| index.at_once(note));
    // A supervisor does this for its job. Nothing else does it for a window, a queued run or a killed supervisor.
    if !ended.is_empty() {
        queue::advance_quietly(store);
    }
}

/// Ends the remaining processes of all runs; without grace where the spec cannot be read. Fails if the process table
/// cannot be read.
fn end_processes(all: &mut [RunStop], how: StopKind) -> io::Result<()> {
    let places: Vec<usize> =
        (0..all.len()).filter(|at| all[*at].goes_on() && all[*at].part.has_processes_here()).collect();
    let tree = |at: &usize| {
        let one = &all[*at];
        let spec = one.folder.read_spec().ok().filter(|_| how != StopKind::Kill);
        RunTree {
            run: one.run.id(),
            form: one.run.facts.form,
            owner: one.owner.as_ref(),
            grace: spec.map(|spec| spec.stop_grace.as_duration()).unwrap_or_default(),
            signalled_group: one.signalled_group,
        }
    };
    let trees: Vec<RunTree<'_>> = places.iter().map(tree).collect();
    // Windows and jobs together: all of them have their processes on this machine.
    let survivors = executor::of(ExecutorName::Local).end_trees(&trees)?;
    for (at, survivors) in places.into_iter().zip(survivors) {
        all[at].survivors = survivors;
    }
    Ok(())
}

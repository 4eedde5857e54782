//! Records what `observe` found: ends of dead runs, damaged records, leftover rows.
//!
//! An end is written under the pair lock and after a second probe has confirmed it: any number of commands may do it
//! at once. The run's remaining processes are ended first.

use std::io;
use std::time::Duration;

use crate::executor::Leftovers;
use crate::lifecycle::launch::submit;
use crate::lifecycle::notify;
use crate::lifecycle::observe::run_answer;
use crate::lifecycle::observe::{self, Observation, Observations, OverRun, PaneListings, SettledRun};
use crate::lifecycle::store::{Observed, Store};
use crate::model::answer_record::AnswerRecord;
use crate::model::end_reason::EndReason;
use crate::model::exit::Exit;
use crate::model::exit_record::{EXIT_VERSION, ExitRecord};
use crate::model::live_record::LiveRecord;
use crate::model::run::{Run, RunFacts};
use crate::model::run_form::RunForm;
use crate::model::run_state::{EndState, RunState};
use crate::model::usage::Usage;
use crate::os::clock;
use crate::plan::observed_state::{self, COMMAND_PATIENCE, InferredEnd};
use crate::store::index::{Index, IndexError};
use crate::store::pair_lock::{self, Claim};
use crate::store::record_file::RecordError;

/// A window that took its environment file writes `live.json` within this time, or never.
const TAKEN_AND_SILENT: Duration = Duration::from_secs(3);

/// Records the observations. Returns the resulting runs in the order of their ids.
pub(crate) fn write_down(store: &Store, seen: Observations) -> Result<Observed, IndexError> {
    let Observations { mut runs, mut notices, over, mut listings, .. } = seen;
    let index = store.index()?;
    for id in &seen.leftovers {
        store.folder(id).clear_unmade();
        index.remove(id)?;
    }
    for id in &seen.damaged_specs {
        let folder = store.folder(id);
        if let Err(error @ RecordError::Damaged { .. }) = folder.read_spec() {
            notices.push(folder.set_aside(&error));
            index.remove(id)?;
        }
    }
    for (folder, error) in &seen.damaged_ends {
        // Another command may have set it aside and written the end.
        if matches!(folder.read_exit(), Err(RecordError::Damaged { .. })) {
            let path = folder.set_end_aside()?;
            notices.push(format!("{error}; set aside as `{}`", path.display()));
        }
    }
    for run in &runs {
        note_end(store, &index, run)?;
    }
    for spec in &seen.accepted {
        submit::accept(store, &store.folder(&spec.run_id), spec)?;
    }
    let mut leftovers = Leftovers::default();
    for run in over {
        let run = resolve(store, run, &mut listings, &mut leftovers)?;
        note_end(store, &index, &run)?;
        runs.push(run);
    }
    runs.sort_by(|a, b| a.id().cmp(b.id()));
    Ok(Observed { runs, notices })
}

/// Enters a recorded end in the index and notifies the user.
fn note_end(store: &Store, index: &Index, run: &Run) -> Result<(), IndexError> {
    let Some(end) = &run.end else { return Ok(()) };
    notify::raise_end(store, &run.facts, end);
    index.finish(&run.facts, end)
}

/// Writes the end of a run. If the run has changed (left the queue, opened its window), observes it again.
fn resolve(
    store: &Store,
    run: OverRun,
    listings: &mut PaneListings,
    leftovers: &mut Leftovers,
) -> Result<Run, IndexError> {
    let OverRun { mut observation, mut observed, since } = run;
    loop {
        let (end, ends_tree) = match observed {
            SettledRun::Is(run) => return Ok(*run),
            SettledRun::Over { end, ends_tree } => (end, ends_tree),
            SettledRun::SubmitAgain => return resubmit(store, &observation),
        };
        let reaped = reap(store, &observation, &end, since.elapsed() > TAKEN_AND_SILENT, |run| {
            // The screen first: ending processes may print on it.
            keep_screen(run, listings);
            if ends_tree { leftovers.end(&run.spec.run_id) } else { Ok(Vec::new()) }
        })?;
        if let Some(run) = reaped {
            return Ok(run);
        }
        *leftovers = Leftovers::default();
        let has_window = observation.probe.window.is_some();
        let otherwise = if has_window { observed_state::unsettled() } else { RunState::Starting };
        let patience = (since, COMMAND_PATIENCE);
        if let Some(run) = observe::probe_again(store, &mut observation, listings, patience, otherwise) {
            return Ok(run);
        }
        observed = observe::settle(store, &mut observation, listings, since);
    }
}

/// Hands a run to its engine once more.
fn resubmit(store: &Store, observation: &Observation) -> Result<Run, IndexError> {
    let (folder, spec) = (&observation.folder, &observation.spec);
    if let Err(error) = submit::submit_again(store, folder, spec) {
        tracing::warn!(%error, run = %spec.run_id, "the run cannot be submitted again");
    }
    let facts = RunFacts::of(spec);
    Ok(match folder.read_exit() {
        Ok(Some(end)) => Run::ended(facts, end),
        _ => observation.run(facts, RunState::Starting),
    })
}

/// Writes the end of a run under its pair lock, after `end_processes`, which returns the pids that survive. `None` if
/// the run has changed.
fn reap(
    store: &Store,
    run: &Observation,
    over: &InferredEnd,
    out_of_patience: bool,
    end_processes: impl FnOnce(&Observation) -> io::Result<Vec<u32>>,
) -> Result<Option<Run>, IndexError> {
    let id = &run.spec.run_id;
    let lock = match pair_lock::claim(store.state(), &run.spec.pair())? {
        Claim::Taken(lock, last) => Some((lock, last)),
        // A command that holds the pair for another run does not write this one's end.
        Claim::Held(Some(other)) if other != *id => None,
        Claim::Held(_) => return Ok(None),
    };
    // Change the lock's name only if it is this run's: the id of a later run must remain.
    let ours = lock.as_ref().filter(|(_, last)| last.as_ref().is_none_or(|last| last == id)).map(|(lock, _)| lock);
    if let Some(lock) = ours {
        // A starting command must not mistake this hold for the run and join it.
        lock.unname()?;
    }
    let end = match run.folder.read_exit() {
        Ok(Some(end)) => Some(end),
        // If the starting command was killed, its tmux client may still open the window. If the environment file
        // cannot be removed here, the window has taken it: wait for its `live.json`.
        Ok(None)
            if run.probe.form.has_window()
                && run.probe.live.is_none()
                && !run.folder.withdraw_environment(&run.spec)
                && !out_of_patience =>
        {
            None
        }
        // A node may have taken it since it was observed. If no engine was asked, none has: a command that died after it
        // had removed the file has left the run.
        Ok(None)
            if run.probe.engine.is_some()
                && never_ran(over)
                && !run.folder.withdraw_environment(&run.spec)
                && run.folder.was_submitted() =>
        {
            None
        }
        Ok(None) if still_holds(store, run) => {
            let survivors = end_processes(run)?;
            Some(store.write_end(&run.folder, &exit_record(run, over, survivors))?)
        }
        _ => None,
    };
    if let Some(lock) = ours {
        lock.name(id)?;
    }
    drop(lock);
    if end.is_some() {
        close_window(run);
    }
    Ok(end.map(|end| Run::ended(RunFacts::of(&run.spec), end)))
}

/// Whether an end says that no process of the run has started.
fn never_ran(over: &InferredEnd) -> bool {
    matches!(over.reason, Some(EndReason::NeverStarted(_)))
}

/// Probes again: a queued run may have been started. The lock is not compared, since this command may hold it.
fn still_holds(store: &Store, run: &Observation) -> bool {
    let now = observe::probe(store, &run.folder, &run.spec);
    now.live == run.probe.live && now.queued == run.probe.queued
}

fn exit_record(run: &Observation, over: &InferredEnd, survivors: Vec<u32>) -> ExitRecord {
    let live = run.probe.live.as_ref();
    let now = clock::now();
    let died = run.pane.as_ref().and_then(|pane| pane.dead).and_then(|dead| dead.time);
    let ended_at = died.and_then(|at| jiff::Timestamp::from_second(at).ok()).unwrap_or(now);
    let started_at = live.map(|live| run.started(live.started_at));
    let answered = live.and_then(|live| live.answered.as_ref());
    let (answer, usage) = match run.probe.form {
        RunForm::Headless => run_answer::of_lost(&run.spec, &run.folder, answered),
        RunForm::Interactive => (AnswerRecord::default(), Usage { session_id: conversation(run), ..Usage::default() }),
    };
    ExitRecord {
        version: EXIT_VERSION,
        run_id: run.spec.run_id.clone(),
        state: over.state,
        reason: setup_failure(run, over).or_else(|| over.reason.clone()),
        exit: over.exit,
        interrupted: false,
        started_at,
        ended_at,
        duration_ms: started_at.map_or(0, |start| clock::millis_between(start, ended_at)),
        attempt: live.map_or(0, |live| live.attempt),
        usage,
        log_bytes: run.folder.log_bytes(),
        survivors,
        limits: live.and_then(|live| live.limits),
        pid: live.and_then(LiveRecord::pid),
        node: run.node(),
        answer,
    }
}

/// If a window failed before its agent started: why its worktree could not be set up.
fn setup_failure(run: &Observation, over: &InferredEnd) -> Option<EndReason> {
    let has_failed = over.state == EndState::Failed && over.exit == Exit::code(125) && run.probe.form.has_window();
    let line = run.folder.read_setup_failure().filter(|_| has_failed)?;
    Some(EndReason::SetupFailed { error: Some(line), log: None })
}

/// The last conversation that the agent reported (`/clear` begins a new one), if it has a transcript: without one it
/// cannot be resumed. Otherwise the first one.
fn conversation(run: &Observation) -> Option<String> {
    let told = run.folder.read_agent().ok().flatten();
    let kept = told.filter(|told| told.transcript.as_ref().is_some_and(|transcript| transcript.is_file()));
    kept.map(|told| told.session_id).or_else(|| run.spec.session_id.clone())
}

/// Saves the last screen of a dead window in the run folder.
fn keep_screen(run: &Observation, listings: &mut PaneListings) {
    let (Some(pane), Some(tmux)) = (&run.pane, run.tmux()) else { return };
    let listed = listings.by_socket.get_mut(tmux.socket()).and_then(|listed| listed.as_mut().ok());
    let read_before = listed.and_then(|listed| listed.screen(&run.spec.run_id, &tmux, &listings.observed));
    let screen = read_before.or_else(|| tmux.capture(&pane.pane_id, &run.spec.run_id).ok().flatten());
    if let Some(screen) = screen {
        let _ = run.folder.write_new(&run.folder.screen(), screen.as_bytes());
    }
}

fn close_window(run: &Observation) {
    let cleans_up = run.spec.kind.window().is_some_and(|window| window.cleanup_on_exit);
    if let (true, Some(pane), Some(tmux)) = (cleans_up, &run.pane, run.tmux()) {
        let _ = tmux.kill_panes(&[(pane.pane_id.as_str(), &run.spec.run_id)]);
    }
}

//! Starts many runs at once: one transaction for their rows, one tmux call for their windows, one submission
//! for their jobs. Each run has the result that a single start would give.

use crate::executor::{self, PreparedJob};
use crate::lifecycle::launch;
use crate::lifecycle::launch::freshness;
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::reserve::{self, NextStep, Reserved};
use crate::lifecycle::launch::start;
use crate::lifecycle::launch::start::{Queueing, StartError, Started};
use crate::lifecycle::launch::submit;
use crate::lifecycle::launch::unrecorded;
use crate::lifecycle::launch::window;
use crate::lifecycle::notify;
use crate::lifecycle::store::Store;
use crate::model::owner::ExecutorName;
use crate::model::run::Run;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::RunState;
use crate::os::process::supervise;
use crate::os::tmux::{Tmux, TmuxError, WarmClient};
use crate::plan::freshness::Freshness;
use crate::store::pair_lock::{self, Claim, PairLock};
use crate::store::run_folder::RunFolder;

/// Runs that are recorded before they are started; if the command is killed, at most these are lost.
const CHUNK: usize = 20;

type StartResult = Result<Started, StartError>;

/// Starts each of `all` (run, force) as [`start::start`] would and returns the results in their order. The caller
/// must advance the queue once afterwards.
pub(crate) fn start_many(store: &Store, all: &[(Prepared, bool)]) -> Vec<StartResult> {
    let mut outcomes = Vec::with_capacity(all.len());
    let mut rest = all;
    // Alone, since the first window may have to create the tmux session.
    if let Some(((first, force), after)) = all.split_first()
        && first.kind.form().has_window()
    {
        outcomes.push(start::start(store, first, *force, Queueing::Allowed, &mut None));
        rest = after;
    }
    for chunk in rest.chunks(CHUNK) {
        outcomes.extend(start_chunk(store, chunk));
    }
    outcomes
}

fn start_chunk(store: &Store, chunk: &[(Prepared, bool)]) -> Vec<StartResult> {
    let mut outcomes: Vec<Option<StartResult>> = chunk.iter().map(|_| None).collect();
    let (mut claimed, mut worktrees) = (Vec::new(), Vec::new());
    for (at, (prepared, force)) in chunk.iter().enumerate() {
        match claim_at_once(store, prepared, *force) {
            Some(lock) => match reserve::share_worktree(store, prepared) {
                Ok(worktree) => {
                    worktrees.push(worktree);
                    claimed.push((at, lock));
                }
                Err(error) => outcomes[at] = Some(Err(error)),
            },
            // The start may have to wait, search or skip: use the path of a single start.
            None => outcomes[at] = Some(start::start(store, prepared, *force, Queueing::Allowed, &mut None)),
        }
    }
    let ready = claimed.iter().find_map(|(at, _)| Tmux::new(chunk[*at].0.kind.window()?.socket.clone()).warm_client());
    let mut standing = Vec::new();
    match store.index() {
        Ok(index) => {
            let place = |(at, lock): (usize, PairLock)| {
                (at, reserve::reserve(store, &index, &chunk[at].0, lock, start::parent(), Queueing::Allowed))
            };
            let placed = index.at_once(|_| Ok::<_, StartError>(claimed.into_iter().map(place).collect::<Vec<_>>()));
            // Rows before records: a record without a row is not found.
            for (at, placed) in placed.unwrap_or_default() {
                let furnished = placed.and_then(|placed| {
                    placed.map(|placed| launch::write_records(store, &index, &chunk[at].0, placed)).transpose()
                });
                match furnished {
                    Ok(Some(reserved)) => standing.push((at, reserved)),
                    Ok(None) => outcomes[at] = Some(Ok(Started::NoSlot)),
                    Err(error) => outcomes[at] = Some(Err(error)),
                }
            }
        }
        Err(error) => tracing::warn!(%error, "runs are started one by one"),
    }
    for (at, outcome) in launch_many(store, standing, ready) {
        outcomes[at] = Some(outcome);
    }
    // Every run is started or ended now, so `clean` sees which worktrees are in use.
    drop(worktrees);
    let one = |(outcome, (prepared, force)): (Option<StartResult>, &(Prepared, bool))| {
        outcome.unwrap_or_else(|| start::start(store, prepared, *force, Queueing::Allowed, &mut None))
    };
    outcomes.into_iter().zip(chunk).map(one).collect()
}

/// The pair lock, if the run can be started or queued without a wait, a search or a freshness skip.
fn claim_at_once(store: &Store, prepared: &Prepared, force: bool) -> Option<PairLock> {
    let search = unrecorded::search_of(&prepared.kind);
    if !store.state().is_searched(search)
        || prepared.conditions.exclusive
        // The runs of an engine are counted, which needs those before them on record.
        || prepared.kind.engine().is_some_and(|executor| executor.max_jobs.is_some())
        || start::check_depth(store, start::parent().as_ref()).is_err()
    {
        return None;
    }
    let Ok(Claim::Taken(lock, last)) = pair_lock::claim(store.state(), &prepared.pair) else { return None };
    let fresh = || matches!(freshness::of(store, prepared), Ok(Some((_, Freshness::UpToDate))) | Err(_));
    let may_skip = !force && prepared.conditions.after.is_empty();
    let free = start::check_as_planned(store, prepared, last.clone()).is_ok()
        && start::unfinished(store, prepared, last).is_ok_and(|runs| runs.is_empty())
        && !(may_skip && fresh());
    free.then_some(lock)
}

fn launch_many(
    store: &Store,
    reserved: Vec<(usize, Reserved)>,
    ready: Option<WarmClient>,
) -> Vec<(usize, StartResult)> {
    let mut outcomes = Vec::new();
    let (mut windows, mut jobs) = (Vec::new(), Vec::new());
    for (at, reserved) in reserved {
        match reserved.next {
            NextStep::Window => windows.push((at, reserved)),
            NextStep::Queue(..) => outcomes.push((at, launch::launch(store, reserved, None).map(new))),
            NextStep::Job(_) => jobs.push((at, reserved)),
        }
    }
    for name in ExecutorName::ALL {
        let own = jobs.extract_if(.., |(_, one)| one.spec.kind.executor() == name).collect();
        outcomes.extend(launch_jobs(store, name, own));
    }
    outcomes.extend(launch_windows(store, windows, ready));
    outcomes
}

fn launch_jobs(store: &Store, name: ExecutorName, jobs: Vec<(usize, Reserved)>) -> Vec<(usize, StartResult)> {
    let mut outcomes = Vec::new();
    let (mut runs, mut prepared) = (Vec::new(), Vec::new());
    for (at, reserved) in jobs {
        let run = starting(&reserved);
        let Reserved { folder, spec, lock, next, .. } = reserved;
        let slot = match next {
            NextStep::Job(slot) => slot,
            NextStep::Window | NextStep::Queue(..) => None,
        };
        let intended = submit::make_worktree(&folder, &spec).and_then(|()| Ok(submit::intend(&folder, &spec)?));
        let job = intended.and_then(|()| Ok(PreparedJob::new(&folder, &spec, lock, slot)?));
        match job {
            Ok(job) => {
                runs.push((at, run, folder, spec));
                prepared.push(job);
            }
            Err(error) => outcomes.push((at, given_up(store, run, &folder, &spec, error))),
        }
    }
    let submitted = executor::of(name).submit(prepared);
    let each = runs.into_iter().zip(submitted);
    outcomes.extend(each.map(|((at, run, folder, spec), submission)| {
        let result = match submit::answered(&folder, &spec, submission) {
            Ok(()) => Ok(new(run)),
            Err(error) => given_up(store, run, &folder, &spec, error),
        };
        (at, result)
    }));
    outcomes
}

fn given_up(store: &Store, run: Run, folder: &RunFolder, spec: &RunSpec, error: StartError) -> StartResult {
    let is_given_up = launch::give_up(store, None, folder, spec, &run.facts, &error)?;
    if is_given_up || spec.kind.engine().is_none() { Err(error) } else { Ok(new(run)) }
}

fn launch_windows(
    store: &Store,
    windows: Vec<(usize, Reserved)>,
    ready: Option<WarmClient>,
) -> Vec<(usize, StartResult)> {
    let Some((_, first)) = windows.first() else { return Vec::new() };
    let Some(socket) = first.spec.kind.window().map(|window| window.socket.clone()) else { return Vec::new() };
    let tmux = Tmux::new(socket.clone());
    let made = supervise::own_program().map_err(StartError::from).and_then(|program| {
        store.state().hint_windows(Some(&socket));
        let previous = windows
            .iter()
            .map(|(_, one)| window::previous_pane(store, &one.spec.pair(), &one.spec.run_id))
            .collect::<Result<Vec<_>, _>>()?;
        let bell_word = notify::bell_word(store);
        let labels: Vec<String> = windows.iter().map(|(_, one)| one.spec.pair().window_name()).collect();
        let requests: Vec<_> = windows
            .iter()
            .zip(&labels)
            .zip(&previous)
            .filter_map(|(((_, one), label), previous)| {
                window::window_request(&one.folder, &one.spec, label, &program, previous.as_ref(), bell_word)
            })
            .collect();
        Ok(tmux.create_many(&requests, ready)?)
    });
    let mut made = match made {
        Ok(made) => made,
        // No retry per window: each would wait for the unresponsive tmux server.
        Err(error) => {
            let words = error.to_string();
            let fail = |(at, one): (usize, Reserved)| {
                let error = TmuxError::Unknown { command: "new-window".to_owned(), stderr: words.clone() };
                let error = StartError::from(error);
                let given_up = launch::give_up(store, None, &one.folder, &one.spec, &one.facts, &error);
                (at, Err(given_up.map_or_else(StartError::from, |_| error)))
            };
            return windows.into_iter().map(fail).collect();
        }
    };
    let finish = |(at, reserved): (usize, Reserved)| match made.remove(&reserved.spec.run_id) {
        Some(created) => {
            window::note_window(&reserved.folder, &created);
            let mut run = starting(&reserved);
            drop(reserved.lock);
            run.progress.pane = Some(created.pane_id);
            run.progress.window = Some(created.window_id);
            (at, Ok(new(run)))
        }
        None => (at, launch::launch(store, reserved, None).map(new)),
    };
    windows.into_iter().map(finish).collect()
}

fn starting(reserved: &Reserved) -> Run {
    Run::active(reserved.facts.clone(), RunState::Starting)
}

fn new(run: Run) -> Started {
    Started::New(Box::new(run))
}

//! From a claimed pair to a run: its records, then its window, its supervisor, or its place in
//! the queue.

use std::io;
use std::path::Path;

use crate::model::end_reason::EndReason;
use crate::model::exit::Exit;
use crate::model::exit_record::ExitRecord;
use crate::model::names::Pair;
use crate::model::queue_record::QueueRecord;
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_spec::{RunKind, RunSpec, SPEC_VERSION};
use crate::model::run_state::{EndState, RunState, WaitingFor};
use crate::model::started_by::StartedBy;
use crate::model::window_record::WindowRecord;
use crate::runner::drift;
use crate::runner::notify;
use crate::runner::prepare::Prepared;
use crate::runner::queue;
use crate::runner::readiness;
use crate::runner::readiness::Readiness;
use crate::runner::refresh;
use crate::runner::start::{Queueing, StartError, Started};
use crate::runner::store::Store;
use crate::system::clock;
use crate::system::environment;
use crate::system::git;
use crate::system::ids;
use crate::system::process::{self, supervise};
use crate::system::store::index::{Index, IndexError};
use crate::system::store::pair_lock::PairLock;
use crate::system::store::run_folder::RunFolder;
use crate::system::store::slots::{self, Slot};
use crate::system::store::state_dir::{FoldersLock, WorktreeLock};
use crate::system::tmux::{CreateWindow, Created, Tmux, WarmClient};

/// A run whose records stand and whose pair is held: it is left to start it, or to queue it.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) folder: RunFolder,
    pub(super) spec: RunSpec,
    pub(super) facts: RunFacts,
    pub(super) lock: PairLock,
    pub(super) next: Next,
}

/// What becomes of a reserved run.
#[derive(Debug)]
pub(super) enum Next {
    Window,
    /// With its slot; a run nested in a job may go without one.
    Job(Option<Slot>),
    Queue(WaitingFor, Option<String>),
}

/// The pair is ours and nothing of it runs.
pub(super) fn begin(
    store: &Store,
    prepared: &Prepared,
    lock: PairLock,
    parent: Option<RunId>,
    queueing: Queueing<'_>,
) -> Result<Started, StartError> {
    // Until the run stands: nobody takes its worktree away.
    let worktree = share_worktree(store, prepared)?;
    // And who is given the folder is decided by one at a time.
    let folders = lock_folders(store, prepared.conditions.exclusive)?;
    let index = store.index()?;
    // It reaches its server while the run's records are written.
    let ready = match &prepared.kind {
        RunKind::Interactive { socket, .. } => {
            store.take_warm_client().or_else(|| Tmux::new(socket.clone()).warm_client())
        }
        RunKind::Headless { .. } => None,
    };
    let Some(placed) = place(store, &index, prepared, lock, parent, queueing)? else { return Ok(Started::NoSlot) };
    let reserved = furnish(store, &index, prepared, placed)?;
    drop(index);
    let run = launch(store, reserved, ready)?;
    drop((folders, worktree));
    if matches!(run.state, RunState::Queued(_)) {
        // What it waits for may have come between our look and its place in the queue.
        queue::advance_quietly(store);
        return Ok(Started::New(Box::new(refresh::one(store, run.id())?.unwrap_or(run))));
    }
    Ok(Started::New(Box::new(run)))
}

/// Keeps `clean` from the worktree that the run is to work in, if it is one.
pub(super) fn share_worktree(store: &Store, prepared: &Prepared) -> Result<Option<WorktreeLock>, StartError> {
    let path = match &prepared.worktree {
        Some(worktree) => Some(worktree.path.clone()),
        None => git::linked_worktree_of(&prepared.cwd),
    };
    if path.is_some() {
        // Who takes a worktree away looks at all runs, and may have to rebuild the index.
        store.close_index();
    }
    let lock = path.map(|path| store.state().share_worktree(&git::resolved(&path))).transpose()?;
    // It may have gone between the look that prepared the run and the lock.
    if prepared.worktree.is_none() && !prepared.cwd.is_dir() {
        return Err(StartError::FolderGone(prepared.cwd.clone()));
    }
    Ok(lock)
}

pub(super) fn lock_folders(store: &Store, exclusive: bool) -> io::Result<Option<FoldersLock>> {
    if exclusive {
        // Who has the lock may have to rebuild the index, and would wait for us.
        store.close_index();
    }
    exclusive.then(|| store.state().lock_folders()).transpose()
}

/// Gives a run its id, folder and row. `None` where it would have to be queued and must not be.
pub(super) fn place(
    store: &Store,
    index: &Index,
    prepared: &Prepared,
    lock: PairLock,
    parent: Option<RunId>,
    queueing: Queueing<'_>,
) -> Result<Option<Reserved>, StartError> {
    let next = what_next(store, index, prepared, parent.as_ref())?;
    if let Queueing::Never { after_failure_of } = queueing {
        let waits = matches!(next, Next::Queue(WaitingFor::Slot, _));
        // Checked after the slot was taken.
        if waits || after_failure_of.iter().any(|id| has_failed(store, id)) {
            return Ok(None);
        }
    }
    let waiting = match &next {
        Next::Queue(waiting, _) => Some(*waiting),
        Next::Window | Next::Job(_) => None,
    };
    let id = next_id(store, index, &prepared.pair, &lock)?;
    lock.name(&id)?;
    let folder = RunFolder::create(store.state().run(&id))?;
    let spec = spec(store, prepared, id, &folder, parent, waiting.is_some())?;
    let facts = RunFacts::of(&spec);
    // Open until the spec stands: an index that is rebuilt meanwhile would miss the run.
    index.insert(&facts, waiting)?;
    Ok(Some(Reserved { folder, spec, facts, lock, next }))
}

fn has_failed(store: &Store, id: &RunId) -> bool {
    matches!(store.folder(id).read_exit(), Ok(Some(end)) if end.state != EndState::Succeeded)
}

/// The id of the pair's next run: greater than that of its last one, whatever the clock says. Also
/// greater than that of every other run where such an id is left, since the queue is in their order.
fn next_id(store: &Store, index: &Index, pair: &Pair, lock: &PairLock) -> Result<RunId, StartError> {
    // The name in the lock outlives a run that was pruned. One that is no ULID is damage: no run had it.
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

/// Writes the records of a run that has its place.
pub(super) fn furnish(
    store: &Store,
    index: &Index,
    prepared: &Prepared,
    placed: Reserved,
) -> Result<Reserved, StartError> {
    match write_folder(prepared, &placed.folder, &placed.spec) {
        Ok(()) => Ok(placed),
        Err(error) => {
            give_up(store, Some(index), &placed.folder, &placed.spec, &placed.facts, &error)?;
            Err(error.into())
        }
    }
}

fn what_next(store: &Store, index: &Index, prepared: &Prepared, parent: Option<&RunId>) -> Result<Next, StartError> {
    let headless = matches!(prepared.kind, RunKind::Headless { .. });
    match readiness::of(store, index, &prepared.conditions, headless, &prepared.cwd, None)? {
        Readiness::Ready => {}
        Readiness::Waits { waiting_for, about } => return Ok(Next::Queue(waiting_for, about)),
        // Whoever moves the queue ends it, and what waits for it.
        Readiness::Never(_) => return Ok(Next::Queue(WaitingFor::Need, None)),
    }
    let RunKind::Headless { slots, .. } = &prepared.kind else { return Ok(Next::Window) };
    let nested = is_nested(store, parent);
    let slot = match nested || !others_wait(store, index, *slots)? {
        true => slots::take(store.state(), *slots)?,
        false => None,
    };
    Ok(match slot {
        None if !nested => Next::Queue(WaitingFor::Slot, None),
        slot => Next::Job(slot),
    })
}

/// A run nested in a job never waits for a slot: its caller holds one and may wait for it.
pub(super) fn is_nested(store: &Store, parent: Option<&RunId>) -> bool {
    parent.is_some_and(|id| store.folder(id).read_spec().is_ok_and(|spec| spec.is_headless()))
}

/// Starts a reserved run, or writes down what it waits for.
pub(super) fn launch(store: &Store, reserved: Reserved, ready: Option<WarmClient>) -> Result<Run, StartError> {
    let Reserved { folder, spec, facts, lock, next } = reserved;
    let mut run = Run::active(facts, RunState::Starting);
    let launched = match next {
        Next::Queue(waiting_for, about) => {
            run.state = RunState::Queued(waiting_for);
            run.progress.waits.clone_from(&about);
            let record = QueueRecord::new(waiting_for, about, clock::now());
            let queued = folder.write_queue(&record).map(|()| drop(lock)).map_err(StartError::from);
            if queued.is_ok() && waiting_for == WaitingFor::Gate {
                // Who started it may not look at it any more.
                notify::tell_gate(store, &run.facts);
            }
            queued
        }
        Next::Job(slot) => {
            supervise::start(folder.path(), lock.into_file(), slot.map(Slot::into_file)).map_err(StartError::from)
        }
        Next::Window => open_window(store, &folder, &spec, ready).map(|created| {
            // Under the lock: who finds the pair free must find no run that waits for it.
            let _ = folder.remove_queue();
            drop(lock);
            run.progress.pane = Some(created.pane_id);
            run.progress.window = Some(created.window_id);
        }),
    };
    match launched {
        Ok(()) => Ok(run),
        Err(error) => {
            give_up(store, None, &folder, &spec, &run.facts, &error)?;
            Err(error)
        }
    }
}

/// Ends a run that could not be started. Whoever has the environment is the run: with it in
/// our hands nobody starts any more. Without, a window may have come up late: looking tells.
pub(super) fn give_up(
    store: &Store,
    index: Option<&Index>,
    folder: &RunFolder,
    spec: &RunSpec,
    facts: &RunFacts,
    why: &dyn std::fmt::Display,
) -> Result<(), IndexError> {
    if folder.withdraw_environment(spec) {
        let reason = EndReason::NeverStarted(Some(why.to_string()));
        let never = ExitRecord::never_started(spec.run_id.clone(), EndState::Failed, reason, clock::now());
        let end = ExitRecord { exit: Exit::code(125), ..never };
        let _ = store.write_end(folder, &end);
        // Opened a second time, it would wait for ourselves.
        let _ = match index {
            Some(index) => index.finish(facts, &end),
            None => store.index()?.finish(facts, &end),
        };
    }
    Ok(())
}

/// Whether older runs wait for slots that this one would take. A run whose dependency has just ended waits
/// for a slot too, although its record does not say so yet.
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
                || readiness::of(store, index, &spec.conditions, true, &spec.cwd, Some(&rival.id))? == Readiness::Ready)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn spec(
    store: &Store,
    prepared: &Prepared,
    run_id: RunId,
    folder: &RunFolder,
    parent: Option<RunId>,
    queued: bool,
) -> io::Result<RunSpec> {
    let mut launch = prepared.launch.clone();
    if parent.is_some() && launch.started_by == Some(StartedBy::Cli) {
        launch.started_by = Some(StartedBy::Run);
    }
    Ok(RunSpec {
        version: SPEC_VERSION,
        mode: prepared.pair.mode.clone(),
        task: prepared.pair.task.clone(),
        created_at: clock::now(),
        folder: folder.id()?,
        host_boot: store.host_boot().clone(),
        // Memory that goes with the last log-out is no place for a run that may wait longer.
        environment: match queued {
            true => folder.path().join("env"),
            false => environment::waiting_place(folder.path(), run_id.as_str()),
        },
        umask: supervise::current_umask(),
        prompt_given: prepared.given.is_some(),
        parent_run: parent,
        declared: Some(drift::declared(prepared, &run_id)),
        run_id,
        launch,
    })
}

fn write_folder(prepared: &Prepared, folder: &RunFolder, spec: &RunSpec) -> io::Result<()> {
    if let Some(prompt) = &prepared.prompt {
        folder.write_new(&folder.prompt(), prompt)?;
    }
    if let Some(given) = &prepared.given {
        folder.write_new(&folder.given(), given)?;
    }
    let mut environment = prepared.environment.clone();
    for (name, value) in [
        ("DISPATCH_RUN_ID", spec.run_id.as_str()),
        ("DISPATCH_MODE", spec.mode.as_str()),
        ("DISPATCH_TASK", spec.task.as_str()),
    ] {
        environment.insert(name.into(), value.into());
    }
    environment.insert("DISPATCH_MANIFEST".into(), spec.manifest.clone().into_os_string());
    environment::hand_over(&spec.environment, &environment)?;
    folder.write_spec(spec)
}

fn open_window(
    store: &Store,
    folder: &RunFolder,
    spec: &RunSpec,
    ready: Option<WarmClient>,
) -> Result<Created, StartError> {
    let RunKind::Interactive { socket, .. } = &spec.kind else {
        return Err(io::Error::other("a job has no window").into());
    };
    let program = supervise::own_program()?;
    let pair = spec.pair();
    let previous = previous_pane(store, &pair, &spec.run_id)?;
    store.state().hint_windows(Some(socket));
    let label = pair.window_name();
    let request = window_of(folder, spec, &label, &program, previous.as_ref(), notify::bell_word(store))
        .ok_or_else(|| io::Error::other("a job has no window"))?;
    let created = Tmux::new(socket.clone()).create_window(&request, ready)?;
    note_window(folder, &created);
    Ok(created)
}

/// The dead window of the pair's last run, which the new one replaces.
pub(super) fn previous_pane(
    store: &Store,
    pair: &Pair,
    current: &RunId,
) -> Result<Option<(String, RunId)>, IndexError> {
    let previous = store.index()?.of_pair(pair)?.into_iter().find(|id| id != current);
    Ok(previous.and_then(|id| {
        let window = store.folder(&id).read_window().ok().flatten()?;
        Some((window.pane, id))
    }))
}

/// The window of an interactive run; `previous` is the pane it replaces once that is dead.
pub(super) fn window_of<'a>(
    folder: &'a RunFolder,
    spec: &'a RunSpec,
    label: &'a str,
    program: &'a Path,
    previous: Option<&'a (String, RunId)>,
    bell_word: Option<&'a str>,
) -> Option<CreateWindow<'a>> {
    let RunKind::Interactive { session, .. } = &spec.kind else { return None };
    Some(CreateWindow {
        session,
        label,
        program,
        run: &spec.run_id,
        run_folder: folder.path(),
        replace: previous.map(|(pane, run)| (pane.as_str(), run)),
        ended_word: Some("__ended"),
        bell_word,
    })
}

pub(super) fn note_window(folder: &RunFolder, created: &Created) {
    let record = WindowRecord {
        version: 1,
        server: process::identify(created.server_pid).ok(),
        server_pid: created.server_pid,
        server_start: created.server_start,
        pane: created.pane_id.clone(),
        window: created.window_id.clone(),
    };
    // Advisory: the window stands, with this record or without.
    if let Err(error) = folder.write_window(&record) {
        tracing::warn!(%error, "where the window is could not be noted");
    }
}

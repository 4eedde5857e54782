//! Finds, by their processes, runs whose state folder was removed while they ran ([`UnrecordedRun`]), so that no second
//! agent of a pair is started and `stop` can end them. Processes are searched only once for a new state folder.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::executor::{self, OwnerSignal, RunTree};
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::start::StartError;
use crate::lifecycle::project::Project;
use crate::lifecycle::stop::stuck::SUPERVISOR_PATIENCE;
use crate::lifecycle::store::Store;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::owner::{ExecutorName, Owner};
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_spec::RunKind;
use crate::model::stop_kind::StopKind;
use crate::os::clock::Stopwatch;
use crate::os::process;
use crate::os::process::traces::{self, MarkedProcess, RunTraces, Supervisor};
use crate::os::process::tree::ProcessTable;
use crate::os::tmux::Tmux;
use crate::store::state_dir::{Search, StateDir};

/// Between two checks whether a process has exited.
const STEP: Duration = Duration::from_millis(5);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnrecordedRun {
    pub id: RunId,
    /// `None` if no process names it.
    pub pair: Option<Pair>,
    supervisor: Option<u32>,
    /// Processes of its tree.
    pids: BTreeSet<u32>,
    /// The id of its tmux pane.
    pane: Option<String>,
}

impl UnrecordedRun {
    /// The process to report: its supervisor, else the first of its tree.
    pub fn pid(&self) -> Option<u32> {
        self.supervisor.or_else(|| self.pids.first().copied())
    }

    fn may_be(&self, pair: &Pair) -> bool {
        self.pair.as_ref().is_none_or(|own| own == pair)
    }
}

struct ProjectPaths<'a> {
    /// The state folder; may not exist.
    state: &'a Path,
    manifest: &'a Path,
}

/// What to search before a run of this kind starts.
pub(crate) fn search_of(kind: &RunKind) -> Search {
    if kind.form().is_job() { Search::Processes } else { Search::Windows }
}

/// Fails if a run without a record, of the pair or of an unknown pair, is alive.
pub(crate) fn check_none(store: &Store, prepared: &Prepared) -> Result<(), StartError> {
    let search = search_of(&prepared.kind);
    if store.state().is_searched(search) {
        return Ok(());
    }
    let tmux = prepared.kind.window().map(|window| Tmux::new(window.socket.clone()));
    let paths = ProjectPaths { state: store.state().path(), manifest: &prepared.manifest };
    let found = find(&paths, tmux.as_ref())?;
    if found.is_empty() {
        store.state().note_searched(search)?;
    }
    match found.into_iter().find(|unrecorded| unrecorded.may_be(&prepared.pair)) {
        Some(run) => Err(StartError::Unrecorded { pair: prepared.pair.clone(), run: Box::new(run) }),
        None => Ok(()),
    }
}

/// The runs of this project without a record. Searches processes only if the state folder is missing or not searched
/// yet.
pub fn find_all(project: &Project) -> io::Result<Vec<UnrecordedRun>> {
    let state = StateDir::spelled(&project.manifest.state_dir);
    let is_searched = |state: &StateDir| state.is_searched(Search::Processes) || state.is_searched(Search::Windows);
    if matches!(StateDir::find(&state), Ok(Some(state)) if is_searched(&state)) {
        return Ok(Vec::new());
    }
    find(&ProjectPaths { state: &state, manifest: &project.manifest.path }, Some(&project.tmux()))
}

/// Ends the tree of `unrecorded`, with the grace of its mode (unknown: 10 s). Returns the pids that survive.
pub fn end(project: &Project, unrecorded: &UnrecordedRun) -> io::Result<Vec<u32>> {
    let mode = unrecorded.pair.as_ref().and_then(|pair| project.manifest.modes.get(&pair.mode));
    let grace = mode.map_or(Duration::from_secs(10), |mode| mode.stop_grace.as_duration());
    // Found by its processes, so it is a run of this machine. Only a job has a supervisor.
    let executor = executor::of(ExecutorName::Local);
    let tree =
        |owner, grace| RunTree { run: &unrecorded.id, form: RunForm::Headless, owner, grace, signalled_group: None };
    let survivors = match unrecorded.supervisor.and_then(|pid| process::identify(pid).ok()).map(Owner::Process) {
        Some(supervisor) => {
            executor.signal(&supervisor, OwnerSignal::Soft(StopKind::Stop))?;
            if !is_gone_within(&supervisor, grace + SUPERVISOR_PATIENCE) {
                executor.end_trees(&[tree(Some(&supervisor), Duration::ZERO)])?;
                executor.signal(&supervisor, OwnerSignal::Hard)?;
            }
            executor.end_trees(&[tree(None, Duration::ZERO)])?.concat()
        }
        None => executor.end_trees(&[tree(None, grace)])?.concat(),
    };
    if let Some(pane) = &unrecorded.pane {
        let _ = project.tmux().kill_panes(&[(pane.as_str(), &unrecorded.id)]);
    }
    Ok(survivors)
}

fn is_gone_within(owner: &Owner, patience: Duration) -> bool {
    let begun = Stopwatch::start();
    while executor::is_alive(owner) {
        if begun.elapsed() > patience {
            return false;
        }
        std::thread::sleep(STEP);
    }
    true
}

fn find(paths: &ProjectPaths<'_>, tmux: Option<&Tmux>) -> io::Result<Vec<UnrecordedRun>> {
    let traces = traces::traces()?;
    let mut found: BTreeMap<RunId, UnrecordedRun> = BTreeMap::new();
    for supervisor in traces.supervisors.iter().filter(|one| paths.is_supervisor_without_record(one, &traces)) {
        let unrecorded = entry(&mut found, &supervisor.run);
        unrecorded.supervisor = Some(supervisor.pid);
        unrecorded.pair = supervisor.lock.as_ref().and_then(|lock| pair_of_lock(&lock.path));
    }
    let is_supervised = |run: &RunId| traces.supervisors.iter().any(|supervisor| supervisor.run == *run);
    for marked in &traces.marked {
        if found.contains_key(&marked.run) || (!is_supervised(&marked.run) && paths.is_process_without_record(marked)) {
            let unrecorded = entry(&mut found, &marked.run);
            unrecorded.pair = unrecorded.pair.take().or_else(|| pair_of_names(&marked.mode, &marked.task));
            unrecorded.pids.insert(marked.pid);
        }
    }
    // Drop what has the mark but is not of the run's tree: another tmux server, another run.
    let table = if found.is_empty() { None } else { Some(ProcessTable::take()?) };
    found.retain(|run, unrecorded| {
        let members = table.as_ref().map(|table| table.members(run, None)).unwrap_or_default();
        unrecorded.pids.retain(|pid| members.iter().any(|process| process.pid == *pid));
        unrecorded.supervisor.is_some() || !unrecorded.pids.is_empty()
    });
    if let Some(tmux) = tmux {
        add_panes(paths, tmux, &traces, &mut found);
    }
    Ok(found.into_values().collect())
}

/// Adds the panes of the runs found, and agents in windows whose environment carries no mark.
fn add_panes(paths: &ProjectPaths<'_>, tmux: &Tmux, traces: &RunTraces, found: &mut BTreeMap<RunId, UnrecordedRun>) {
    let Ok(listing) = tmux.list() else { return };
    for pane in listing.panes.iter().filter(|pane| pane.dead.is_none()) {
        let Some(folder) = pane.run_folder() else { continue };
        let Some(run) = folder.file_name().and_then(|name| RunId::parse(name.to_str()?)) else { continue };
        let is_marked = traces.marked.iter().any(|marked| marked.run == run);
        let is_lost = || {
            let directory = process::working_directory(pane.pid);
            let is_elsewhere = paths.is_recorded_elsewhere(&run, directory.as_deref());
            paths.is_of_state(&folder) && !paths.has_record(&run) && !is_elsewhere
        };
        if found.contains_key(&run) || (!is_marked && is_lost()) {
            let unrecorded = entry(found, &run);
            unrecorded.pane = Some(pane.pane_id.clone());
            unrecorded.pids.insert(pane.pid);
        }
    }
}

fn entry<'a>(found: &'a mut BTreeMap<RunId, UnrecordedRun>, run: &RunId) -> &'a mut UnrecordedRun {
    found.entry(run.clone()).or_insert_with(|| UnrecordedRun {
        id: run.clone(),
        pair: None,
        supervisor: None,
        pids: BTreeSet::new(),
        pane: None,
    })
}

impl ProjectPaths<'_> {
    fn root(&self) -> &Path {
        self.manifest.parent().unwrap_or(self.manifest)
    }

    /// Whether this run folder is, or was, in this state folder.
    fn is_of_state(&self, run_folder: &Path) -> bool {
        run_folder.parent().and_then(Path::parent).is_some_and(|state| state == self.state)
    }

    fn has_record(&self, run: &RunId) -> bool {
        self.state.join("runs").join(run.as_str()).is_dir()
    }

    /// Whether this supervisor's record was removed from this state folder.
    fn is_supervisor_without_record(&self, supervisor: &Supervisor, traces: &RunTraces) -> bool {
        if self.has_record(&supervisor.run) {
            return false;
        }
        match &supervisor.lock {
            // `pairs/MODE/TASK` of the state folder; the path reflects a move that preceded the removal.
            Some(lock) if lock.is_removed => lock.path.ancestors().nth(3) == Some(self.state),
            // The state folder was moved. If the project moved with it, the run belongs to the moved project;
            // otherwise the agent still works here.
            Some(_) => {
                let works_here = |marked: &MarkedProcess| {
                    marked.run == supervisor.run
                        && marked.directory.as_ref().is_some_and(|folder| folder.starts_with(self.root()))
                };
                self.is_of_state(&supervisor.run_folder) && traces.marked.iter().any(works_here)
            }
            None => self.is_of_state(&supervisor.run_folder),
        }
    }

    /// Whether this process without a supervisor is of a run whose record was removed from this state folder.
    fn is_process_without_record(&self, marked: &MarkedProcess) -> bool {
        let is_elsewhere = || self.is_recorded_elsewhere(&marked.run, marked.directory.as_deref());
        marked.manifest == self.manifest && !self.has_record(&marked.run) && !is_elsewhere()
    }

    /// Whether the project was moved: the run's record and its agent's folder then moved together.
    fn is_recorded_elsewhere(&self, run: &RunId, directory: Option<&Path>) -> bool {
        let Ok(below) = self.state.strip_prefix(self.root()) else { return false };
        let record: PathBuf = below.join("runs").join(run.as_str());
        directory.is_some_and(|folder| folder.ancestors().any(|root| root.join(&record).is_dir()))
    }
}

/// `…/pairs/MODE/TASK`.
fn pair_of_lock(path: &Path) -> Option<Pair> {
    let task = path.file_name()?.to_str()?;
    let mode = path.parent()?.file_name()?.to_str()?;
    pair_of_names(mode, task)
}

fn pair_of_names(mode: &str, task: &str) -> Option<Pair> {
    Some(Pair { mode: ModeName::parse(mode).ok()?, task: TaskId::parse(task).ok()? })
}

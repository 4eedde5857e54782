//! The hidden commands: `__exec` (first process of a window, replaces itself by the agent), `__prepare` (sets up a
//! job's worktree before its agent starts) and `__ended` (run by a tmux hook when a window's process ends).

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::agents;
use crate::executor;
use crate::lifecycle::launch::hooks;
use crate::lifecycle::launch::onboarding;
use crate::lifecycle::launch::setup::{self, SetupError, SetupPart};
use crate::lifecycle::queue;
use crate::lifecycle::store::Store;
use crate::model::engine::EngineKind;
use crate::model::live_record::LiveRecord;
use crate::model::run_spec::{RunSpec, WorktreeSpec};
use crate::os::clock;
use crate::os::environment::{self, Environment};
use crate::os::process::{self, supervise};
use crate::store::handover;
use crate::store::pair_lock::{self, Liveness};
use crate::store::run_folder::RunFolder;
use crate::store::state_dir::StateDir;

/// `code`: 127 agent program not found, 126 not executable, 1 `__prepare` failed, 125 any other error.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExecError {
    pub code: u8,
    message: String,
}

impl ExecError {
    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Variables of the terminal: taken from tmux, not from the run's environment.
const OF_THE_WINDOW: [&str; 4] = ["TERM", "TMUX", "TMUX_PANE", "COLORTERM"];

/// Replaces this process by the agent of the run in `folder`. Returns only on failure.
pub fn become_agent(folder: &Path) -> ExecError {
    match try_become(folder) {
        Ok(never) => never,
        Err(error) => error,
    }
}

fn try_become(path: &Path) -> Result<ExecError, ExecError> {
    let ours = |what: &str, error: &dyn std::fmt::Display| ExecError::new(125, format!("{what}: {error}"));
    let folder = RunFolder::at(path);
    let mut spec = folder.read_spec().map_err(|error| ours("the run's record", &error))?;
    if folder.id().ok() != Some(spec.folder) {
        return Err(ExecError::new(125, "the run folder is a copy; its window is not started"));
    }
    // tmux opened the window after the starting command had given up and recorded the end.
    if !matches!(folder.read_exit(), Ok(None)) {
        return Err(ExecError::new(125, "this run has ended already"));
    }
    check_may_start(&folder, &spec)?;
    let mut environment =
        handover::take_environment(&spec, &folder).map_err(|error| ours("the run's environment", &error))?;
    for name in OF_THE_WINDOW {
        match environment::var(name) {
            Some(value) => environment.insert(name.into(), value),
            None => environment.remove(OsStr::new(name)),
        };
    }
    let owner = process::this().map_err(|error| ours("this process", &error))?;
    let mut live = LiveRecord { agent_home: agent_home(&spec, &environment), ..LiveRecord::begun(owner, clock::now()) };
    folder.write_live(&live).map_err(|error| ours("the run's record", &error))?;
    if let Some(worktree) = &spec.worktree {
        set_up_worktree(&folder, worktree, SetupPart::Whole, &environment)
            .map_err(|error| ours("the worktree", &error))?;
    }
    match hooks::install(&spec, &folder) {
        None => {}
        Some(Ok(argv)) => spec.argv = argv,
        // The agent works without hooks too.
        Some(Err(why)) => {
            live.unhooked = Some(why.to_string());
            let _ = folder.write_live(&live);
        }
    }
    let argv = handover::full_argv(&spec, &folder).map_err(|error| ours("the prompt", &error))?;
    let stdin = handover::stdin_of(&spec, &folder).map_err(|error| ours("the prompt", &error))?;
    if !spec.cwd.is_dir() {
        return Err(ExecError::new(125, format!("the folder `{}` does not exist", spec.cwd.display())));
    }
    // The agent becomes a subreaper, so that a process that leaves its session and drops the mark remains its
    // descendant. If this fails, processes are still found by the mark.
    let _ = supervise::adopt_descendants();
    let error = supervise::replace(&spec.program, &argv, &spec.cwd, &environment, spec.umask, stdin);
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    Ok(ExecError::new(code, format!("`{}` cannot be started: {error}", spec.program.display())))
}

/// Fails if the run is a job, was started already, has no state folder, or is queued and not being started now.
fn check_may_start(folder: &RunFolder, spec: &RunSpec) -> Result<(), ExecError> {
    let refused = |why: &str| Err(ExecError::new(125, format!("run {} {why}; nothing was started", spec.run_id)));
    if spec.form().is_job() {
        return refused("is a job and has no window");
    }
    if !matches!(folder.read_live(), Ok(None)) {
        return refused("was started already");
    }
    let state = folder.path().parent().and_then(Path::parent).map(StateDir::find);
    let Some(Ok(Some(state))) = state else { return refused("is in no state folder") };
    let is_being_started = || match pair_lock::probe(&state, &spec.pair()) {
        Ok(Liveness::Held(named)) => named.as_ref() == Some(&spec.run_id),
        Ok(Liveness::Free) | Err(_) => false,
    };
    // Lock first: the starting command removes the queue record before it releases the lock.
    if !is_being_started() && folder.is_queued() {
        return refused("waits in the queue");
    }
    Ok(())
}

/// The folder of the agent's own files, by the run's environment.
fn agent_home(spec: &RunSpec, environment: &Environment) -> Option<PathBuf> {
    let variable = |name: &str| onboarding::variable(environment, name);
    agents::of(spec.protocol).window()?.home(&spec.cwd, &variable)
}

/// Writes set-up output to the window's terminal or the job's log.
fn eprint_line(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(io::stderr(), "{line}");
}

/// `__prepare`: sets up the worktree of the run in `folder`. Fails if the spec cannot be read or the set-up fails.
pub fn set_up(folder: &Path) -> Result<(), ExecError> {
    let folder = RunFolder::at(folder);
    let spec: RunSpec = folder.read_spec().map_err(|error| ExecError::new(125, error.to_string()))?;
    let Some(worktree) = &spec.worktree else { return Ok(()) };
    let environment = environment::all();
    let part = if spec.kind.engine().is_some() { SetupPart::OnNode } else { SetupPart::Whole };
    set_up_worktree(&folder, worktree, part, &environment).map_err(|error| ExecError::new(1, error.to_string()))
}

/// On failure, also writes one line to the run folder: the reason of the run's end.
fn set_up_worktree(
    folder: &RunFolder,
    worktree: &WorktreeSpec,
    part: SetupPart,
    environment: &Environment,
) -> Result<(), SetupError> {
    setup::set_up(worktree, part, environment, &mut |line| eprint_line(line)).inspect_err(|error| {
        // The log has the error in any case.
        let _ = folder.note_setup_failure(&error.in_a_line());
    })
}

/// `__ended`: tmux reports that the window of the run in `folder` ended. Only a trigger: `observe` decides.
pub fn ended(folder: &Path) {
    // The stopping command records the end and advances the queue.
    if RunFolder::at(folder).is_being_stopped() {
        return;
    }
    let state = folder.parent().and_then(Path::parent);
    if let Some(Ok(Some(store))) = state.map(Store::find) {
        let _ = queue::run_ended(&store, Some(folder));
    }
}

/// Whether a node of the engine decides this variable of a run, unless the manifest sets it.
pub fn is_of_node(engine: EngineKind, name: &OsStr) -> bool {
    executor::engine(engine).is_of_node(name)
}

//! What the program does as the first process of a window, and before a job's agent:
//! the hidden commands `__exec`, `__prepare` and `__ended`.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::agents;
use crate::lifecycle::launch::hooks;
use crate::lifecycle::launch::onboarding;
use crate::lifecycle::launch::setup::{self, SetupError};
use crate::lifecycle::queue;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::live_record::LiveRecord;
use crate::model::run_spec::{RunSpec, WorktreeSpec};
use crate::os::clock;
use crate::os::environment::{self, Environment};
use crate::os::process::{self, supervise};
use crate::store::handover;
use crate::store::pair_lock::{self, Liveness};
use crate::store::run_folder::RunFolder;
use crate::store::state_dir::StateDir;

/// Why the agent of a window did not start. `code` is a shell's: 126, 127, or 125 for our own.
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

/// What a window keeps of the environment that tmux gave it: its terminal.
const OF_THE_WINDOW: [&str; 4] = ["TERM", "TMUX", "TMUX_PANE", "COLORTERM"];

/// Becomes the agent of the run in `folder`. Returns only where that failed.
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
        return Err(ExecError::new(125, "this run's folder is a copy; its window is not started"));
    }
    // A window that tmux made too late, after its starter had given up: the end is written.
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
        set_up_worktree(&folder, worktree, &environment).map_err(|error| ours("the worktree", &error))?;
    }
    match hooks::install(&spec, &folder) {
        None => {}
        Some(Ok(argv)) => spec.argv = argv,
        // It does its work all the same.
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
    // What leaves the agent's session, and its environment too, stays below the agent. Without that
    // it is still found by its mark.
    let _ = supervise::adopt_orphans();
    let error = supervise::replace(&spec.program, &argv, &spec.cwd, &environment, spec.umask, stdin);
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    Ok(ExecError::new(code, format!("`{}` cannot be started: {error}", spec.program.display())))
}

/// Fails where the run is not one that starts in a window now: a job, one that was started already, or
/// one that waits in the queue and is not being started.
fn check_may_start(folder: &RunFolder, spec: &RunSpec) -> Result<(), ExecError> {
    let refused = |why: &str| Err(ExecError::new(125, format!("run {} {why}; nothing was started", spec.run_id)));
    if spec.is_headless() {
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
    // In this order: the starter removes the queue record before it releases the pair.
    if !is_being_started() && folder.is_queued() {
        return refused("waits in the queue");
    }
    Ok(())
}

/// Where the agent keeps what it writes down, by the run's own environment.
fn agent_home(spec: &RunSpec, environment: &Environment) -> Option<PathBuf> {
    let variable = |name: &str| onboarding::variable(environment, name);
    agents::of(spec.protocol).window()?.home(&spec.cwd, &variable)
}

/// A window has a user in front of it: what the set-up says goes to its terminal.
fn eprint_line(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(io::stderr(), "{line}");
}

/// `__prepare`: makes the worktree of the run in `folder`, with its output on stdout and stderr.
pub fn prepare(folder: &Path) -> Result<(), ExecError> {
    let folder = RunFolder::at(folder);
    let spec: RunSpec = folder.read_spec().map_err(|error| ExecError::new(125, error.to_string()))?;
    let Some(worktree) = &spec.worktree else { return Ok(()) };
    let environment = environment::all();
    set_up_worktree(&folder, worktree, &environment).map_err(|error| ExecError::new(1, error.to_string()))
}

/// A failure is noted in the run's folder too, in one line: the reason of the run's end.
fn set_up_worktree(folder: &RunFolder, worktree: &WorktreeSpec, environment: &Environment) -> Result<(), SetupError> {
    setup::set_up(worktree, environment, &mut |line| eprint_line(line)).inspect_err(|error| {
        // What cannot be noted stands in the log all the same.
        let _ = folder.note_setup_failure(&error.in_a_line());
    })
}

/// `__ended`: tmux says that the window of the run in `folder` ended. A wake-up: looking decides.
pub fn ended(folder: &Path) {
    let run_folder = RunFolder::at(folder);
    let Some(id) = run_folder.run_id() else { return };
    // The command that stops it sees its end, with those of all others that it stops.
    if run_folder.is_being_stopped() {
        return;
    }
    let state = folder.parent().and_then(Path::parent);
    if let Some(Ok(Some(store))) = state.map(Store::find) {
        let _ = refresh::some(&store, std::slice::from_ref(&id));
        let _ = queue::job_ended(&store, Some(folder));
    }
}

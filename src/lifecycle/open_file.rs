//! Opens a file of the project, or of a task's worktree, in the user's editor on this machine.
//!
//! The editor outlives this process. One that works in a terminal is opened in the user's terminal. No shell is involved.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::lifecycle::project::Project;
use crate::lifecycle::window::show_window;
use crate::lifecycle::window::show_window::choice::NoTerminal;
use crate::model::editor::EditorCommand;
use crate::os::clock::Stopwatch;
use crate::os::environment;
use crate::os::ids;
use crate::os::process::detached::{self, Detached, ProgramFailed};
use crate::os::process::program::{self, ProgramError};
use crate::os::process::supervise::own_program;
use crate::os::terminal::{HostEnvironment, TerminalLaunch};
use crate::os::tmux;

/// How long an editor is watched for a failure to start.
const START_TIMEOUT: Duration = Duration::from_secs(2);
const POLL_STEP: Duration = Duration::from_millis(10);

/// The variables that name the user's editor, the first one first.
const VARIABLES: [&str; 2] = ["VISUAL", "EDITOR"];

/// What was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedFile {
    /// Resolved.
    pub path: PathBuf,
    /// The editor's program, as it is written.
    pub editor: String,
    /// The terminal in which the editor was opened.
    pub terminal: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenFileError {
    // Without the path: this is also said about files that the caller may not know of.
    #[error("this is no file of the project or of a task's worktree")]
    NotOurs,
    #[error("no editor is known: neither `editor:` nor VISUAL nor EDITOR is set")]
    NoEditor,
    #[error("{variable} cannot be read as a command")]
    BadVariable { variable: &'static str },
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("`{editor}` works in a terminal, and none can be opened: {source}")]
    NoTerminal { editor: String, source: NoTerminal },
    #[error("{program} cannot be started: {source}")]
    Start { program: String, source: io::Error },
    #[error("{program} failed ({ended})")]
    Failed { program: String, ended: ProgramFailed },
}

/// The editor of the manifest, else that of the environment. Fails if there is none.
pub fn editor_of(project: &Project) -> Result<EditorCommand, OpenFileError> {
    if let Some(editor) = &project.manifest.editor {
        return Ok(editor.clone());
    }
    let set = |variable| Some((variable, environment::var_text(variable).filter(|text| !text.trim().is_empty())?));
    let (variable, text) = VARIABLES.into_iter().find_map(set).ok_or(OpenFileError::NoEditor)?;
    EditorCommand::of_variable(&text).ok_or(OpenFileError::BadVariable { variable })
}

/// Whether an editor is known; it may not be installed.
pub fn has_editor(project: &Project) -> bool {
    !matches!(editor_of(project), Err(OpenFileError::NoEditor))
}

/// Opens the file at `path`, which is absolute or relative to the manifest's folder, at `line` if it is given. Returns
/// once the editor has started, or has handed the file to one that runs. Fails for other files than those of the project
/// and of the tasks' worktrees.
pub fn open_file(project: &Project, path: &Path, line: Option<u32>) -> Result<OpenedFile, OpenFileError> {
    let path = own_file(project, path)?;
    let editor = editor_of(project)?;
    let around = HostEnvironment::of(tmux::starter_environment());
    let program = program::find(editor.program(), around.var("PATH"), &project.manifest.root)?;
    let mut argv: Vec<OsString> = vec![program.into()];
    argv.extend(editor.arguments(&path, line));
    let (terminal, argv) = match editor.needs_terminal() {
        false => (None, argv),
        true => {
            let (terminal, argv) = in_terminal(project, &editor, &argv, &around)?;
            (Some(terminal), argv)
        }
    };
    let program = terminal.clone().unwrap_or_else(|| format!("`{}`", editor.program()));
    start(&program, &argv, &around)?;
    Ok(OpenedFile { path, editor: editor.program().to_owned(), terminal })
}

/// The resolved path of a file that may be opened. The state folder is private to this program.
fn own_file(project: &Project, path: &Path) -> Result<PathBuf, OpenFileError> {
    let root = &project.manifest.root;
    let found = root.join(path).canonicalize().ok().filter(|found| found.is_file()).ok_or(OpenFileError::NotOurs)?;
    let is_private = project.manifest.state_dir.canonicalize().is_ok_and(|state| found.starts_with(state));
    let is_ours = found.starts_with(root) || is_in_worktree(project, &found);
    if is_ours && !is_private { Ok(found) } else { Err(OpenFileError::NotOurs) }
}

/// Whether the resolved `file` is in the worktree of a task.
fn is_in_worktree(project: &Project, file: &Path) -> bool {
    let (Some(folder), Some(worktree)) = (file.parent(), &project.manifest.worktree) else { return false };
    let project = Project { here: folder.to_owned(), ..project.clone() };
    let tasks = project.tasks();
    let depends_on_mode = worktree.path.contains("mode");
    let modes = project.manifest.modes.values().take(if depends_on_mode { usize::MAX } else { 1 });
    modes.into_iter().any(|mode| project.task_of_worktree(&tasks, mode).is_some())
}

/// The terminal's name, and the arguments that open `argv` in it.
fn in_terminal(
    project: &Project,
    editor: &EditorCommand,
    argv: &[OsString],
    around: &HostEnvironment,
) -> Result<(String, Vec<OsString>), OpenFileError> {
    let program = || format!("`{}`", editor.program());
    let terminal = show_window::would_open(&project.terminal_preference())
        .map_err(|source| OpenFileError::NoTerminal { editor: editor.program().to_owned(), source })?;
    let own = own_program().map_err(|source| OpenFileError::Start { program: program(), source })?;
    let view = format!("dispatch-editor-{}", ids::new_random_name());
    let launch =
        TerminalLaunch { program: terminal.program(), title: editor.program(), command: argv, view: &view, own: &own };
    Ok((terminal.name(), terminal.argv(&launch, around)))
}

/// Starts the program and waits until it has ended well or has run for a while. `program` is its name in messages.
fn start(program: &str, argv: &[OsString], around: &HostEnvironment) -> Result<(), OpenFileError> {
    let failed = |source| OpenFileError::Start { program: program.to_owned(), source };
    let mut started: Detached = detached::start(argv, &around.environment).map_err(failed)?;
    let begun = Stopwatch::start();
    while begun.elapsed() < START_TIMEOUT {
        match started.ended().map_err(failed)? {
            Some(Ok(())) => return Ok(()),
            Some(Err(ended)) => return Err(OpenFileError::Failed { program: program.to_owned(), ended }),
            None => std::thread::sleep(POLL_STEP),
        }
    }
    Ok(())
}

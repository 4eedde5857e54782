//! Runs a user's command within a time limit, and kills all its processes if it exceeds that.

use std::collections::BTreeMap;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::os::clock::Stopwatch;
use crate::os::file_tail::last_bytes;
use crate::os::ids;
use crate::os::process::program::{self, ProgramError};
use crate::os::process::tree::{self, Root};
use crate::os::process::{child, supervise};

/// Bytes of stderr that are kept.
const WORDS: u64 = 400;
/// Pause between checks for its end.
const STEP: Duration = Duration::from_millis(10);
/// Processes that are left after this many checks are not killed again.
const CHECKS_MAX: usize = 200;

/// Where and how long a command runs.
#[derive(Clone, Debug)]
pub struct CommandLimits<'a> {
    pub folder: &'a Path,
    pub environment: &'a BTreeMap<String, String>,
    pub time: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("`{}` cannot be started: {source}", .program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("it took more than {} seconds", .0.as_secs())]
    Time(Duration),
    #[error("it failed ({status}){}{words}", if .words.is_empty() { "" } else { ": " })]
    Failed { status: ExitStatus, words: String },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs `argv` with `input` on its stdin. Fails if it cannot be started, exits with a failure or exceeds the time. This
/// process must be a subreaper without other children: after the time limit all its descendants are killed.
pub fn run(argv: &[String], input: &[u8], bounds: &CommandLimits<'_>) -> Result<(), CommandError> {
    let (name, rest) = argv.split_first().ok_or_else(|| io::Error::other("an empty command"))?;
    let path = bounds.environment.get("PATH").map(std::ffi::OsStr::new);
    let program = program::find(name, path, bounds.folder)?;
    // Files, not pipes: a command that does not read, or leaves a process behind, cannot block us.
    let mut asked = tempfile::tempfile()?;
    asked.write_all(input)?;
    asked.seek(SeekFrom::Start(0))?;
    let words = tempfile::tempfile()?;
    let mut command = Command::new(&program);
    command.args(rest).current_dir(bounds.folder).env_clear().envs(bounds.environment);
    command.stdin(asked).stdout(Stdio::null()).stderr(words.try_clone()?);
    child::prepare_helper(&mut command);
    let begun = Stopwatch::start();
    let mut started = command.spawn().map_err(|source| CommandError::Start { program, source })?;
    let status = loop {
        if let Some(status) = started.try_wait()? {
            break status;
        }
        if begun.elapsed() > bounds.time {
            end_tree();
            return Err(CommandError::Time(bounds.time));
        }
        std::thread::sleep(STEP);
    };
    if status.success() {
        Ok(())
    } else {
        Err(CommandError::Failed { status, words: last_bytes(&words, WORDS)?.trim().to_owned() })
    }
}

/// Kills the descendants of this process, except those of nested runs.
fn end_tree() {
    // No process has this new id as its mark, so only descent counts.
    let nobody = ids::new_run_id();
    let root = Root::own().ok();
    for _ in 0..CHECKS_MAX {
        let left = tree::signal_members(&nobody, root, Signal::KILL);
        let _ = supervise::collect_children();
        if left.is_ok_and(|left| left.is_empty()) {
            return;
        }
        std::thread::sleep(STEP);
    }
}

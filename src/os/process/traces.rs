//! Finds supervisors and processes of runs by their arguments and environment, also those whose record was removed.
//! Must not decide which of them belong to a record, nor signal any.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use crate::model::run_id::RunId;
use crate::os::process::platform;
use crate::os::process::tree::{MARK, Process};

/// The first argument of a supervisor.
const SUPERVISE: &[u8] = b"__supervise";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervisor {
    pub pid: u32,
    pub run: RunId,
    /// From its arguments: the folder may have been moved since.
    pub run_folder: PathBuf,
    /// The pair lock that it holds, if the system can tell.
    pub lock: Option<HeldLock>,
}

/// The lock file that a supervisor holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLock {
    /// The file's current path, or its last one if it was removed.
    pub path: PathBuf,
    pub is_removed: bool,
}

/// A process with the variables of a run in its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedProcess {
    pub pid: u32,
    pub run: RunId,
    pub mode: String,
    pub task: String,
    pub manifest: PathBuf,
    /// Its working directory, if the system can tell.
    pub directory: Option<PathBuf>,
}

/// All supervisors and processes of runs on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunTraces {
    pub supervisors: Vec<Supervisor>,
    pub marked: Vec<MarkedProcess>,
}

/// Searches all processes. Fails if they cannot be listed.
pub fn traces() -> io::Result<RunTraces> {
    let details = platform::Details::new();
    let mut traces = RunTraces::default();
    for process in platform::all()? {
        if let Some(supervisor) = as_supervisor(&details, &process) {
            traces.supervisors.push(supervisor);
        } else if process.pid != std::process::id() {
            traces.marked.extend(as_marked(&details, &process));
        }
    }
    Ok(traces)
}

/// The pid of the supervisor of `run`, found by its arguments.
pub fn supervisor_of(run: &RunId) -> Option<u32> {
    let details = platform::Details::new();
    let all = platform::all().ok()?;
    all.iter().filter_map(|process| as_supervisor(&details, process)).find(|found| found.run == *run).map(|it| it.pid)
}

fn as_supervisor(details: &platform::Details, process: &Process) -> Option<Supervisor> {
    let arguments = details.arguments_of(process.pid);
    let folder = arguments.get(2).filter(|_| arguments.get(1).is_some_and(|word| word == SUPERVISE))?;
    let run_folder = PathBuf::from(OsString::from_vec(folder.clone()));
    let run = RunId::parse(run_folder.file_name()?.to_str()?)?;
    let lock = platform::standard_input(process.pid).map(|(path, is_removed)| HeldLock { path, is_removed });
    Some(Supervisor { pid: process.pid, run, run_folder, lock })
}

fn as_marked(details: &platform::Details, process: &Process) -> Option<MarkedProcess> {
    let read = |name: &str| details.environment_of(process.pid, name);
    let text = |name: &str| String::from_utf8(read(name)?).ok();
    let run = RunId::parse(&text(MARK)?)?;
    Some(MarkedProcess {
        pid: process.pid,
        run,
        mode: text("DISPATCH_MODE")?,
        task: text("DISPATCH_TASK")?,
        manifest: PathBuf::from(OsString::from_vec(read("DISPATCH_MANIFEST")?)),
        directory: platform::working_directory(process.pid),
    })
}

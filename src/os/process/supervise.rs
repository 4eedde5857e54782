//! Starting a supervisor, becoming one, and starting the processes that it owns.
//!
//! The supervisor inherits the pair lock as standard input and its slot as standard output, so that starter and
//! supervisor need not agree on descriptor numbers.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Resource, WaitOptions};

use crate::model::exit::Exit;
use crate::model::limits::Limits;
use crate::os::environment::Environment;
use crate::os::process::cgroup::Cgroup;
use crate::os::process::{child, platform};

/// The side of a fork that this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forked {
    Parent,
    Child,
}

/// The variables that a supervisor inherits; the run's environment is passed in a file.
const KEPT: [&str; 6] = ["PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DISPATCH_LOG"];

/// The path of this program, for starting it again. Linux adds ` (deleted)` to the name of a running program
/// whose file was removed or replaced; after an upgrade the new program is at the old path.
pub fn own_program() -> io::Result<PathBuf> {
    let running = std::env::current_exe()?;
    if running.exists() {
        return Ok(running);
    }
    let name = running.as_os_str().as_encoded_bytes();
    let replaced = name.strip_suffix(b" (deleted)").map(|path| PathBuf::from(OsStr::from_bytes(path)));
    Ok(replaced.filter(|path| path.is_file()).unwrap_or(running))
}

/// Begins the start of the supervisor of the run in `folder`; [`Starting::finish`] waits. So several can be started at
/// once.
pub fn begin_supervisor(folder: &Path, pair: File, slot: Option<File>) -> io::Result<Starting> {
    let stdout = slot.map_or_else(Stdio::null, Stdio::from);
    Ok(Starting(own_command("__supervise", folder)?.stdin(pair).stdout(stdout).stderr(Stdio::null()).spawn()?))
}

/// A supervisor that is being started.
#[derive(Debug)]
pub struct Starting(Child);

impl Starting {
    /// Waits until the supervisor is detached from this process. Fails if it exits before that.
    pub fn finish(mut self) -> io::Result<()> {
        let status = self.0.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("the supervisor did not start ({status})")))
        }
    }
}

fn own_command(verb: &str, folder: &Path) -> io::Result<Command> {
    let mut command = Command::new(own_program()?);
    // The supervisor changes its folder itself: a `Command` with a folder forks instead of spawning, which is slower.
    command.arg(verb).arg(folder).env_clear();
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    Ok(command)
}

/// In the supervisor: leaves the starter's process tree and session, and becomes the subreaper of its descendants. The
/// parent side must exit at once.
pub fn detach() -> io::Result<Forked> {
    if child::fork()? == Forked::Parent {
        return Ok(Forked::Parent);
    }
    rustix::process::setsid()?;
    rustix::process::chdir("/")?;
    platform::become_subreaper()?;
    child::set_umask(0o077);
    Ok(Forked::Child)
}

/// On a node of an engine: becomes the subreaper of its descendants and stays in the foreground, in the session that the
/// engine knows.
pub fn attend() -> io::Result<()> {
    platform::become_subreaper()?;
    child::set_umask(0o077);
    Ok(())
}

/// Makes this process, and the program that it becomes by exec, the parent of every process of its tree whose own
/// parent has exited.
pub fn adopt_descendants() -> io::Result<()> {
    platform::become_subreaper()
}

/// Forks this process, which must have one thread.
pub fn split() -> io::Result<Forked> {
    child::fork()
}

/// Releases the slot (standard output).
pub fn release_slot() -> io::Result<()> {
    let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(())
}

/// Holds a slot again, as standard output.
pub fn hold_slot(slot: &File) -> io::Result<()> {
    rustix::stdio::dup2_stdout(slot)?;
    Ok(())
}

/// Releases the pair lock (standard input): from now on the run counts as dead.
pub fn release_pair() -> io::Result<()> {
    let null = File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok(())
}

/// Replaces this process by `dispatch __next`, which starts queued runs. Returns only on failure.
pub fn become_next(state_dir: &Path, ended: &Path) -> io::Error {
    match own_command("__next", state_dir) {
        Ok(mut command) => command.arg(ended).exec(),
        Err(error) => error,
    }
}

/// Starts `dispatch __next` as a child, which this process waits for: queued runs start while this one waits. They do not
/// belong to this run's tree.
pub fn start_next(state_dir: &Path) -> io::Result<()> {
    let null = Stdio::null;
    own_command("__next", state_dir)?.stdin(null()).stdout(null()).stderr(null()).spawn().map(drop)
}

/// Starts `dispatch __notify` for a state folder, detached as a supervisor.
pub fn start_notifier(state_dir: &Path) -> io::Result<()> {
    let null = Stdio::null;
    let mut child = own_command("__notify", state_dir)?.stdin(null()).stdout(null()).stderr(null()).spawn()?;
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("the notifier did not start ({status})"))) }
}

/// The standard streams of a process.
#[derive(Debug)]
pub struct ChildStreams {
    /// `None`: `/dev/null`.
    pub stdin: Option<File>,
    pub stdout: File,
    pub stderr: File,
}

impl ChildStreams {
    /// Writes both outputs to one log.
    pub fn into(log: File) -> io::Result<Self> {
        Ok(Self { stdin: None, stdout: log.try_clone()?, stderr: log })
    }
}

/// A process that the supervisor starts and owns.
#[derive(Debug)]
pub struct ChildSpec<'a> {
    pub program: &'a Path,
    /// `argv[0]` first.
    pub argv: &'a [OsString],
    pub cwd: &'a Path,
    pub environment: &'a Environment,
    pub umask: u32,
    pub streams: ChildStreams,
    /// Limits per process, if no cgroup limits the whole tree.
    pub rlimits: &'a [(Resource, u64)],
    /// The cgroup of the process and its tree.
    pub group: Option<&'a Cgroup>,
}

/// Starts a process that is killed when this one dies. [`collect_children`] reports its end.
pub fn launch(child: ChildSpec<'_>) -> io::Result<u32> {
    let mut command = Command::new(child.program);
    if let Some((name, rest)) = child.argv.split_first() {
        command.arg0(name).args(rest);
    }
    command
        .current_dir(child.cwd)
        .env_clear()
        .envs(child.environment)
        .stdin(child.streams.stdin.map_or_else(Stdio::null, Stdio::from))
        .stdout(child.streams.stdout)
        .stderr(child.streams.stderr);
    let joins = child.group.map(Cgroup::entrance).transpose()?;
    child::prepare(&mut command, child.umask, child.rlimits, joins);
    // Not waited for through `Child`: `collect_children` waits for all children, adopted ones too.
    Ok(command.spawn()?.id())
}

/// A child that ended.
#[derive(Clone, Copy, Debug)]
pub struct EndedChild {
    pub pid: u32,
    pub exit: Exit,
}

/// Collects every child that has ended (`waitpid`). The flag: other children are left.
pub fn collect_children() -> (Vec<EndedChild>, bool) {
    let mut ended = Vec::new();
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                let status = ExitStatus::from_raw(status.as_raw());
                let pid = u32::try_from(pid.as_raw_nonzero().get()).unwrap_or(0);
                ended.push(EndedChild { pid, exit: Exit { code: status.code(), signal: status.signal() } });
            }
            Ok(None) => return (ended, true),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return (ended, false),
        }
    }
}

/// `limits` per process, for systems without a cgroup.
pub fn as_rlimits(limits: &Limits) -> Vec<(Resource, u64)> {
    let mut rlimits = Vec::new();
    if let Some(cpu) = limits.cpu {
        rlimits.push((Resource::Cpu, cpu.as_duration().as_secs().max(1)));
    }
    if let Some(memory) = limits.memory {
        // RLIMIT_DATA and not RLIMIT_AS: runtimes of agents reserve far more address space than they use.
        rlimits.push((Resource::Data, memory.get()));
    }
    rlimits
}

/// Replaces this process by `program`. Returns only on failure.
pub fn replace(
    program: &Path,
    argv: &[OsString],
    cwd: &Path,
    environment: &Environment,
    umask: u32,
    stdin: Option<File>,
) -> io::Error {
    child::set_umask(umask);
    let mut command = Command::new(program);
    if let Some((name, rest)) = argv.split_first() {
        command.arg0(name).args(rest);
    }
    if let Some(stdin) = stdin {
        command.stdin(stdin);
    }
    command.current_dir(cwd).env_clear().envs(environment).exec()
}

/// Runs a command to its end in the foreground, sharing this process's terminal.
pub fn run_in_foreground(argv: &[String], cwd: &Path, environment: &Environment) -> io::Result<ExitStatus> {
    let (name, rest) = argv.split_first().ok_or_else(|| io::Error::other("an empty command"))?;
    Command::new(OsStr::new(name)).args(rest).current_dir(cwd).env_clear().envs(environment).status()
}

/// The umask of this process. Reading it sets it twice, so call it while there is one thread.
pub fn current_umask() -> u32 {
    let mask = child::set_umask(0o077);
    child::set_umask(mask);
    mask
}

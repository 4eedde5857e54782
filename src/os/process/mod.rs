//! Processes: how they are identified, started and ended, and which belong to a run.
//!
//! Linux has exact means (process handles, subreaper, /proc, parent-death signal); `posix` is the plain form for other
//! systems. No code outside this folder names a Linux call. A pid is signalled only after its process was identified.
//!
//! `DISPATCH_POSIX=1` builds the plain form on Linux too, so that it is tested there.

pub mod bounded;
pub mod cgroup;
pub(in crate::os) mod child;
pub mod detached;
pub mod ending;
pub mod foreground;
pub mod holder;
pub(in crate::os) mod pipe_pump;
pub mod program;
pub mod resource_scope;
pub mod supervise;
pub mod traces;
pub mod tree;

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
mod linux;
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
use linux as platform;

#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
mod posix;
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
use posix as platform;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::OnceLock;

pub use rustix::process::Signal;

use crate::model::process_id::{HostBoot, ProcessId};
use crate::os::environment::Environment;

/// The host, boot and pid namespace of this process, which do not change while it lives.
pub fn host_boot() -> HostBoot {
    static HOST_BOOT: OnceLock<HostBoot> = OnceLock::new();
    let read = || HostBoot { host: host(), boot_id: platform::boot_id(), pid_namespace: platform::pid_namespace() };
    HOST_BOOT.get_or_init(read).clone()
}

/// Marks inherited descriptors close-on-exec. Call it first.
pub fn seal_descriptors() {
    child::seal_descriptors();
}

/// Whether a supervisor becomes the parent of every process of its tree whose own parent has exited.
pub const ADOPTS_DESCENDANTS: bool = platform::ADOPTS_DESCENDANTS;

/// Whether `pid` is stopped, by a signal or a debugger. `false` if the system cannot tell.
pub fn is_stopped(pid: u32) -> bool {
    platform::is_stopped(pid)
}

/// The working directory of `pid`; `None` if it was removed or cannot be read.
pub fn working_directory(pid: u32) -> Option<std::path::PathBuf> {
    platform::working_directory(pid)
}

pub fn own_pid() -> u32 {
    std::process::id()
}

/// The pid of this process's parent, or of the process that adopted it.
pub fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// Whether `pid` is a descendant of `ancestor`.
pub fn descends(pid: u32, ancestor: u32) -> bool {
    platform::ancestors(pid).contains(&ancestor)
}

/// Whether `pid` started at the clock tick `start`; `true` if the system does not count ticks.
pub fn may_have_started_at(pid: u32, start: u64) -> bool {
    !platform::COUNTS_TICKS || platform::start_time(pid).is_ok_and(|found| found == start)
}

/// The initial arguments of `pid`; empty if they cannot be read.
pub fn arguments_of(pid: u32) -> Vec<Vec<u8>> {
    platform::Details::new().arguments_of(pid)
}

pub fn this() -> io::Result<ProcessId> {
    let pid = std::process::id();
    Ok(ProcessId { pid, start_time: platform::start_time(pid)?, host_boot: host_boot() })
}

/// The process that has `pid` now. Fails if there is none.
pub fn identify(pid: u32) -> io::Result<ProcessId> {
    Ok(ProcessId { pid, start_time: platform::start_time(pid)?, host_boot: host_boot() })
}

/// The values of `names` in the initial environment of `pid`, as far as they can be read.
pub fn environment_of(pid: u32, names: &[&str]) -> Environment {
    let details = platform::Details::new();
    let read = |name: &&str| Some((name.into(), OsString::from_vec(details.environment_of(pid, name)?)));
    names.iter().filter_map(read).collect()
}

/// `pid` and its ancestors, nearest first, without process 1.
pub fn ancestry(pid: u32) -> Vec<u32> {
    let all = platform::all().unwrap_or_default();
    let parents: BTreeMap<u32, u32> = all.into_iter().map(|process| (process.pid, process.parent)).collect();
    let mut line = vec![pid];
    while let Some(parent) = line.last().and_then(|pid| parents.get(pid)).filter(|pid| **pid > 1) {
        // A table that was read while processes changed may contain a loop.
        if line.contains(parent) {
            break;
        }
        line.push(*parent);
    }
    line
}

/// Whether exactly this process is alive. A zombie is not.
pub fn is_alive(process: &ProcessId) -> bool {
    process.host_boot == host_boot() && platform::start_time(process.pid).is_ok_and(|start| start == process.start_time)
}

/// Whether the process with this pid and start time is alive.
pub fn lives(pid: u32, start_time: u64) -> bool {
    platform::start_time(pid).is_ok_and(|found| found == start_time)
}

/// Signals the process group that our child `leader` leads. The child must not have been reaped.
pub fn signal_group(leader: u32, signal: Signal) -> io::Result<()> {
    let group = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw);
    let group = group.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::kill_process_group(group, signal)?)
}

/// Signals exactly this process; `false` if it has ended.
pub fn signal(process: &ProcessId, signal: Signal) -> io::Result<bool> {
    if process.host_boot != host_boot() {
        return Ok(false);
    }
    platform::signal(process.pid, process.start_time, signal)
}

/// The machine's id, which a new host name or address does not change; the host name if there is no id.
fn host() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    if !id.trim().is_empty() {
        return id.trim().to_owned();
    }
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Ends this process with the code of a panic. For the hook of a panic in a program whose threads need each other.
pub fn exit_after_panic() -> ! {
    std::process::exit(101)
}

//! Linux: pidfd, subreaper, parent-death signal, /proc.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::os::process::tree::Process;

pub(super) const ADOPTS_DESCENDANTS: bool = true;

/// A start time in clock ticks since boot, as other programs report it too.
pub(super) const COUNTS_TICKS: bool = true;

/// Longest chain of parents: pids are reused while the chain is read, so it may contain a loop.
const DEPTH: usize = 1000;

/// Most process handles open at once.
const AWAITED: usize = 256;

pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

pub(super) fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |meta| meta.ino())
}

/// Clock ticks since boot at which `pid` started. A zombie counts as gone.
pub(super) fn start_time(pid: u32) -> io::Result<u64> {
    let stat = read_stat(pid)?;
    if stat.state == b'Z' || stat.state == b'X' {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    Ok(stat.start_time)
}

struct Stat {
    state: u8,
    parent: u32,
    group: u32,
    start_time: u64,
    command: String,
}

fn read_stat(pid: u32) -> io::Result<Stat> {
    let bytes = fs::read(format!("/proc/{pid}/stat"))?;
    parse_stat(&bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// The command may hold blanks and parentheses: fields are counted from the last `)`.
fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    let open = bytes.iter().position(|byte| *byte == b'(')?;
    let close = bytes.iter().rposition(|byte| *byte == b')')?;
    let command = String::from_utf8_lossy(bytes.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(bytes.get(close + 2..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    // State is field 3, the process group field 5 and the start time field 22.
    let group = fields.next()?.parse().ok()?;
    let start_time = fields.nth(16)?.parse().ok()?;
    Some(Stat { state, parent, group, start_time, command })
}

/// Signals `pid` if it is the process that started at `start`; `false` if that has ended.
pub(super) fn signal(pid: u32, start: u64, signal: Signal) -> io::Result<bool> {
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    // The handle pins the process: the signal goes to the process whose start time is checked after opening. Kernels
    // before 5.3 have no handles: there the check and the signal are two steps.
    let handle = match rustix::process::pidfd_open(raw, PidfdFlags::empty()) {
        Ok(handle) => Some(handle),
        Err(Errno::NOSYS) => None,
        Err(Errno::SRCH) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if start_time(pid).ok() != Some(start) {
        return Ok(false);
    }
    let sent = match &handle {
        Some(handle) => rustix::process::pidfd_send_signal(handle, signal),
        None => rustix::process::kill_process(raw, signal),
    };
    match sent {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Waits until these processes (pid and start time) have ended, for at most `patience`. Of more than [`AWAITED`] only
/// the first are waited for.
pub(super) fn wait_for_ends(processes: &[(u32, u64)], patience: Duration) {
    let begun = Instant::now();
    let mut handles: Vec<OwnedFd> =
        processes.iter().take(AWAITED).filter_map(|(pid, start)| open(*pid, *start)).collect();
    while !handles.is_empty() {
        let left = patience.saturating_sub(begun.elapsed());
        let Ok(timeout) = Timespec::try_from(left) else { return };
        let mut polled: Vec<PollFd<'_>> = handles.iter().map(|handle| PollFd::new(handle, PollFlags::IN)).collect();
        match poll(&mut polled, Some(&timeout)) {
            Ok(0) => return,
            Err(Errno::INTR) => continue,
            Err(_) => return std::thread::sleep(left),
            Ok(_) => {}
        }
        let ended: Vec<bool> = polled.iter().map(|one| !one.revents().is_empty()).collect();
        let mut ended = ended.into_iter();
        handles.retain(|_| !ended.next().unwrap_or(false));
    }
}

/// A handle of the process with this pid and start time; `None` if it has ended.
fn open(pid: u32, start: u64) -> Option<OwnedFd> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    let handle = rustix::process::pidfd_open(raw, PidfdFlags::empty()).ok()?;
    start_time(pid).is_ok_and(|found| found == start).then_some(handle)
}

/// All processes that this user may see.
pub(super) fn all() -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Ok(stat) = read_stat(pid)
            && stat.state != b'Z'
            && stat.state != b'X'
        {
            let Stat { state: _, parent, group, start_time, command } = stat;
            processes.push(Process { pid, parent, group, start_time, command });
        }
    }
    Ok(processes)
}

/// Whether `pid` is stopped: by a signal (`T`) or by a tracer (`t`).
pub(super) fn is_stopped(pid: u32) -> bool {
    read_stat(pid).is_ok_and(|stat| matches!(stat.state, b'T' | b't'))
}

/// The processes that hold a lock on a file, by their descriptors.
pub(super) fn lock_holders(device: u64, inode: u64) -> Vec<u32> {
    let is_file = |path: &Path| fs::metadata(path).is_ok_and(|meta| (meta.dev(), meta.ino()) == (device, inode));
    let is_locked = |folder: &Path, name: &std::ffi::OsStr| {
        let about = fs::read_to_string(folder.join("fdinfo").join(name)).unwrap_or_default();
        about.lines().any(|line| line.starts_with("lock:"))
    };
    let holds = |folder: &Path| {
        let mut descriptors = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        descriptors.any(|entry| is_file(&entry.path()) && is_locked(folder, &entry.file_name()))
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pid = |entry: &fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse().ok());
    processes.filter_map(|entry| pid(&entry).filter(|_| holds(&entry.path()))).collect()
}

/// The current path of the file that is the standard input of `pid`. The flag: the file was removed.
pub(super) fn standard_input(pid: u32) -> Option<(PathBuf, bool)> {
    let shown = fs::read_link(format!("/proc/{pid}/fd/0")).ok()?;
    match shown.as_os_str().as_bytes().strip_suffix(b" (deleted)") {
        Some(path) => Some((PathBuf::from(std::ffi::OsStr::from_bytes(path)), true)),
        None => Some((shown, false)),
    }
}

/// The working directory of `pid`; `None` if it was removed or cannot be read.
pub(super) fn working_directory(pid: u32) -> Option<PathBuf> {
    let shown = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    shown.is_dir().then_some(shown)
}

/// The processes above `pid`, the nearest first.
pub(super) fn ancestors(pid: u32) -> Vec<u32> {
    let parent = |pid: &u32| read_stat(*pid).ok().map(|stat| stat.parent).filter(|parent| *parent > 0);
    std::iter::successors(parent(&pid), parent).take(DEPTH).collect()
}

/// Reads what the process table lacks, one process at a time.
pub(super) struct Details;

impl Details {
    pub(super) fn new() -> Self {
        Self
    }

    /// The value of `name` in the initial environment of `pid`, if it can be read.
    pub(super) fn environment_of(&self, pid: u32, name: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
        bytes.split(|b| *b == 0).find_map(|entry| {
            let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(value.to_vec())
        })
    }

    /// The initial arguments of `pid`.
    pub(super) fn arguments_of(&self, pid: u32) -> Vec<Vec<u8>> {
        fs::read(format!("/proc/{pid}/cmdline"))
            .map(|bytes| bytes.split(|b| *b == 0).map(<[u8]>::to_vec).collect())
            .unwrap_or_default()
    }
}

/// Descendants whose own parent has exited become our children.
pub(super) fn become_subreaper() -> io::Result<()> {
    // Linux checks only that the argument is not zero.
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// In a new child: it is killed when the thread of `parent` that started it ends.
pub(super) fn die_with(parent: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before that call.
    if rustix::process::getppid() != Some(parent) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_parentheses_does_not_shift_the_fields() {
        let stat = parse_stat(b"42 (a) b (c)) S 7 41 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 0 0\n").unwrap();
        assert_eq!((stat.state, stat.parent, stat.group, stat.start_time), (b'S', 7, 41, 12345));
        assert_eq!(stat.command, "a) b (c)");
        assert!(parse_stat(b"42 (a").is_none());
    }

    #[test]
    fn a_lock_is_found_with_its_holder_and_a_file_under_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let meta = file.as_file().metadata().unwrap();
        assert!(lock_holders(meta.dev(), meta.ino()).is_empty(), "open is not locked");
        file.as_file().lock().unwrap();
        assert_eq!(lock_holders(meta.dev(), meta.ino()), [std::process::id()]);
        assert!(!is_stopped(std::process::id()));
        assert_eq!(working_directory(std::process::id()), std::env::current_dir().ok());
    }

    #[test]
    fn this_process_is_found_and_a_wrong_start_time_is_not_signalled() {
        let pid = std::process::id();
        let start = start_time(pid).unwrap();
        assert!(all().unwrap().iter().any(|p| p.pid == pid && p.start_time == start));
        assert!(!signal(pid, start + 1, Signal::KILL).unwrap());
    }
}

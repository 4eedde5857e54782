//! The plain POSIX form, for macOS and others: `ps`, `kill`, process groups.
//!
//! What it cannot do is told in the README: orphans are found by their mark only, and a pid is
//! checked and signalled in two steps.
#![expect(unsafe_code, reason = "fork and pre_exec have no safe form")]

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal};

use crate::system::process::supervise::Forked;
use crate::system::process::tree::Process;

pub(super) fn boot_id() -> String {
    // The time of the boot is the same for every process until the next one.
    output("sysctl", &["-n", "kern.boottime"]).unwrap_or_default().trim().to_owned()
}

pub(super) fn pid_namespace() -> u64 {
    0
}

pub(super) fn start_time(pid: u32) -> io::Result<u64> {
    let text = output("ps", &["-o", "stat=,lstart=", "-p", &pid.to_string()])?;
    let (state, started) = text.trim().split_once(' ').ok_or(io::ErrorKind::NotFound)?;
    if state.starts_with('Z') {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(digest(started.trim()))
}

/// A stable number for a start time in words: only equality matters.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

pub(super) fn signal(pid: u32, start: u64, signal: Signal) -> io::Result<bool> {
    match start_time(pid) {
        Ok(found) if found == start => {}
        _ => return Ok(false),
    }
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    match rustix::process::kill_process(pid, signal) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn all() -> io::Result<Vec<Process>> {
    let text = output("ps", &["-axo", "pid=,ppid=,stat=,lstart=,comm="])?;
    Ok(text.lines().filter_map(parse_line).collect())
}

/// `lstart` is five words: `Sun Nov 22 10:00:00 2026`.
fn parse_line(line: &str) -> Option<Process> {
    let mut words = line.split_ascii_whitespace();
    let pid = words.next()?.parse().ok()?;
    let parent = words.next()?.parse().ok()?;
    if words.next()?.starts_with('Z') {
        return None;
    }
    let started: Vec<&str> = words.by_ref().take(5).collect();
    let command = words.collect::<Vec<_>>().join(" ");
    Some(Process { pid, parent, start_time: digest(&started.join(" ")), command })
}

pub(super) fn environment_of(pid: u32, name: &str) -> Option<Vec<u8>> {
    let text = output("ps", &["-Eww", "-o", "command=", "-p", &pid.to_string()]).ok()?;
    let prefix = format!("{name}=");
    text.split_ascii_whitespace().find_map(|word| word.strip_prefix(&prefix)).map(|value| value.as_bytes().to_vec())
}

pub(super) fn arguments_of(pid: u32) -> Vec<Vec<u8>> {
    output("ps", &["-ww", "-o", "args=", "-p", &pid.to_string()])
        .map(|text| text.split_ascii_whitespace().map(|word| word.as_bytes().to_vec()).collect())
        .unwrap_or_default()
}

fn output(program: &str, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(super) fn fork() -> io::Result<Forked> {
    // SAFETY: called first thing in a fresh process, before any thread exists, so the child
    // inherits no lock that another thread holds.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        _ => Ok(Forked::Parent),
    }
}

pub(super) fn seal_descriptors() {
    for fd in 3..256 {
        // SAFETY: marks a descriptor close-on-exec and touches no memory; a closed one is an error.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

pub(super) fn become_subreaper() -> io::Result<()> {
    Ok(())
}

pub(super) fn prepare_child(command: &mut Command, umask: u32, limits: &[(Resource, u64)], _cgroup: Option<File>) {
    let limits = limits.to_vec();
    // SAFETY: the closure makes only system calls, all async-signal-safe, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask as _));
            for (resource, value) in &limits {
                rustix::process::setrlimit(*resource, Rlimit { current: Some(*value), maximum: Some(*value) })?;
            }
            Ok(())
        });
    }
}

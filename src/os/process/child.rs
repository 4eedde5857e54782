//! Fork, and what a child does between fork and exec.
//!
//! The only `unsafe` of the program is here: neither has a safe form. The child must not allocate, lock or log.
#![expect(unsafe_code, reason = "fork and pre_exec have no safe form")]

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Resource, Rlimit};

use crate::os::process::platform;
use crate::os::process::supervise::Forked;

/// Forks this process. It must have one thread.
pub(super) fn fork() -> io::Result<Forked> {
    // SAFETY: called while the process has one thread, so the child inherits no lock that another thread holds.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        _ => Ok(Forked::Parent),
    }
}

/// Prepares `command`: the child is killed when this thread ends (if the system supports that), has its own session,
/// the given umask and limits per process, and joins the cgroup whose `cgroup.procs` is `joins`.
pub(super) fn prepare(command: &mut Command, umask: u32, limits: &[(Resource, u64)], joins: Option<File>) {
    let limits = limits.to_vec();
    let parent = rustix::process::getpid();
    // SAFETY: the closure makes only system calls, all async-signal-safe, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            platform::die_with(parent)?;
            set_umask(umask);
            for signal in 1..=31 {
                // Resets signals that our caller ignored, too. KILL and STOP refuse, which is harmless.
                libc::signal(signal, libc::SIG_DFL);
            }
            if let Some(group) = &joins {
                // "0" means the writing process.
                rustix::io::write(group, b"0")?;
            }
            for (resource, value) in &limits {
                rustix::process::setrlimit(*resource, Rlimit { current: Some(*value), maximum: Some(*value) })?;
            }
            Ok(())
        });
    }
}

/// Prepares `command`: the child is killed when this thread ends (if the system supports that) and has its own session,
/// so that it gets no terminal signals for our process group.
pub(in crate::os) fn prepare_helper(command: &mut Command) {
    let parent = rustix::process::getpid();
    // SAFETY: the closure makes only system calls, all async-signal-safe, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            platform::die_with(parent)
        });
    }
}

/// Gives the child its own session, so that it outlives our terminal.
pub(super) fn leave_session(command: &mut Command) {
    // SAFETY: one system call, async-signal-safe, and nothing is allocated.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(())
        });
    }
}

/// Marks inherited descriptors close-on-exec: an agent gets only 0 to 2, and a tmux server would keep the others open
/// for ever.
pub(super) fn seal_descriptors() {
    #[cfg(all(target_os = "linux", not(dispatch_posix)))]
    {
        let flag = libc::CLOSE_RANGE_CLOEXEC.cast_signed();
        // SAFETY: marks descriptors close-on-exec and touches no memory.
        if unsafe { libc::close_range(3, libc::c_uint::MAX, flag) } == 0 {
            return;
        }
    }
    // Other systems, and kernels before 5.11: the usual descriptor numbers.
    for fd in 3..256 {
        // SAFETY: marks a descriptor and touches no memory; a closed descriptor is a harmless error.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Sets the umask of this process and returns the previous one.
pub(super) fn set_umask(mask: u32) -> u32 {
    // The width of a mode differs between systems; a umask has nine bits everywhere.
    let mode = rustix::fs::Mode::from_raw_mode((mask & 0o777) as rustix::fs::RawMode);
    widened(rustix::process::umask(mode).as_raw_mode())
}

fn widened(mode: impl Into<u32>) -> u32 {
    mode.into()
}

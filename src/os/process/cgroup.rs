//! Limits of a whole process tree by cgroup v2, in a subtree that was delegated to us.
//!
//! Writes only the new group and the list of controllers that our own group enables for its children; systemd's groups
//! are only read. On other systems there is no group.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::limits::Limits;

/// A group for one run. If we created it, it is removed when dropped, provided it is empty.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    is_ours: bool,
}

impl Cgroup {
    /// Creates the group of a run and sets its limits; `None` if that is not possible.
    pub fn create(name: &str, limits: &Limits) -> Option<Self> {
        Self::create_in(&own_group()?, name, limits)
    }

    /// The group of `pid`, if it belongs to the systemd unit `unit`.
    pub fn of_unit(pid: u32, unit: &str) -> Option<Self> {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let path = unified(&groups).filter(|path| path.rsplit('/').next() == Some(unit))?;
        Some(Self { path: mount()?.join(path), is_ours: false })
    }

    fn create_in(parent: &Path, name: &str, limits: &Limits) -> Option<Self> {
        let mut wanted = Vec::new();
        if let Some(memory) = limits.memory {
            wanted.push(("memory", "memory.max", memory.get().to_string()));
        }
        if let Some(processes) = limits.processes {
            wanted.push(("pids", "pids.max", processes.to_string()));
        }
        for (controller, ..) in &wanted {
            enable(parent, controller)?;
        }
        let mut group = Self { path: parent.join(name), is_ours: false };
        fs::create_dir(&group.path).ok()?;
        group.is_ours = true;
        for (_, file, value) in wanted {
            // A missing file means that the parent group did not enable the controller.
            if !group.path.join(file).exists() || fs::write(group.path.join(file), value).is_err() {
                return None;
            }
        }
        group.cpu_time()?;
        Some(group)
    }

    /// The file through which a process joins the group (`cgroup.procs`).
    pub fn entrance(&self) -> io::Result<File> {
        File::options().write(true).open(self.path.join("cgroup.procs"))
    }

    /// CPU time that the group has used.
    pub fn cpu_time(&self) -> Option<Duration> {
        let text = fs::read_to_string(self.path.join("cpu.stat")).ok()?;
        let micros = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
        Some(Duration::from_micros(micros.trim().parse().ok()?))
    }

    /// Whether the memory limit killed a process.
    pub fn had_oom_kill(&self) -> bool {
        fs::read_to_string(self.path.join("memory.events")).is_ok_and(|text| {
            text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
        })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Enables `controller` for the groups below `parent`, if it is not enabled yet.
fn enable(parent: &Path, controller: &str) -> Option<()> {
    let file = parent.join("cgroup.subtree_control");
    let has = |file: &Path| {
        fs::read_to_string(file).is_ok_and(|text| text.split_ascii_whitespace().any(|word| word == controller))
    };
    if has(&file) {
        return Some(());
    }
    if !has(&parent.join("cgroup.controllers")) {
        return None;
    }
    fs::write(&file, format!("+{controller}")).ok()
}

/// The cgroup v2 group of this process.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    Some(mount()?.join(unified(&groups)?))
}

/// The controllers that the user's systemd can enable, separated by blanks; `None` if it does not run.
pub fn user_manager_controllers() -> Option<String> {
    let user = rustix::process::geteuid().as_raw();
    let group = format!("user.slice/user-{user}.slice/user@{user}.service/cgroup.controllers");
    fs::read_to_string(mount()?.join(group)).ok()
}

/// The mount point of cgroup v2; `None` in the plain POSIX form.
fn mount() -> Option<PathBuf> {
    if cfg!(not(all(target_os = "linux", not(dispatch_posix)))) {
        return None;
    }
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (_, path, kind) = (words.next()?, words.next()?, words.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(path))
    })
}

/// The path of a process in that tree, relative to its root, from `/proc/PID/cgroup`.
fn unified(groups: &str) -> Option<&str> {
    groups.lines().find_map(|line| line.strip_prefix("0::/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bytes::Bytes;

    fn limits() -> Limits {
        Limits { memory: Some(Bytes::new(4096)), processes: Some(9), cpu: None }
    }

    #[test]
    fn a_controller_that_does_not_reach_us_means_no_group() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cgroup.controllers"), "cpu io\n").unwrap();
        fs::write(dir.path().join("cgroup.subtree_control"), "\n").unwrap();
        assert!(Cgroup::create_in(dir.path(), "run", &limits()).is_none());
        assert!(!dir.path().join("run").exists(), "nothing stays");
    }

    #[test]
    fn usage_is_read_in_microseconds() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cpu.stat"), "usage_usec 1500000\nuser_usec 1\n").unwrap();
        fs::write(dir.path().join("memory.events"), "oom 1\noom_kill 1\n").unwrap();
        let group = Cgroup { path: dir.path().to_owned(), is_ours: false };
        assert_eq!(group.cpu_time(), Some(Duration::from_millis(1500)));
        assert!(group.had_oom_kill());
    }

    #[test]
    fn the_unified_tree_is_told_from_the_old_ones() {
        let groups = "9:name=systemd:/old\n4:memory:/x\n0::/user.slice/app.slice/dispatch-1.scope\n";
        assert_eq!(unified(groups), Some("user.slice/app.slice/dispatch-1.scope"));
        assert_eq!(unified("4:memory:/x\n"), None);
        assert!(Cgroup::of_unit(std::process::id(), "dispatch-of-nobody.scope").is_none());
    }
}

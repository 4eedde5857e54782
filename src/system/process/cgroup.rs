//! Limits of a whole process tree by cgroup v2, in a tree that was delegated to us.
//!
//! Where there is none the caller falls back to per-process limits and says so. Nothing outside
//! our own new group is changed but the list of controllers our own group hands down.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::limits::Limits;

/// A group made for one run. Removed when it is dropped and empty.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Makes the group for a run with its limits set, or `None` where that is not possible.
    pub fn create(name: &str, limits: &Limits) -> Option<Self> {
        Self::create_in(&own_group()?, name, limits)
    }

    /// Whether groups with `limits` could be made: what `doctor` and a process limit ask.
    pub fn is_available(limits: &Limits) -> bool {
        Self::create(&format!("dispatch-probe-{}", std::process::id()), limits).is_some()
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
        let group = Self { path: parent.join(name) };
        fs::create_dir(&group.path).ok()?;
        for (_, file, value) in wanted {
            // A file that is not there means a controller that does not reach us.
            if !group.path.join(file).exists() || fs::write(group.path.join(file), value).is_err() {
                return None;
            }
        }
        group.cpu_used()?;
        Some(group)
    }

    /// The file through which a process joins the group.
    pub fn entrance(&self) -> io::Result<File> {
        File::options().write(true).open(self.path.join("cgroup.procs"))
    }

    /// CPU time that the group has used.
    pub fn cpu_used(&self) -> Option<Duration> {
        let text = fs::read_to_string(self.path.join("cpu.stat")).ok()?;
        let micros = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
        Some(Duration::from_micros(micros.trim().parse().ok()?))
    }

    /// Whether the memory limit killed something.
    pub fn was_out_of_memory(&self) -> bool {
        fs::read_to_string(self.path.join("memory.events")).is_ok_and(|text| {
            text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
        })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.path);
    }
}

/// Hands `controller` down to the groups below `parent`, if it is not handed down already.
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

/// The cgroup v2 group this process lives in.
fn own_group() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let root = mounts.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (_, path, kind) = (words.next()?, words.next()?, words.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(path))
    })?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(root.join(own))
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
        let group = Cgroup { path: dir.path().to_owned() };
        assert_eq!(group.cpu_used(), Some(Duration::from_millis(1500)));
        assert!(group.was_out_of_memory());
    }
}

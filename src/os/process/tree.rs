//! Which processes belong to a run: its tree.
//!
//! It contains the descendants of its root and the processes with the run's id in their environment; but nothing below
//! another supervisor or a tmux server that the run started, and no process with another run's id: nested runs outlive
//! the run that started them.
//!
//! A [`ProcessTable`] is one read of the system's process table. It serves any number of runs, and reads environment
//! and arguments of each process at most once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::io;

use rustix::process::Signal;

use crate::model::run_id::RunId;
use crate::os::process::platform;

/// First arguments of our own processes that belong to no run, nor do their descendants.
const OWN_TREES: [&[u8]; 3] = [b"__supervise", b"__next", b"__notify"];

/// The variable that marks a run's processes.
pub const MARK: &str = "DISPATCH_RUN_ID";

/// A process as the system's process table shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    pub start_time: u64,
    pub command: String,
}

/// What the process table lacks.
trait ProcessDetails {
    fn mark(&self, pid: u32) -> Option<Vec<u8>>;
    fn is_tree_root(&self, pid: u32) -> bool;
}

impl ProcessDetails for platform::Details {
    fn mark(&self, pid: u32) -> Option<Vec<u8>> {
        self.environment_of(pid, MARK)
    }

    fn is_tree_root(&self, pid: u32) -> bool {
        // What `__next` and `__notify` start belongs to no run above them.
        self.arguments_of(pid).get(1).is_some_and(|word| OWN_TREES.iter().any(|own| word == own))
    }
}

/// The root of a run's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The supervisor: its descendants belong to the run, itself not. If its pid was reused by a process with another
    /// start time, there are no descendants.
    Supervisor { pid: u32, start_time: u64 },
    /// The agent in a window: it belongs to the run, if pid and start time match.
    Agent { pid: u32, start_time: u64 },
}

impl Root {
    /// This process, as a supervisor.
    pub fn own() -> io::Result<Self> {
        let pid = std::process::id();
        Ok(Self::Supervisor { pid, start_time: platform::start_time(pid)? })
    }

    fn pid(self) -> u32 {
        match self {
            Self::Supervisor { pid, .. } | Self::Agent { pid, .. } => pid,
        }
    }
}

/// The processes of `run`, without a `root` that is its supervisor. Fails if the process table cannot be read.
pub fn members(run: &RunId, root: Option<Root>) -> io::Result<Vec<Process>> {
    Ok(ProcessTable::take()?.members(run, root))
}

/// Signals every process of `run` and returns the processes that were found.
pub fn signal_members(run: &RunId, root: Option<Root>, signal: Signal) -> io::Result<Vec<Process>> {
    let members = members(run, root)?;
    members.iter().for_each(|process| signal_process(process, signal));
    Ok(members)
}

/// Signals one process. After TERM it is continued, since a stopped process would not handle TERM.
pub(super) fn signal_process(process: &Process, signal: Signal) {
    // If it cannot be signalled (it changed its user), the caller's next read finds it again.
    let _ = platform::signal(process.pid, process.start_time, signal);
    if signal == Signal::TERM {
        let _ = platform::signal(process.pid, process.start_time, Signal::CONT);
    }
}

/// The process table at one time, with indexes by parent and by mark.
pub struct ProcessTable {
    by_pid: BTreeMap<u32, Process>,
    children: HashMap<u32, Vec<u32>>,
    marks: HashMap<u32, Vec<u8>>,
    by_mark: HashMap<Vec<u8>, Vec<u32>>,
    /// Cached answers of `details`.
    tree_roots: RefCell<HashMap<u32, bool>>,
    details: Box<dyn ProcessDetails>,
}

impl fmt::Debug for ProcessTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessTable").field("processes", &self.by_pid.len()).finish_non_exhaustive()
    }
}

impl ProcessTable {
    /// Reads the process table. Fails if it cannot be read.
    pub fn take() -> io::Result<Self> {
        Ok(Self::new(platform::all()?, Box::new(platform::Details::new())))
    }

    /// The processes of `run`, without a `root` that is its supervisor.
    pub fn members(&self, run: &RunId, root: Option<Root>) -> Vec<Process> {
        self.members_with(run, root, &HashSet::new())
    }

    fn new(all: Vec<Process>, details: Box<dyn ProcessDetails>) -> Self {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut marks = HashMap::new();
        let mut by_mark: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        for process in &all {
            children.entry(process.parent).or_default().push(process.pid);
            if let Some(mark) = details.mark(process.pid) {
                by_mark.entry(mark.clone()).or_default().push(process.pid);
                marks.insert(process.pid, mark);
            }
        }
        let by_pid = all.into_iter().map(|process| (process.pid, process)).collect();
        Self { by_pid, children, marks, by_mark, tree_roots: RefCell::default(), details }
    }

    fn is_tree_root(&self, pid: u32) -> bool {
        *self.tree_roots.borrow_mut().entry(pid).or_insert_with(|| self.details.is_tree_root(pid))
    }

    /// Whether `process` is the root of another tree, and so belongs to no run above it.
    fn is_apart(&self, process: &Process) -> bool {
        is_tmux_server(process) || self.is_tree_root(process.pid)
    }

    /// As [`ProcessTable::members`], with the processes in `seen` (pid and start time) that still exist, and their
    /// descendants: a process without the run's mark whose parent has exited is not found otherwise.
    pub fn members_with(&self, run: &RunId, root: Option<Root>, seen: &HashSet<(u32, u64)>) -> Vec<Process> {
        let own = std::process::id();
        let mark = run.as_str().as_bytes();
        let mut found = BTreeSet::new();
        // Walk down from the root, without entering another tree.
        let is_there = |pid: u32, start_time: u64| self.by_pid.get(&pid).is_some_and(|it| it.start_time == start_time);
        let mut walk: Vec<u32> = match root {
            Some(Root::Supervisor { pid, start_time }) if is_there(pid, start_time) => {
                self.children.get(&pid).cloned().unwrap_or_default()
            }
            Some(Root::Agent { pid, start_time }) if is_there(pid, start_time) => vec![pid],
            _ => Vec::new(),
        };
        walk.extend(seen.iter().filter(|(pid, start_time)| is_there(*pid, *start_time)).map(|(pid, _)| *pid));
        while let Some(pid) = walk.pop() {
            let Some(process) = self.by_pid.get(&pid) else { continue };
            let foreign = self.is_apart(process) || self.marks.get(&pid).is_some_and(|other| other != mark);
            if !foreign && pid != own && found.insert(pid) {
                walk.extend(self.children.get(&pid).into_iter().flatten());
            }
        }
        // Every process with the mark belongs too, wherever it is in the table.
        for pid in self.by_mark.get(mark).into_iter().flatten() {
            let Some(process) = self.by_pid.get(pid) else { continue };
            let counted = *pid == own || found.contains(pid) || Some(*pid) == root.map(Root::pid);
            if !counted && !self.is_apart(process) && !self.is_below_nested(process, mark) {
                found.insert(*pid);
            }
        }
        found.into_iter().filter_map(|pid| self.by_pid.get(&pid).cloned()).collect()
    }

    /// Whether a tmux server or supervisor that the run itself started is an ancestor of `process`.
    fn is_below_nested(&self, process: &Process, mark: &[u8]) -> bool {
        let mut at = process;
        // Bounded: a table that was read while processes changed may contain a loop.
        for _ in 0..self.by_pid.len() {
            let Some(parent) = self.by_pid.get(&at.parent) else { return false };
            if self.is_apart(parent) {
                return self.marks.get(&parent.pid).is_some_and(|other| other == mark);
            }
            at = parent;
        }
        false
    }
}

/// tmux sets this name for its server process, independent of its arguments.
fn is_tmux_server(process: &Process) -> bool {
    process.command.starts_with("tmux: server")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::ids::new_run_id;

    struct Fake {
        marks: BTreeMap<u32, String>,
        supervisors: Vec<u32>,
    }

    impl ProcessDetails for Fake {
        fn mark(&self, pid: u32) -> Option<Vec<u8>> {
            self.marks.get(&pid).map(|mark| mark.clone().into_bytes())
        }
        fn is_tree_root(&self, pid: u32) -> bool {
            self.supervisors.contains(&pid)
        }
    }

    fn process(pid: u32, parent: u32, command: &str) -> Process {
        Process { pid, parent, group: pid, start_time: u64::from(pid), command: command.to_owned() }
    }

    #[test]
    fn nested_runs_and_agent_started_tmux_servers_are_not_of_the_tree() {
        let (outer, inner) = (new_run_id(), new_run_id());
        let all = vec![
            process(100, 1, "dispatch"),
            process(110, 100, "claude"),
            process(111, 110, "bash"),
            process(112, 100, "daemon"),   // double-forked, adopted, unmarked environment
            process(120, 100, "dispatch"), // a nested supervisor, adopted
            process(121, 120, "claude"),
            process(122, 100, "orphan"),       // of the nested run, adopted by us
            process(130, 100, "tmux: server"), // started by the agent
            process(131, 130, "bash"),
            process(140, 1, "escaped"),
            process(150, 1, "stranger"),
        ];
        let marks =
            [(110, &outer), (111, &outer), (121, &inner), (122, &inner), (130, &outer), (131, &outer), (140, &outer)];
        let details = Fake {
            marks: marks.into_iter().map(|(pid, id)| (pid, id.to_string())).collect(),
            supervisors: vec![100, 120],
        };
        let table = ProcessTable::new(all, Box::new(details));
        let pids = |root| table.members(&outer, root).iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(pids(Some(Root::Supervisor { pid: 100, start_time: 100 })), [110, 111, 112, 140]);
        assert_eq!(pids(Some(Root::Supervisor { pid: 100, start_time: 99 })), [110, 111, 140], "another process");
        assert_eq!(pids(None), [110, 111, 140], "after the supervisor's death the mark is what is left");
        let nested = table.members(&inner, None).iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(nested, [121, 122]);
    }

    #[test]
    fn a_window_in_a_server_that_another_run_started_belongs_to_its_own_run() {
        let (outer, inner) = (new_run_id(), new_run_id());
        let all = vec![process(130, 1, "tmux: server"), process(131, 130, "claude"), process(132, 131, "bash")];
        let details = Fake {
            marks: [(130, &outer), (131, &inner), (132, &inner)].into_iter().map(|(p, i)| (p, i.to_string())).collect(),
            supervisors: vec![],
        };
        let table = ProcessTable::new(all, Box::new(details));
        let pids = |run, root| table.members(run, root).iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(pids(&inner, Some(Root::Agent { pid: 131, start_time: 131 })), [131, 132]);
        assert_eq!(pids(&inner, None), [131, 132]);
        assert!(pids(&outer, None).is_empty());
    }
}

//! Which processes belong to a run: its tree.
//!
//! Descendants of its root, and whatever carries the run's mark in its environment; but never
//! what is below another supervisor or a tmux server that the run itself started, nor what
//! carries another run's mark: nested work outlives its caller.
//!
//! A [`Table`] is one read of the system's process table. It answers for any number of runs, and
//! reads the environment and the arguments of each process at most once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::io;

use rustix::process::Signal;

use crate::model::run_id::RunId;
use crate::system::process::platform;

/// Our own processes that belong to no run, by their first argument: what they start neither.
const OWN_TREES: [&[u8]; 3] = [b"__supervise", b"__next", b"__notify"];

/// The variable that marks a run's processes.
pub const MARK: &str = "DISPATCH_RUN_ID";

/// A process as one look at the system shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    pub start_time: u64,
    pub command: String,
}

/// What is asked of a process beyond its place in the table.
trait Look {
    fn mark(&self, pid: u32) -> Option<Vec<u8>>;
    fn is_supervisor(&self, pid: u32) -> bool;
}

struct System(platform::Details);

impl Look for System {
    fn mark(&self, pid: u32) -> Option<Vec<u8>> {
        self.0.environment_of(pid, MARK)
    }

    fn is_supervisor(&self, pid: u32) -> bool {
        // Its last act is still its own: what it starts next belongs to nobody above it.
        self.0.arguments_of(pid).get(1).is_some_and(|word| OWN_TREES.iter().any(|own| word == own))
    }
}

/// Where a run's tree starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The supervisor: what is below it belongs to the run, it does not. Nothing is below a process
    /// that has this pid but started at another time.
    Supervisor { pid: u32, start_time: u64 },
    /// The agent in a window: belongs to the run, if it still is the process that started then.
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

/// The processes of `run`, without `root` itself when that is its supervisor. Fails where the table
/// of processes cannot be read.
pub fn members(run: &RunId, root: Option<Root>) -> io::Result<Vec<Process>> {
    Ok(Table::take()?.members(run, root))
}

/// Signals every process of `run`. Returns those that were there.
pub fn signal_members(run: &RunId, root: Option<Root>, signal: Signal) -> io::Result<Vec<Process>> {
    let members = members(run, root)?;
    members.iter().for_each(|process| signal_process(process, signal));
    Ok(members)
}

/// Signals one process, and continues it where it was to end: a stopped one would never see it.
pub(super) fn signal_process(process: &Process, signal: Signal) {
    // One that cannot be signalled (it became another user's) is found again by the caller.
    let _ = platform::signal(process.pid, process.start_time, signal);
    if signal == Signal::TERM {
        let _ = platform::signal(process.pid, process.start_time, Signal::CONT);
    }
}

/// One look at the process table.
pub struct Table(Snapshot<System>);

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("processes", &self.0.by_pid.len()).finish_non_exhaustive()
    }
}

impl Table {
    /// Fails where the table of processes cannot be read.
    pub fn take() -> io::Result<Self> {
        Ok(Self(Snapshot::new(platform::all()?, System(platform::Details::new()))))
    }

    /// The processes of `run`, without `root` itself when that is its supervisor.
    pub fn members(&self, run: &RunId, root: Option<Root>) -> Vec<Process> {
        self.0.members(run, root, &HashSet::new())
    }

    /// The same, with those of `seen` (pids and start times) that are still there, and what is below
    /// them: an orphan without the run's mark cannot be told from a stranger by its place.
    pub fn members_with(&self, run: &RunId, root: Option<Root>, seen: &HashSet<(u32, u64)>) -> Vec<Process> {
        self.0.members(run, root, seen)
    }
}

/// A table with its processes found by parent and by mark.
struct Snapshot<L> {
    by_pid: BTreeMap<u32, Process>,
    children: HashMap<u32, Vec<u32>>,
    marks: HashMap<u32, Vec<u8>>,
    by_mark: HashMap<Vec<u8>, Vec<u32>>,
    /// Of the processes that were asked for: whether they are trees of their own.
    supervisors: RefCell<HashMap<u32, bool>>,
    look: L,
}

impl<L: Look> Snapshot<L> {
    fn new(all: Vec<Process>, look: L) -> Self {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut marks = HashMap::new();
        let mut by_mark: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        for process in &all {
            children.entry(process.parent).or_default().push(process.pid);
            if let Some(mark) = look.mark(process.pid) {
                by_mark.entry(mark.clone()).or_default().push(process.pid);
                marks.insert(process.pid, mark);
            }
        }
        let by_pid = all.into_iter().map(|process| (process.pid, process)).collect();
        Self { by_pid, children, marks, by_mark, supervisors: RefCell::default(), look }
    }

    fn is_supervisor(&self, pid: u32) -> bool {
        *self.supervisors.borrow_mut().entry(pid).or_insert_with(|| self.look.is_supervisor(pid))
    }

    /// A tree of its own, which belongs to no run that it stands below.
    fn is_apart(&self, process: &Process) -> bool {
        is_tmux_server(process) || self.is_supervisor(process.pid)
    }

    fn members(&self, run: &RunId, root: Option<Root>, seen: &HashSet<(u32, u64)>) -> Vec<Process> {
        let own = std::process::id();
        let mark = run.as_str().as_bytes();
        let mut found = BTreeSet::new();
        // Walk down from the root, not entering what is a tree of its own.
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
        // And whatever carries the mark, wherever it went.
        for pid in self.by_mark.get(mark).into_iter().flatten() {
            let Some(process) = self.by_pid.get(pid) else { continue };
            let counted = *pid == own || found.contains(pid) || Some(*pid) == root.map(Root::pid);
            if !counted && !self.is_apart(process) && !self.is_below_nested(process, mark) {
                found.insert(*pid);
            }
        }
        found.into_iter().filter_map(|pid| self.by_pid.get(&pid).cloned()).collect()
    }

    /// Whether a tmux server or a supervisor that the run itself started stands between it and `process`.
    fn is_below_nested(&self, process: &Process, mark: &[u8]) -> bool {
        let mut at = process;
        // Bounded: a table read while it changes may hold a loop.
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

/// tmux names its server process so, whatever its arguments were.
fn is_tmux_server(process: &Process) -> bool {
    process.command.starts_with("tmux: server")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::ids::new_run_id;

    struct Fake {
        marks: BTreeMap<u32, String>,
        supervisors: Vec<u32>,
    }

    impl Look for Fake {
        fn mark(&self, pid: u32) -> Option<Vec<u8>> {
            self.marks.get(&pid).map(|mark| mark.clone().into_bytes())
        }
        fn is_supervisor(&self, pid: u32) -> bool {
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
        let look = Fake {
            marks: marks.into_iter().map(|(pid, id)| (pid, id.to_string())).collect(),
            supervisors: vec![100, 120],
        };
        let table = Snapshot::new(all, look);
        let pids = |root| table.members(&outer, root, &HashSet::new()).iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(pids(Some(Root::Supervisor { pid: 100, start_time: 100 })), [110, 111, 112, 140]);
        assert_eq!(pids(Some(Root::Supervisor { pid: 100, start_time: 99 })), [110, 111, 140], "another process");
        assert_eq!(pids(None), [110, 111, 140], "after the supervisor's death the mark is what is left");
        let nested = table.members(&inner, None, &HashSet::new()).iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(nested, [121, 122]);
    }

    #[test]
    fn a_window_in_a_server_that_another_run_started_belongs_to_its_own_run() {
        let (outer, inner) = (new_run_id(), new_run_id());
        let all = vec![process(130, 1, "tmux: server"), process(131, 130, "claude"), process(132, 131, "bash")];
        let look = Fake {
            marks: [(130, &outer), (131, &inner), (132, &inner)].into_iter().map(|(p, i)| (p, i.to_string())).collect(),
            supervisors: vec![],
        };
        let table = Snapshot::new(all, look);
        let pids = |run, root| table.members(run, root, &HashSet::new()).iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(pids(&inner, Some(Root::Agent { pid: 131, start_time: 131 })), [131, 132]);
        assert_eq!(pids(&inner, None), [131, 132]);
        assert!(pids(&outer, None).is_empty());
    }
}

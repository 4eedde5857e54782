//! Which processes belong to a run (DESIGN section 3, "The tree of a run").
//!
//! Descendants of its root, and whatever carries the run's mark in its environment; but never
//! what is below another supervisor or a tmux server that the run itself started, nor what
//! carries another run's mark: nested work outlives its caller.

use std::collections::{BTreeMap, BTreeSet};
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

/// The processes of `run`, without `root` itself when that is its supervisor.
pub fn members(run: &RunId, root: Option<Root>) -> io::Result<Vec<Process>> {
    let all = platform::all()?;
    Ok(select(&all, run, root, &System(platform::Details::new())))
}

/// Where a run's tree starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The supervisor: what is below it belongs to the run, it does not.
    Supervisor(u32),
    /// The agent in a window: belongs to the run, if it still is the process that started then.
    Agent { pid: u32, start_time: u64 },
}

/// Signals every process of `run`. Returns those that were there.
pub fn signal_members(run: &RunId, root: Option<Root>, signal: Signal) -> io::Result<Vec<Process>> {
    let members = members(run, root)?;
    for process in &members {
        // One that cannot be signalled (it became another user's) is found again by the caller.
        let _ = platform::signal(process.pid, process.start_time, signal);
        if signal == Signal::TERM {
            // A stopped process would never see it.
            let _ = platform::signal(process.pid, process.start_time, Signal::CONT);
        }
    }
    Ok(members)
}

fn select(all: &[Process], run: &RunId, root: Option<Root>, look: &impl Look) -> Vec<Process> {
    let by_pid: BTreeMap<u32, &Process> = all.iter().map(|p| (p.pid, p)).collect();
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process.pid);
    }
    let own = std::process::id();
    let is_own_mark = |mark: &[u8]| mark == run.as_str().as_bytes();
    let mut found = BTreeSet::new();
    // Walk down from the root, not entering what is a tree of its own.
    let mut walk: Vec<u32> = match root {
        Some(Root::Supervisor(pid)) => children.get(&pid).cloned().unwrap_or_default(),
        Some(Root::Agent { pid, start_time }) => match by_pid.get(&pid) {
            Some(process) if process.start_time == start_time => vec![pid],
            _ => Vec::new(),
        },
        None => Vec::new(),
    };
    while let Some(pid) = walk.pop() {
        let Some(process) = by_pid.get(&pid) else { continue };
        let foreign = is_tmux_server(process)
            || look.is_supervisor(pid)
            || look.mark(pid).is_some_and(|mark| !is_own_mark(&mark));
        if !foreign && pid != own && found.insert(pid) {
            walk.extend(children.get(&pid).into_iter().flatten());
        }
    }
    // And whatever carries the mark, wherever it went.
    for process in all {
        if process.pid == own || found.contains(&process.pid) || Some(process.pid) == root.map(Root::pid) {
            continue;
        }
        if !look.mark(process.pid).is_some_and(|mark| is_own_mark(&mark)) {
            continue;
        }
        if is_tmux_server(process) || look.is_supervisor(process.pid) {
            continue;
        }
        if !is_below_nested(process, &by_pid, look, &is_own_mark) {
            found.insert(process.pid);
        }
    }
    found.into_iter().filter_map(|pid| by_pid.get(&pid).map(|p| (*p).clone())).collect()
}

/// Whether a tmux server that the run itself started stands between it and `process`.
fn is_below_nested(
    process: &Process,
    by_pid: &BTreeMap<u32, &Process>,
    look: &impl Look,
    is_own_mark: &impl Fn(&[u8]) -> bool,
) -> bool {
    let mut at = process;
    // Bounded: a table read while it changes may hold a loop.
    for _ in 0..by_pid.len() {
        let Some(parent) = by_pid.get(&at.parent) else { return false };
        if is_tmux_server(parent) || look.is_supervisor(parent.pid) {
            return look.mark(parent.pid).is_some_and(|mark| is_own_mark(&mark));
        }
        at = parent;
    }
    false
}

/// tmux names its server process so, whatever its arguments were.
fn is_tmux_server(process: &Process) -> bool {
    process.command.starts_with("tmux: server")
}

impl Root {
    fn pid(self) -> u32 {
        match self {
            Self::Supervisor(pid) | Self::Agent { pid, .. } => pid,
        }
    }
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
        Process { pid, parent, start_time: u64::from(pid), command: command.to_owned() }
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
        let pids = |root| select(&all, &outer, root, &look).iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(pids(Some(Root::Supervisor(100))), [110, 111, 112, 140]);
        assert_eq!(pids(None), [110, 111, 140], "after the supervisor's death the mark is what is left");
        let nested = select(&all, &inner, None, &look).iter().map(|p| p.pid).collect::<Vec<_>>();
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
        let pids = |run, root| select(&all, run, root, &look).iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(pids(&inner, Some(Root::Agent { pid: 131, start_time: 131 })), [131, 132]);
        assert_eq!(pids(&inner, None), [131, 132]);
        assert!(pids(&outer, None).is_empty());
    }
}

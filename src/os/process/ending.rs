//! Ends the processes of many runs at once: TERM, each run's grace, KILL.
//!
//! One read of the process table serves all runs. Known processes are awaited through handles; a later read checks that
//! nothing was forked meanwhile. A table that cannot be read is an error, never an empty one.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::model::run_id::RunId;
use crate::os::process::platform;
use crate::os::process::tree::{self, Process, ProcessTable, Root};

/// Pause between two checks for remaining processes, doubled up to a second.
const STEP: Duration = Duration::from_millis(5);
const STEP_MAX: Duration = Duration::from_secs(1);
/// A process that lives this long after its first KILL is a survivor.
const GIVE_UP: Duration = Duration::from_secs(5);

/// The processes of one run that are to end.
#[derive(Clone, Debug)]
pub struct TreeToEnd<'a> {
    pub run: &'a RunId,
    pub root: Option<Root>,
    /// From TERM to KILL; zero for KILL at once.
    pub grace: Duration,
    /// A process group that another process sends TERM to; here it gets only KILL.
    pub signalled_group: Option<u32>,
}

/// Ends the remaining processes of each tree. Returns the survivors of each tree, in order. Fails if the process table
/// cannot be read.
pub fn end_trees(trees: &[TreeToEnd<'_>]) -> io::Result<Vec<Vec<u32>>> {
    let mut ending = Ending { begun: Instant::now(), terminated: HashSet::new() };
    let mut survivors: Vec<Vec<u32>> = vec![Vec::new(); trees.len()];
    // A process still belongs to its tree when its parent has ended, which the table no longer shows.
    let mut seen: Vec<HashSet<(u32, u64)>> = vec![HashSet::new(); trees.len()];
    let mut left: Vec<usize> = (0..trees.len()).collect();
    let mut step = STEP;
    while !left.is_empty() {
        let table = ProcessTable::take()?;
        let mut known: Vec<Vec<(u32, u64)>> = Vec::new();
        left.retain(|at| {
            let members = table.members_with(trees[*at].run, trees[*at].root, &seen[*at]);
            seen[*at].extend(members.iter().map(|process| (process.pid, process.start_time)));
            ending.signal(&trees[*at], &members);
            survivors[*at] = members.iter().map(|process| process.pid).collect();
            let goes_on = !members.is_empty() && !ending.gives_up(&trees[*at]);
            if goes_on {
                known.push(members.iter().map(|process| (process.pid, process.start_time)).collect());
            }
            goes_on
        });
        drop(table);
        if !left.is_empty() {
            let until = left.iter().map(|at| ending.next_signal(&trees[*at])).min().unwrap_or_default();
            wait(&mut known, until, step);
            step = (step * 2).min(STEP_MAX);
        }
    }
    Ok(survivors)
}

struct Ending {
    begun: Instant,
    /// Pid and start time of each process that got TERM, so that it gets only one.
    terminated: HashSet<(u32, u64)>,
}

impl Ending {
    fn signal(&mut self, tree: &TreeToEnd<'_>, members: &[Process]) {
        let kills = self.begun.elapsed() >= tree.grace;
        for process in members {
            if kills {
                tree::signal_process(process, Signal::KILL);
            } else if tree.signalled_group != Some(process.group)
                && self.terminated.insert((process.pid, process.start_time))
            {
                tree::signal_process(process, Signal::TERM);
            }
        }
    }

    fn gives_up(&self, tree: &TreeToEnd<'_>) -> bool {
        self.begun.elapsed() > tree.grace + GIVE_UP
    }

    /// The time until the grace of `tree` ends, or until the next KILL.
    fn next_signal(&self, tree: &TreeToEnd<'_>) -> Duration {
        match tree.grace.saturating_sub(self.begun.elapsed()) {
            // KILL is repeated, for processes that were forked meanwhile.
            Duration::ZERO => STEP_MAX / 10,
            left => left,
        }
    }
}

/// Waits until all known processes of one tree have ended, or `until` has passed. Checks after `step`, which doubles.
fn wait(known: &mut [Vec<(u32, u64)>], until: Duration, mut step: Duration) {
    let begun = Instant::now();
    loop {
        let left = until.saturating_sub(begun.elapsed());
        let all: Vec<(u32, u64)> = known.iter().flatten().copied().collect();
        let wait_begun = Instant::now();
        platform::wait_for_ends(&all, left.min(step));
        let lives = |(pid, start): &(u32, u64)| platform::start_time(*pid).is_ok_and(|found| found == *start);
        known.iter_mut().for_each(|tree| tree.retain(lives));
        if left <= step || known.iter().any(Vec::is_empty) {
            return;
        }
        // On systems without handles `wait_for_ends` returns early.
        std::thread::sleep(step.saturating_sub(wait_begun.elapsed()));
        step = (step * 2).min(STEP_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::os::ids::new_run_id;
    use crate::os::process::tree::MARK;

    fn marked(run: &RunId, script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env(MARK, run.as_str()).stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap()
    }

    fn tree(run: &RunId, grace: Duration) -> TreeToEnd<'_> {
        TreeToEnd { run, root: None, grace, signalled_group: None }
    }

    #[test]
    fn each_tree_gets_its_own_grace_and_all_end() {
        let (obeys, ignores, other) = (new_run_id(), new_run_id(), new_run_id());
        let mut children =
            [marked(&obeys, "exec sleep 1000"), marked(&ignores, "trap '' TERM; sleep 1000 & wait; wait")];
        let mut stranger = marked(&other, "exec sleep 1000");
        // Its child is started after the trap: from then on it ignores TERM.
        while tree::members(&ignores, None).unwrap().len() < 2 {
            std::thread::yield_now();
        }
        let reaper = move || children.each_mut().map(|child| child.wait().unwrap().to_string());
        let waits = std::thread::spawn(reaper);
        let trees = [tree(&obeys, Duration::from_secs(3600)), tree(&ignores, Duration::from_millis(50))];
        assert!(end_trees(&trees).unwrap().concat().is_empty());
        assert_eq!(waits.join().unwrap(), ["signal: 15 (SIGTERM)", "signal: 9 (SIGKILL)"]);
        assert!(stranger.try_wait().unwrap().is_none(), "another run's process was ended");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}

//! Jobs as processes of this machine: each has a supervisor, which inherits the pair lock and the slot.

use std::collections::VecDeque;
use std::io;
use std::thread;
use std::time::Duration;

use crate::executor::{Executor, OwnerSignal, PreparedJob, RunTree, Submission};
use crate::model::owner::Owner;
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::stop_kind::StopKind;
use crate::os::process::ending::{self, TreeToEnd};
use crate::os::process::supervise::{self, Starting};
use crate::os::process::traces;
use crate::os::process::tree::{ProcessTable, Root};
use crate::os::process::{self, Signal};
use crate::plan::observed_state::OwnerProbe;
use crate::store::slots::Slot;

/// Supervisors that may be starting at one time.
const COMING_UP: usize = 4;

/// A process that is still stopped this long after CONT stays stopped.
const CONTINUED: Duration = Duration::from_millis(100);

/// The grace of processes that a dead run left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Local;

impl Executor for Local {
    fn submit(&self, jobs: Vec<PreparedJob>) -> Vec<Submission> {
        let mut outcomes = Vec::new();
        let mut coming_up = VecDeque::new();
        for PreparedJob { folder, pair, slot, wants: _ } in jobs {
            if coming_up.len() >= COMING_UP {
                outcomes.extend(coming_up.pop_front().map(came_up));
            }
            coming_up.push_back(supervise::begin_supervisor(&folder, pair.into_file(), slot.map(Slot::into_file)));
        }
        outcomes.extend(coming_up.into_iter().map(came_up));
        outcomes
    }

    fn find_owner(&self, run: &RunId) -> Option<Owner> {
        traces::supervisor_of(run).and_then(|pid| process::identify(pid).ok()).map(Owner::Process)
    }

    fn look(&self, owner: &Owner) -> OwnerProbe {
        let Owner::Process(process) = owner else { return OwnerProbe::OutOfSight };
        match process::is_alive(process) {
            true => OwnerProbe::Alive,
            false if process.host_boot == process::host_boot() => OwnerProbe::Gone,
            false => OwnerProbe::OutOfSight,
        }
    }

    fn wake(&self, owner: &Owner) -> io::Result<bool> {
        let Owner::Process(process) = owner else { return Ok(true) };
        if process::is_stopped(process.pid) {
            process::signal(process, Signal::CONT)?;
            thread::sleep(CONTINUED);
        }
        Ok(!process::is_stopped(process.pid))
    }

    fn signal(&self, owner: &Owner, signal: OwnerSignal) -> io::Result<()> {
        let Owner::Process(process) = owner else { return Ok(()) };
        let signal = match signal {
            OwnerSignal::Soft(StopKind::Stop) => Signal::TERM,
            OwnerSignal::Soft(StopKind::Interrupt) => Signal::INT,
            // A supervisor that gets QUIT kills its tree at once.
            OwnerSignal::Soft(StopKind::Kill) => Signal::QUIT,
            OwnerSignal::Hard => Signal::KILL,
        };
        process::signal(process, signal)?;
        // A process stopped by SIGSTOP handles the signal only after CONT.
        process::signal(process, Signal::CONT).map(drop)
    }

    fn end_trees(&self, trees: &[RunTree<'_>]) -> io::Result<Vec<Vec<u32>>> {
        ending::end_trees(&trees.iter().map(tree_to_end).collect::<Vec<_>>())
    }
}

fn came_up(starting: io::Result<Starting>) -> Submission {
    starting.and_then(Starting::finish).map_or_else(Submission::Refused, |()| Submission::Accepted)
}

fn tree_to_end<'a>(tree: &RunTree<'a>) -> TreeToEnd<'a> {
    let root = tree.owner.and_then(Owner::process).map(|owner| {
        let (pid, start_time) = (owner.pid, owner.start_time);
        match tree.form {
            RunForm::Headless => Root::Supervisor { pid, start_time },
            RunForm::Interactive => Root::Agent { pid, start_time },
        }
    });
    TreeToEnd { run: tree.run, root, grace: tree.grace, signalled_group: tree.signalled_group }
}

/// Ends what dead runs left behind; reads the process table once for many of them.
#[derive(Debug, Default)]
pub(crate) struct Leftovers(Option<ProcessTable>);

impl Leftovers {
    /// Ends the processes with the run's mark and returns the pids that survive.
    pub(crate) fn end(&mut self, run: &RunId) -> io::Result<Vec<u32>> {
        let table = match self.0.take() {
            Some(table) => table,
            None => ProcessTable::take()?,
        };
        if self.0.insert(table).members(run, None).is_empty() {
            return Ok(Vec::new());
        }
        let tree = TreeToEnd { run, root: None, grace: LEFT_BEHIND, signalled_group: None };
        Ok(ending::end_trees(&[tree])?.concat())
    }
}

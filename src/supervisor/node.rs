//! The supervisor of one job on a node of an engine: the batch program itself, in the foreground. Input: the run folder.
//! Output: `exit.json`, unless another process recorded the end before.
//!
//! It takes the run by renaming its environment file. A second one finds none and writes nothing: an engine may start a
//! job twice. It holds no lock of this project, reads no manifest, opens no index and advances no queue.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, timeout};

use crate::model::end_reason::EndReason;
use crate::model::engine::EngineKind;
use crate::model::exit::Exit;
use crate::model::owner::{JobOwner, Owner};
use crate::model::process_id::ProcessId;
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::EndState;
use crate::os::environment::{self, EXECUTOR, Environment};
use crate::os::process::supervise;
use crate::store::run_folder::RunFolder;
use crate::supervisor::attempts::Ended;
use crate::supervisor::heartbeat::{Heartbeat, NodeNotice};
use crate::supervisor::machine::{EndCause, StageEvent};
use crate::supervisor::shell::{self, NotSupervised, Taken};
use crate::supervisor::wakeups::{Signals, after};

/// The exit code of a node that found no run to take: "try again later", as `sysexits.h` has it.
pub const NOTHING_TO_TAKE: u8 = 75;
/// Wait for the engine's own signal once the agent has ended by TERM.
const ENGINE_SIGNALS: Duration = Duration::from_secs(1);

/// Which node of which engine this is.
#[derive(Debug)]
pub(super) struct JobNode {
    engine: EngineKind,
    run: RunId,
    name: Option<String>,
    job: Option<String>,
    heartbeat: Heartbeat,
}

impl JobNode {
    pub(super) fn owner(&self, process: ProcessId) -> Owner {
        let (run, job, node) = (self.run.clone(), self.job.clone(), self.name.clone());
        Owner::Job(JobOwner { engine: self.engine, run, job, node, process })
    }

    pub(super) fn name(&self) -> Option<String> {
        self.name.clone()
    }

    pub(super) fn heartbeat(&self) -> &Heartbeat {
        &self.heartbeat
    }

    /// When to ask for an [`Self::event`] next.
    pub(super) fn next_notice(&self) -> Instant {
        after(self.heartbeat.interval())
    }

    /// What the node has noticed, as an event. Another process may already start another agent of the pair once it has
    /// recorded an end, or is about to record one: then the tree is killed at once.
    pub(super) fn event(&self, is_ending: bool) -> Option<StageEvent> {
        match self.heartbeat.notice() {
            NodeNotice::EndedElsewhere | NodeNotice::Fenced => Some(StageEvent::Stop { interrupted: true, now: true }),
            NodeNotice::StopRequested { interrupted } if !is_ending => {
                Some(StageEvent::Stop { interrupted, now: false })
            }
            NodeNotice::StopRequested { .. } | NodeNotice::Nothing => None,
        }
    }

    /// A TERM as an event: the run folder says whether a user's interrupt is behind it.
    pub(super) fn stop_by_signal(node: Option<&Self>, folder: &RunFolder, is_ending: bool) -> StageEvent {
        let interrupted = node.is_some() && !is_ending && folder.stop_requested() == Some(true);
        StageEvent::Stop { interrupted, now: false }
    }

    /// The stop of an engine that may have ended the agent: it sends TERM to each process of a job, one after the other,
    /// and the agent may be over before the supervisor gets its own.
    pub(super) async fn stop_after(
        node: Option<&Self>,
        last: Option<&StageEvent>,
        signals: &mut Signals,
        folder: &RunFolder,
    ) -> Option<StageEvent> {
        let is_by_term = |exit: &Exit| exit.signal == Some(Signal::TERM.as_raw());
        if node.is_none() || !matches!(last, Some(StageEvent::Exited(exit)) if is_by_term(exit)) {
            return None;
        }
        timeout(ENGINE_SIGNALS, signals.terminate.recv()).await.ok()?;
        Some(Self::stop_by_signal(node, folder, false))
    }

    /// What the node itself adds to an end: why it had to end the run.
    pub(super) fn explain(&self, folder: &RunFolder, mut ended: Ended) -> Ended {
        if !matches!(ended.why, EndCause::Stopped { .. }) {
            return ended;
        }
        match stopped_by(self.heartbeat.notice(), folder.stop_requested().is_some()) {
            StoppedBy::Fence => ended.outcome = ended.outcome.but(EndState::Lost, Some(EndReason::Fenced), None),
            StoppedBy::Engine => ended.outcome.reason = Some(EndReason::EndedByEngine),
            StoppedBy::Request => {}
        }
        ended
    }
}

/// What ended a run on a node that its agent did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoppedBy {
    /// `stop`, or the end that another process recorded.
    Request,
    Engine,
    Fence,
}

/// A requested stop stays one if the node was also suspended for so long that it is fenced: its signal may be what woke it.
fn stopped_by(notice: NodeNotice, is_requested: bool) -> StoppedBy {
    match notice {
        NodeNotice::StopRequested { .. } | NodeNotice::EndedElsewhere => StoppedBy::Request,
        NodeNotice::Fenced | NodeNotice::Nothing if is_requested => StoppedBy::Request,
        NodeNotice::Fenced => StoppedBy::Fence,
        NodeNotice::Nothing => StoppedBy::Engine,
    }
}

/// What an engine says of the job that this process is.
#[derive(Debug)]
pub struct NodeFacts {
    /// The engine's name of this node.
    pub name: Option<String>,
    /// The engine's name of the job.
    pub job: Option<String>,
    /// Whether this node decides a variable of a run.
    pub is_of_node: fn(EngineKind, &OsStr) -> bool,
}

/// Runs the job in `folder` to its end, and returns the exit code of the run, or [`NOTHING_TO_TAKE`].
///
/// Fails, with nothing written, if the record cannot be read or is not that of a job of an engine.
pub fn main(folder: &Path, facts: NodeFacts) -> Result<u8, NotSupervised> {
    let folder = RunFolder::at(folder);
    let spec = folder.read_spec()?;
    let Some(executor) = spec.kind.engine() else { return Err(NotSupervised::NoEngine(spec.run_id.clone())) };
    if folder.has_exit() {
        return Ok(NOTHING_TO_TAKE);
    }
    supervise::attend()?;
    let start = folder.path().to_owned();
    let folder = folder.enter()?;
    let Some(mut environment) = folder.claim_environment(&spec)? else { return Ok(NOTHING_TO_TAKE) };
    for (name, value) in environment::all() {
        if (facts.is_of_node)(executor.engine, &name) {
            // What is there already was set by the manifest.
            environment.entry(name).or_insert(value);
        }
    }
    // Tells a `dispatch` that the agent calls that it must not open the index here.
    environment.insert(EXECUTOR.into(), executor.name.clone().into());
    let heartbeat = Heartbeat::begin(&folder, executor)?;
    let (name, job) = (text(facts.name), text(facts.job));
    let node = JobNode { engine: executor.engine, run: spec.run_id.clone(), name, job, heartbeat };
    let environment = visible_folder(&spec, environment);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(shell::supervise(&folder, &start, &spec, Taken { environment, node: Some(&node) }));
    // Another process may have recorded another end before.
    Ok(folder.read_exit().ok().flatten().map_or(1, |end| end.command_code()))
}

fn text(word: Option<String>) -> Option<String> {
    word.filter(|word| !word.is_empty())
}

/// The environment, or the end of a run whose working directory is not on this node.
fn visible_folder(spec: &RunSpec, environment: Environment) -> Result<Environment, Box<Ended>> {
    match spec.worktree.is_some() || spec.cwd.is_dir() {
        true => Ok(environment),
        false => Err(Box::new(Ended::failed(EndReason::FolderNotOnNode(spec.cwd.clone())))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requested_stop_stays_one_on_a_node_that_is_fenced() {
        assert_eq!(stopped_by(NodeNotice::Fenced, true), StoppedBy::Request);
        assert_eq!(stopped_by(NodeNotice::Fenced, false), StoppedBy::Fence);
        assert_eq!(stopped_by(NodeNotice::Nothing, true), StoppedBy::Request);
        assert_eq!(stopped_by(NodeNotice::Nothing, false), StoppedBy::Engine);
    }
}

//! Where jobs run: the interface of executors, and one file for each executor.
//!
//! Input: a job whose records are written, or the owner that a run's record names. Output: what became of it, what the
//! owner does, which processes survive. An executor decides nothing about a run: `plan::observed_state` judges what it sees,
//! and `lifecycle` writes the records. Nothing else starts, signals or ends the processes of runs.
//!
//! Who holds the locks is part of a submission: `PreparedJob` takes the pair lock and the slot, and `local` hands
//! both to the supervisor in the start itself, so that a killed command leaves either a run with its lock or a free
//! lock (the crash matrix of ARCHITECTURE.md). An executor whose owner cannot hold a lock of this machine drops both
//! once its answer is recorded.
//!
//! A window is begun by `lifecycle::launch::window` and not here: one call of tmux opens many, through a client that
//! was started before the records were written; its evidence is a listing of the whole server, which all runs share;
//! and it keeps its lock only until tmux has answered. As an executor it would share no argument of `submit` and
//! `look` with a job. What lives in a window is a process of this machine, though: `local` looks at it and ends it.

mod local;
mod slurm;
mod wants;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::engine::EngineKind;
use crate::model::engine_report::EngineReport;
use crate::model::owner::{ExecutorName, Owner};
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::stop_kind::StopKind;
use crate::plan::observed_state::OwnerProbe;
use crate::store::pair_lock::PairLock;
use crate::store::run_folder::RunFolder;
use crate::store::slots::Slot;

pub(crate) use local::Leftovers;
pub(crate) use wants::JobWants;

/// The implementation of `name`.
pub(crate) fn of(name: ExecutorName) -> &'static dyn Executor {
    match name {
        ExecutorName::Local => &local::Local,
        ExecutorName::Slurm => &slurm::Slurm,
    }
}

/// The implementation of an engine.
pub(crate) fn engine(kind: EngineKind) -> &'static dyn Engine {
    match kind {
        EngineKind::Slurm => &slurm::Slurm,
    }
}

/// A job whose folder is complete.
#[derive(Debug)]
pub(crate) struct PreparedJob {
    folder: PathBuf,
    /// Names the run.
    pair: PairLock,
    slot: Option<Slot>,
    /// Set for a job of an engine.
    wants: Option<JobWants>,
}

/// What became of a submitted job.
#[derive(Debug)]
pub(crate) enum Submission {
    /// It has an owner, which records its end.
    Accepted,
    /// An engine has it. Returned with the pair lock, which is to be held until this is recorded.
    Submitted {
        /// The engine's own id of the job.
        job: Option<String>,
        pair: PairLock,
    },
    /// It was not started, as far as the executor knows.
    Refused(io::Error),
    /// An engine may have it: no answer, or none in time.
    Unsure { words: String },
}

/// A request to an owner, by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerSignal {
    /// To end the run and record its end.
    Soft(StopKind),
    /// Nothing: it is ended.
    Hard,
}

/// The processes of one run that are to end.
#[derive(Clone, Debug)]
pub(crate) struct RunTree<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) form: RunForm,
    /// `None`: the processes that carry the run's mark.
    pub(crate) owner: Option<&'a Owner>,
    /// From TERM to KILL; zero for KILL at once.
    pub(crate) grace: Duration,
    /// A process group that the owner signals; here it gets only KILL.
    pub(crate) signalled_group: Option<u32>,
}

/// A place where jobs run.
pub(crate) trait Executor: Debug + Sync {
    /// Submits jobs and returns what became of each, in their order.
    fn submit(&self, jobs: Vec<PreparedJob>) -> Vec<Submission>;

    /// The owner of `run`, found without the run's records.
    fn find_owner(&self, run: &RunId) -> Option<Owner>;

    fn look(&self, owner: &Owner) -> OwnerProbe;

    /// Continues an owner that is suspended. Returns whether it is suspended no more.
    fn wake(&self, owner: &Owner) -> io::Result<bool>;

    fn signal(&self, owner: &Owner, signal: OwnerSignal) -> io::Result<()>;

    /// Ends the trees of many runs together and returns the survivors of each. Fails if they cannot be looked for.
    fn end_trees(&self, trees: &[RunTree<'_>]) -> io::Result<Vec<Vec<u32>>>;
}

/// What an engine knows of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EngineLook {
    /// Its report on each run.
    Answer(BTreeMap<RunId, EngineReport>),
    /// It did not answer in time; its error text.
    NoAnswer(String),
}

/// Settings of an engine's site; `None`: not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EngineSettings {
    /// From the TERM of a cancelled job to its KILL.
    pub(crate) kill_wait: Option<Duration>,
    /// Whether jobs are held to their memory.
    pub(crate) limits_memory: Option<bool>,
}

/// An engine did not do what it was asked; its words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EngineError(pub(crate) String);

/// An engine: an executor on other machines, which is asked for many jobs at once.
pub(crate) trait Engine: Debug + Sync {
    /// Its reports on `runs`, at most two seconds old and never older than the call that first named a run. Returns
    /// within two seconds.
    fn look(&self, runs: &[RunId]) -> EngineLook;

    /// Signals the job of a run; `Hard` cancels it, wherever it is. Success proves nothing about the job.
    fn signal(&self, run: &RunId, signal: OwnerSignal) -> Result<(), EngineError>;

    /// Submits a job that answers a probe in `folder`. Fails if it was not accepted.
    fn submit_probe(&self, wants: &JobWants, folder: &Path) -> Result<(), EngineError>;

    /// Fails if the engine does not answer.
    fn settings(&self) -> Result<EngineSettings, EngineError>;

    /// The first of `options` that the manifest must not give.
    fn refused_option(&self, options: &[String]) -> Option<String>;

    /// Whether a node decides this variable of a run, unless the manifest sets it.
    fn is_of_node(&self, name: &OsStr) -> bool;
}

impl PreparedJob {
    pub(crate) fn new(folder: &RunFolder, spec: &RunSpec, pair: PairLock, slot: Option<Slot>) -> io::Result<Self> {
        Ok(Self { folder: folder.path().to_owned(), pair, slot, wants: JobWants::of(spec)? })
    }
}

/// Submits one job to the executor that its spec names.
pub(crate) fn submit_one(spec: &RunSpec, job: PreparedJob) -> Submission {
    let submitted = of(spec.kind.executor()).submit(vec![job]).pop();
    submitted.unwrap_or_else(|| Submission::Refused(io::Error::other("the executor said nothing")))
}

/// Whether the owner is seen alive.
pub(crate) fn is_alive(owner: &Owner) -> bool {
    of(owner.executor()).look(owner) == OwnerProbe::Alive
}

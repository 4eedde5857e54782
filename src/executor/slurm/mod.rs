//! Jobs on a Slurm cluster: `sbatch`, `squeue` and `scancel`, each with a pure reader of its answers beside it.
//!
//! A job is known by its name, which holds the run's id: the controller's own ids come back for other jobs. Nothing
//! outside this folder knows a term of Slurm.

mod cancellation;
mod command;
mod listing;
mod node_variables;
mod options;
mod settings;
mod submission;

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::executor::slurm::submission::SubmitAnswer;
use crate::executor::{
    Engine, EngineError, EngineLook, EngineSettings, Executor, JobWants, OwnerSignal, PreparedJob, RunTree, Submission,
};
use crate::model::engine_report::EngineReport;
use crate::model::owner::Owner;
use crate::model::run_id::RunId;
use crate::model::stop_kind::StopKind;
use crate::os::clock::Stopwatch;
use crate::plan::observed_state::OwnerProbe;

/// A command that shows runs must answer within 3 s, whatever the controller does.
const LOOK_BOUND: Duration = Duration::from_millis(1500);
const SUBMIT_BOUND: Duration = Duration::from_secs(10);
const CANCEL_BOUND: Duration = Duration::from_secs(10);

/// A listing is used for this long.
const LOOK_AGE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Slurm;

/// The last listing of this process.
static LAST: Mutex<Option<JobListing>> = Mutex::new(None);

#[derive(Debug)]
struct JobListing {
    taken: Stopwatch,
    /// The runs that it was taken for: of another run it may be too old.
    runs: HashSet<RunId>,
    answer: Result<BTreeMap<RunId, EngineReport>, String>,
}

impl JobListing {
    fn take(runs: &[RunId]) -> Self {
        let taken = Stopwatch::start();
        let words = ["--me", "--noheader", "--states=all"].map(OsString::from).into_iter();
        let arguments: Vec<OsString> = words.chain([format!("--format={}", listing::FORMAT).into()]).collect();
        let answer = match command::run("squeue", &arguments, b"", LOOK_BOUND) {
            Ok(output) if output.status.success() => Ok(listing::reports(&String::from_utf8_lossy(&output.stdout))),
            Ok(output) => Err(submission::one_line(&output.stderr)),
            Err(error) => Err(error.to_string()),
        };
        Self { taken, runs: runs.iter().cloned().collect(), answer }
    }

    /// A controller that gave no answer is not asked again for another run.
    fn covers(&self, runs: &[RunId]) -> bool {
        let is_for_these = self.answer.is_err() || runs.iter().all(|run| self.runs.contains(run));
        self.taken.elapsed() < LOOK_AGE && is_for_these
    }

    fn of(&self, runs: &[RunId]) -> EngineLook {
        match &self.answer {
            Err(words) => EngineLook::NoAnswer(words.clone()),
            Ok(known) => {
                let report = |run: &RunId| (run.clone(), known.get(run).cloned().unwrap_or(EngineReport::NotKnown));
                EngineLook::Answer(runs.iter().map(report).collect())
            }
        }
    }
}

fn forget_listing() {
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

impl Engine for Slurm {
    fn look(&self, runs: &[RunId]) -> EngineLook {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_ref().filter(|listing| listing.covers(runs)) {
            Some(listing) => listing.of(runs),
            None => last.insert(JobListing::take(runs)).of(runs),
        }
    }

    fn signal(&self, run: &RunId, signal: OwnerSignal) -> Result<(), EngineError> {
        let mut arguments = vec!["--me".into(), format!("--name={}", listing::job_name(run)).into()];
        // To the batch program alone, which is the supervisor: it ends its own tree. Whether a user's interrupt asks for
        // that, it reads in the run folder.
        match signal {
            OwnerSignal::Soft(StopKind::Kill) => arguments.extend(["--signal=QUIT".into(), "--batch".into()]),
            OwnerSignal::Soft(_) => arguments.extend(["--signal=TERM".into(), "--batch".into()]),
            OwnerSignal::Hard => {}
        }
        forget_listing();
        match command::run("scancel", &arguments, b"", CANCEL_BOUND) {
            Ok(output) => cancellation::answer(output.status.code(), &output.stderr).map_err(EngineError),
            Err(error) => Err(EngineError(error.to_string())),
        }
    }

    fn submit_probe(&self, wants: &JobWants, folder: &Path) -> Result<(), EngineError> {
        match sbatch(wants, "__probe", folder) {
            SubmitAnswer::Accepted { .. } => Ok(()),
            SubmitAnswer::Refused(words) | SubmitAnswer::Unsure(words) => Err(EngineError(words)),
        }
    }

    fn settings(&self) -> Result<EngineSettings, EngineError> {
        let arguments = ["show", "config"].map(OsString::from);
        match command::run("scontrol", &arguments, b"", CANCEL_BOUND) {
            Ok(output) if output.status.success() => Ok(settings::settings(&String::from_utf8_lossy(&output.stdout))),
            Ok(output) => Err(EngineError(submission::one_line(&output.stderr))),
            Err(error) => Err(EngineError(error.to_string())),
        }
    }

    fn refused_option(&self, options: &[String]) -> Option<String> {
        options::refused(options)
    }

    fn is_of_node(&self, name: &OsStr) -> bool {
        node_variables::is_of_node(name)
    }
}

impl Executor for Slurm {
    fn submit(&self, jobs: Vec<PreparedJob>) -> Vec<Submission> {
        jobs.into_iter().map(submit).collect()
    }

    fn find_owner(&self, _run: &RunId) -> Option<Owner> {
        None
    }

    fn look(&self, _owner: &Owner) -> OwnerProbe {
        OwnerProbe::OutOfSight
    }

    fn wake(&self, _owner: &Owner) -> io::Result<bool> {
        Ok(true)
    }

    fn signal(&self, owner: &Owner, signal: OwnerSignal) -> io::Result<()> {
        match owner {
            Owner::Job(job) => Engine::signal(self, &job.run, signal).map_err(io::Error::other),
            Owner::Process(_) => Ok(()),
        }
    }

    /// The nodes end the trees of their runs.
    fn end_trees(&self, trees: &[RunTree<'_>]) -> io::Result<Vec<Vec<u32>>> {
        Ok(vec![Vec::new(); trees.len()])
    }
}

fn submit(job: PreparedJob) -> Submission {
    let PreparedJob { folder, pair, slot: _, wants } = job;
    let Some(wants) = wants else {
        return Submission::Refused(io::Error::other("the run names no executor"));
    };
    match sbatch(&wants, "__node", &folder) {
        SubmitAnswer::Accepted { job } => Submission::Submitted { job: Some(job), pair },
        SubmitAnswer::Refused(words) => Submission::Refused(io::Error::other(words)),
        SubmitAnswer::Unsure(words) => Submission::Unsure { words },
    }
}

/// Submits a job that becomes the hidden command `word` of this program on `folder`.
fn sbatch(wants: &JobWants, word: &str, folder: &Path) -> SubmitAnswer {
    forget_listing();
    let arguments = submission::arguments(wants, folder);
    let script = submission::script(&wants.program, word, folder);
    match command::run("sbatch", &arguments, &script, SUBMIT_BOUND) {
        Ok(output) => {
            let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
            submission::answer(output.status.code(), &stdout, &output.stderr)
        }
        Err(error @ command::SlurmError::NotFound { .. }) => SubmitAnswer::Refused(error.to_string()),
        Err(error) => SubmitAnswer::Unsure(error.to_string()),
    }
}

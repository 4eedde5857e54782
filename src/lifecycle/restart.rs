//! Restarts a pair: ends its last run if that is active, and starts the same run anew, as today's manifest has it.
//!
//! The new run is prepared, and what it needs is started, before the old run is touched: a mistake in the manifest or
//! a template costs no running agent. Prompt text, arguments, `--set`, `--timeout` and `--model` come from the old run, all
//! else from the manifest.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::slice;
use std::time::Duration;

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::launch::batch::{BatchItem, resolve_batch};
use crate::lifecycle::launch::batch_start::{BatchStart, StartOutcome};
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::request::{Resume, StartRequest};
use crate::lifecycle::launch::start::{self, Queueing, StartError};
use crate::lifecycle::launch::unrecorded;
use crate::lifecycle::project::{Project, project_store};
use crate::lifecycle::reconcile::drift;
use crate::lifecycle::refresh;
use crate::lifecycle::stop;
use crate::lifecycle::store::Store;
use crate::lifecycle::window::viewers::Viewers;
use crate::manifest::Mode;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_form::RunForm;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::RunState;
use crate::model::started_by::StartedBy;
use crate::os::clock::Stopwatch;
use crate::os::process::holder;
use crate::os::tmux::WarmClient;
use crate::plan::drift::Drift;
use crate::store::index::IndexError;
use crate::store::record_file::RecordError;
use crate::store::run_folder::RunFolder;
use crate::tasks::{Task, TaskSet};

/// How long another command may take to write the spec of a run that it starts.
const SPEC_PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(2);

/// A restart that is prepared. Nothing was changed yet.
#[derive(Debug)]
pub struct PreparedRestart {
    /// The pair's last run.
    pub replaced: Run,
    /// The fields in which the new run differs from it.
    pub changes: Vec<Drift>,
    /// What the new run needs, then the new run.
    pub items: Vec<BatchItem>,
    pub store: Store,
}

impl PreparedRestart {
    /// `given_env` has the variables of `-e`. Fails if one that the pair's last run had is missing, if the pair has never run,
    /// its last run is of the other form or cannot be observed, or the new run cannot
    /// be prepared or would be refused.
    pub fn new(
        project: &Project,
        tasks: &TaskSet,
        (mode, task): (&Mode, &Task),
        started_by: StartedBy,
        given_env: BTreeMap<String, OsString>,
    ) -> Result<Self, Failure> {
        let pair = Pair { mode: mode.name.clone(), task: task.id.clone() };
        let never = || Failure::never_run(&pair);
        let store = project_store::find(project)?.ok_or_else(never)?;
        let (replaced, spec) = last_run(&store, &pair)?.ok_or_else(never)?;
        if let RunState::Unknown(why) = &replaced.state {
            return Err(StartError::Unknown { why: why.clone(), run: Box::new(replaced) }.into());
        }
        let folder = store.folder(replaced.id());
        check_form(&spec, mode, &pair)?;
        check_given(&spec, &given_env)?;
        let request = StartRequest { given_env, ..same_request(&folder, &spec, started_by)? };
        let mut items = resolve_batch(project, tasks, mode, &[task], &request)?.items;
        let prepared = match items.last_mut() {
            Some(item) => &mut item.prepared,
            None => return Err(Failure::new(Kind::Internal, "nothing was prepared")),
        };
        prepared.planned_after = Some(Some(spec.run_id.clone()));
        prepared.by_up = spec.by_up;
        let changes = drift::between(&folder, &spec, prepared);
        let store = project_store::create(project, Some(store))?;
        check_start(&store, prepared, &replaced)?;
        Ok(Self { replaced, changes, items, store })
    }

    /// What [`Self::stop`] and [`Self::start`] start. The tmux client `warm` creates the first window.
    pub fn starts(&self, warm: Option<WarmClient>) -> BatchStart<'_> {
        BatchStart::new(&self.store, &self.items, true, warm)
    }

    /// Starts what the new run needs, then ends the old run with all its processes. Fails if one of them fails; the old
    /// run goes on if a need could not be started.
    pub fn stop(&self, starts: &mut BatchStart<'_>) -> Result<(), Failure> {
        while starts.upcoming().is_some_and(|(place, _)| place + 1 < self.items.len()) {
            starts.start_next(Queueing::Allowed).map(|(_, outcome)| outcome).transpose()?;
        }
        if self.replaced.is_active() {
            let stopped = stop::stop_for_restart(&self.store, slice::from_ref(&self.replaced));
            stopped.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        Ok(())
    }

    /// Starts the new run, after [`Self::stop`]. Fails if another process has started the pair meanwhile.
    pub fn start(&self, starts: &mut BatchStart<'_>) -> Result<Run, Failure> {
        let viewers = Viewers::of(&self.replaced);
        match starts.start_next(Queueing::Allowed).map(|(_, outcome)| outcome).transpose()? {
            Some(StartOutcome::Run { run, .. }) => {
                viewers.show(&run);
                Ok(*run)
            }
            _ => Err(Failure::new(Kind::Internal, "nothing was started")),
        }
    }

    /// [`Self::stop`] and [`Self::start`].
    pub fn carry_out(&self, warm: Option<WarmClient>) -> Result<Run, Failure> {
        let mut starts = self.starts(warm);
        self.stop(&mut starts)?;
        self.start(&mut starts)
    }
}

/// The pair's last run with its spec. A run without one is being started by another command, which writes it next, or
/// was left by a killed one and is removed.
fn last_run(store: &Store, pair: &Pair) -> Result<Option<(Run, RunSpec)>, Failure> {
    let begun = Stopwatch::start();
    loop {
        let Some(run) = refresh::last_run(store, pair)? else { return Ok(None) };
        match store.folder(run.id()).read_spec() {
            Ok(spec) => return Ok(Some((run, spec))),
            Err(RecordError::Missing(_)) if begun.elapsed() < SPEC_PATIENCE => {}
            Err(RecordError::Missing(_)) => {
                let holder = holder::holder_of(&store.state().pair(pair)).ok().flatten();
                return Err(StartError::Busy { holder }.into());
            }
            Err(error) => return Err(error.into()),
        }
        std::thread::sleep(STEP);
    }
}

/// How long the end of the pair's last run may take after its processes were signalled.
pub fn longest_stop(store: &Store, pair: &Pair) -> Result<Duration, IndexError> {
    let last = store.with_index(|index| index.of_pair(pair))?.into_iter().next();
    let spec = last.and_then(|id| store.folder(&id).read_spec().ok());
    Ok(spec.map(|spec| stop::longest(&spec)).unwrap_or_default())
}

fn check_form(spec: &RunSpec, mode: &Mode, pair: &Pair) -> Result<(), Failure> {
    if spec.form() == mode.form {
        return Ok(());
    }
    let (name, id) = (&mode.name, &spec.run_id);
    let (now, was) = (word(mode.form), word(spec.form()));
    Err(Failure::new(Kind::Usage, format!("mode `{name}` is {now} now, and run {id} is {was}"))
        .hint(format!("`dispatch stop {pair}`, then `dispatch run {pair}`")))
}

fn word(form: RunForm) -> &'static str {
    if form.has_window() { "interactive" } else { "headless" }
}

/// Fails if the old run had a variable (`-e`) that is not given again: its value is not on record.
fn check_given(spec: &RunSpec, given: &BTreeMap<String, OsString>) -> Result<(), Failure> {
    let missing: Vec<&str> =
        spec.overrides.env.iter().filter(|name| !given.contains_key(*name)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let options: Vec<String> = spec.overrides.env.iter().map(|name| format!("-e {name}")).collect();
    let (id, pair) = (&spec.run_id, spec.pair());
    Err(Failure::new(Kind::Usage, format!("run {id} was given {}, and no value is on record", missing.join(", ")))
        .hint(format!("give it again: dispatch restart {pair} {}", options.join(" "))))
}

/// The request that the old run was started with. Fails if the prompt that was given for it is lost.
fn same_request(folder: &RunFolder, spec: &RunSpec, started_by: StartedBy) -> Result<StartRequest, Failure> {
    let prompt = folder.read_given();
    if spec.prompt_given && prompt.is_none() {
        let path = folder.given();
        return Err(Failure::new(
            Kind::Failed,
            format!("the prompt of run {} cannot be read: `{}`", spec.run_id, path.display()),
        ));
    }
    Ok(StartRequest {
        prompt,
        extras: spec.extras.clone(),
        overrides: spec.overrides.clone(),
        force: true,
        resume: match spec.resumes {
            Some(_) => Resume::Again(spec.run_id.clone()),
            None => Resume::NewConversation,
        },
        started_by: Some(started_by),
        ..StartRequest::default()
    })
}

/// The checks of a start that need no pair lock: it would fail after the old run was stopped.
fn check_start(store: &Store, prepared: &Prepared, replaced: &Run) -> Result<(), Failure> {
    let parent = start::parent();
    if replaced.is_active() && parent.as_ref() == Some(replaced.id()) {
        let pair = replaced.pair();
        return Err(Failure::new(Kind::Usage, format!("`{pair}` cannot be restarted from inside itself"))
            .hint("this command would end with the run before it could start the new one"));
    }
    start::check_depth(store, parent.as_ref())?;
    unrecorded::check_none(store, prepared)?;
    Ok(())
}

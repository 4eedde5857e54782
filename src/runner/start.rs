//! Starting a pair exactly once, or joining the run that is there.

use std::io;
use std::time::Duration;

use crate::model::exit_record::{EXIT_VERSION, ExitRecord};
use crate::model::queue_record::QueueRecord;
use crate::model::run::{Progress, Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_spec::{RunKind, RunSpec, SPEC_VERSION};
use crate::model::run_state::{EndState, RunState, UnknownWhy, WaitingFor};
use crate::model::usage::Usage;
use crate::model::window_record::WindowRecord;
use crate::runner::ledger::Ledger;
use crate::runner::prepare::Prepared;
use crate::system::clock;
use crate::system::environment;
use crate::system::ids;
use crate::system::process::{self, supervise};
use crate::system::store::index::{Index, IndexError};
use crate::system::store::pair_lock::{self, Claim, PairLock};
use crate::system::store::record_file::RecordError;
use crate::system::store::run_folder::RunFolder;
use crate::system::store::slots;
use crate::system::tmux::{CreateWindow, Created, Tmux, TmuxError};

/// Runs within runs within runs, but not for ever (CONTRACT section 8).
const MAX_DEPTH: u32 = 3;
/// How long a run that is ending may take to let its pair go.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of a start.
#[derive(Clone, Debug, PartialEq)]
pub enum Started {
    /// This call started it, or queued it.
    New(Box<Run>),
    /// It was there already.
    Joined(Box<Run>),
    /// It would have had to be queued, and [`Queueing::Never`] was asked for. Nothing was written.
    NoSlot,
}

/// What to do where no slot is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queueing {
    Allowed,
    Never,
}

/// Why a pair was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Active, and asked for with other words: nothing typed is dropped unseen.
    #[error("`{}` runs already, with {difference}", .run.pair())]
    Differs { run: Box<Run>, difference: &'static str },
    /// Its state cannot be seen, so starting it could start it twice.
    #[error("the last run of `{}` cannot be seen: {}", .run.pair(), .why.reason())]
    Unknown { run: Box<Run>, why: UnknownWhy },
    /// Its record cannot be read, so it may run.
    #[error("the record of the pair's last run {id} cannot be read")]
    Unreadable {
        id: RunId,
        #[source]
        source: RecordError,
    },
    #[error("the pair is being started or ended by another command, and it takes too long")]
    Busy,
    #[error("runs are nested {MAX_DEPTH} deep already")]
    TooDeep,
    #[error(transparent)]
    Tmux(#[from] TmuxError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the run cannot be started")]
    Io(#[from] io::Error),
}

impl Ledger {
    /// Starts the prepared run, unless the pair is active: then that run is joined.
    pub fn start(&self, prepared: &Prepared, force: bool, queueing: Queueing) -> Result<Started, StartError> {
        let parent = environment::var_text("DISPATCH_RUN_ID").and_then(|id| RunId::parse(&id));
        self.check_depth(parent.as_ref())?;
        let mut left = PATIENCE;
        let step = Duration::from_millis(2);
        loop {
            match pair_lock::claim(self.state(), &prepared.pair)? {
                Claim::Held(Some(id)) => {
                    // Its folder is made right after its name is written; an end that is written
                    // means the lock goes in a moment.
                    let folder = self.folder(&id);
                    if folder.has_spec() && matches!(folder.read_exit(), Ok(None)) {
                        if let Some(run) = self.run(&id)?.filter(Run::is_active) {
                            return self.join(run, prepared, force);
                        }
                        self.check_readable(&id)?;
                    }
                }
                Claim::Held(None) => {}
                Claim::Taken(lock, last) => {
                    let unfinished = self.unfinished(prepared, last)?;
                    if unfinished.is_empty() {
                        return self.begin(prepared, lock, parent, queueing);
                    }
                    // Queued, in a window, or dead. Looking writes down the ends of the dead, and
                    // needs the pair for it.
                    drop(lock);
                    let seen = self.observe_some(&unfinished)?.runs;
                    for id in unfinished.iter().filter(|id| !seen.iter().any(|run| run.id() == *id)) {
                        self.check_readable(id)?;
                    }
                    for run in seen {
                        match &run.state {
                            RunState::Ended(_) => {}
                            RunState::Unknown(why) => {
                                let why = why.clone();
                                return Err(StartError::Unknown { run: Box::new(run), why });
                            }
                            // It waits to be run again: this is that.
                            RunState::Queued(WaitingFor::Environment) => self.abandon(&run)?,
                            _ => return self.join(run, prepared, force),
                        }
                    }
                }
            }
            if left < step {
                return Err(StartError::Busy);
            }
            left -= step;
            std::thread::sleep(step);
        }
    }

    /// A run that looking told nothing of, and that stands there still, may run.
    fn check_readable(&self, id: &RunId) -> Result<(), StartError> {
        match self.folder(id).read_spec() {
            Ok(_) | Err(RecordError::Missing(_)) => Ok(()),
            Err(source) => Err(StartError::Unreadable { id: id.clone(), source }),
        }
    }

    fn check_depth(&self, parent: Option<&RunId>) -> Result<(), StartError> {
        let mut above = parent.cloned();
        for _ in 1..MAX_DEPTH {
            let Some(id) = above else { return Ok(()) };
            above = self.folder(&id).read_spec().ok().and_then(|spec| spec.parent_run);
        }
        if above.is_some() { Err(StartError::TooDeep) } else { Ok(()) }
    }

    /// The pair's runs without a recorded end.
    fn unfinished(&self, prepared: &Prepared, last: Option<RunId>) -> Result<Vec<RunId>, StartError> {
        let has_ended = |id: &RunId| self.folder(id).has_end();
        // The usual case costs one small read: the last run has ended, and it saw to the others.
        if last.as_ref().is_some_and(has_ended) {
            return Ok(Vec::new());
        }
        let mut ids = self.index()?.active_of(&prepared.pair)?;
        ids.extend(last);
        ids.sort();
        ids.dedup();
        ids.retain(|id| self.folder(id).has_spec() && !has_ended(id));
        Ok(ids)
    }

    fn join(&self, run: Run, prepared: &Prepared, force: bool) -> Result<Started, StartError> {
        let folder = self.folder(run.id());
        let given = folder.read_given();
        let spec = folder.read_spec().ok();
        let difference = if force {
            Some("`-B`: it is not stopped for that")
        } else if prepared.given.is_some() && prepared.given != given {
            Some("another prompt")
        } else if !prepared.extras.is_empty() && spec.is_some_and(|spec| spec.extras != prepared.extras) {
            Some("other arguments")
        } else {
            None
        };
        match difference {
            Some(difference) => Err(StartError::Differs { run: Box::new(run), difference }),
            None => Ok(Started::Joined(Box::new(run))),
        }
    }

    /// The pair is ours and nothing of it runs.
    fn begin(
        &self,
        prepared: &Prepared,
        lock: PairLock,
        parent: Option<RunId>,
        queueing: Queueing,
    ) -> Result<Started, StartError> {
        let index = self.index()?;
        // A run nested in a job never waits for a slot: its caller holds one and may wait for it.
        let nested = parent.as_ref().is_some_and(|id| self.folder(id).read_spec().is_ok_and(|spec| spec.is_headless()));
        let slot = match &prepared.kind {
            RunKind::Headless { slots, .. } if nested || !self.others_wait(&index, *slots)? => {
                slots::take(self.state(), *slots)?
            }
            _ => None,
        };
        let must_wait = slot.is_none() && !nested && matches!(prepared.kind, RunKind::Headless { .. });
        if must_wait && queueing == Queueing::Never {
            return Ok(Started::NoSlot);
        }
        let id = ids::new_run_id();
        lock.name(&id)?;
        let folder = RunFolder::create(self.state().run(&id))?;
        let spec = self.spec(prepared, id, &folder, parent, must_wait)?;
        let facts = RunFacts::of(&spec);
        // Open until the spec stands: an index that is rebuilt meanwhile would miss the run.
        index.insert(&facts)?;
        let written = self.write_folder(prepared, &folder, &spec);
        drop(index);
        let started = written.map_err(StartError::from).and_then(|()| match &spec.kind {
            RunKind::Headless { .. } if must_wait => {
                self.queue_job(&folder, lock)?;
                Ok(Self::fresh(&facts, RunState::Queued(WaitingFor::Slot)))
            }
            RunKind::Headless { .. } => {
                supervise::start(folder.path(), lock.into_file(), slot.map(slots::Slot::into_file))?;
                Ok(Self::fresh(&facts, RunState::Starting))
            }
            RunKind::Interactive { socket, session, .. } => {
                let created = self.open_window(prepared, &folder, &spec, &Tmux::new(socket.clone()), session)?;
                drop(lock);
                let mut run = Self::fresh(&facts, RunState::Starting);
                run.progress.pane = Some(created.pane_id);
                run.progress.window = Some(created.window_id);
                Ok(run)
            }
        });
        match started {
            Ok(run) => Ok(Started::New(Box::new(run))),
            // Whoever has the environment is the run: with it in our hands nobody starts any more.
            // Without, a window may have come up late: then looking tells.
            Err(error) if folder.withdraw_environment(&spec) => {
                let end = never_started(&spec, &error);
                let _ = self.write_end(&folder, &end);
                let _ = self.index()?.finish(&facts, &end);
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether older runs wait for slots that this one would take.
    fn others_wait(&self, index: &Index, slots: u32) -> Result<bool, IndexError> {
        let waits_for_as_many = |id: &RunId| {
            let folder = self.folder(id);
            folder.is_queued()
                && folder.read_spec().is_ok_and(|spec| match spec.kind {
                    RunKind::Headless { slots: theirs, .. } => {
                        theirs >= slots && folder.environment_waits(&spec) && folder.id().ok() == Some(spec.folder)
                    }
                    RunKind::Interactive { .. } => false,
                })
        };
        Ok(index.active()?.iter().any(waits_for_as_many))
    }

    /// A run as its starter knows it, without another look.
    fn fresh(facts: &RunFacts, state: RunState) -> Run {
        Run { facts: facts.clone(), state, progress: Progress::default(), end: None }
    }

    fn spec(
        &self,
        prepared: &Prepared,
        run_id: RunId,
        folder: &RunFolder,
        parent: Option<RunId>,
        queued: bool,
    ) -> io::Result<RunSpec> {
        Ok(RunSpec {
            version: SPEC_VERSION,
            run_id: run_id.clone(),
            mode: prepared.pair.mode.clone(),
            task: prepared.pair.task.clone(),
            created_at: clock::now(),
            manifest: prepared.manifest.clone(),
            folder: folder.id()?,
            world: self.world().clone(),
            // Memory that goes with the last log-out is no place for a run that may wait longer.
            environment: match queued {
                true => folder.path().join("env"),
                false => environment::waiting_place(folder.path(), run_id.as_str()),
            },
            program: prepared.program.clone(),
            argv: prepared.argv.clone(),
            delivery: prepared.delivery,
            dash_dash: prepared.dash_dash,
            cwd: prepared.cwd.clone(),
            protocol: prepared.protocol,
            umask: supervise::current_umask(),
            stop_grace: prepared.stop_grace,
            session_id: prepared.session_id.clone(),
            extras: prepared.extras.clone(),
            prompt_given: prepared.given.is_some(),
            parent_run: parent,
            resumes: None,
            by_up: false,
            conditions: prepared.conditions.clone(),
            worktree: prepared.worktree.clone(),
            kind: prepared.kind.clone(),
            keep: prepared.keep.clone(),
        })
    }

    fn write_folder(&self, prepared: &Prepared, folder: &RunFolder, spec: &RunSpec) -> io::Result<()> {
        if let Some(prompt) = &prepared.prompt {
            folder.write_new(&folder.prompt(), prompt)?;
        }
        if let Some(given) = &prepared.given {
            folder.write_new(&folder.given(), given)?;
        }
        let mut environment = prepared.environment.clone();
        for (name, value) in [
            ("DISPATCH_RUN_ID", spec.run_id.as_str()),
            ("DISPATCH_MODE", spec.mode.as_str()),
            ("DISPATCH_TASK", spec.task.as_str()),
        ] {
            environment.insert(name.into(), value.into());
        }
        environment.insert("DISPATCH_MANIFEST".into(), spec.manifest.clone().into_os_string());
        environment::hand_over(&spec.environment, &environment)?;
        folder.write_spec(spec)
    }

    fn queue_job(&self, folder: &RunFolder, lock: PairLock) -> Result<(), StartError> {
        folder.write_queue(&QueueRecord { version: 1, waiting_for: WaitingFor::Slot })?;
        drop(lock);
        // A slot may have come free between our look and our place in the queue.
        self.start_queued_quietly();
        Ok(())
    }

    fn open_window(
        &self,
        prepared: &Prepared,
        folder: &RunFolder,
        spec: &RunSpec,
        tmux: &Tmux,
        session: &str,
    ) -> Result<Created, StartError> {
        let program = supervise::own_program()?;
        let previous = self.previous_pane(&prepared.pair, &spec.run_id)?;
        let created = tmux.create(&CreateWindow {
            session,
            label: &prepared.pair.label(),
            program: &program,
            run: &spec.run_id,
            run_folder: folder.path(),
            replace: previous.as_ref().map(|(pane, run)| (pane.as_str(), run)),
            ended_word: Some("__ended"),
        })?;
        let record = WindowRecord {
            version: 1,
            server: process::identify(created.server_pid).ok(),
            server_pid: created.server_pid,
            server_start: created.server_start,
            pane: created.pane_id.clone(),
            window: created.window_id.clone(),
        };
        // Advisory: the window stands, with this record or without.
        if let Err(error) = folder.write_window(&record) {
            tracing::warn!(%error, "where the window is could not be noted");
        }
        Ok(created)
    }

    /// The dead window of the pair's last run, which the new one replaces.
    fn previous_pane(
        &self,
        pair: &crate::model::names::Pair,
        current: &RunId,
    ) -> Result<Option<(String, RunId)>, IndexError> {
        let previous = self.index()?.of_pair(pair)?.into_iter().find(|id| id != current);
        Ok(previous.and_then(|id| {
            let window = self.folder(&id).read_window().ok().flatten()?;
            Some((window.pane, id))
        }))
    }

    /// Ends a queued run that can never start, so that the pair can.
    fn abandon(&self, run: &Run) -> Result<(), StartError> {
        let Claim::Taken(lock, _) = pair_lock::claim(self.state(), &run.pair())? else { return Ok(()) };
        let folder = self.folder(run.id());
        let spec = folder.read_spec().map_err(io::Error::other)?;
        let mut end = never_started(&spec, &"its environment is gone; run again");
        end.state = EndState::Lost;
        let end = self.write_end(&folder, &end)?;
        self.index()?.finish(&run.facts, &end)?;
        drop(lock);
        Ok(())
    }
}

fn never_started(spec: &RunSpec, why: &dyn std::fmt::Display) -> ExitRecord {
    ExitRecord {
        version: EXIT_VERSION,
        run_id: spec.run_id.clone(),
        state: EndState::Failed,
        reason: Some(format!("never started: {why}")),
        exit_code: Some(125),
        signal: None,
        interrupted: false,
        started_at: None,
        ended_at: clock::now(),
        duration_ms: 0,
        attempt: 0,
        usage: Usage::default(),
        log_bytes: 0,
        survivors: Vec::new(),
        limits: None,
        pid: None,
    }
}

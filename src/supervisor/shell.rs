//! The thin tokio shell: signals, timers and ended children in; launches, kills and records out.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, sleep_until};

use crate::model::exit_record::{EXIT_VERSION, ExitRecord};
use crate::model::limits::LimitsHold;
use crate::model::live_record::LiveRecord;
use crate::model::run_spec::{RunKind, RunSpec};
use crate::model::run_state::EndState;
use crate::supervisor::finish::{self, Outcome};
use crate::supervisor::machine::{Exit, Input, Machine, Output, Why};
use crate::supervisor::stage::{Stage, Stages, expect_of};
use crate::supervisor::wakeups::{Signals, after, log_written, maybe};
use crate::system::clock::{self, Stopwatch};
use crate::system::environment::Environment;
use crate::system::logs::marks::MarkWriter;
use crate::system::process::enclosure::Enclosure;
use crate::system::process::supervise::{self, Forked};
use crate::system::process::tree::{self, Root};
use crate::system::process::{self};
use crate::system::store::handover;
use crate::system::store::run_folder::RunFolder;
use crate::system::watch::{Watch, Watched};

/// Marks are at least this far apart, so that a flood of output costs nothing.
const MARK_STEP: Duration = Duration::from_millis(20);
/// While a tree is being ended it is looked at again after this long, for ends no signal tells of.
const LOOK_STEP: Duration = Duration::from_millis(50);
/// How often used CPU time is compared with its limit.
const CPU_STEP: Duration = Duration::from_secs(1);

/// Supervises the run in `folder` to its end. Standard input is the pair's lock and standard
/// output the slot; see `system::process::supervise`.
///
/// Returns whether that went well; where it did, this process is not the supervisor.
pub fn main(folder: &Path) -> bool {
    match supervise::detach() {
        Ok(Forked::Parent) => return true,
        Ok(Forked::Child) => {}
        Err(_) => return false,
    }
    let folder = RunFolder::at(folder);
    let Ok(spec) = folder.read_spec() else { return false };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let Ok(runtime) = runtime else { return false };
    let watch = runtime.block_on(supervise(&folder, &spec));
    let _ = supervise::release_slot();
    let _ = supervise::release_pair();
    // Only now: the kernel takes its time to end a watch, and nobody should wait for that.
    drop(watch);
    drop(runtime);
    // In a process of its own: a late `stop` must not take it for the run's owner.
    match supervise::split() {
        Ok(Forked::Child) => {
            // The state folder is two above: `runs/<id>`.
            if let Some(state) = folder.path().parent().and_then(Path::parent) {
                let _ = supervise::become_next(state, folder.path());
            }
            false
        }
        _ => true,
    }
}

/// Supervises the run and records its end. What watched the logs is handed back to be dropped.
async fn supervise(folder: &RunFolder, spec: &RunSpec) -> Option<AsyncFd<Watch>> {
    let begun = Stopwatch::start();
    let started_at = clock::now();
    let mut watch = None;
    let record = match handover::take_environment(spec, folder) {
        Ok(environment) => {
            let mut supervision = Supervision::new(folder, spec, environment, started_at);
            let ended = supervision.run().await;
            watch = supervision.watch.take();
            ended
        }
        Err(error) => Ended::failed(format!("its environment cannot be read: {error}")),
    };
    let exit = ExitRecord {
        version: EXIT_VERSION,
        run_id: spec.run_id.clone(),
        state: record.outcome.state,
        reason: record.outcome.reason,
        exit_code: record.exit.and_then(|exit| exit.code),
        signal: record.exit.and_then(|exit| exit.signal),
        interrupted: record.why == Why::Stopped { interrupted: true },
        started_at: Some(started_at),
        ended_at: clock::now(),
        duration_ms: begun.millis(),
        attempt: 1,
        usage: record.outcome.usage,
        log_bytes: folder.log_bytes(),
        survivors: record.survivors,
        limits: record.limits,
        pid: record.pid,
    };
    // The lock is kept until the end is on disk: a full disk delays it and loses nothing.
    while let Err(error) = folder.write_exit(&exit) {
        tracing::warn!(%error, "the end cannot be written");
        if !folder.path().is_dir() {
            // The record itself was deleted: there is nothing left to write to.
            return watch;
        }
        folder.mark_unsaved();
        sleep(Duration::from_secs(1)).await;
    }
    folder.clear_unsaved();
    watch
}

/// How the supervised run ended.
struct Ended {
    outcome: Outcome,
    why: Why,
    exit: Option<Exit>,
    survivors: Vec<u32>,
    limits: Option<LimitsHold>,
    pid: Option<u32>,
}

impl Ended {
    fn failed(reason: String) -> Self {
        let outcome = Outcome { state: EndState::Failed, reason: Some(reason), usage: Default::default() };
        Self { outcome, why: Why::Exited, exit: None, survivors: Vec::new(), limits: None, pid: None }
    }
}

struct Supervision<'a> {
    folder: &'a RunFolder,
    spec: &'a RunSpec,
    environment: Environment,
    live: Option<LiveRecord>,
    started_at: jiff::Timestamp,
    marks: MarkWriter,
    watch: Option<AsyncFd<Watch>>,
    watched: Vec<Watched>,
    /// The lengths of the logs at the last mark.
    noted: (u64, u64),
    deadline: Option<Instant>,
}

/// How one stage ended.
struct StageEnd {
    why: Why,
    exit: Option<Exit>,
    survivors: Vec<u32>,
    pid: Option<u32>,
}

impl<'a> Supervision<'a> {
    fn new(folder: &'a RunFolder, spec: &'a RunSpec, environment: Environment, started_at: jiff::Timestamp) -> Self {
        let deadline = match &spec.kind {
            RunKind::Headless { timeout: Some(timeout), .. } => Some(after(timeout.as_duration())),
            _ => None,
        };
        let marks = MarkWriter::new(&folder.marks());
        Self {
            folder,
            spec,
            environment,
            live: None,
            started_at,
            marks,
            watch: None,
            watched: Vec::new(),
            noted: (0, 0),
            deadline,
        }
    }

    async fn run(&mut self) -> Ended {
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => return Ended::failed(format!("signals cannot be received: {error}")),
        };
        let limits = match &self.spec.kind {
            RunKind::Headless { limits, .. } => limits.clone(),
            RunKind::Interactive { .. } => return Ended::failed("an interactive run has no supervisor".to_owned()),
        };
        let enclosure = match limits.is_empty() {
            true => None,
            false => Enclosure::create(self.spec.run_id.as_str(), &limits, &self.environment),
        };
        if enclosure.is_none() && limits.processes.is_some() {
            // `run` saw one; a queued run may start elsewhere, or later.
            return Ended::failed("a limit on processes needs a cgroup, and none can be had here".to_owned());
        }
        let hold = match (&enclosure, limits.is_empty()) {
            (_, true) => None,
            (Some(_), false) => Some(LimitsHold::Full),
            (None, false) => Some(LimitsHold::Partial),
        };
        let rlimits = if enclosure.is_none() { supervise::as_rlimits(&limits) } else { Vec::new() };
        let cpu_limit = limits.cpu.map(|cpu| cpu.as_duration());
        let environment = std::mem::take(&mut self.environment);
        let stages = Stages {
            folder: self.folder,
            spec: self.spec,
            environment: &environment,
            enclosure: enclosure.as_ref(),
            rlimits: &rlimits,
        };

        if self.spec.worktree.is_some() {
            let end = self.run_stage(&stages, Stage::Prepare, &mut signals, hold, None).await;
            let end = match end {
                Ok(end) => end,
                Err(error) => return Ended::failed(format!("the set-up cannot start: {error}")),
            };
            let succeeded = end.why == Why::Exited && end.exit.is_some_and(|exit| exit.code == Some(0));
            if !succeeded {
                let mut outcome = finish::judge_agent(self.spec, self.folder, end.why, end.exit);
                if end.why == Why::Exited {
                    outcome.state = EndState::Failed;
                    outcome.reason =
                        Some(format!("the worktree's set-up failed; see `{}`", self.folder.setup_log().display()));
                }
                return Ended {
                    outcome,
                    why: end.why,
                    exit: end.exit,
                    survivors: end.survivors,
                    limits: hold,
                    pid: end.pid,
                };
            }
        }

        let end = match self.run_stage(&stages, Stage::Agent, &mut signals, hold, cpu_limit).await {
            Ok(end) => end,
            Err(error) => {
                // What `run` found executable a moment ago is not any more: a shell's codes.
                let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
                let mut ended = Ended::failed(format!("the agent cannot start: {error}"));
                ended.exit = Some(Exit { code: Some(code), signal: None });
                return ended;
            }
        };
        let mut outcome = finish::judge_agent(self.spec, self.folder, end.why, end.exit);
        if enclosure.as_ref().is_some_and(Enclosure::was_out_of_memory) && outcome.state == EndState::Failed {
            outcome.reason = Some("memory limit".to_owned());
        }
        let mut survivors = end.survivors;
        let mut why = end.why;
        if outcome.state == EndState::Succeeded && !expect_of(self.spec).command.is_empty() {
            match self.run_stage(&stages, Stage::Check, &mut signals, hold, None).await {
                Err(error) => {
                    outcome.state = EndState::Failed;
                    outcome.reason = Some(format!("the expected command cannot start: {error}"));
                }
                Ok(check) => {
                    survivors.extend(check.survivors);
                    if check.why != Why::Exited {
                        why = check.why;
                        outcome =
                            Outcome { usage: outcome.usage, ..finish::judge_agent(self.spec, self.folder, why, None) };
                    } else if check.exit.and_then(|exit| exit.code) != Some(0) {
                        outcome.state = EndState::Failed;
                        outcome.reason =
                            Some(format!("expected command failed: {}", expect_of(self.spec).command.join(" ")));
                    }
                }
            }
        }
        Ended { outcome, why, exit: end.exit, survivors, limits: hold, pid: end.pid }
    }

    async fn run_stage(
        &mut self,
        stages: &Stages<'_>,
        stage: Stage,
        signals: &mut Signals,
        hold: Option<LimitsHold>,
        cpu_limit: Option<Duration>,
    ) -> std::io::Result<StageEnd> {
        // A stop that came before there was anything to stop.
        if let Some(interrupted) = self.folder.stop_asked() {
            return Ok(StageEnd { why: Why::Stopped { interrupted }, exit: None, survivors: Vec::new(), pid: None });
        }
        let pid = stages.launch(stage)?;
        self.say_alive(pid, hold);
        // An end that survives a power cut must not outlive what it is the end of.
        self.folder.sync_spec();
        if stage == Stage::Agent {
            self.follow_logs();
        }
        let mut machine = Machine::new(self.spec.stop_grace.as_duration());
        let mut inputs = Vec::new();
        // The starter may have asked between its look and our record: look once more.
        if let Some(interrupted) = self.folder.stop_asked() {
            inputs.push(Input::Stop { interrupted, now: false });
        }
        let mut childless = false;
        let mut grace: Option<Instant> = None;
        let mut next_mark: Option<Instant> = None;
        // The first look is early: it finds the agent's group before a short agent is gone.
        let mut next_cpu = after(CPU_STEP / 10);
        loop {
            while let Some(input) = inputs.pop() {
                for output in machine.step(input) {
                    match output {
                        Output::Look if childless => inputs.push(Input::Tree { left: 0 }),
                        Output::Look => inputs.push(self.look()),
                        Output::Terminate => self.signal_tree(Signal::TERM),
                        Output::Kill => self.signal_tree(Signal::KILL),
                        Output::Grace(wait) => grace = Some(after(wait)),
                        Output::SayStopping => self.say_stopping(),
                        Output::Over { why, exit, survivors } => {
                            // A burst just before the end counts, too.
                            let why = if self.note_logs() && why == Why::Exited { Why::LogFull } else { why };
                            let survivors = if survivors == 0 { Vec::new() } else { self.members() };
                            return Ok(StageEnd { why, exit, survivors, pid: Some(pid) });
                        }
                    }
                }
            }
            let deadline = self.deadline;
            tokio::select! {
                _ = signals.child.recv() => {
                    let (reaped, any_left) = supervise::reap();
                    for child in reaped {
                        if child.pid == pid {
                            inputs.push(Input::Exited(Exit { code: child.code, signal: child.signal }));
                        }
                    }
                    if machine.is_ending() && inputs.is_empty() {
                        inputs.push(self.look());
                    }
                    // Every orphan of the tree is our child: without children it is empty, and
                    // the process table need not be read for that.
                    childless = !any_left && process::ADOPTS_ORPHANS;
                }
                _ = signals.terminate.recv() => inputs.push(Input::Stop { interrupted: false, now: false }),
                _ = signals.interrupt.recv() => inputs.push(Input::Stop { interrupted: true, now: false }),
                _ = signals.quit.recv() => inputs.push(Input::Stop { interrupted: true, now: true }),
                () = maybe(deadline) => {
                    self.deadline = None;
                    inputs.push(Input::TimeUp);
                }
                () = maybe(grace) => {
                    grace = None;
                    inputs.push(Input::GraceUp);
                }
                () = sleep(LOOK_STEP), if machine.is_ending() => inputs.push(self.look()),
                () = log_written(self.watch.as_ref()), if next_mark.is_none() => {
                    next_mark = Some(after(MARK_STEP));
                    // While the logs grow they are not watched: each watched write would cost
                    // the agent a little. Quiet for a step, they are watched again.
                    self.unwatch_logs();
                    if self.note_logs() { inputs.push(Input::LogFull); }
                }
                () = maybe(next_mark) => {
                    let before = self.noted;
                    if self.note_logs() { inputs.push(Input::LogFull); }
                    next_mark = if before == self.noted { self.watch_logs() } else { Some(after(MARK_STEP)) };
                }
                () = sleep_until(next_cpu), if stage == Stage::Agent
                    && stages.enclosure.is_some_and(|enclosure| cpu_limit.is_some() || !enclosure.is_known()) =>
                {
                    next_cpu = after(CPU_STEP);
                    let used = stages.enclosure.and_then(|enclosure| enclosure.cpu_used(pid));
                    if cpu_limit.is_some() && used > cpu_limit { inputs.push(Input::CpuUsed); }
                }
            }
        }
    }

    fn root() -> Option<Root> {
        Some(Root::Supervisor(process::own_pid()))
    }

    /// A table of processes that cannot be read never counts as an empty one.
    fn look(&self) -> Input {
        let left = tree::members(&self.spec.run_id, Self::root()).map_or(1, |members| members.len());
        Input::Tree { left }
    }

    fn members(&self) -> Vec<u32> {
        tree::members(&self.spec.run_id, Self::root())
            .map(|members| members.iter().map(|member| member.pid).collect())
            .unwrap_or_default()
    }

    fn signal_tree(&self, signal: Signal) {
        if let Err(error) = tree::signal_members(&self.spec.run_id, Self::root(), signal) {
            tracing::warn!(%error, "the processes of the run cannot be listed");
        }
    }

    fn say_alive(&mut self, pid: u32, hold: Option<LimitsHold>) {
        let Ok(owner) = process::this() else { return };
        let live = LiveRecord {
            version: 1,
            owner,
            agent: process::identify(pid).ok(),
            started_at: self.started_at,
            attempt: 1,
            stopping: false,
            retry: None,
            limits: hold,
            trouble: None,
        };
        let _ = self.folder.write_live(&live);
        self.live = Some(live);
    }

    fn say_stopping(&mut self) {
        if let Some(live) = &mut self.live {
            live.stopping = true;
            let _ = self.folder.write_live(live);
        }
    }

    fn follow_logs(&mut self) {
        let watch = Watch::new().and_then(|watch| {
            #[expect(deprecated, reason = "its successor is unsafe; a `Watch` owns one descriptor for its whole life")]
            AsyncFd::new(watch)
        });
        // Without a watch (a kernel out of them) the logs are whole all the same, less finely stamped.
        self.watch = watch.ok();
        self.note_logs();
        self.watch_logs();
    }

    /// Has the next write to a log wake us. Returns when to look if it came already.
    fn watch_logs(&mut self) -> Option<Instant> {
        let watch = self.watch.as_ref()?.get_ref();
        for log in [self.folder.stdout(), self.folder.stderr()] {
            // A log that the agent removed has nothing to tell.
            self.watched.extend(watch.file(&log).ok());
        }
        (self.folder.log_lengths() != self.noted).then(|| {
            self.unwatch_logs();
            after(MARK_STEP)
        })
    }

    fn unwatch_logs(&mut self) {
        if let Some(watch) = &self.watch {
            for watched in self.watched.drain(..) {
                watch.get_ref().forget(watched);
            }
        }
    }

    /// Writes a mark. Returns whether the logs are over their limit.
    fn note_logs(&mut self) -> bool {
        if let Some(watch) = &self.watch {
            watch.get_ref().clear();
        }
        let (stdout, stderr) = self.folder.log_lengths();
        self.noted = (stdout, stderr);
        // Marks stamp the logs; without them they are whole all the same.
        let _ = self.marks.note(clock::now(), stdout, stderr);
        match &self.spec.kind {
            RunKind::Headless { log_max: Some(max), .. } => stdout + stderr > max.get(),
            _ => false,
        }
    }
}

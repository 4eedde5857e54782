//! Runs one stage: gives signals, timers and ended children to the machine, and executes its commands.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep, sleep_until};

use crate::model::answer_record::Answered;
use crate::model::exit::Exit;
use crate::model::limits::LimitsHold;
use crate::model::live_record::{LiveRecord, RetryWait};
use crate::model::owner::Owner;
use crate::model::run_spec::RunSpec;
use crate::os::environment::Environment;
use crate::os::process::tree::{self, Root};
use crate::os::process::{self, supervise};
use crate::store::run_folder::RunFolder;
use crate::supervisor::answer_watch::{AnswerWatch, WatchStep};
use crate::supervisor::log_watch::{LogWatch, MARK_STEP};
use crate::supervisor::machine::{EndCause, Machine, StageCommand, StageEvent};
use crate::supervisor::node::JobNode;
use crate::supervisor::stage::{Stage, Stages};
use crate::supervisor::wakeups::{Signals, after, maybe};

/// Interval between two counts of a tree that is being ended, doubled each time: some ends cause no signal.
const POLL_STEP: Duration = Duration::from_millis(50);
const POLL_STEP_MAX: Duration = Duration::from_millis(400);
/// Interval between two comparisons of used CPU time with its limit.
const CPU_STEP: Duration = Duration::from_secs(1);

/// What a supervisor keeps from stage to stage.
pub(super) struct Supervision<'a> {
    pub(super) folder: &'a RunFolder,
    pub(super) spec: &'a RunSpec,
    pub(super) environment: Environment,
    pub(super) live: Option<LiveRecord>,
    pub(super) started_at: jiff::Timestamp,
    /// From 1.
    pub(super) attempt: u32,
    /// Cost of the earlier attempts, in USD.
    pub(super) spent_usd: Option<f64>,
    answer_watch: Option<AnswerWatch>,
    pub(super) logs: LogWatch<'a>,
    deadline: Option<Instant>,
    /// This process, as the root of the run's tree.
    root: Option<Root>,
    /// Set on a node of an engine.
    pub(super) node: Option<&'a JobNode>,
}

struct StageProcess {
    pid: u32,
    /// Its end was observed.
    exited: bool,
    /// The supervisor has no child left, so the tree is empty.
    childless: bool,
    first_kill: Option<Instant>,
}

struct StageRun {
    machine: Machine,
    /// Events for the machine; the last one is taken first.
    inputs: Vec<StageEvent>,
    process: StageProcess,
    /// When the grace that the machine requested is over.
    grace: Option<Instant>,
    /// When the logs are checked next. `None` while they are watched.
    next_mark: Option<Instant>,
    /// The length of stdout, in bytes, when the supervisor began to end the stage.
    until: Option<u64>,
}

pub(super) struct StageEnd {
    pub(super) why: EndCause,
    pub(super) exit: Option<Exit>,
    pub(super) survivors: Vec<u32>,
    pub(super) pid: Option<u32>,
    /// The length of stdout, in bytes, when the supervisor began to end the stage.
    pub(super) until: Option<u64>,
    /// When the agent's last turn ended, where the supervisor observed that while the agent lived.
    pub(super) answered_at: Option<jiff::Timestamp>,
}

impl StageEnd {
    fn stopped_before_start(interrupted: bool) -> Self {
        let why = EndCause::Stopped { interrupted };
        Self { why, exit: None, survivors: Vec::new(), pid: None, until: None, answered_at: None }
    }
}

impl<'a> Supervision<'a> {
    pub(super) fn new(
        folder: &'a RunFolder,
        spec: &'a RunSpec,
        environment: Environment,
        started_at: jiff::Timestamp,
        node: Option<&'a JobNode>,
    ) -> Self {
        let mut new = Self {
            folder,
            spec,
            environment,
            live: None,
            started_at,
            attempt: 1,
            spent_usd: None,
            answer_watch: None,
            logs: LogWatch::new(folder),
            deadline: None,
            root: Root::own().ok(),
            node,
        };
        new.begin_time();
        new
    }

    /// Starts the timeout of an attempt.
    pub(super) fn begin_time(&mut self) {
        let timeout = self.spec.kind.job().and_then(|job| job.timeout);
        self.deadline = timeout.map(|timeout| after(timeout.as_duration()));
    }

    /// Supervises one stage to its end. Fails where the stage cannot be started.
    pub(super) async fn run_stage(
        &mut self,
        stages: &Stages<'_>,
        stage: Stage,
        signals: &mut Signals,
        hold: Option<LimitsHold>,
        cpu_limit: Option<Duration>,
    ) -> std::io::Result<StageEnd> {
        // A stop was requested before any process was started.
        if let Some(interrupted) = self.folder.stop_requested() {
            return Ok(StageEnd::stopped_before_start(interrupted));
        }
        let mut run = self.begin_stage(stages, stage, hold)?;
        let mut look_step = POLL_STEP;
        // The first check is early, to find the agent's cgroup before a short agent exits.
        let mut next_cpu = after(CPU_STEP / 10);
        let mut next_notice = self.node.map(JobNode::next_notice);
        loop {
            if let Some(end) = self.step(&mut run) {
                return Ok(end);
            }
            let is_ending = run.machine.is_ending();
            let deadline = self.deadline;
            let answer_due = self.answer_watch.as_ref().and_then(AnswerWatch::due).filter(|_| !is_ending);
            tokio::select! {
                _ = signals.child.recv() => {
                    self.collect_children(&mut run);
                    let node = self.node.filter(|_| !is_ending);
                    run.inputs.extend(JobNode::stop_after(node, run.inputs.last(), signals, self.folder).await);
                }
                _ = signals.terminate.recv() => {
                    run.inputs.push(JobNode::stop_by_signal(self.node, self.folder, is_ending));
                }
                _ = signals.interrupt.recv() => run.inputs.push(StageEvent::Stop { interrupted: true, now: false }),
                _ = signals.quit.recv() => run.inputs.push(StageEvent::Stop { interrupted: true, now: true }),
                () = maybe(deadline) => {
                    self.deadline = None;
                    run.inputs.push(StageEvent::TimeUp);
                }
                () = maybe(next_notice) => {
                    next_notice = self.node.map(JobNode::next_notice);
                    run.inputs.extend(self.node.and_then(|node| node.event(run.machine.is_ending())));
                }
                () = maybe(run.grace) => {
                    run.grace = None;
                    run.inputs.push(StageEvent::GraceUp);
                }
                () = maybe(answer_due) => {
                    let step = self.answer_watch.as_mut().map(|watch| watch.look(self.folder));
                    if self.follow_answer(step.unwrap_or(WatchStep::Nothing)) { run.inputs.push(StageEvent::ExitOverdue); }
                }
                () = sleep(look_step), if is_ending => {
                    look_step = (look_step * 2).min(POLL_STEP_MAX);
                    run.inputs.push(self.look(&run.process));
                }
                () = self.logs.written(), if run.next_mark.is_none() => {
                    run.next_mark = Some(after(MARK_STEP));
                    // They are watched again once they did not grow for one step.
                    self.logs.unset();
                    if self.note_logs() { run.inputs.push(StageEvent::LogFull); }
                }
                () = maybe(run.next_mark) => {
                    let before = self.logs.noted();
                    if self.note_logs() { run.inputs.push(StageEvent::LogFull); }
                    run.next_mark = if before == self.logs.noted() { self.logs.set() } else { Some(after(MARK_STEP)) };
                }
                () = sleep_until(next_cpu), if stage == Stage::Agent
                    && stages.scope.is_some_and(|scope| cpu_limit.is_some() || !scope.is_known()) =>
                {
                    next_cpu = after(CPU_STEP);
                    let used = stages.scope.and_then(|scope| scope.cpu_used(run.process.pid));
                    if cpu_limit.is_some() && used > cpu_limit { run.inputs.push(StageEvent::CpuUsed); }
                }
            }
        }
    }

    /// Starts the stage and writes `live.json`. Fails where the stage's program cannot be started.
    fn begin_stage(
        &mut self,
        stages: &Stages<'_>,
        stage: Stage,
        hold: Option<LimitsHold>,
    ) -> std::io::Result<StageRun> {
        let from = self.folder.log_lengths();
        let pid = stages.launch(stage)?;
        self.record_alive(pid, hold);
        // After a power cut no end may be on disk without its spec.
        self.folder.sync_spec();
        let mut run = StageRun {
            machine: Machine::new(self.spec.stop_grace.as_duration()),
            inputs: Vec::new(),
            process: StageProcess { pid, exited: false, childless: false, first_kill: None },
            grace: None,
            next_mark: None,
            until: None,
        };
        self.answer_watch = None;
        if stage == Stage::Agent {
            self.answer_watch = AnswerWatch::new(self.spec, from);
            self.logs.open();
            // A quick agent may have written already, even beyond the log limit.
            run.inputs.extend(self.note_logs().then_some(StageEvent::LogFull));
            run.next_mark = self.logs.set();
        }
        // A stop that was requested before `live.json` existed sent no signal: read the request now.
        if let Some(interrupted) = self.folder.stop_requested() {
            run.inputs.push(StageEvent::Stop { interrupted, now: false });
        }
        Ok(run)
    }

    /// Gives all events to the machine and executes its commands. Returns the stage's end once it is reached.
    fn step(&mut self, run: &mut StageRun) -> Option<StageEnd> {
        while let Some(input) = run.inputs.pop() {
            for output in run.machine.step(input) {
                match output {
                    StageCommand::Look => run.inputs.push(self.look(&run.process)),
                    StageCommand::Terminate => {
                        run.until = run.until.or_else(|| Some(self.folder.log_lengths().0));
                        self.terminate(&run.process);
                    }
                    StageCommand::Kill => {
                        run.until = run.until.or_else(|| Some(self.folder.log_lengths().0));
                        self.kill(&mut run.process);
                    }
                    StageCommand::Grace(wait) => run.grace = Some(after(wait)),
                    StageCommand::RecordStopping => self.record_stopping(),
                    StageCommand::Over { why, exit, survivors } => {
                        // The last output counts towards the limit too.
                        let why = if self.note_logs() && why == EndCause::Exited { EndCause::LogFull } else { why };
                        let survivors = if survivors == 0 { Vec::new() } else { self.members() };
                        // If the agent exited by itself, only processes that it left were ended: its whole output
                        // counts.
                        let until = run.until.filter(|_| why != EndCause::Exited);
                        let answered_at = self.answer_watch.as_ref().and_then(|watch| watch.answered_at(until));
                        return Some(StageEnd { why, exit, survivors, pid: Some(run.process.pid), until, answered_at });
                    }
                }
            }
        }
        None
    }

    /// Collects the children that have ended, among them the stage's own process.
    fn collect_children(&self, run: &mut StageRun) {
        let (ended, any_left) = supervise::collect_children();
        for child in ended.iter().filter(|child| child.pid == run.process.pid) {
            run.process.exited = true;
            run.inputs.push(StageEvent::Exited(child.exit));
            run.inputs.extend(self.stop_before(child.exit, &run.machine));
        }
        // The supervisor becomes the parent of every process whose own has exited: if it has no child, the tree is empty and the process table
        // need not be read.
        run.process.childless = !any_left && process::ADOPTS_DESCENDANTS;
        if run.machine.is_ending() && run.inputs.is_empty() {
            run.inputs.push(self.look(&run.process));
        }
    }

    /// Counts the tree. The process table is not read while the stage's own process lives; one that cannot be read
    /// counts as not empty.
    fn look(&self, process: &StageProcess) -> StageEvent {
        let left = match process {
            StageProcess { childless: true, .. } => 0,
            StageProcess { exited: false, .. } => 1,
            _ => tree::members(&self.spec.run_id, self.root).map_or(1, |members| members.len()),
        };
        StageEvent::Tree { left }
    }

    fn members(&self) -> Vec<u32> {
        tree::members(&self.spec.run_id, self.root)
            .map(|members| members.iter().map(|member| member.pid).collect())
            .unwrap_or_default()
    }

    /// A process that fails after a stop was requested was stopped: `stop` signals its children too, and their ends may
    /// end it before the supervisor gets its signal. The machine gets the stop before the exit.
    fn stop_before(&self, exit: Exit, machine: &Machine) -> Option<StageEvent> {
        let failed = exit != Exit::code(0) && !machine.is_ending();
        let interrupted = failed.then(|| self.folder.stop_requested()).flatten()?;
        Some(StageEvent::Stop { interrupted, now: false })
    }

    /// Sends TERM to the tree. A command that stops the run signals all processes outside the stage's process group
    /// itself, since it reads the process table once for all runs that it stops.
    fn terminate(&self, process: &StageProcess) {
        if !self.folder.is_being_stopped() {
            self.signal_tree(Signal::TERM);
        } else if !process.exited {
            for signal in [Signal::TERM, Signal::CONT] {
                let _ = process::signal_group(process.pid, signal);
            }
        }
    }

    /// Kills the tree: first the stage's process group, which usually is all of it, then what is left.
    fn kill(&self, process: &mut StageProcess) {
        let first = *process.first_kill.get_or_insert_with(|| after(Duration::ZERO));
        if !process.exited && first.elapsed() < POLL_STEP / 2 {
            let _ = process::signal_group(process.pid, Signal::KILL);
        } else {
            self.signal_tree(Signal::KILL);
        }
    }

    fn signal_tree(&self, signal: Signal) {
        if let Err(error) = tree::signal_members(&self.spec.run_id, self.root, signal) {
            tracing::warn!(%error, "the processes of the run cannot be listed");
        }
    }

    fn record_alive(&mut self, pid: u32, hold: Option<LimitsHold>) {
        let Ok(owner) = process::this() else { return };
        let live = LiveRecord {
            agent: process::identify(pid).ok(),
            attempt: self.attempt,
            limits: hold,
            ..LiveRecord::begun(
                self.node.map_or(Owner::Process(owner.clone()), |node| node.owner(owner)),
                self.started_at,
            )
        };
        let _ = self.folder.write_live(&live);
        self.live = Some(live);
    }

    /// Records what the answer watch found. Returns whether the agent is to be ended.
    fn follow_answer(&mut self, step: WatchStep) -> bool {
        let answered = match step {
            WatchStep::Nothing => return false,
            WatchStep::Overdue => return true,
            WatchStep::WorksOn => None,
            WatchStep::Answered { at, cost_usd, stdout_from } => {
                let cost_usd = match (self.spent_usd, cost_usd) {
                    (Some(before), Some(now)) => Some(before + now),
                    (before, now) => before.or(now),
                };
                Some(Answered { at, stdout_from, cost_usd })
            }
        };
        if let Some(live) = &mut self.live {
            live.answered = answered;
            let _ = self.folder.write_live(live);
        }
        false
    }

    fn record_stopping(&mut self) {
        if let Some(live) = &mut self.live {
            live.stopping = true;
            let _ = self.folder.write_live(live);
        }
    }

    /// Records that the run sleeps, and until when.
    pub(super) fn record_retry_wait(&mut self, wait: RetryWait) {
        if let Some(live) = &mut self.live {
            live.agent = None;
            live.answered = None;
            live.retry = Some(wait);
            let _ = self.folder.write_live(live);
        }
    }

    /// Writes a log mark. Returns whether the logs are over their limit.
    fn note_logs(&mut self) -> bool {
        let (stdout, stderr) = self.logs.note();
        if let Some(step) = self.answer_watch.as_mut().map(|watch| watch.written((stdout, stderr))) {
            self.follow_answer(step);
        }
        let max = self.spec.kind.job().and_then(|job| job.log_max);
        max.is_some_and(|max| stdout + stderr > max.get())
    }
}

//! Decides the state of a run without a recorded end, from its records, lock and window: active, unknown, or ended and
//! how. Pure. `lifecycle::observe` probes; `lifecycle::reap` records an end that this decides.
//!
//! Processes that see an end themselves decide it where they record it: a supervisor in `supervisor::finish`, a stop in
//! `lifecycle::stop`, the end of a queued run in `lifecycle::queue` and `lifecycle::launch`.

use std::time::Duration;

use crate::model::end_reason::EndReason;
use crate::model::exit::Exit;
use crate::model::live_record::LiveRecord;
use crate::model::run_form::RunForm;
use crate::model::run_state::{EndState, RunState, UnknownWhy, WaitingFor};
use crate::plan::engine_verdict::{self, EngineEvidence, NodeRecord};

/// How long a command that holds the pair lock is waited for: it ends a tree within 6 s.
pub const COMMAND_PATIENCE: Duration = Duration::from_secs(8);

/// How long tmux may take to report how a dead pane's process ended.
const TMUX_PATIENCE: Duration = Duration::from_millis(200);

/// How long a supervisor may live after it has released its pair lock.
const SUPERVISOR_EXIT_PATIENCE: Duration = Duration::from_secs(1);

/// Everything that was read about an active run.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeResult {
    pub form: RunForm,
    pub locality: Locality,
    pub lock: LockProbe,
    pub queued: Option<WaitingFor>,
    /// Queued run: the file with its environment exists.
    pub environment_waits: bool,
    pub live: Option<LiveRecord>,
    /// The owner that `live` names.
    pub owner: Option<OwnerProbe>,
    /// The owner knows the end but cannot write it.
    pub unsaved: bool,
    /// The end was recorded, but the record was damaged and set aside.
    pub end_damaged: bool,
    /// A stop was requested; `true`: by Ctrl-C.
    pub stop_requested: Option<bool>,
    /// Set if [`ProbeResult::needs_window`].
    pub window: Option<WindowProbe>,
    /// Of a run on an engine.
    pub engine: Option<EngineEvidence>,
}

impl ProbeResult {
    /// Whether the state depends on the window: of an interactive run that is neither locked nor queued.
    pub fn needs_window(&self) -> bool {
        self.form.has_window()
            && self.locality == Locality::Here
            && matches!(self.lock, LockProbe::Free | LockProbe::HeldByAnother)
            && !self.is_queued()
    }

    /// Whether the state depends on the engine's report.
    pub fn needs_engine(&self) -> bool {
        let was_asked = self.engine.as_ref().is_some_and(|evidence| evidence.phase.is_some());
        was_asked && matches!(self.lock, LockProbe::Free | LockProbe::HeldByAnother) && self.unreadable().is_none()
    }

    /// Why the records of the run cannot be trusted.
    fn unreadable(&self) -> Option<UnknownWhy> {
        match &self.locality {
            Locality::Foreign => Some(UnknownWhy::Foreign),
            Locality::Unreadable(why) => Some(UnknownWhy::Unreadable(why.clone())),
            // The node of an engine's run is another host always.
            Locality::OtherHost(host) if self.engine.is_none() => Some(UnknownWhy::OtherHost(host.clone())),
            Locality::Here | Locality::EarlierBoot | Locality::OtherHost(_) => None,
        }
    }

    /// A queue record next to a live record was left by a command that died while starting the run.
    fn is_queued(&self) -> bool {
        let was_submitted = self.engine.as_ref().is_some_and(|evidence| evidence.phase.is_some());
        self.queued.is_some() && self.live.is_none() && !was_submitted
    }
}

/// Where the record was made, relative to this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locality {
    Here,
    /// Same host, earlier boot.
    EarlierBoot,
    OtherHost(String),
    /// The folder is a copy.
    Foreign,
    Unreadable(String),
}

/// The pair lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockProbe {
    Free,
    Held,
    /// Held for another run of the pair: this run is dead.
    HeldByAnother,
    /// Held by a command that starts a run or ends the rest of one.
    HeldByCommand,
}

/// What an executor sees of a run's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerProbe {
    Alive,
    Gone,
    /// It lives, or lived, where this process cannot look: another host, boot or pid namespace.
    OutOfSight,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowProbe {
    /// Its state cannot be determined.
    Unknown(UnknownWhy),
    Alive,
    Dead {
        exit: Exit,
        can_tell_signals: bool,
    },
    /// The tmux server of the window is alive and has no such pane.
    Closed,
    /// The tmux server of the window has exited.
    ServerGone,
    /// Nothing indicates that the window was ever made.
    NeverMade,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedState {
    /// The run is active, or cannot be observed: write nothing.
    Is(RunState),
    /// No engine has the run's job: submit it once more.
    SubmitAgain,
    /// The run has ended: record it. `ends_tree`: first end what is left of its tree.
    Over { end: InferredEnd, ends_tree: bool },
    /// Undecided: probe again soon, for at most `patience`. After that the run is `otherwise`.
    LookAgain { patience: Duration, otherwise: RunState },
}

/// An end that no record states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferredEnd {
    pub state: EndState,
    pub reason: Option<EndReason>,
    pub exit: Exit,
}

impl InferredEnd {
    fn lost(reason: EndReason) -> Self {
        Self { state: EndState::Lost, reason: Some(reason), exit: Exit::NOT_SEEN }
    }
}

/// A window whose end stays undecided.
pub fn unsettled() -> RunState {
    RunState::Unknown(UnknownWhy::Window("tmux has not reported how its process ended"))
}

/// The state of a run without a recorded end.
pub fn of(probe: &ProbeResult) -> ObservedState {
    match by_records(probe) {
        // The supervisor releases the pair lock shortly before it exits. If it lives longer without the lock, a damaged
        // record names another pair: its processes must not be ended.
        ObservedState::Over { .. } if probe.form.is_job() && probe.owner == Some(OwnerProbe::Alive) => {
            let why = "its record names a pair whose lock its supervisor does not hold".to_owned();
            let otherwise = RunState::Unknown(UnknownWhy::Unreadable(why));
            ObservedState::LookAgain { patience: SUPERVISOR_EXIT_PATIENCE, otherwise }
        }
        state => state,
    }
}

fn by_records(probe: &ProbeResult) -> ObservedState {
    let unknown = |why| ObservedState::Is(RunState::Unknown(why));
    if let Some(why) = probe.unreadable() {
        return unknown(why);
    }
    if probe.lock == LockProbe::HeldByCommand {
        return ObservedState::LookAgain { patience: COMMAND_PATIENCE, otherwise: RunState::Starting };
    }
    if probe.lock == LockProbe::Held {
        return ObservedState::Is(alive(probe));
    }
    // A queued run survives a reboot, because nothing of it ran.
    if let Some(waiting_for) = probe.queued.filter(|_| probe.is_queued()) {
        let waiting_for = if probe.environment_waits { waiting_for } else { WaitingFor::Environment };
        return ObservedState::Is(RunState::Queued(waiting_for));
    }
    if probe.end_damaged {
        return ObservedState::Over { end: InferredEnd::lost(EndReason::EndRecordDamaged), ends_tree: true };
    }
    if let Some(evidence) = &probe.engine {
        let record = NodeRecord { alive: &alive(probe), stop_requested: probe.stop_requested.is_some() };
        return engine_verdict::verdict(evidence, record);
    }
    if probe.locality == Locality::EarlierBoot {
        return ObservedState::Over { end: InferredEnd::lost(EndReason::Reboot), ends_tree: false };
    }
    match (probe.form, &probe.window) {
        (RunForm::Headless, _) => {
            let was_started = probe.live.is_some();
            let why = if was_started { EndReason::SupervisorKilled } else { EndReason::NeverStarted(None) };
            ObservedState::Over { end: InferredEnd::lost(why), ends_tree: true }
        }
        (RunForm::Interactive, None) => unknown(UnknownWhy::Tmux("it was not asked".to_owned())),
        (RunForm::Interactive, Some(window)) => state_by_window(probe, window),
    }
}

/// The state of a job whose supervisor is alive.
fn alive(probe: &ProbeResult) -> RunState {
    let stopping =
        probe.stop_requested.is_some() || probe.unsaved || probe.live.as_ref().is_some_and(|live| live.stopping);
    match &probe.live {
        _ if stopping => RunState::Stopping,
        Some(live) if live.retry.is_some() => RunState::Queued(WaitingFor::Retry),
        Some(_) => RunState::Running,
        None => RunState::Starting,
    }
}

fn state_by_window(probe: &ProbeResult, window: &WindowProbe) -> ObservedState {
    let stopped = probe.stop_requested.is_some();
    let over = |state, reason, exit| ObservedState::Over { end: InferredEnd { state, reason, exit }, ends_tree: true };
    match window {
        WindowProbe::Unknown(why) => ObservedState::Is(RunState::Unknown(why.clone())),
        WindowProbe::Alive if stopped => ObservedState::Is(RunState::Stopping),
        WindowProbe::Alive => {
            ObservedState::Is(if probe.live.is_some() { RunState::Running } else { RunState::Starting })
        }
        WindowProbe::Dead { exit, .. } if stopped && exit.is_seen() => over(EndState::Stopped, None, *exit),
        WindowProbe::Dead { exit, .. } if *exit == Exit::code(0) => over(EndState::Succeeded, None, *exit),
        WindowProbe::Dead { exit: exit @ Exit { code: Some(code), .. }, .. } => {
            over(EndState::Failed, Some(EndReason::ExitCode(*code)), *exit)
        }
        WindowProbe::Dead { exit: exit @ Exit { signal: Some(signal), .. }, .. } => {
            over(EndState::Failed, Some(EndReason::Signal(*signal)), *exit)
        }
        // Neither code nor signal: tmux 3.2 never reports signals; a newer tmux has not reaped the process yet.
        WindowProbe::Dead { can_tell_signals: true, .. } => {
            ObservedState::LookAgain { patience: TMUX_PATIENCE, otherwise: unsettled() }
        }
        WindowProbe::Dead { exit, .. } => {
            let state = if stopped { EndState::Stopped } else { EndState::Failed };
            over(state, Some(EndReason::UnknownSignal), *exit)
        }
        WindowProbe::Closed => {
            let reason = (!stopped).then_some(EndReason::WindowClosed);
            over(EndState::Stopped, reason, Exit::NOT_SEEN)
        }
        WindowProbe::ServerGone => over(EndState::Lost, Some(EndReason::TmuxEnded), Exit::NOT_SEEN),
        WindowProbe::NeverMade => over(EndState::Lost, Some(EndReason::NeverStarted(None)), Exit::NOT_SEEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live_record::RetryWait;
    use crate::model::process_id::{HostBoot, ProcessId};

    fn probe(form: RunForm) -> ProbeResult {
        ProbeResult {
            form,
            locality: Locality::Here,
            lock: LockProbe::Free,
            queued: None,
            environment_waits: true,
            live: None,
            owner: None,
            unsaved: false,
            end_damaged: false,
            stop_requested: None,
            window: None,
            engine: None,
        }
    }

    fn live() -> Option<LiveRecord> {
        let world = HostBoot { host: "h".into(), boot_id: "b".into(), pid_namespace: 1 };
        Some(LiveRecord::begun(ProcessId { pid: 1, start_time: 1, host_boot: world }, jiff::Timestamp::UNIX_EPOCH))
    }

    fn lost(probe: &ProbeResult) -> Option<EndReason> {
        match of(probe) {
            ObservedState::Over { end, .. } if end.state == EndState::Lost => end.reason,
            _ => None,
        }
    }

    #[test]
    fn locked_is_alive_and_free_is_dead() {
        let held = ProbeResult { lock: LockProbe::Held, ..probe(RunForm::Headless) };
        assert_eq!(of(&held), ObservedState::Is(RunState::Starting));
        assert_eq!(of(&ProbeResult { live: live(), ..held.clone() }), ObservedState::Is(RunState::Running));
        let resting = live().map(|live| LiveRecord {
            retry: Some(RetryWait { until: live.started_at, reason: Some(EndReason::Signal(9)) }),
            ..live
        });
        let rests = ProbeResult { live: resting, ..held.clone() };
        assert_eq!(of(&rests), ObservedState::Is(RunState::Queued(WaitingFor::Retry)));
        assert_eq!(
            of(&ProbeResult { stop_requested: Some(false), ..rests.clone() }),
            ObservedState::Is(RunState::Stopping)
        );
        assert_eq!(lost(&ProbeResult { lock: LockProbe::Free, ..rests }), Some(EndReason::SupervisorKilled));
        assert_eq!(of(&ProbeResult { live: live(), unsaved: true, ..held }), ObservedState::Is(RunState::Stopping));
        assert_eq!(lost(&probe(RunForm::Headless)), Some(EndReason::NeverStarted(None)));
        assert_eq!(lost(&ProbeResult { live: live(), ..probe(RunForm::Headless) }), Some(EndReason::SupervisorKilled));
        let another = ProbeResult { lock: LockProbe::HeldByAnother, live: live(), ..probe(RunForm::Headless) };
        assert!(lost(&another).is_some());
    }

    #[test]
    fn what_cannot_be_seen_is_unknown_and_touches_nothing() {
        for locality in [Locality::Foreign, Locality::OtherHost("x".into()), Locality::Unreadable("y".into())] {
            for lock in [LockProbe::Free, LockProbe::Held] {
                let seen = ProbeResult { locality: locality.clone(), lock, live: live(), ..probe(RunForm::Headless) };
                assert!(matches!(of(&seen), ObservedState::Is(RunState::Unknown(_))), "{locality:?} {lock:?}");
            }
        }
        let silent = ProbeResult {
            window: Some(WindowProbe::Unknown(UnknownWhy::Tmux("no".into()))),
            ..probe(RunForm::Interactive)
        };
        assert!(matches!(of(&silent), ObservedState::Is(RunState::Unknown(UnknownWhy::Tmux(_)))));
    }

    #[test]
    fn a_job_whose_supervisor_lives_without_its_lock_is_not_over() {
        let free = ProbeResult { live: live(), owner: Some(OwnerProbe::Alive), ..probe(RunForm::Headless) };
        let ObservedState::LookAgain { otherwise, .. } = of(&free) else { panic!("over") };
        assert!(matches!(otherwise, RunState::Unknown(UnknownWhy::Unreadable(_))));
        for owner in [OwnerProbe::Gone, OwnerProbe::OutOfSight] {
            let gone = ProbeResult { owner: Some(owner), ..free.clone() };
            assert_eq!(lost(&gone), Some(EndReason::SupervisorKilled));
        }
    }

    #[test]
    fn a_reboot_loses_what_ran_and_signals_nothing_but_keeps_the_queue() {
        let rebooted = ProbeResult { locality: Locality::EarlierBoot, live: live(), ..probe(RunForm::Headless) };
        assert_eq!(of(&rebooted), ObservedState::Over { end: InferredEnd::lost(EndReason::Reboot), ends_tree: false });
        let queued = ProbeResult { queued: Some(WaitingFor::Slot), environment_waits: false, live: None, ..rebooted };
        assert_eq!(of(&queued), ObservedState::Is(RunState::Queued(WaitingFor::Environment)));
    }

    #[test]
    fn a_dead_pane_without_status_is_never_success() {
        let dead = |exit, can_tell_signals| ProbeResult {
            window: Some(WindowProbe::Dead { exit, can_tell_signals }),
            live: live(),
            ..probe(RunForm::Interactive)
        };
        assert!(matches!(of(&dead(Exit::NOT_SEEN, true)), ObservedState::LookAgain { .. }));
        let ObservedState::Over { end, .. } = of(&dead(Exit::NOT_SEEN, false)) else { panic!("not over") };
        assert_eq!(end.state, EndState::Failed);
        let ObservedState::Over { end, .. } = of(&dead(Exit::code(0), true)) else { panic!("not over") };
        assert_eq!((end.state, end.exit), (EndState::Succeeded, Exit::code(0)));
        let ObservedState::Over { end, .. } = of(&dead(Exit::signal(9), true)) else { panic!("not over") };
        assert_eq!((end.state, end.exit), (EndState::Failed, Exit::signal(9)));
    }

    #[test]
    fn a_window_that_went_is_told_from_a_server_that_went() {
        let gone = |window| ProbeResult { window: Some(window), live: live(), ..probe(RunForm::Interactive) };
        let ObservedState::Over { end, .. } = of(&gone(WindowProbe::Closed)) else { panic!("not over") };
        assert_eq!((end.state, end.reason), (EndState::Stopped, Some(EndReason::WindowClosed)));
        assert_eq!(lost(&gone(WindowProbe::ServerGone)), Some(EndReason::TmuxEnded));
        assert_eq!(lost(&gone(WindowProbe::NeverMade)), Some(EndReason::NeverStarted(None)));
    }
}

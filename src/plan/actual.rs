//! What one look at a run's folder, lock and window means.
//!
//! `runner::observe` gathers the evidence and acts on the verdict; nothing is decided elsewhere.

use crate::model::end_reason::EndReason;
use crate::model::exit::Exit;
use crate::model::live_record::LiveRecord;
use crate::model::run_state::{EndState, RunState, UnknownWhy, WaitingFor};

/// Everything that was seen of one unfinished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    pub headless: bool,
    pub place: Place,
    pub lock: Lock,
    pub queued: Option<WaitingFor>,
    /// Of a queued run: the handed-over environment still waits for it.
    pub environment_waits: bool,
    pub live: Option<LiveRecord>,
    /// The owner knows the end and cannot write it.
    pub unsaved: bool,
    /// Its end was recorded once, and the record was damaged and set aside.
    pub end_damaged: bool,
    /// A stop was asked for.
    pub stop_asked: Option<bool>,
    /// Of an interactive run that is neither locked nor queued.
    pub window: Option<Window>,
}

/// Where the record was made, seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Here,
    /// Same host, earlier boot.
    EarlierBoot,
    OtherHost(String),
    /// The folder is a copy.
    Foreign,
    Unreadable(String),
}

/// The pair's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    Free,
    /// Held for this run.
    Held,
    /// Held for another run of the pair: this one is dead.
    HeldByAnother,
    /// Held by a command that is beginning a run or ending what is left of one.
    Moving,
}

/// The run's window in tmux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// tmux gave no answer that can be trusted.
    Unanswered(String),
    Alive,
    Dead {
        exit: Exit,
        can_tell_signals: bool,
    },
    /// The server it was made in runs and has no such pane.
    Closed,
    /// That server is gone.
    ServerGone,
    /// There is no sign that it was ever made.
    NeverMade,
}

/// What the evidence amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on, or cannot be seen: write nothing.
    Is(RunState),
    /// It is over: write this down. `sweep`: what is left of its tree must be ended first.
    Over { end: Over, sweep: bool },
    /// Not settled yet: look again in a moment, and for that long at most.
    LookAgain { patience_ms: u32 },
}

/// An end that was inferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    pub state: EndState,
    pub reason: Option<EndReason>,
    pub exit: Exit,
}

impl Over {
    fn lost(reason: EndReason) -> Self {
        Self { state: EndState::Lost, reason: Some(reason), exit: Exit::NOT_SEEN }
    }
}

/// Judges a run that has no recorded end.
pub fn judge(evidence: &Evidence) -> Verdict {
    let unknown = |why| Verdict::Is(RunState::Unknown(why));
    match &evidence.place {
        Place::Foreign => return unknown(UnknownWhy::Foreign),
        Place::OtherHost(host) => return unknown(UnknownWhy::OtherHost(host.clone())),
        Place::Unreadable(why) => return unknown(UnknownWhy::Unreadable(why.clone())),
        Place::Here | Place::EarlierBoot => {}
    }
    if evidence.lock == Lock::Moving {
        // Ending a tree takes a command 6 s at most.
        return Verdict::LookAgain { patience_ms: 8000 };
    }
    if evidence.lock == Lock::Held {
        let stopping = evidence.stop_asked.is_some()
            || evidence.unsaved
            || evidence.live.as_ref().is_some_and(|live| live.stopping);
        return Verdict::Is(match &evidence.live {
            _ if stopping => RunState::Stopping,
            Some(live) if live.retry.is_some() => RunState::Queued(WaitingFor::Retry),
            Some(_) => RunState::Running,
            None => RunState::Starting,
        });
    }
    // A queued run outlives a reboot: nothing of it ran.
    // (A record beside one that lived was left by a command that died while it started the run.)
    if let Some(waiting_for) = evidence.queued.filter(|_| evidence.live.is_none()) {
        let waiting_for = if evidence.environment_waits { waiting_for } else { WaitingFor::Environment };
        return Verdict::Is(RunState::Queued(waiting_for));
    }
    if evidence.end_damaged {
        return Verdict::Over { end: Over::lost(EndReason::EndRecordDamaged), sweep: true };
    }
    if evidence.place == Place::EarlierBoot {
        return Verdict::Over { end: Over::lost(EndReason::Reboot), sweep: false };
    }
    match (evidence.headless, &evidence.window) {
        (true, _) => {
            let was_started = evidence.live.is_some();
            let why = if was_started { EndReason::SupervisorKilled } else { EndReason::NeverStarted(None) };
            Verdict::Over { end: Over::lost(why), sweep: true }
        }
        (false, None) => unknown(UnknownWhy::Tmux("it was not asked".to_owned())),
        (false, Some(window)) => judge_window(evidence, window),
    }
}

fn judge_window(evidence: &Evidence, window: &Window) -> Verdict {
    let stopped = evidence.stop_asked.is_some();
    let over = |state, reason, exit| Verdict::Over { end: Over { state, reason, exit }, sweep: true };
    match window {
        Window::Unanswered(words) => Verdict::Is(RunState::Unknown(UnknownWhy::Tmux(words.clone()))),
        Window::Alive if stopped => Verdict::Is(RunState::Stopping),
        Window::Alive => Verdict::Is(if evidence.live.is_some() { RunState::Running } else { RunState::Starting }),
        Window::Dead { exit, .. } if stopped && exit.is_seen() => over(EndState::Stopped, None, *exit),
        Window::Dead { exit, .. } if *exit == Exit::code(0) => over(EndState::Succeeded, None, *exit),
        Window::Dead { exit: exit @ Exit { code: Some(code), .. }, .. } => {
            over(EndState::Failed, Some(EndReason::ExitCode(*code)), *exit)
        }
        Window::Dead { exit: exit @ Exit { signal: Some(signal), .. }, .. } => {
            over(EndState::Failed, Some(EndReason::Signal(*signal)), *exit)
        }
        // Neither: tmux 3.2 never tells a signal; newer ones have not reaped it yet.
        Window::Dead { can_tell_signals: true, .. } => Verdict::LookAgain { patience_ms: 200 },
        Window::Dead { exit, .. } => {
            let state = if stopped { EndState::Stopped } else { EndState::Failed };
            over(state, Some(EndReason::UnknownSignal), *exit)
        }
        Window::Closed => {
            let reason = (!stopped).then_some(EndReason::WindowClosed);
            over(EndState::Stopped, reason, Exit::NOT_SEEN)
        }
        Window::ServerGone => over(EndState::Lost, Some(EndReason::TmuxEnded), Exit::NOT_SEEN),
        Window::NeverMade => over(EndState::Lost, Some(EndReason::NeverStarted(None)), Exit::NOT_SEEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live_record::RetryWait;
    use crate::model::process_id::{ProcessId, World};

    fn evidence(headless: bool) -> Evidence {
        Evidence {
            headless,
            place: Place::Here,
            lock: Lock::Free,
            queued: None,
            environment_waits: true,
            live: None,
            unsaved: false,
            end_damaged: false,
            stop_asked: None,
            window: None,
        }
    }

    fn live() -> Option<LiveRecord> {
        let world = World { host: "h".into(), boot_id: "b".into(), pid_namespace: 1 };
        Some(LiveRecord::begun(ProcessId { pid: 1, start_time: 1, world }, jiff::Timestamp::UNIX_EPOCH))
    }

    fn lost(evidence: &Evidence) -> Option<EndReason> {
        match judge(evidence) {
            Verdict::Over { end, .. } if end.state == EndState::Lost => end.reason,
            _ => None,
        }
    }

    #[test]
    fn locked_is_alive_and_free_is_dead() {
        let held = Evidence { lock: Lock::Held, ..evidence(true) };
        assert_eq!(judge(&held), Verdict::Is(RunState::Starting));
        assert_eq!(judge(&Evidence { live: live(), ..held.clone() }), Verdict::Is(RunState::Running));
        let resting = live().map(|live| LiveRecord {
            retry: Some(RetryWait { until: live.started_at, reason: Some(EndReason::Signal(9)) }),
            ..live
        });
        let rests = Evidence { live: resting, ..held.clone() };
        assert_eq!(judge(&rests), Verdict::Is(RunState::Queued(WaitingFor::Retry)));
        assert_eq!(judge(&Evidence { stop_asked: Some(false), ..rests.clone() }), Verdict::Is(RunState::Stopping));
        assert_eq!(lost(&Evidence { lock: Lock::Free, ..rests }), Some(EndReason::SupervisorKilled));
        assert_eq!(judge(&Evidence { live: live(), unsaved: true, ..held }), Verdict::Is(RunState::Stopping));
        assert_eq!(lost(&evidence(true)), Some(EndReason::NeverStarted(None)));
        assert_eq!(lost(&Evidence { live: live(), ..evidence(true) }), Some(EndReason::SupervisorKilled));
        let another = Evidence { lock: Lock::HeldByAnother, live: live(), ..evidence(true) };
        assert!(lost(&another).is_some());
    }

    #[test]
    fn what_cannot_be_seen_is_unknown_and_touches_nothing() {
        for place in [Place::Foreign, Place::OtherHost("x".into()), Place::Unreadable("y".into())] {
            for lock in [Lock::Free, Lock::Held] {
                let seen = Evidence { place: place.clone(), lock, live: live(), ..evidence(true) };
                assert!(matches!(judge(&seen), Verdict::Is(RunState::Unknown(_))), "{place:?} {lock:?}");
            }
        }
        let silent = Evidence { window: Some(Window::Unanswered("no".into())), ..evidence(false) };
        assert!(matches!(judge(&silent), Verdict::Is(RunState::Unknown(UnknownWhy::Tmux(_)))));
    }

    #[test]
    fn a_reboot_loses_what_ran_and_signals_nothing_but_keeps_the_queue() {
        let rebooted = Evidence { place: Place::EarlierBoot, live: live(), ..evidence(true) };
        assert_eq!(judge(&rebooted), Verdict::Over { end: Over::lost(EndReason::Reboot), sweep: false });
        let queued = Evidence { queued: Some(WaitingFor::Slot), environment_waits: false, live: None, ..rebooted };
        assert_eq!(judge(&queued), Verdict::Is(RunState::Queued(WaitingFor::Environment)));
    }

    #[test]
    fn a_dead_pane_without_status_is_never_success() {
        let dead = |exit, can_tell_signals| Evidence {
            window: Some(Window::Dead { exit, can_tell_signals }),
            live: live(),
            ..evidence(false)
        };
        assert!(matches!(judge(&dead(Exit::NOT_SEEN, true)), Verdict::LookAgain { .. }));
        let Verdict::Over { end, .. } = judge(&dead(Exit::NOT_SEEN, false)) else { panic!("not over") };
        assert_eq!(end.state, EndState::Failed);
        let Verdict::Over { end, .. } = judge(&dead(Exit::code(0), true)) else { panic!("not over") };
        assert_eq!((end.state, end.exit), (EndState::Succeeded, Exit::code(0)));
        let Verdict::Over { end, .. } = judge(&dead(Exit::signal(9), true)) else { panic!("not over") };
        assert_eq!((end.state, end.exit), (EndState::Failed, Exit::signal(9)));
    }

    #[test]
    fn a_window_that_went_is_told_from_a_server_that_went() {
        let gone = |window| Evidence { window: Some(window), live: live(), ..evidence(false) };
        let Verdict::Over { end, .. } = judge(&gone(Window::Closed)) else { panic!("not over") };
        assert_eq!((end.state, end.reason), (EndState::Stopped, Some(EndReason::WindowClosed)));
        assert_eq!(lost(&gone(Window::ServerGone)), Some(EndReason::TmuxEnded));
        assert_eq!(lost(&gone(Window::NeverMade)), Some(EndReason::NeverStarted(None)));
    }
}

//! What one look at a run's folder, lock and window means.
//!
//! `runner::observe` gathers the evidence and acts on the verdict; nothing is decided elsewhere.

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
        status: Option<i32>,
        signal: Option<i32>,
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
    pub reason: Option<String>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
}

impl Over {
    pub fn lost(reason: &str) -> Self {
        Self { state: EndState::Lost, reason: Some(reason.to_owned()), exit_code: None, signal: None }
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
        return Verdict::Over { end: Over::lost("the record of its end was damaged"), sweep: true };
    }
    if evidence.place == Place::EarlierBoot {
        return Verdict::Over { end: Over::lost("reboot"), sweep: false };
    }
    match (evidence.headless, &evidence.window) {
        (true, _) if evidence.live.is_some() => {
            Verdict::Over { end: Over::lost("its supervisor was killed"), sweep: true }
        }
        (true, _) => Verdict::Over { end: Over::lost("never started"), sweep: true },
        (false, None) => unknown(UnknownWhy::Tmux("it was not asked".to_owned())),
        (false, Some(window)) => judge_window(evidence, window),
    }
}

fn judge_window(evidence: &Evidence, window: &Window) -> Verdict {
    let stopped = evidence.stop_asked.is_some();
    match window {
        Window::Unanswered(words) => Verdict::Is(RunState::Unknown(UnknownWhy::Tmux(words.clone()))),
        Window::Alive if stopped => Verdict::Is(RunState::Stopping),
        Window::Alive => Verdict::Is(if evidence.live.is_some() { RunState::Running } else { RunState::Starting }),
        Window::Dead { status, signal, .. } if stopped && (status.is_some() || signal.is_some()) => {
            let end = Over { state: EndState::Stopped, reason: None, exit_code: *status, signal: *signal };
            Verdict::Over { end, sweep: true }
        }
        Window::Dead { status: Some(code), .. } => {
            let state = if *code == 0 { EndState::Succeeded } else { EndState::Failed };
            let reason = (*code != 0).then(|| format!("exit code {code}"));
            Verdict::Over { end: Over { state, reason, exit_code: Some(*code), signal: None }, sweep: true }
        }
        Window::Dead { status: None, signal: Some(signal), .. } => {
            let reason = Some(format!("signal {signal}"));
            Verdict::Over {
                end: Over { state: EndState::Failed, reason, exit_code: None, signal: Some(*signal) },
                sweep: true,
            }
        }
        // Neither: tmux 3.2 never tells a signal; newer ones have not reaped it yet.
        Window::Dead { can_tell_signals: true, .. } => Verdict::LookAgain { patience_ms: 200 },
        Window::Dead { .. } => {
            let state = if stopped { EndState::Stopped } else { EndState::Failed };
            let reason = Some("ended by a signal (tmux 3.2 cannot say which)".to_owned());
            Verdict::Over { end: Over { state, reason, exit_code: None, signal: None }, sweep: true }
        }
        Window::Closed if stopped => Verdict::Over {
            end: Over { state: EndState::Stopped, reason: None, exit_code: None, signal: None },
            sweep: true,
        },
        Window::Closed => {
            let reason = Some("closed".to_owned());
            Verdict::Over { end: Over { state: EndState::Stopped, reason, exit_code: None, signal: None }, sweep: true }
        }
        Window::ServerGone => Verdict::Over { end: Over::lost("tmux ended"), sweep: true },
        Window::NeverMade => Verdict::Over { end: Over::lost("never started"), sweep: true },
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

    fn lost(evidence: &Evidence) -> Option<String> {
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
            retry: Some(RetryWait { until: live.started_at, reason: "signal 9".into() }),
            ..live
        });
        let rests = Evidence { live: resting, ..held.clone() };
        assert_eq!(judge(&rests), Verdict::Is(RunState::Queued(WaitingFor::Retry)));
        assert_eq!(judge(&Evidence { stop_asked: Some(false), ..rests.clone() }), Verdict::Is(RunState::Stopping));
        assert_eq!(lost(&Evidence { lock: Lock::Free, ..rests }).as_deref(), Some("its supervisor was killed"));
        assert_eq!(judge(&Evidence { live: live(), unsaved: true, ..held }), Verdict::Is(RunState::Stopping));
        assert_eq!(lost(&evidence(true)).as_deref(), Some("never started"));
        assert_eq!(lost(&Evidence { live: live(), ..evidence(true) }).as_deref(), Some("its supervisor was killed"));
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
        assert_eq!(judge(&rebooted), Verdict::Over { end: Over::lost("reboot"), sweep: false });
        let queued = Evidence { queued: Some(WaitingFor::Slot), environment_waits: false, live: None, ..rebooted };
        assert_eq!(judge(&queued), Verdict::Is(RunState::Queued(WaitingFor::Environment)));
    }

    #[test]
    fn a_dead_pane_without_status_is_never_success() {
        let dead = |status, signal, can_tell_signals| Evidence {
            window: Some(Window::Dead { status, signal, can_tell_signals }),
            live: live(),
            ..evidence(false)
        };
        assert!(matches!(judge(&dead(None, None, true)), Verdict::LookAgain { .. }));
        let Verdict::Over { end, .. } = judge(&dead(None, None, false)) else { panic!("not over") };
        assert_eq!(end.state, EndState::Failed);
        let Verdict::Over { end, .. } = judge(&dead(Some(0), None, true)) else { panic!("not over") };
        assert_eq!((end.state, end.exit_code), (EndState::Succeeded, Some(0)));
        let Verdict::Over { end, .. } = judge(&dead(None, Some(9), true)) else { panic!("not over") };
        assert_eq!((end.state, end.signal), (EndState::Failed, Some(9)));
    }

    #[test]
    fn a_window_that_went_is_told_from_a_server_that_went() {
        let gone = |window| Evidence { window: Some(window), live: live(), ..evidence(false) };
        let Verdict::Over { end, .. } = judge(&gone(Window::Closed)) else { panic!("not over") };
        assert_eq!((end.state, end.reason.as_deref()), (EndState::Stopped, Some("closed")));
        assert_eq!(lost(&gone(Window::ServerGone)).as_deref(), Some("tmux ended"));
        assert_eq!(lost(&gone(Window::NeverMade)).as_deref(), Some("never started"));
    }
}

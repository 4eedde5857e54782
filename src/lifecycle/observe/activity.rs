//! The activity of an agent in a window. An agent's protocol judges what the agent reports. An agent that reports
//! nothing is judged here, by its terminal's bell and output.

use std::path::Path;

use jiff::Timestamp;

use crate::agents;
use crate::lifecycle::observe::window_reading::{AgentWindow, WindowReading};
use crate::model::activity::{Activity, ActivitySource, ActivityState};
use crate::model::protocol::Protocol;
use crate::model::run_id::RunId;
use crate::os::clock;
use crate::os::tmux::{Pane, PaneActivity};
use crate::store::run_folder::RunFolder;

/// Milliseconds without output until an agent is idle.
const IDLE_MS: i64 = 10_000;
/// Output within this many seconds of the bell is the question that the bell announces.
const WITH_THE_BELL: i64 = 1;
/// Milliseconds of silence after which a bell without a recorded time means "waiting".
const MEANT_MS: i64 = 2000;

#[derive(Debug, Default)]
pub(crate) struct AgentActivity {
    pub(crate) activity: Option<Activity>,
    /// The current conversation, if the agent reports it.
    pub(crate) session_id: Option<String>,
}

/// The activity of the agent of `run`; empty for a dead pane.
pub(crate) fn of_pane(
    pane: &Pane,
    protocol: Protocol,
    run: &RunId,
    folder: &RunFolder,
    socket: &Path,
) -> AgentActivity {
    if pane.dead.is_some() {
        return AgentActivity::default();
    }
    let now = clock::now();
    let protocol = agents::of(protocol).window();
    let shown = pane.activity.as_ref().and_then(|seen| of_terminal(seen, seen.written(), protocol.is_none(), now));
    let Some(protocol) = protocol else { return AgentActivity { activity: shown, session_id: None } };
    let reading = WindowReading::of(AgentWindow { protocol, run, folder, socket, pane: &pane.pane_id, pid: pane.pid });
    let inputs = reading.inputs(shown.as_ref(), now);
    AgentActivity { activity: Some(protocol.activity(&inputs)), session_id: protocol.conversation(&inputs) }
}

/// `written`: see [`PaneActivity::written`]. `output_counts`: whether output means work; an agent that reports its
/// activity redraws its screen while it waits too.
fn of_terminal(activity: &PaneActivity, written: Option<i64>, output_counts: bool, now: Timestamp) -> Option<Activity> {
    let said = |state, reason: &str, source, at| {
        let at = Timestamp::from_second(at).ok()?;
        Some(Activity { state, reason: reason.to_owned(), source, at, fix: None })
    };
    if activity.panes > 1 {
        let unknown = || {
            let at = now.as_second();
            said(ActivityState::Unknown, "its window holds other panes too", ActivitySource::Window, at)
        };
        return output_counts.then(unknown).flatten();
    }
    if let Some(rung) = waits_since(activity, written, now) {
        return said(ActivityState::Waiting, "it rang the bell", ActivitySource::Bell, rung);
    }
    if !output_counts {
        return None;
    }
    let output = last_output(activity, written);
    match silence(output, now) {
        ..IDLE_MS => said(ActivityState::Working, "it writes", ActivitySource::Output, output),
        _ => said(ActivityState::Idle, "no output for 10 s", ActivitySource::Output, output),
    }
}

/// The time of the bell in Unix seconds, if no output followed.
fn waits_since(activity: &PaneActivity, written: Option<i64>, now: Timestamp) -> Option<i64> {
    let Some(rung) = activity.bell_at else {
        return (activity.flagged && silence(activity.active, now) >= MEANT_MS).then_some(activity.active);
    };
    let later = |at: i64| at > rung + WITH_THE_BELL;
    let answered = written.is_some_and(later) || later(activity.active) && !was_a_look(activity);
    (!answered).then_some(rung)
}

/// Whether tmux's last activity was a user who selected the window, not output.
fn was_a_look(activity: &PaneActivity) -> bool {
    activity.seen == Some(activity.active)
}

fn last_output(activity: &PaneActivity, written: Option<i64>) -> i64 {
    match written {
        // Linux updates a terminal's write time every 8 s at most: take the latest possible time.
        Some(written) if was_a_look(activity) => (written | 7).min(activity.active),
        _ => activity.active,
    }
}

/// A lower bound of the milliseconds without output: `output` is in whole seconds.
fn silence(output: i64, now: Timestamp) -> i64 {
    now.as_millisecond().saturating_sub(output.saturating_add(1).saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A multiple of 8 s, at which Linux updates a terminal's write time.
    const BELL: i64 = 1_700_000_000;

    fn silent_since(active: i64) -> PaneActivity {
        PaneActivity { active, flagged: false, panes: 1, bell_at: None, seen: None, tty: "/dev/null".into() }
    }

    fn seen(activity: &PaneActivity, written: i64, now: i64) -> Option<(&'static str, i64)> {
        let now = Timestamp::from_second(now).unwrap();
        let activity = of_terminal(activity, Some(written), true, now)?;
        Some((activity.state.as_str(), activity.at.as_second() - BELL))
    }

    #[test]
    fn output_is_work_and_ten_seconds_without_are_idle() {
        let activity = silent_since(BELL);
        assert_eq!(seen(&activity, BELL, BELL), Some(("working", 0)));
        assert_eq!(seen(&activity, BELL, BELL + 10), Some(("working", 0)), "it may have been 9.1 s");
        assert_eq!(seen(&activity, BELL, BELL + 11), Some(("idle", 0)));
        // A clock that was set back.
        assert_eq!(seen(&activity, BELL, BELL - 500), Some(("working", 0)));
    }

    #[test]
    fn who_looks_writes_nothing() {
        let looked = PaneActivity { seen: Some(BELL + 60), ..silent_since(BELL + 60) };
        assert_eq!(seen(&looked, BELL, BELL + 60), Some(("idle", 7)), "the last of the eight seconds");
        let wrote = PaneActivity { active: BELL + 61, ..looked };
        assert_eq!(seen(&wrote, BELL + 61, BELL + 62), Some(("working", 61)));
    }

    #[test]
    fn a_bell_waits_until_something_is_written() {
        let with_bell = PaneActivity { bell_at: Some(BELL), ..silent_since(BELL) };
        let waits = Some(("waiting", 0));
        assert_eq!(seen(&with_bell, BELL, BELL), waits);
        assert_eq!(seen(&with_bell, BELL, BELL + 3600), waits);
        let with_its_question = PaneActivity { active: BELL + 1, ..with_bell.clone() };
        assert_eq!(seen(&with_its_question, BELL, BELL + 5), waits);
        let looked_at = PaneActivity { active: BELL + 40, seen: Some(BELL + 40), ..with_bell.clone() };
        assert_eq!(seen(&looked_at, BELL, BELL + 41), waits);
        let answered = PaneActivity { active: BELL + 3, ..with_bell.clone() };
        assert_eq!(seen(&answered, BELL, BELL + 4), Some(("working", 3)), "as soon as tmux has seen it");
        let answered_and_left = PaneActivity { active: BELL + 40, seen: Some(BELL + 40), ..with_bell };
        assert_eq!(seen(&answered_and_left, BELL + 30, BELL + 41), Some(("working", 31)));
    }

    #[test]
    fn a_bell_that_nobody_noted_counts_until_somebody_looks() {
        let with_bell = PaneActivity { flagged: true, ..silent_since(BELL) };
        assert_eq!(seen(&with_bell, BELL, BELL + 1), Some(("working", 0)), "it may go on");
        assert_eq!(seen(&with_bell, BELL, BELL + 3), Some(("waiting", 0)));
        assert_eq!(seen(&PaneActivity { flagged: false, ..with_bell }, BELL, BELL + 3), Some(("working", 0)));
    }

    #[test]
    fn of_what_cannot_be_told_nothing_is_made_up() {
        let now = Timestamp::from_second(BELL + 3).unwrap();
        let quiet = silent_since(BELL);
        assert_eq!(of_terminal(&quiet, None, false, now), None);
        let with_bell = PaneActivity { bell_at: Some(BELL), ..quiet.clone() };
        let state =
            |activity, output_counts| of_terminal(activity, None, output_counts, now).map(|activity| activity.state);
        assert_eq!(state(&with_bell, false), Some(ActivityState::Waiting));
        let shared = PaneActivity { panes: 2, ..with_bell.clone() };
        assert_eq!(state(&shared, true), Some(ActivityState::Unknown));
        assert_eq!(state(&shared, false), None);
    }
}

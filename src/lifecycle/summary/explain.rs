//! Lists the sources from which the activity of an agent in a window is derived, with the content of each.

use jiff::Timestamp;

use crate::agents;
use crate::lifecycle::observe::window_reading::{AgentWindow, ScreenReading, StatusReading, WindowReading};
use crate::lifecycle::store::Store;
use crate::model::activity::ActivityState;
use crate::model::run::Run;
use crate::model::run_state::RunState;

/// The content of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    pub name: &'static str,
    pub says: String,
    /// Since when it holds.
    pub at: Option<Timestamp>,
}

impl Sign {
    fn new(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, says: says.into(), at: None }
    }
}

/// Empty unless the run is running in a window.
pub fn activity_signs(store: &Store, run: &Run) -> Vec<Sign> {
    let mut signs = Vec::new();
    if let Some(activity) = run.progress.activity.as_ref().filter(|_| run.state == RunState::Running) {
        let source = activity.source.as_str();
        let says = format!("{}, by {source}", said(activity.state, &activity.reason));
        signs.push(Sign { name: "activity", says, at: Some(activity.at) });
    } else {
        return signs;
    }
    if let (Some(protocol), Some(socket), Some(pane), Some(pid)) =
        (agents::of(run.facts.protocol).window(), &run.facts.socket, &run.progress.pane, run.progress.pid)
    {
        let folder = store.folder(run.id());
        let window = AgentWindow { protocol, run: run.id(), folder: &folder, socket, pane, pid };
        signs.extend(explain(&WindowReading::of(window)));
    }
    signs
}

fn explain(reading: &WindowReading) -> Vec<Sign> {
    let unhooked = reading.live.as_ref().and_then(|live| live.unhooked.as_ref());
    let hook = match (&reading.record, unhooked) {
        (Err(error), _) => Sign::new("hook", error.to_string()),
        (Ok(None), Some(why)) => Sign::new("hook", format!("none: {why}")),
        (Ok(None), None) => Sign::new("hook", "none has fired yet"),
        (Ok(Some(record)), _) => {
            let gone = if reading.reporter_lives { "" } else { ", by a process that is gone" };
            let says = format!("{}: {}{gone}", record.event, said(record.state, &record.reason));
            Sign { name: "hook", says, at: Some(record.at) }
        }
    };
    let session = match &reading.status {
        StatusReading::None(why) => Sign::new("session", format!("none: {why}")),
        StatusReading::Is(path, file) => {
            let says = format!("{} (`{}`)", said(file.state, &file.reason), path.display());
            Sign { name: "session", says, at: file.since }
        }
    };
    let screen = match reading.screen {
        ScreenReading::NotRead => None,
        ScreenReading::Shows(dialog) => Some(Sign::new("screen", dialog.name)),
        ScreenReading::Nothing => Some(Sign::new("screen", "no dialog that is known")),
    };
    [Some(hook), Some(session), screen].into_iter().flatten().collect()
}

fn said(state: ActivityState, reason: &str) -> String {
    format!("{}: {reason}", state.as_str())
}

//! How it is known what an agent in a window does: each thing that was looked at, and what it says.

use jiff::Timestamp;

use crate::model::activity::ActivityState;
use crate::model::protocol::Protocol;
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::runner::agent_signs::{Place, Screen, Session, Signs};
use crate::runner::store::Store;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    pub name: &'static str,
    pub says: String,
    /// Since when.
    pub at: Option<Timestamp>,
}

impl Sign {
    fn new(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, says: says.into(), at: None }
    }
}

/// None of what does not run in a window.
pub fn activity_signs(store: &Store, run: &Run) -> Vec<Sign> {
    let mut signs = Vec::new();
    if let Some(activity) = run.progress.activity.as_ref().filter(|_| run.state == RunState::Running) {
        let source = activity.source.as_str();
        let says = format!("{}, by {source}", said(activity.state, &activity.reason));
        signs.push(Sign { name: "activity", says, at: Some(activity.at) });
    } else {
        return signs;
    }
    if let (Protocol::Claude, Some(socket), Some(pane), Some(pid)) =
        (run.facts.protocol, &run.facts.socket, &run.progress.pane, run.progress.pid)
    {
        let folder = store.folder(run.id());
        signs.extend(told(&Signs::of(Place { run: run.id(), folder: &folder, socket, pane, pid })));
    }
    signs
}

fn told(signs: &Signs) -> Vec<Sign> {
    let unhooked = signs.live.as_ref().and_then(|live| live.unhooked.as_ref());
    let hook = match (&signs.record, unhooked) {
        (Err(error), _) => Sign::new("hook", error.to_string()),
        (Ok(None), Some(why)) => Sign::new("hook", format!("none: {why}")),
        (Ok(None), None) => Sign::new("hook", "none has fired yet"),
        (Ok(Some(record)), _) => {
            let gone = if signs.speaker_lives { "" } else { ", by a process that is gone" };
            let says = format!("{}: {}{gone}", record.event, said(record.state, &record.reason));
            Sign { name: "hook", says, at: Some(record.at) }
        }
    };
    let session = match &signs.session {
        Session::None(why) => Sign::new("session", format!("none: {why}")),
        Session::Is(path, file) => {
            let says = format!("{} (`{}`)", said(file.state, &file.reason), path.display());
            Sign { name: "session", says, at: file.since }
        }
    };
    let screen = match signs.screen {
        Screen::NotAsked => None,
        Screen::Shows(dialog) => Some(Sign::new("screen", dialog.words())),
        Screen::Nothing => Some(Sign::new("screen", "no dialog that is known")),
    };
    [Some(hook), Some(session), screen].into_iter().flatten().collect()
}

fn said(state: ActivityState, reason: &str) -> String {
    format!("{}: {reason}", state.as_str())
}

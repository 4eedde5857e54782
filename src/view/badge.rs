//! The state of a pair as a badge: a word, a colour, and since when. Pure.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::names::Pair;
use crate::view::run_view::RunView;

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Badge {
    pub mode: String,
    pub task: String,
    pub interactive: bool,
    /// The last run. `None`: the pair never ran.
    pub run: Option<String>,
    /// Selects the colour: `never`, a state, or `gate`, `waiting`, `working`, `idle`, `fresh`.
    pub key: &'static str,
    pub word: String,
    /// Waits for the user.
    pub needs: bool,
    pub active: bool,
    pub running: bool,
    /// Waits for approval.
    pub gate: bool,
    pub reason: String,
    /// When the state began.
    pub since: Option<Timestamp>,
    /// Whether `since` is shown as a growing duration, or as a past time.
    pub grows: bool,
    pub duration_ms: Option<u64>,
    /// It failed, timed out or was lost, and its page has not been opened since.
    pub unseen: bool,
}

impl Badge {
    pub fn never(pair: &Pair, interactive: bool) -> Self {
        Self { mode: pair.mode.to_string(), task: pair.task.to_string(), interactive, key: "never", ..Self::default() }
    }

    /// `fresh`: the result is up to date.
    pub fn of(run: &RunView, fresh: bool) -> Self {
        let gate = run.state == "queued" && run.waiting_for == Some("gate");
        let active = run.ended_at.is_none();
        let (key, word): (&'static str, String) = match run.state {
            "queued" if gate => ("gate", "waits for approval".to_owned()),
            "queued" => ("queued", run.waiting_for.map_or("queued".to_owned(), |what| format!("queued: {what}"))),
            "running" => match run.activity {
                Some("waiting") => ("waiting", "waits for you".to_owned()),
                Some("working") => ("working", "working".to_owned()),
                Some("idle") => ("idle", "idle".to_owned()),
                _ => ("running", "running".to_owned()),
            },
            "succeeded" if fresh => ("fresh", "up to date".to_owned()),
            "failed" => ("failed", run.exit_code.map_or("failed".to_owned(), |code| format!("failed ({code})"))),
            state => (state, state.replace('_', " ")),
        };
        Self {
            mode: run.mode.clone(),
            task: run.task.clone(),
            interactive: run.form.has_window(),
            run: Some(run.run_id.clone()),
            key,
            word,
            needs: gate || key == "waiting",
            active,
            running: run.running,
            gate,
            reason: run.reason.clone().or_else(|| run.activity_reason.clone()).unwrap_or_default(),
            since: Some(run.since),
            grows: active,
            duration_ms: run.duration_ms,
            unseen: false,
        }
    }

    /// Ended otherwise than the user wanted.
    pub fn is_failure(&self) -> bool {
        matches!(self.key, "failed" | "timed_out" | "lost" | "dependency_failed")
    }
}

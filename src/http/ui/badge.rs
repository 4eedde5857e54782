//! A run as a badge: one word, a colour, and since when. Pure.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::names::Pair;
use crate::view::run_view::RunView;

/// The state of a pair, as it is shown.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Badge {
    pub(super) mode: String,
    pub(super) task: String,
    pub(super) interactive: bool,
    /// The last run. `None`: the pair never ran.
    pub(super) run: Option<String>,
    /// Names the colour: `never` or a state, with `waiting`, `working`, `idle` and `fresh` apart.
    pub(super) key: &'static str,
    pub(super) word: String,
    /// A person is waited for.
    pub(super) needs: bool,
    pub(super) active: bool,
    pub(super) running: bool,
    /// It waits at its gate.
    pub(super) gate: bool,
    pub(super) reason: String,
    /// When this began.
    pub(super) since: Option<Timestamp>,
    /// Whether `since` is told as a duration that grows, or as a moment that passed.
    pub(super) grows: bool,
    /// Of an ended run.
    pub(super) duration_ms: Option<u64>,
}

impl Badge {
    pub(super) fn never(pair: &Pair, interactive: bool) -> Self {
        Self {
            mode: pair.mode.to_string(),
            task: pair.task.to_string(),
            interactive,
            run: None,
            key: "never",
            word: String::new(),
            needs: false,
            active: false,
            running: false,
            gate: false,
            reason: String::new(),
            since: None,
            grows: false,
            duration_ms: None,
        }
    }

    /// `fresh`: running it again would do nothing new.
    pub(super) fn of(run: &RunView, fresh: bool) -> Self {
        let gate = run.state == "queued" && run.waiting_for == Some("gate");
        let active = run.ended_at.is_none();
        let told = run.activity_at.filter(|_| matches!(run.activity, Some("waiting" | "idle")));
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
            interactive: !run.headless,
            run: Some(run.run_id.clone()),
            key,
            word,
            needs: gate || key == "waiting",
            active,
            running: run.running,
            gate,
            reason: run.reason.clone().or_else(|| run.activity_reason.clone()).unwrap_or_default(),
            since: Some(run.ended_at.or(told).or(run.started_at).unwrap_or(run.created_at)),
            grows: active,
            duration_ms: run.duration_ms,
        }
    }

    /// Newest first: when anything last happened to the pair.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.since
    }
}

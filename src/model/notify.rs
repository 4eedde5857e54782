//! Notices to the user about runs: settings, events and delivery records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::interval::Interval;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::model::run_state::EndState;
use crate::model::words::words;

pub const NOTIFY_VERSION: u32 = 1;

/// `notify:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notify {
    pub desktop: bool,
    /// argv; empty for none.
    pub command: Vec<String>,
    pub on: BTreeSet<NoticeKind>,
    /// At most one notice in this time.
    pub every: Interval,
}

/// The kinds of events, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A run waits for the user.
    Waiting,
    /// Any end that is neither a success nor a stop by the user.
    Failed,
    /// The last active job ended.
    Done,
    Succeeded,
}

/// `settings.json`: how notices are sent for a project. Written by the command that starts a run; read by the process
/// that observes an event, which may have neither manifest nor desktop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotifySettings {
    pub version: u32,
    /// The project's folder.
    pub root: PathBuf,
    /// The project's name, if it is not the folder's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub notify: Notify,
    /// The tmux server whose terminals show the notice if there is no desktop.
    pub socket: PathBuf,
    /// The variables that locate the user's desktop and programs. No secrets.
    pub environment: BTreeMap<String, String>,
}

/// An event of a run. Kept until its notice is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub version: u32,
    pub run_id: RunId,
    pub mode: ModeName,
    pub task: TaskId,
    #[serde(rename = "headless")]
    pub form: RunForm,
    pub what: EventDetails,
    /// When it happened; for a wait, when it began.
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EventDetails {
    Waiting {
        #[serde(default)]
        reason: Option<String>,
    },
    Ended {
        state: EndState,
        #[serde(default)]
        reason: Option<String>,
    },
}

/// `told.json`: the notices that were sent for a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRecord {
    pub version: u32,
    #[serde(default)]
    pub end: bool,
    /// Begin of the last reported wait.
    #[serde(default)]
    pub waiting: Option<Timestamp>,
}

/// `trouble.json`: why the last notice could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryFailure {
    pub version: u32,
    pub at: Timestamp,
    pub why: String,
}

/// Two sources may report one wait with times that differ by up to this many milliseconds.
const SAME_WAIT_MS: i64 = 5000;

impl Notify {
    /// All except successes, which `done` summarises.
    pub const DEFAULT_ON: [NoticeKind; 3] = [NoticeKind::Waiting, NoticeKind::Failed, NoticeKind::Done];
    pub const DEFAULT_EVERY: Interval = Interval::from_secs(10);

    pub fn is_enabled(&self) -> bool {
        (self.desktop || !self.command.is_empty()) && !self.on.is_empty()
    }

    /// Whether this event leads to a notice, alone or as part of the totals.
    pub fn wants(&self, event: &EventDetails, form: RunForm) -> bool {
        let sums_up = form.is_job() && self.on.contains(&NoticeKind::Done);
        match event.kind() {
            Some(NoticeKind::Waiting) => self.on.contains(&NoticeKind::Waiting),
            Some(kind) => self.on.contains(&kind) || sums_up,
            None => false,
        }
    }
}

words!(NoticeKind { Waiting: "waiting", Failed: "failed", Done: "done", Succeeded: "succeeded" });

impl EventDetails {
    /// `None`: no notice, because a user stopped the run.
    pub fn kind(&self) -> Option<NoticeKind> {
        match self {
            Self::Waiting { .. } => Some(NoticeKind::Waiting),
            Self::Ended { state, .. } => match state {
                EndState::Succeeded => Some(NoticeKind::Succeeded),
                EndState::Failed | EndState::TimedOut | EndState::Lost | EndState::DependencyFailed => {
                    Some(NoticeKind::Failed)
                }
                EndState::Stopped => None,
            },
        }
    }
}

impl Event {
    pub fn pair(&self) -> Pair {
        Pair { mode: self.mode.clone(), task: self.task.clone() }
    }

    pub fn is_wait(&self) -> bool {
        matches!(self.what, EventDetails::Waiting { .. })
    }
}

impl DeliveryRecord {
    /// Whether a notice of this event was sent already.
    pub fn knows(&self, event: &Event) -> bool {
        match event.what {
            EventDetails::Ended { .. } => self.end,
            EventDetails::Waiting { .. } => {
                self.waiting.is_some_and(|sent| event.at.as_millisecond() - sent.as_millisecond() < SAME_WAIT_MS)
            }
        }
    }

    /// The record after the notice of this event was sent too.
    #[must_use]
    pub fn with(mut self, event: &Event) -> Self {
        self.version = NOTIFY_VERSION;
        match event.what {
            EventDetails::Ended { .. } => self.end = true,
            EventDetails::Waiting { .. } => self.waiting = self.waiting.max(Some(event.at)),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run_id::RunId;

    fn event(what: EventDetails, second: i64) -> Event {
        Event {
            version: NOTIFY_VERSION,
            run_id: RunId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            mode: ModeName::parse("job").unwrap(),
            task: TaskId::parse("T-1").unwrap(),
            form: RunForm::Headless,
            what,
            at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn an_end_and_each_wait_are_sent_once() {
        let end = event(EventDetails::Ended { state: EndState::Failed, reason: None }, 100);
        let wait = |second| event(EventDetails::Waiting { reason: None }, second);
        let sent = DeliveryRecord::default();
        assert!(!sent.knows(&end) && !sent.knows(&wait(100)));
        let sent = sent.with(&wait(100)).with(&end);
        assert!(sent.knows(&end) && sent.knows(&wait(100)));
        assert!(sent.knows(&wait(104)), "the bell after the hook is the same wait");
        assert!(sent.knows(&wait(50)), "an older one is over");
        assert!(!sent.knows(&wait(105)));
        assert_eq!(sent.clone().with(&wait(60)), sent);
    }

    #[test]
    fn totals_need_every_end_of_a_job() {
        let notify = |on: &[NoticeKind]| Notify {
            desktop: true,
            command: Vec::new(),
            on: on.iter().copied().collect(),
            every: Notify::DEFAULT_EVERY,
        };
        let end = |state| EventDetails::Ended { state, reason: None };
        let default = notify(&Notify::DEFAULT_ON);
        assert!(default.wants(&end(EndState::Succeeded), RunForm::Headless));
        assert!(!default.wants(&end(EndState::Succeeded), RunForm::Interactive), "a closed window is worth no notice");
        assert!(default.wants(&end(EndState::Lost), RunForm::Interactive));
        assert!(!default.wants(&end(EndState::Stopped), RunForm::Headless), "a user stopped it");
        let waits = notify(&[NoticeKind::Waiting]);
        assert!(waits.wants(&EventDetails::Waiting { reason: None }, RunForm::Interactive));
        assert!(!waits.wants(&end(EndState::Failed), RunForm::Headless));
        assert!(!notify(&[]).is_enabled());
    }
}

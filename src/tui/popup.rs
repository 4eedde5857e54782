//! The boxes above the view that take the keys until they are closed. Pure.

use crate::model::names::Pair;
use crate::model::run::Run;
use crate::tui::act::Act;
use crate::tui::line_input::LineInput;
use crate::tui::picker::Picker;
use crate::view::plan_view::PlanView;

#[derive(Debug)]
pub(super) enum Popup {
    Help {
        /// The first line shown.
        top: usize,
    },
    Confirm {
        question: String,
        act: Act,
    },
    Line(LinePopup),
    Pick {
        purpose: PickPurpose,
        picker: Picker,
    },
    Plan(PlanPopup),
}

/// A line that is typed.
#[derive(Debug)]
pub(super) struct LinePopup {
    pub(super) purpose: LinePurpose,
    pub(super) input: LineInput,
    /// Why the line cannot be used, or what changed since.
    pub(super) note: Option<LineNote>,
    /// It was sent; the box stays until the answer comes, so that the text is not lost.
    pub(super) is_sent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LineNote {
    /// A text is needed.
    Empty,
    /// The run that the text is for has ended.
    RunEnded,
    /// Why it could not be sent.
    Failed(String),
}

impl LineNote {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Empty => "The text is empty.",
            Self::RunEnded => "The run has ended. The text is kept until you close this box.",
            Self::Failed(why) => why,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum LinePurpose {
    /// The text that a start adds to the mode's prompt.
    Prompt {
        mode: String,
        task: String,
        resume: bool,
    },
    Send(Box<Run>),
    Reject(Pair),
}

#[derive(Clone, Debug)]
pub(super) enum PickPurpose {
    Task,
    Mode { task: String },
}

#[derive(Debug)]
pub(super) struct PlanPopup {
    /// `None` until it is read.
    pub(super) plan: Option<PlanView>,
    pub(super) note: Option<String>,
    pub(super) top: usize,
}

impl LinePopup {
    pub(super) fn new(purpose: LinePurpose) -> Self {
        Self { purpose, input: LineInput::default(), note: None, is_sent: false }
    }

    pub(super) fn title(&self) -> String {
        match &self.purpose {
            LinePurpose::Prompt { mode, task, resume: false } => format!("Run {mode} {task}: text for the agent"),
            LinePurpose::Prompt { mode, task, resume: true } => format!("Resume {mode} {task}: text for the agent"),
            LinePurpose::Send(run) => format!("Type to {}", run.pair()),
            LinePurpose::Reject(pair) => format!("Reject {pair}: reason"),
        }
    }

    pub(super) fn keys(&self) -> &'static str {
        match &self.purpose {
            LinePurpose::Prompt { .. } => "Enter: start (the text may be empty)   Ctrl-O: editor   Esc: not now",
            LinePurpose::Send(_) => "Enter: send   Ctrl-O: editor   Esc: not now",
            LinePurpose::Reject(_) => "Enter: reject (the reason may be empty)   Esc: not now",
        }
    }

    /// `None` if the line says nothing that could be done.
    pub(super) fn act(&self) -> Option<Act> {
        let text = self.input.text().to_owned();
        match self.purpose.clone() {
            LinePurpose::Prompt { mode, task, resume } => Some(Act::Start { mode, task, prompt: text, resume }),
            LinePurpose::Send(run) => (!text.trim().is_empty()).then_some(Act::Send { run, text }),
            LinePurpose::Reject(pair) => Some(Act::Reject { pair, reason: text }),
        }
    }
}

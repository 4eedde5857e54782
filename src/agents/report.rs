//! What an agent's output reports about its run, in terms that are equal for all protocols.

use crate::model::end_reason::Decision;
use crate::model::usage::Usage;

/// The report of an ended agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentReport {
    pub outcome: ReportedOutcome,
    /// Another turn began after the reported end, and has not ended.
    pub unfinished: bool,
    /// The line that would be the report is too long to be read.
    pub too_long: bool,
    /// The agent reported that it has no login or a wrong key.
    pub not_authenticated: bool,
    pub usage: Usage,
    /// How many turns the agent counted.
    pub turns: Option<u64>,
    /// The final answer. `None` where the last turn has not ended or ended in an error.
    pub answer: Option<String>,
    /// Decisions that a person would have had to make; the agent continued without them.
    pub decisions: Vec<Decision>,
}

/// How the agent itself reports its end. The default holds where a log cannot be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ReportedOutcome {
    /// A report was due and is missing.
    #[default]
    Missing,
    /// No report is due: the exit code alone decides, and the output is the answer.
    NotDue,
    Succeeded,
    Failed {
        /// A few words on one line.
        reason: String,
        /// The agent ended at a limit that its user had set: another attempt would end there too.
        is_own_limit: bool,
    },
}

impl ReportedOutcome {
    /// Whether the agent reported how it ended.
    pub fn is_reported(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed { .. })
    }

    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed { reason, .. } => Some(reason),
            Self::Missing | Self::NotDue | Self::Succeeded => None,
        }
    }
}

impl AgentReport {
    /// The report of an agent whose exit code alone decides.
    pub fn not_due() -> Self {
        Self { outcome: ReportedOutcome::NotDue, ..Self::default() }
    }

    /// Whether the agent's last turn has ended, in success or in error.
    pub fn has_answered(&self) -> bool {
        self.outcome.is_reported() && !self.unfinished
    }
}

//! Detects that an agent has answered and does not exit, from its log alone.
//!
//! Input: the lengths of the logs after each write, and the times that the watch requested. Must not read while the
//! logs grow, nor request a time while nothing happens.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::agents::{self, AgentProtocol, Turn};
use crate::model::run_spec::RunSpec;
use crate::os::clock;
use crate::store::run_folder::RunFolder;
use crate::supervisor::wakeups::after;

/// The logs are quiet when nothing was written for a part of the grace, at most this long.
const QUIET_MAX: Duration = Duration::from_secs(1);
const QUIET_PART: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum WatchStep {
    Nothing,
    /// Record that the agent has answered.
    Answered {
        at: Timestamp,
        cost_usd: Option<f64>,
        stdout_from: u64,
    },
    /// Record that the agent works again.
    WorksOn,
    /// End the agent: its grace is over.
    Overdue,
}

#[derive(Debug)]
pub(super) struct AnswerWatch {
    protocol: &'static dyn AgentProtocol,
    grace: Duration,
    /// The lengths of stdout and stderr, in bytes, and since when they have not changed.
    lengths: (u64, u64),
    quiet_since: Instant,
    /// Offsets in stdout, in bytes: where the attempt's output begins, and up to where it was read.
    from: u64,
    read_to: u64,
    /// The state of the last turn by what was read so far, and when it ended.
    turn: Turn,
    ended_at: Option<Timestamp>,
    /// The answer is recorded in `live.json`.
    is_recorded: bool,
    due: Option<Instant>,
}

impl AnswerWatch {
    /// Watches an agent whose output begins at the offsets `from`. `None` where its protocol does not show the end of a
    /// turn.
    pub(super) fn new(spec: &RunSpec, from: (u64, u64)) -> Option<Self> {
        let exit_grace = spec.kind.job()?.exit_grace;
        let protocol = agents::of(spec.protocol);
        protocol.capabilities().tells_turns.then(|| Self {
            protocol,
            grace: exit_grace.as_duration(),
            lengths: from,
            quiet_since: after(Duration::ZERO),
            from: from.0,
            read_to: from.0,
            turn: Turn::Open,
            ended_at: None,
            is_recorded: false,
            due: None,
        })
    }

    /// When to call [`Self::look`].
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// When the agent answered, where that was observed and nothing was printed after it before byte `until` of stdout.
    pub(super) fn answered_at(&self, until: Option<u64>) -> Option<Timestamp> {
        self.ended_at.filter(|_| self.read_to >= until.unwrap_or(self.lengths.0))
    }

    /// Takes the present lengths of the logs.
    pub(super) fn written(&mut self, lengths: (u64, u64)) -> WatchStep {
        if lengths == self.lengths {
            return WatchStep::Nothing;
        }
        let stdout_grew = lengths.0 != self.lengths.0;
        self.lengths = lengths;
        self.quiet_since = after(Duration::ZERO);
        self.due = Some(after((self.grace / QUIET_PART).min(QUIET_MAX)));
        // Only stdout holds turns; output on stderr only restarts the quiet time.
        let was_recorded = stdout_grew && std::mem::take(&mut self.is_recorded);
        if was_recorded { WatchStep::WorksOn } else { WatchStep::Nothing }
    }

    /// To be called at the time of [`Self::due`].
    pub(super) fn look(&mut self, folder: &RunFolder) -> WatchStep {
        let step = self.written(folder.log_lengths());
        if step != WatchStep::Nothing || self.due.is_some_and(|due| due > after(Duration::ZERO)) {
            return step;
        }
        self.read(folder);
        let Turn::Ended { cost_usd } = self.turn else {
            self.due = None;
            return WatchStep::Nothing;
        };
        let over = self.quiet_since + self.grace;
        if over <= after(Duration::ZERO) {
            self.due = None;
            return WatchStep::Overdue;
        }
        self.due = Some(over);
        if std::mem::replace(&mut self.is_recorded, true) {
            return WatchStep::Nothing;
        }
        WatchStep::Answered { at: self.ended_at.unwrap_or_else(clock::now), cost_usd, stdout_from: self.from }
    }

    /// Reads what was written since the last read.
    fn read(&mut self, folder: &RunFolder) {
        let last = folder
            .read_stdout(self.read_to)
            .and_then(|mut log| self.protocol.read_last_turn(&mut log))
            .unwrap_or_default();
        if last.is_whole {
            self.read_to = self.lengths.0;
        }
        if let Some(turn) = last.turn {
            self.turn = turn;
            self.ended_at = match turn {
                Turn::Ended { .. } => folder.stdout_written_at(),
                Turn::Open => None,
            };
        }
    }
}

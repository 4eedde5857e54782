//! One stage (set-up, agent, check) as a pure state machine: events in, commands out.
//!
//! Knows no clock, process or file: the caller reports each timeout that an earlier command requested.

use std::time::Duration;

use crate::model::exit::Exit;

/// Time from TERM to KILL for processes that an agent left when it exited by itself.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
/// Processes that are alive this long after the first KILL are recorded as survivors.
const GIVE_UP: Duration = Duration::from_secs(5);

/// Why a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    Exited,
    Stopped {
        interrupted: bool,
    },
    TimedOut,
    LogFull,
    CpuUsed,
    /// The agent had answered and did not exit.
    ExitOverdue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageEvent {
    /// The stage's own process ended.
    Exited(Exit),
    /// A stop was requested. `now`, or an interrupt during the grace, means KILL.
    Stop {
        interrupted: bool,
        now: bool,
    },
    TimeUp,
    LogFull,
    CpuUsed,
    /// The agent has answered and its grace to exit is over.
    ExitOverdue,
    /// Reply to [`StageCommand::Look`]: the number of processes left in the tree.
    Tree {
        left: usize,
    },
    /// Reply to [`StageCommand::Grace`].
    GraceUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageCommand {
    /// Count the tree and report it as [`StageEvent::Tree`], now and after each end of a child.
    Look,
    Terminate,
    Kill,
    /// Report [`StageEvent::GraceUp`] after this long; replaces an earlier one.
    Grace(Duration),
    /// Record in `live.json` that the run is stopping.
    RecordStopping,
    /// The stage is over; `usize::MAX` survivors: an unknown number.
    Over {
        why: EndCause,
        exit: Option<Exit>,
        survivors: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// TERM was sent.
    Terminating(EndCause),
    /// KILL is being sent.
    Killing(EndCause),
    Over,
}

#[derive(Debug)]
pub struct Machine {
    grace: Duration,
    phase: Phase,
    exit: Option<Exit>,
}

impl Machine {
    pub fn new(grace: Duration) -> Self {
        Self { grace, phase: Phase::Running, exit: None }
    }

    /// Whether the caller has to count the tree until it is empty.
    pub fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Terminating(_) | Phase::Killing(_))
            || (self.phase == Phase::Running && self.exit.is_some())
    }

    pub fn step(&mut self, input: StageEvent) -> Vec<StageCommand> {
        match (self.phase, input) {
            (Phase::Over, _) => vec![],
            (_, StageEvent::Exited(exit)) => {
                self.exit = Some(exit);
                vec![StageCommand::Look]
            }
            (Phase::Running, StageEvent::Stop { interrupted, now }) => {
                // An agent that has exited keeps its own end; only the processes that it left are ended.
                let why = if self.exit.is_some() { EndCause::Exited } else { EndCause::Stopped { interrupted } };
                if now { self.kill(why) } else { self.terminate(why, self.grace) }
            }
            (Phase::Running, StageEvent::TimeUp) => self.terminate_unless_ended(EndCause::TimedOut),
            (Phase::Running, StageEvent::LogFull) => self.terminate_unless_ended(EndCause::LogFull),
            (Phase::Running, StageEvent::CpuUsed) => self.terminate_unless_ended(EndCause::CpuUsed),
            (Phase::Running, StageEvent::ExitOverdue) => self.terminate_unless_ended(EndCause::ExitOverdue),
            (Phase::Running, StageEvent::Tree { left: 0 }) if self.exit.is_some() => self.over(EndCause::Exited, 0),
            (Phase::Running, StageEvent::Tree { .. }) if self.exit.is_some() => {
                let grace = LEFTOVER_GRACE.min(self.grace);
                self.terminate(EndCause::Exited, grace)
            }
            (Phase::Terminating(why) | Phase::Killing(why), StageEvent::Tree { left: 0 }) if self.exit.is_some() => {
                self.over(why, 0)
            }
            (Phase::Terminating(why), StageEvent::GraceUp | StageEvent::Stop { .. }) => {
                let is_plain_stop = matches!(input, StageEvent::Stop { now: false, interrupted: false });
                // A second plain `stop` waits like the first; a second Ctrl-C kills.
                if is_plain_stop { vec![] } else { self.kill(why) }
            }
            // Processes may fork while they are killed: kill again until none is left.
            (Phase::Killing(_), StageEvent::Tree { left }) if left > 0 => vec![StageCommand::Kill],
            (Phase::Killing(why), StageEvent::GraceUp) => vec![self.finished(why, usize::MAX)],
            _ => vec![],
        }
    }

    fn terminate_unless_ended(&mut self, why: EndCause) -> Vec<StageCommand> {
        if self.exit.is_some() { vec![] } else { self.terminate(why, self.grace) }
    }

    fn terminate(&mut self, why: EndCause, grace: Duration) -> Vec<StageCommand> {
        self.phase = Phase::Terminating(why);
        let mut outputs = vec![StageCommand::Terminate, StageCommand::Grace(grace), StageCommand::Look];
        if why != EndCause::Exited {
            outputs.insert(0, StageCommand::RecordStopping);
        }
        outputs
    }

    fn kill(&mut self, why: EndCause) -> Vec<StageCommand> {
        self.phase = Phase::Killing(why);
        vec![StageCommand::Kill, StageCommand::Grace(GIVE_UP), StageCommand::Look]
    }

    fn over(&mut self, why: EndCause, survivors: usize) -> Vec<StageCommand> {
        vec![self.finished(why, survivors)]
    }

    fn finished(&mut self, why: EndCause, survivors: usize) -> StageCommand {
        self.phase = Phase::Over;
        StageCommand::Over { why, exit: self.exit, survivors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIT: Exit = Exit::code(7);
    const STOP: StageEvent = StageEvent::Stop { interrupted: false, now: false };

    fn machine() -> Machine {
        Machine::new(Duration::from_secs(10))
    }

    fn over(outputs: &[StageCommand]) -> Option<(EndCause, Option<Exit>)> {
        outputs.iter().find_map(|output| match output {
            StageCommand::Over { why, exit, .. } => Some((*why, *exit)),
            _ => None,
        })
    }

    #[test]
    fn an_agent_that_ends_alone_is_over_at_once() {
        let mut m = machine();
        assert_eq!(m.step(StageEvent::Exited(EXIT)), [StageCommand::Look]);
        assert_eq!(over(&m.step(StageEvent::Tree { left: 0 })), Some((EndCause::Exited, Some(EXIT))));
        assert!(m.step(STOP).is_empty(), "nothing follows the end");
    }

    #[test]
    fn leftovers_are_asked_then_killed_and_the_code_stays_the_agents() {
        let mut m = machine();
        m.step(StageEvent::Exited(EXIT));
        assert_eq!(
            m.step(StageEvent::Tree { left: 2 }),
            [StageCommand::Terminate, StageCommand::Grace(LEFTOVER_GRACE), StageCommand::Look]
        );
        assert!(m.step(StageEvent::Tree { left: 2 }).is_empty());
        assert!(m.step(StageEvent::GraceUp).contains(&StageCommand::Kill));
        assert_eq!(m.step(StageEvent::Tree { left: 1 }), [StageCommand::Kill]);
        assert_eq!(over(&m.step(StageEvent::Tree { left: 0 })), Some((EndCause::Exited, Some(EXIT))));
    }

    #[test]
    fn a_stop_asks_first_and_kills_after_the_grace() {
        let mut m = machine();
        let outputs = m.step(STOP);
        assert_eq!(outputs[..2], [StageCommand::RecordStopping, StageCommand::Terminate]);
        assert!(outputs.contains(&StageCommand::Grace(Duration::from_secs(10))));
        assert!(m.step(STOP).is_empty(), "a second plain stop is as patient");
        assert!(over(&m.step(StageEvent::Tree { left: 0 })).is_none(), "the agent's own end is awaited");
        assert!(m.step(StageEvent::GraceUp).contains(&StageCommand::Kill));
        m.step(StageEvent::Exited(Exit::signal(9)));
        let (why, _) = over(&m.step(StageEvent::Tree { left: 0 })).unwrap();
        assert_eq!(why, EndCause::Stopped { interrupted: false });
    }

    #[test]
    fn a_second_interrupt_kills_at_once() {
        let mut m = machine();
        m.step(StageEvent::Stop { interrupted: true, now: false });
        assert!(m.step(StageEvent::Stop { interrupted: true, now: false }).contains(&StageCommand::Kill));
        let mut m = machine();
        assert!(m.step(StageEvent::Stop { interrupted: false, now: true }).contains(&StageCommand::Kill));
    }

    #[test]
    fn time_and_log_limits_end_a_running_agent_only() {
        for (input, why) in [
            (StageEvent::TimeUp, EndCause::TimedOut),
            (StageEvent::LogFull, EndCause::LogFull),
            (StageEvent::CpuUsed, EndCause::CpuUsed),
            (StageEvent::ExitOverdue, EndCause::ExitOverdue),
        ] {
            let mut m = machine();
            assert!(m.step(input).contains(&StageCommand::Terminate));
            m.step(StageEvent::Exited(EXIT));
            assert_eq!(over(&m.step(StageEvent::Tree { left: 0 })).unwrap().0, why);
            let mut m = machine();
            m.step(StageEvent::Exited(EXIT));
            assert!(m.step(input).is_empty(), "the end was earlier");
        }
    }

    #[test]
    fn what_cannot_be_killed_is_given_up_and_said() {
        let mut m = machine();
        m.step(StageEvent::Exited(EXIT));
        m.step(StageEvent::Tree { left: 1 });
        m.step(StageEvent::GraceUp);
        assert!(matches!(m.step(StageEvent::GraceUp)[..], [StageCommand::Over { survivors: usize::MAX, .. }]));
    }
}

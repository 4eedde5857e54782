//! The life of one stage (set-up, agent, check) as a pure state machine: inputs in, outputs out.
//!
//! No clock, no process, no file. Time comes in as `…Up` inputs that earlier outputs asked for.

use std::time::Duration;

use crate::model::exit::Exit;

/// Leftovers of an agent that ended by itself get this long after TERM.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
/// After this long of KILL whatever is left is named a survivor.
const GIVE_UP: Duration = Duration::from_secs(5);

/// Why a stage was ended, or that it ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
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

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The stage's own process ended.
    Exited(Exit),
    /// A stop was asked for; a second one, or `now`, means KILL.
    Stop {
        interrupted: bool,
        now: bool,
    },
    TimeUp,
    LogFull,
    CpuUsed,
    /// The agent has answered, and its grace to exit is over.
    ExitOverdue,
    /// The answer to [`Output::Look`]: so many processes of the tree are left.
    Tree {
        left: usize,
    },
    /// The answer to [`Output::Grace`].
    GraceUp,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Count the tree and report it as [`Input::Tree`], now and after each end of a child.
    Look,
    Terminate,
    Kill,
    /// Report [`Input::GraceUp`] after this long; replaces an earlier one.
    Grace(Duration),
    /// The record says from now on that the run is stopping.
    SayStopping,
    /// The stage is over; `survivors` are left of it.
    Over {
        why: Why,
        exit: Option<Exit>,
        survivors: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// TERM was sent.
    Asking(Why),
    /// KILL is being sent.
    Killing(Why),
    Over,
}

/// See the module.
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

    /// Whether the tree is being watched to become empty.
    pub fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Asking(_) | Phase::Killing(_))
            || (self.phase == Phase::Running && self.exit.is_some())
    }

    pub fn step(&mut self, input: Input) -> Vec<Output> {
        match (self.phase, input) {
            (Phase::Over, _) => vec![],
            (_, Input::Exited(exit)) => {
                self.exit = Some(exit);
                vec![Output::Look]
            }
            (Phase::Running, Input::Stop { interrupted, now }) => {
                // An agent that has ended already has its own end; only its leftovers are hurried.
                let why = if self.exit.is_some() { Why::Exited } else { Why::Stopped { interrupted } };
                if now { self.kill(why) } else { self.ask(why, self.grace) }
            }
            (Phase::Running, Input::TimeUp) => self.ask_unless_ended(Why::TimedOut),
            (Phase::Running, Input::LogFull) => self.ask_unless_ended(Why::LogFull),
            (Phase::Running, Input::CpuUsed) => self.ask_unless_ended(Why::CpuUsed),
            (Phase::Running, Input::ExitOverdue) => self.ask_unless_ended(Why::ExitOverdue),
            (Phase::Running, Input::Tree { left: 0 }) if self.exit.is_some() => self.over(Why::Exited, 0),
            (Phase::Running, Input::Tree { .. }) if self.exit.is_some() => {
                let grace = LEFTOVER_GRACE.min(self.grace);
                self.ask(Why::Exited, grace)
            }
            (Phase::Asking(why) | Phase::Killing(why), Input::Tree { left: 0 }) if self.exit.is_some() => {
                self.over(why, 0)
            }
            (Phase::Asking(why), Input::GraceUp | Input::Stop { .. }) => {
                let asked_again = matches!(input, Input::Stop { now: false, interrupted: false });
                // A second plain `stop` is as patient as the first; Ctrl-C twice is not.
                if asked_again { vec![] } else { self.kill(why) }
            }
            // What forks faster than it dies is hit again until it is gone.
            (Phase::Killing(_), Input::Tree { left }) if left > 0 => vec![Output::Kill],
            (Phase::Killing(why), Input::GraceUp) => vec![self.finished(why, usize::MAX)],
            _ => vec![],
        }
    }

    fn ask_unless_ended(&mut self, why: Why) -> Vec<Output> {
        if self.exit.is_some() { vec![] } else { self.ask(why, self.grace) }
    }

    fn ask(&mut self, why: Why, grace: Duration) -> Vec<Output> {
        self.phase = Phase::Asking(why);
        let mut outputs = vec![Output::Terminate, Output::Grace(grace), Output::Look];
        if why != Why::Exited {
            outputs.insert(0, Output::SayStopping);
        }
        outputs
    }

    fn kill(&mut self, why: Why) -> Vec<Output> {
        self.phase = Phase::Killing(why);
        vec![Output::Kill, Output::Grace(GIVE_UP), Output::Look]
    }

    fn over(&mut self, why: Why, survivors: usize) -> Vec<Output> {
        vec![self.finished(why, survivors)]
    }

    fn finished(&mut self, why: Why, survivors: usize) -> Output {
        self.phase = Phase::Over;
        Output::Over { why, exit: self.exit, survivors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIT: Exit = Exit::code(7);
    const STOP: Input = Input::Stop { interrupted: false, now: false };

    fn machine() -> Machine {
        Machine::new(Duration::from_secs(10))
    }

    fn over(outputs: &[Output]) -> Option<(Why, Option<Exit>)> {
        outputs.iter().find_map(|output| match output {
            Output::Over { why, exit, .. } => Some((*why, *exit)),
            _ => None,
        })
    }

    #[test]
    fn an_agent_that_ends_alone_is_over_at_once() {
        let mut m = machine();
        assert_eq!(m.step(Input::Exited(EXIT)), [Output::Look]);
        assert_eq!(over(&m.step(Input::Tree { left: 0 })), Some((Why::Exited, Some(EXIT))));
        assert!(m.step(STOP).is_empty(), "nothing follows the end");
    }

    #[test]
    fn leftovers_are_asked_then_killed_and_the_code_stays_the_agents() {
        let mut m = machine();
        m.step(Input::Exited(EXIT));
        assert_eq!(m.step(Input::Tree { left: 2 }), [Output::Terminate, Output::Grace(LEFTOVER_GRACE), Output::Look]);
        assert!(m.step(Input::Tree { left: 2 }).is_empty());
        assert!(m.step(Input::GraceUp).contains(&Output::Kill));
        assert_eq!(m.step(Input::Tree { left: 1 }), [Output::Kill]);
        assert_eq!(over(&m.step(Input::Tree { left: 0 })), Some((Why::Exited, Some(EXIT))));
    }

    #[test]
    fn a_stop_asks_first_and_kills_after_the_grace() {
        let mut m = machine();
        let outputs = m.step(STOP);
        assert_eq!(outputs[..2], [Output::SayStopping, Output::Terminate]);
        assert!(outputs.contains(&Output::Grace(Duration::from_secs(10))));
        assert!(m.step(STOP).is_empty(), "a second plain stop is as patient");
        assert!(over(&m.step(Input::Tree { left: 0 })).is_none(), "the agent's own end is awaited");
        assert!(m.step(Input::GraceUp).contains(&Output::Kill));
        m.step(Input::Exited(Exit::signal(9)));
        let (why, _) = over(&m.step(Input::Tree { left: 0 })).unwrap();
        assert_eq!(why, Why::Stopped { interrupted: false });
    }

    #[test]
    fn a_second_interrupt_kills_at_once() {
        let mut m = machine();
        m.step(Input::Stop { interrupted: true, now: false });
        assert!(m.step(Input::Stop { interrupted: true, now: false }).contains(&Output::Kill));
        let mut m = machine();
        assert!(m.step(Input::Stop { interrupted: false, now: true }).contains(&Output::Kill));
    }

    #[test]
    fn time_and_log_limits_end_a_running_agent_only() {
        for (input, why) in [
            (Input::TimeUp, Why::TimedOut),
            (Input::LogFull, Why::LogFull),
            (Input::CpuUsed, Why::CpuUsed),
            (Input::ExitOverdue, Why::ExitOverdue),
        ] {
            let mut m = machine();
            assert!(m.step(input).contains(&Output::Terminate));
            m.step(Input::Exited(EXIT));
            assert_eq!(over(&m.step(Input::Tree { left: 0 })).unwrap().0, why);
            let mut m = machine();
            m.step(Input::Exited(EXIT));
            assert!(m.step(input).is_empty(), "the end was earlier");
        }
    }

    #[test]
    fn what_cannot_be_killed_is_given_up_and_said() {
        let mut m = machine();
        m.step(Input::Exited(EXIT));
        m.step(Input::Tree { left: 1 });
        m.step(Input::GraceUp);
        assert!(matches!(m.step(Input::GraceUp)[..], [Output::Over { survivors: usize::MAX, .. }]));
    }
}

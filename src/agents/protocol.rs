//! What a protocol does for the rest of the program: how an agent is started, what its output means, and how it is read
//! and typed into in a window.
//!
//! Input is text, records and readers that the caller opened; output is values. An implementation must not spawn
//! anything, read the time or open a file. The steps for a new protocol are in
//! `docs/agents.md`.

use std::fmt::Debug;
use std::io::{self, Read, Seek};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::agents::installation::Installation;
use crate::agents::report::AgentReport;
use crate::agents::window::WindowProtocol;
use crate::model::protocol::PromptDelivery;
use crate::model::run_form::RunForm;

/// A log, or a part of one, that can be read from its end.
pub trait SeekableLog: Read + Seek {}

impl<T: Read + Seek> SeekableLog for T {}

/// What a protocol supports beyond starting a program and reading its exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// A later run can continue the conversation of an earlier one.
    pub resume: bool,
    /// The id of a new conversation can be chosen before the agent starts.
    pub chooses_session_id: bool,
    /// The output reports how the run ended; without that, the exit code alone decides.
    pub reports: bool,
    /// While the agent lives, its output shows whether its last turn has ended.
    pub tells_turns: bool,
    /// A headless run does nothing without a prompt.
    pub needs_prompt: bool,
    /// `--` must precede a prompt that is an argument: several of the agent's options take any number of values and
    /// would consume it, and a prompt may start with `-`.
    pub prompt_needs_dash_dash: bool,
    /// With a terminal as its output the agent takes a prompt from standard input and the keyboard from
    /// the terminal, so that a prompt too long for one argument can be sent that way.
    pub reads_prompt_from_stdin_in_window: bool,
}

/// An agent that needs no declaration: a block of its name in the manifest overrides it field by field.
#[derive(Clone, Copy, Debug)]
pub struct BuiltInAgent {
    pub name: &'static str,
    pub interactive: &'static [&'static str],
    pub headless: &'static [&'static str],
    pub prompt_interactive: PromptDelivery,
    pub prompt_headless: PromptDelivery,
    /// The arguments that choose a model, with `{{ model }}` for its name.
    pub model: &'static [&'static str],
}

/// What this program adds to the arguments of the manifest and the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LaunchOptions<'a> {
    /// The id of a new conversation.
    pub session_id: Option<&'a str>,
    /// The conversation to continue instead of a new one. It keeps its id.
    pub resume: Option<&'a str>,
    /// Cost limit of a headless run, in USD.
    pub max_budget_usd: Option<f64>,
    /// Names the conversation in the agent's own lists.
    pub label: &'a str,
}

/// State of the last turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn {
    Open,
    /// With the cost of the agent's process so far, in USD.
    Ended {
        cost_usd: Option<f64>,
    },
}

/// What a part of a log shows about turns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LastTurn {
    /// `None` where the part holds no event of a turn.
    pub turn: Option<Turn>,
    /// The part ends with a whole line, so that the text after it can be parsed separately.
    pub is_whole: bool,
}

/// A rate limit that held when the agent ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    pub resets_at: Option<Timestamp>,
    /// The pause that the agent itself had planned; a retry must not be earlier.
    pub retry_after: Option<Duration>,
}

/// Renders the events of one log, in their order, as lines for people.
pub trait EventRenderer: Debug {
    /// Appends the lines of `event`, a JSON object. False where it is no event of the protocol: the caller then shows
    /// the line unchanged.
    fn render(&mut self, event: &Value, out: &mut Vec<u8>) -> bool;
}

/// A kind of agent. The defaults fit an unknown program.
pub trait AgentProtocol: Debug + Sync {
    /// The name in manifests and records.
    fn name(&self) -> &'static str;

    /// The agent that every manifest has without declaring it.
    fn built_in(&self) -> Option<BuiltInAgent> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// The whole argv without the prompt: `base`, the options that the protocol has for `options`, `flags` and
    /// `extras`. An option that the user's arguments already decide is left out.
    fn argv(&self, base: &[String], flags: &[String], extras: &[String], options: &LaunchOptions<'_>) -> Vec<String> {
        let _ = options;
        [base, flags, extras].concat()
    }

    /// `argv` for a further attempt with a new conversation `fresh` in place of `used`. `None` where `argv` does not
    /// name the conversation to begin.
    fn argv_for_retry(&self, argv: &[String], used: &str, fresh: &str) -> Option<Vec<String>> {
        let _ = (argv, used, fresh);
        None
    }

    /// `argv` without the id that was chosen for this run's new conversation.
    fn argv_without_session_id(&self, argv: &[String], session_id: Option<&str>) -> Vec<String> {
        let _ = session_id;
        argv.to_vec()
    }

    /// `argv` without the id of the run's conversation, new or resumed: the part that is equal from run to run.
    fn argv_without_conversation(&self, argv: &[String], session_id: Option<&str>) -> Vec<String> {
        self.argv_without_session_id(argv, session_id)
    }

    /// Environment variables to set unless the manifest or the caller sets them.
    fn default_env(&self, form: RunForm) -> &'static [(&'static str, &'static str)] {
        let _ = form;
        &[]
    }

    /// Names of variables that hold a key or a login of the agent.
    fn login_variables(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reads the report from the output of an agent that has ended or answered. Fails when `log` cannot be read.
    fn read_report(&self, log: &mut dyn SeekableLog) -> io::Result<AgentReport>;

    /// Whether the last turn in a part of a log has ended, while the agent lives. Fails when `log` cannot be read.
    fn read_last_turn(&self, log: &mut dyn SeekableLog) -> io::Result<LastTurn> {
        let _ = log;
        Ok(LastTurn::default())
    }

    /// The rate limit that ended the failed agent whose output is `log`. `None` where the cause was another, or the
    /// protocol does not show it. Fails when `log` cannot be read.
    fn read_rate_limit(&self, log: &mut dyn SeekableLog) -> io::Result<Option<RateLimit>> {
        let _ = log;
        Ok(None)
    }

    /// `None`: the output is readable text already.
    fn renderer(&self) -> Option<Box<dyn EventRenderer>> {
        None
    }

    /// `None`: only the terminal shows what an agent in a window does, and text is typed into it without a
    /// confirmation.
    fn window(&self) -> Option<&dyn WindowProtocol> {
        None
    }

    /// How `doctor` queries the agent's program. `None`: it cannot.
    fn installation(&self) -> Option<&'static Installation> {
        None
    }
}

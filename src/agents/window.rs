//! How an agent in a window is read and typed into, and the values that pass between a protocol and the caller.
//!
//! The caller observes, types and waits; an implementation of [`WindowProtocol`] decides. It must not spawn anything,
//! read the time or open a file.

use std::fmt::Debug;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::agents::hook_event::HookEvent;
use crate::model::activity::{Activity, ActivityState};
use crate::model::agent_record::AgentRecord;

/// An environment variable of the agent; `None` where it is unset or empty.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

/// Reads a file of the user; a relative path is resolved in the agent's folder.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, HookError>;

/// The part of a protocol for agents in windows.
pub trait WindowProtocol: Debug + Sync {
    /// The argv and the settings with which the agent reports its activity. Each hook runs the shell line `command`;
    /// the caller writes the settings to `settings_path`. Fails where the agent has to be started without hooks.
    fn hooks(
        &self,
        argv: &[String],
        command: &str,
        settings_path: &str,
        read_file: ReadFile<'_>,
    ) -> Result<Hooks, HookError>;

    /// Parses the input of a hook. `None` where it is invalid or its event is not used.
    fn read_hook(&self, input: &mut dyn Read) -> Option<HookEvent>;

    /// The variable in which a hook finds its agent's process id.
    fn hook_pid_variable(&self) -> &'static str;

    /// The folder where the agent keeps its own files. `cwd` is the agent's working directory.
    fn home(&self, cwd: &Path, variable: Variable<'_>) -> Option<PathBuf>;

    /// The status file, in which the agent's process `pid` records its activity, and the parser of such a file.
    fn status_file(&self, home: &Path, pid: u32) -> PathBuf;
    fn read_status_file(&self, bytes: &[u8]) -> Option<StatusFile>;

    /// The dialog that a screen shows before the first conversation.
    fn dialog_on(&self, screen: &str) -> Option<Dialog>;

    /// The file that records which dialogs the user has answered.
    fn onboarding_file(&self, variable: Variable<'_>) -> PathBuf;

    /// The dialogs that a window would show at its start. `answered` is the text of the onboarding file; `roots` are
    /// the folders whose trust also covers the agent's folder.
    fn onboarding(&self, answered: &str, roots: &[&str], variable: Variable<'_>) -> Vec<Dialog>;

    fn activity(&self, inputs: &ActivityInputs<'_>) -> Activity;

    /// The id of the agent's present conversation.
    fn conversation(&self, inputs: &ActivityInputs<'_>) -> Option<String>;

    /// Brings `text` into the agent's input.
    fn delivery<'a>(&self, text: &'a str) -> Box<dyn InputDelivery + 'a>;
}

/// How an agent is started so that it reports its activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    pub argv: Vec<String>,
    /// The content of the file at `settings_path`.
    pub settings: String,
}

/// Why an agent is started without hooks.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("it is not started as `{0}` itself")]
    Wrapped(&'static str),
    #[error("its option `{0}` has no value")]
    NoValue(&'static str),
    #[error("its own settings cannot be read: {0}")]
    Unreadable(String),
    #[error("its own settings are left as they are: {0}")]
    Unmerged(&'static str),
    #[error("a path holds bytes that are no UTF-8")]
    NotUtf8,
    #[error("the settings file cannot be written: {0}")]
    Unwritten(#[from] std::io::Error),
}

/// A question that an agent asks in a window before its first conversation. It must never be answered for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialog {
    pub name: &'static str,
    /// What the user does about it.
    pub fix: &'static str,
}

/// The content of an agent's status file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusFile {
    pub pid: u32,
    /// The start time of that process as the kernel reports it, where it is a number.
    pub process_start: Option<u64>,
    pub session_id: Option<String>,
    pub state: ActivityState,
    /// For people.
    pub reason: String,
    pub since: Option<Timestamp>,
}

/// What is known of an agent in a window.
#[derive(Clone, Copy, Debug)]
pub struct ActivityInputs<'a> {
    pub started_at: Option<Timestamp>,
    /// The last report of its hooks.
    pub record: Option<&'a AgentRecord>,
    /// Whether the process that sent that report still lives.
    pub reporter_lives: bool,
    pub status: Option<&'a StatusFile>,
    /// The dialog on its screen, which is read only where `record` and `status` are missing.
    pub dialog: Option<Dialog>,
    /// Set where it rang the bell and printed nothing after that.
    pub bell: Option<&'a Activity>,
    pub now: Timestamp,
}

/// The delivery of one text to an agent's input: a state machine that the caller steps.
pub trait InputDelivery {
    /// Reads the input line from a screen with attributes (`capture-pane -e`).
    fn read_input(&self, screen: &str) -> InputContent;

    /// The best match of the text in these lines of the transcript.
    fn arrival(&self, transcript: &[u8]) -> Option<Arrival>;

    /// What to paste for the text.
    fn pasted(&self) -> String;

    /// A pattern for tmux, which types nothing into a screen that matches it.
    fn never_into(&self) -> &'static str;

    /// The next step. `now` counts from the start of the delivery.
    fn step(&mut self, seen: &InputView, now: Duration) -> DeliveryStep;

    /// The last step was not done, because the screen matched [`Self::never_into`].
    fn withheld(&mut self);
}

/// The content of an agent's input line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputContent {
    /// No input line is visible.
    Hidden,
    Empty,
    /// Text that was typed or pasted and not entered.
    Holds(String),
}

/// What the caller observes before one step of a delivery.
#[derive(Clone, Debug)]
pub struct InputView {
    /// The agent has reported that its conversation is open.
    pub registered: bool,
    /// The decision that the agent waits for.
    pub asks: Option<String>,
    pub input: InputContent,
    /// What its transcript shows since the first paste.
    pub arrival: Option<Arrival>,
}

/// How a text arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arrival {
    /// In one message with other text: the input held a draft.
    Mixed,
    /// As the agent rewrites typed text, for instance without blanks at the end.
    Rewritten,
    Exact,
}

/// The caller's next action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryStep {
    /// Observe again soon.
    Look,
    Paste,
    Enter,
    End(Delivered),
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    Arrived(Arrival),
    /// A command of the agent's own, taken from the input; the agent records only some of them.
    Taken,
    /// Entered, but not found in the transcript.
    Unconfirmed,
    /// The text is in the input and was not entered.
    Unentered,
    /// Nothing was typed: a dialog waits for its user.
    Asks(String),
    /// Nothing was typed: the input holds text that was not entered.
    Draft,
    /// Nothing was typed: no input line is visible.
    NoInput,
    /// Nothing was typed: the agent did not start in time.
    NotUp,
}

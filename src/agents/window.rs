//! How a window of an agent is read and typed into, and what passes between that and the caller.
//!
//! The caller looks, types and waits; an implementation of [`WindowProtocol`] decides. It must not spawn
//! anything, ask the time or open a file.

use std::fmt::Debug;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::agents::hook_event::HookEvent;
use crate::model::activity::{Activity, ActivityState};
use crate::model::agent_record::AgentRecord;

/// The value of an environment variable of the agent, where it is set and not empty.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

/// Reads a file of the user; a relative path counts from the agent's folder.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, HookError>;

/// What an agent in a window needs beside its terminal.
pub trait WindowProtocol: Debug + Sync {
    /// The argv and the settings by which the agent reports what it does. Each hook runs `command`, a line
    /// for a shell; the caller will write the settings to `settings_path`. Fails where the agent has to be
    /// started as it is.
    fn hooks(
        &self,
        argv: &[String],
        command: &str,
        settings_path: &str,
        read_file: ReadFile<'_>,
    ) -> Result<Hooks, HookError>;

    /// What a hook of the agent was told. `None` where it is no such input or says nothing of use.
    fn read_hook(&self, input: &mut dyn Read) -> Option<HookEvent>;

    /// The variable in which a hook finds its agent's process id.
    fn hook_pid_variable(&self) -> &'static str;

    /// The folder where the agent keeps its own files. `cwd` is the agent's.
    fn home(&self, cwd: &Path, variable: Variable<'_>) -> Option<PathBuf>;

    /// The file in which the agent's process `pid` says what it does, and what such a file says.
    fn status_file(&self, home: &Path, pid: u32) -> PathBuf;
    fn read_status_file(&self, bytes: &[u8]) -> Option<StatusFile>;

    /// The dialog that a screen without a conversation shows.
    fn dialog_on(&self, screen: &str) -> Option<Dialog>;

    /// The file that says which dialogs the user has answered.
    fn onboarding_file(&self, variable: Variable<'_>) -> PathBuf;

    /// The dialogs that a window would show at its start. `answered` is the text of that file; `roots`
    /// are the folders whose trust holds for the agent's folder.
    fn onboarding(&self, answered: &str, roots: &[&str], variable: Variable<'_>) -> Vec<Dialog>;

    fn activity(&self, inputs: &ActivityInputs<'_>) -> Activity;

    /// The conversation that the agent is in.
    fn conversation(&self, inputs: &ActivityInputs<'_>) -> Option<String>;

    /// Brings `text` into the agent's input.
    fn delivery<'a>(&self, text: &'a str) -> Box<dyn InputDelivery + 'a>;
}

/// How an agent is started so that it reports what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    pub argv: Vec<String>,
    /// For the file at `settings_path`.
    pub settings: String,
}

/// Why an agent reports nothing of itself.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("it is not started as `{0}` itself")]
    Wrapped(&'static str),
    #[error("its `--settings` has no value")]
    NoValue,
    #[error("its own settings cannot be read: {0}")]
    Unreadable(String),
    #[error("its own settings are left as they are: {0}")]
    Unmerged(&'static str),
    #[error("a path holds bytes that are no UTF-8")]
    NotUtf8,
    #[error("the settings file cannot be written: {0}")]
    Unwritten(#[from] std::io::Error),
}

/// A question that an agent asks in a window before its first conversation, and that is never answered
/// for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialog {
    pub name: &'static str,
    /// What a person does about it.
    pub fix: &'static str,
}

/// What an agent wrote down about what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusFile {
    pub pid: u32,
    /// What the system calls the start of that process, where it is a number.
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
    /// What its hooks said last.
    pub record: Option<&'a AgentRecord>,
    /// Whether the process that said so still lives.
    pub reporter_lives: bool,
    pub status: Option<&'a StatusFile>,
    /// On its screen, which is read only where neither of them is there.
    pub dialog: Option<Dialog>,
    /// It rang the bell and nothing came after that.
    pub bell: Option<&'a Activity>,
    pub now: Timestamp,
}

/// One text on its way into an agent's input: a machine that the caller steps.
pub trait InputDelivery {
    /// What the input holds, by a screen with its attributes (`capture-pane -e`).
    fn read_input(&self, screen: &str) -> InputContent;

    /// The best that these lines of the transcript say of the text.
    fn arrival(&self, transcript: &[u8]) -> Option<Arrival>;

    /// What to paste for the text.
    fn pasted(&self) -> String;

    /// A pattern, for tmux: on a screen that it matches nothing is typed.
    fn never_into(&self) -> &'static str;

    /// What to do next. `now` counts from the beginning.
    fn step(&mut self, seen: &InputView, now: Duration) -> DeliveryStep;

    /// The last step was not done: the screen matched [`Self::never_into`] at that moment.
    fn withheld(&mut self);
}

/// What the input of an agent holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputContent {
    /// Not to be seen.
    Hidden,
    Empty,
    /// Something that was typed or pasted and not entered.
    Holds(String),
}

/// What is seen at one moment of a delivery.
#[derive(Clone, Debug)]
pub struct InputView {
    /// The agent has said that its conversation is open.
    pub registered: bool,
    /// What it waits for its user to decide.
    pub asks: Option<String>,
    pub input: InputContent,
    /// What its transcript says since the first paste.
    pub arrival: Option<Arrival>,
}

/// How a text arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arrival {
    /// With something else in the same message: a draft had stood in the input.
    Mixed,
    /// As the agent rewrites what is typed, for instance without blanks at the end.
    Rewritten,
    Exact,
}

/// What to do in a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryStep {
    /// Look again soon.
    Look,
    Paste,
    Enter,
    End(Delivered),
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    Arrived(Arrival),
    /// A command of the agent's own, taken from the input; it writes down only some of them.
    Taken,
    /// Entered, and not seen in the transcript.
    Unconfirmed,
    /// It stands in the input and was not entered.
    Unentered,
    /// Nothing was typed: a dialog waits for its user.
    Asks(String),
    /// Nothing was typed: something that was not entered stands in the input.
    Draft,
    /// Nothing was typed: no input is to be seen.
    NoInput,
    /// Nothing was typed: the agent did not come up.
    NotUp,
}

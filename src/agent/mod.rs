//! How agents are started, read and judged: one folder for each protocol, and what they share.
//!
//! Everything here is a function of what it is given; must not spawn anything, ask the time or open a
//! file. Outside this folder nobody asks which protocol an agent has: they ask [`of`] for it and use
//! the trait [`AgentProtocol`].
//!
//! What an agent prints is not trusted: whatever goes to a terminal goes through [`Sanitizer`].

mod claude;
mod judge;
mod line_renderer;
mod lines_back;
mod protocol;
mod report;
mod sanitize;
mod shorten;
mod text;

use crate::model::protocol::Protocol;

pub use claude::delivery::{Delivered, Delivery, Seen, Step, pasted};
pub use claude::hook_event::{HookEvent, is_session_id};
pub use claude::input::{CHOICE, Input, read_input};
pub use claude::onboarding::{Dialog, would_ask};
pub use claude::session_file::SessionFile;
pub use claude::settings::{Given, SettingsError, given, takes_hooks, with_hooks, with_settings};
pub use claude::transcript::{Arrival, arrival};
pub use judge::{Verdict, judge, judge_answer};
pub use line_renderer::LineRenderer;
pub use protocol::{AgentProtocol, Capabilities, LastTurn, LaunchOptions, LogReader, RateLimit, Turn};
pub use report::{AgentReport, ReportedOutcome};
pub use sanitize::{Sanitizer, is_bidi_control, sanitize_line};

/// The implementation of each protocol.
pub fn of(protocol: Protocol) -> &'static dyn AgentProtocol {
    match protocol {
        Protocol::Claude => &claude::Claude,
        Protocol::Text => &text::Text,
    }
}

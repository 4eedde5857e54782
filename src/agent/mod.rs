//! How agents are started, read and judged, by protocol.
//!
//! `claude` speaks stream-json: its last `result` event decides together with the exit code.
//! Any other program speaks text: its exit code decides. Everything here is a function of what
//! it is given; must not spawn anything, ask the time or open a file.
//!
//! What an agent prints is not trusted: whatever goes to a terminal goes through [`Sanitizer`].

mod answer;
mod auth_names;
mod claude_delivery;
mod claude_events;
mod claude_input;
mod claude_result;
mod claude_transcript;
mod first_dialog;
mod hook_event;
mod judge;
mod last_turn;
mod launch;
mod lines_back;
mod rate_limit;
mod render;
mod report;
mod sanitize;
mod session_file;
mod settings;
mod signals;
mod turn_event;

#[cfg(test)]
mod tests;

pub use answer::final_answer;
pub use auth_names::auth_names;
pub use claude_delivery::{Delivered, Delivery, Seen, Step, pasted};
pub use claude_input::{CHOICE, Input, read_input};
pub use claude_result::ResultEvent;
pub use claude_transcript::{Arrival, arrival};
pub use first_dialog::{Dialog, would_ask};
pub use hook_event::{HookEvent, is_session_id};
pub use judge::{DID_NOT_EXIT, Exit, Verdict, judge, judge_answer};
pub use last_turn::{LastTurn, Turn, read_last_turn, tells_turns};
pub use launch::{Ours, compose_argv, default_env, prompt_needs_dash_dash, with_session, without_session};
pub use rate_limit::{RateLimit, read_rate_limit};
pub use render::LineRenderer;
pub use report::{FinalReport, read_report};
pub use sanitize::{Sanitizer, is_bidi_control, sanitize_line};
pub use session_file::SessionFile;
pub use settings::{Given, SettingsError, given, takes_hooks, with_hooks, with_settings};
pub use signals::signal_name;

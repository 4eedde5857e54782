//! How agents are started, read and judged: one folder for each protocol, and what they share.
//!
//! Every function depends on its arguments only: it must not spawn anything, read the time or open a file. Code outside
//! this folder never checks which protocol an agent has: it uses the [`AgentProtocol`] that [`of`] returns.
//!
//! Agent output is not trusted: all text that goes to a terminal passes through [`Sanitizer`].

mod claude;
mod hook_event;
mod installation;
mod jsonl;
mod judge;
mod line_renderer;
mod lines_back;
mod log_line;
mod protocol;
mod report;
mod sanitize;
mod session_id;
mod shorten;
mod text;
mod window;

use crate::model::protocol::Protocol;

pub use hook_event::HookEvent;
pub use installation::Installation;
pub use judge::{AgentVerdict, judge, judge_answer};
pub use line_renderer::LineRenderer;
pub use protocol::{AgentProtocol, BuiltInAgent, Capabilities, LastTurn, LaunchOptions, RateLimit, SeekableLog, Turn};
pub use report::{AgentReport, ReportedOutcome};
pub use sanitize::{Sanitizer, is_bidi_control, sanitize_line};
pub use window::{
    ActivityInputs, Arrival, Delivered, DeliveryStep, Dialog, HookError, Hooks, InputContent, InputDelivery, InputView,
    ReadFile, StatusFile, Variable, WindowProtocol,
};

/// Declares [`PROTOCOLS`] and [`of`] from one line for each protocol.
macro_rules! table {
    ($($protocol:ident => $implementation:expr,)+) => {
        pub const PROTOCOLS: &[Protocol] = &[$(Protocol::$protocol),+];

        /// The implementation of `protocol`.
        pub fn of(protocol: Protocol) -> &'static dyn AgentProtocol {
            match protocol {
                $(Protocol::$protocol => &$implementation,)+
            }
        }
    };
}

table! {
    Claude => claude::Claude,
    Text => text::Text,
    Jsonl => jsonl::Jsonl,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_has_the_name_of_its_record() {
        for protocol in PROTOCOLS {
            assert_eq!(serde_json::to_value(protocol).unwrap(), of(*protocol).name());
        }
    }
}

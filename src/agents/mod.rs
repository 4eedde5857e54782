//! How agents are started, read and judged: one folder for each protocol, and what they share.
//!
//! Everything here is a function of what it is given; must not spawn anything, ask the time or open a
//! file. Outside this folder nobody asks which protocol an agent has: they ask [`of`] for it and use
//! the trait [`AgentProtocol`].
//!
//! What an agent prints is not trusted: whatever goes to a terminal goes through [`Sanitizer`].

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
pub use judge::{RunVerdict, judge, judge_answer};
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

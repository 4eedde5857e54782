//! Ways to a person who does not look: the desktop, the terminals on a tmux server, a command.
//!
//! What is told comes from tasks and agents: it goes where nothing reads it as an option, a script
//! or an escape sequence. Must not know what it tells of.

mod bounded;
pub mod desktop;
pub mod terminals;

pub use bounded::{BoundedError, Bounds, run};

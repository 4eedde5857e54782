//! How notices reach the user: the desktop, the terminals on a tmux server, a command.
//!
//! Texts come from tasks and agents: they are never read as an option, a script or an escape sequence. Must not know
//! what a notice is about.

mod command;
pub mod desktop;
pub mod terminals;

pub use command::{CommandError, CommandLimits, run};

//! The user's terminal emulators: which are installed, how each opens a command, and how an open window is brought
//! to the front.
//!
//! The list of terminals and the command lines are pure; only `raise` and the search for programs act. Must not know
//! what a run or a manifest is, nor which terminal the user wants.

pub mod host_environment;
mod kitty;
pub mod known;
pub mod launch;
pub mod raise;
mod scripts;
mod wezterm;
mod x_windows;

pub use host_environment::{HostEnvironment, HostSystem};
pub use known::{TERMINALS, TerminalSpec, terminal_spec};
pub use launch::TerminalLaunch;
pub use raise::{NotRaised, Viewer, raise};

/// The hidden command that decodes its argument (hexadecimal digits) to a command line and becomes it.
pub const BECOME_WORD: &str = "__become";

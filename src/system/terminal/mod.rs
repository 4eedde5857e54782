//! The user's terminal emulators as foreign tools: which are there, how each opens a command, how a
//! window that is there already is brought to the front.
//!
//! What each is told is a row of a table, and pure; only `raise` and the search for programs touch
//! the world. Must not know what a run or a manifest is, nor which terminal is wanted.

mod kitty;
pub mod opening;
pub mod raise;
pub mod rows;
mod scripts;
pub mod surroundings;
mod wezterm;
mod x_windows;

pub use opening::Opening;
pub use raise::{NotRaised, Viewer, raise};
pub use rows::{ROWS, Row, row};
pub use surroundings::{Surroundings, System};

/// The hidden command that becomes the words which it is given as one word of plain digits.
pub const BECOME_WORD: &str = "__become";

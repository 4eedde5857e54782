//! Desktop terminals on a screen of their own, terminals that are imitated byte by byte, and zsh. Needs Xvfb, a
//! window manager, the terminals, a browser, python3 and zsh.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use support::{browser, programs, screen, server, shell, user_terminal, waiting, world};

mod completion_zsh;
mod terminal_words;
mod terminals;
mod ui_far;

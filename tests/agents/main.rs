//! The real `claude` against a stub of its API, and an imitation of its window. Needs claude, node and a browser.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use support::{browser, command, programs, random, server, waiting, world};

mod real_claude;
mod real_claude_activity;
mod real_claude_answers;
mod real_claude_page;
mod real_claude_resume;
mod real_claude_send;
mod send;

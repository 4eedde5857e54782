//! What needs a look beneath the program or a second program: crashes at each system call and counted calls by
//! strace, and the program of an earlier commit, which is built from the history.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use support::{command, programs, waiting, wanted, world};

mod older_program;
mod older_state;
mod stop_cost;
mod syscalls;
mod tmux_calls;
mod tmux_views;
mod token_timing;

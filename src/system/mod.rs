//! system (under construction).

pub mod git;
pub mod tmux;

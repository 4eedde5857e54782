//! The worktrees of tasks: their paths and branches, the diff of their work, and their removal.

pub mod clean;
pub mod diff;
pub mod task_worktree;
pub mod work;

//! The worktrees of tasks: where they are, the work in them, its diff, and their removal.

pub mod clean;
pub mod diff;
pub mod task_worktree;
pub mod work;

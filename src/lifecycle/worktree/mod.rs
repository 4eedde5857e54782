//! The worktrees of tasks: their paths and branches, the diff of their work, its merge, and their removal.

pub mod clean;
pub mod clean_merged;
pub mod diff;
pub mod merge;
pub mod task_worktree;
pub mod work;

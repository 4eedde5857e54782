//! The worktrees of tasks: their paths and branches, the diff of their work, its merge, its pull request, and their removal.

pub mod clean;
pub mod clean_merged;
pub mod diff;
pub mod merge;
pub mod pull_request;
pub mod task_worktree;
pub mod work;

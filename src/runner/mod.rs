//! Observe, decide, apply: the only door that front ends use.
//!
//! Reads the manifest and the tasks, looks at the world through `system`, asks `plan` what that
//! means, and does it. Must not print and must not parse arguments.

mod activity;
mod agent_activity;
mod agent_signs;
pub mod apply;
pub mod approve;
pub mod asked;
pub mod attach;
pub mod attention;
mod basis;
mod batch;
mod begin;
pub mod beginning;
mod candidate;
pub mod check;
pub mod clean;
pub mod counts;
pub mod diff;
pub mod doctor;
pub mod early;
pub mod errand;
pub mod event;
pub mod evidence;
pub mod exec;
pub mod explain;
pub mod failure;
pub mod first_run;
pub mod follow;
mod freshness;
mod glance;
pub mod held;
mod hooks;
pub mod init;
pub mod ledger;
pub mod live;
pub mod locate;
pub mod next;
pub mod notify;
pub mod observe;
pub mod overview;
pub mod past;
pub mod prepare;
pub mod project;
mod prompt;
pub mod prune;
mod readiness;
pub mod reconcile;
pub mod send;
mod send_claude;
pub mod served;
pub mod show;
pub mod show_window;
pub mod start;
pub mod stop;
pub mod tail;
pub mod task_worktree;
pub mod template_context;
pub mod terminal;
pub mod together;
pub mod tree_progress;
pub mod up;
pub mod window;
pub mod work;
/// Waking what sleeps, for who follows a run.
pub use crate::system::wake;

//! Observe, decide, apply: the only door that front ends use.
//!
//! Reads the manifest and the tasks, looks at the world through `system`, asks `plan` what that
//! means, and does it. Must not print and must not parse arguments.

pub mod apply;
pub mod approve;
pub mod attach;
mod basis;
mod batch;
mod begin;
mod candidate;
pub mod doctor;
pub mod early;
pub mod exec;
pub mod follow;
mod freshness;
mod glance;
pub mod held;
pub mod init;
pub mod ledger;
pub mod live;
pub mod locate;
pub mod next;
pub mod observe;
pub mod prepare;
pub mod project;
pub mod prune;
mod readiness;
pub mod reconcile;
pub mod start;
pub mod stop;
pub mod tail;
pub mod template_context;
pub mod together;
pub mod tree_progress;

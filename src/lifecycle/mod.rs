//! Observe, decide, apply: the only door that front ends use.
//!
//! Reads the manifest and the tasks, looks at the world through `system`, asks `plan` what that
//! means, and does it. Must not print and must not parse arguments.

pub mod doctor;
pub mod failure;
pub mod follow;
pub mod launch;
pub mod notify;
pub(crate) mod observe;
pub mod project;
pub mod prune;
pub mod queue;
pub(crate) mod reap;
pub mod reconcile;
pub mod refresh;
pub mod server_registry;
pub mod stop;
pub mod store;
pub mod summary;
pub mod window;
pub mod worktree;
/// Waking what sleeps, for who follows a run.
pub use crate::os::event_fd;

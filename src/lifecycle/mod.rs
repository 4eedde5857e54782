//! The life of runs: the only modules that a front end calls.
//!
//! `observe` reads the state of runs, `reap` records their ends, `queue` starts queued runs, `launch` starts
//! requested ones, `stop` ends them; `refresh` combines the first three. Must not print or parse arguments.

pub mod doctor;
pub mod failure;
pub mod follow;
pub mod launch;
pub mod notify;
pub(crate) mod observe;
pub mod on_node;
pub mod open_file;
pub mod project;
pub mod prune;
pub mod queue;
pub(crate) mod reap;
pub mod reconcile;
pub mod refresh;
pub mod restart;
pub mod run_prefix;
pub mod server_registry;
pub mod stop;
pub mod store;
pub mod summary;
pub mod task_files;
pub mod window;
pub mod worktree;
/// A descriptor that wakes a thread that follows a run.
pub use crate::os::event_fd;

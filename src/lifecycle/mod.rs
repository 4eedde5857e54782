//! What happens to runs, and the only entry of a front end: each concept is a module.
//!
//! `observe` reads and returns what it saw. `reap` writes down the ends that were seen, `queue` starts what waited,
//! `launch` starts what is asked for, `stop` ends it; `refresh` composes the first three. Must not print and must not
//! parse arguments.

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
/// A descriptor that wakes a thread that follows a run.
pub use crate::os::event_fd;

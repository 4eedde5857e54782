//! The state folder: run folders, records, logs, pair locks, slots and the index.
//!
//! The run folders are the truth; the index is rebuilt from them. Each file has one writer and a version, and is
//! replaced as a whole. Must not decide what a state means.

pub mod answer;
pub mod handover;
pub mod index;
pub mod late_jobs;
mod lock_file;
pub mod log_part;
pub mod logs;
pub mod notify_folder;
pub mod pair_lock;
pub mod probe_folder;
pub mod record_file;
pub mod run_folder;
mod run_removal;
pub mod server_file;
pub mod slots;
pub mod state_dir;
mod unsaved_mark;

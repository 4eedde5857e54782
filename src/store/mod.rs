//! The state folder: run folders, pair locks, slots and the index over them.
//!
//! A run's folder is its record; the index is rebuilt from the folders and never a second truth.
//! Files have one writer, a version, and arrive whole. Must not decide what a state means.

pub mod answer;
pub mod handover;
pub mod index;
mod lock_file;
pub mod log_part;
pub mod logs;
pub mod notify_folder;
pub mod pair_lock;
pub mod record_file;
pub mod run_folder;
mod run_removal;
pub mod server_file;
pub mod slots;
pub mod state_dir;
mod unsaved_mark;

//! The operating system and foreign programs, one module each.
//!
//! Must not know what a plan or a mode is. No other module reads the clock or the environment, starts a process, locks
//! a file or uses what only one operating system has.

pub mod clock;
pub mod environment;
pub mod event_fd;
pub mod file_tail;
pub mod fingerprint;
pub mod folder;
pub mod gh;
pub mod git;
pub mod ids;
pub mod interrupts;
pub mod listen;
pub mod logout;
pub mod notify;
pub mod process;
pub mod pty;
pub mod scratch_file;
pub mod terminal;
pub mod terminal_mode;
pub mod text_file;
pub mod tmux;

pub mod watch;

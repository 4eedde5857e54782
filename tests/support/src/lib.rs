//! What the test tiers share: a world for each test, calls of `dispatch`, the fake agent, and clients of the server,
//! of tmux and of a browser.
//!
//! It knows the program only from outside, as a user does, and must not use the library. A helper panics when
//! something that a test needs is missing.

pub mod browser;
pub mod cluster;
pub mod command;
pub mod damaged_file;
pub mod fake;
pub mod follower;
pub mod git;
pub mod http_reply;
pub mod past;
pub mod processes;
pub mod programs;
pub mod random;
pub mod routes;
pub mod screen;
pub mod server;
pub mod shell;
pub mod tmux_client;
pub mod user_editor;
pub mod user_terminal;
pub mod waiting;
pub mod wanted;
pub mod windows;
pub mod world;

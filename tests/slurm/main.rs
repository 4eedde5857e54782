//! Headless runs on a Slurm cluster of two nodes, which each test starts for itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use support::{cluster, random, waiting, world};

mod bad_input;
mod crashes;
mod doctor;
mod engine_down;
mod environment;
mod facts;
mod foreign_node;
mod max_jobs;
mod nested;
mod one_look;
mod plan;
mod review;
mod secrets;
mod slow_worktree;
mod stop;
mod worktree;

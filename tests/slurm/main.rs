//! Headless runs on a Slurm cluster of two nodes, which each test starts for itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use support::{cluster, world};

mod review;

//! The logs of a run: two files that the agent writes itself, and marks that give their common order.
//!
//! Readers follow by offset with constant memory. No pipe is between the agent and its files.

pub mod extent;
pub mod marks;
pub mod reader;
pub mod whole;

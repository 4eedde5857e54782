//! The logs of a run: two files the agent writes itself, and the marks that interleave them.
//!
//! Readers follow by offset with constant memory and never touch the writer's path.

pub mod extent;
pub mod marks;
pub mod reader;
pub mod whole;

//! The logs of a run: two files that the agent writes itself, without a pipe, and log marks that give their common
//! order. Readers follow by offset with constant memory.

pub mod extent;
pub mod marks;
pub mod reader;
pub mod whole;

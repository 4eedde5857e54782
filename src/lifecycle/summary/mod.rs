//! What is shown of runs: counts, the overview, past runs, what needs a person, and why a run ended.
//!
//! Reads what `refresh` and the store return. Must not start, stop or write anything.

pub mod attention;
pub mod counts;
pub mod exit_explanation;
pub mod explain;
pub mod overview;
pub mod past_runs;
pub mod tree_progress;

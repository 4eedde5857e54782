//! Summaries of runs: counts, overview, past runs, runs that wait for a person, and why a run ended.
//!
//! Input: what `refresh` and the store return. Must not start or stop a run.

pub mod attention;
pub mod counts;
pub mod engine_report;
pub mod exit_explanation;
pub mod explain;
pub mod failed_output;
pub mod gate_facts;
pub mod overview;
pub mod past_figures;
pub mod past_groups;
pub mod past_runs;
pub mod started_with;
pub mod tree_progress;
pub mod tree_results;

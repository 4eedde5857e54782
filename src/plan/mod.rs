//! Pure decisions: input is what is wanted and what was observed, output is what to do. No clock, environment or IO;
//! everything can be compared, printed and tested as values.

pub mod arrange;
pub mod clean;
pub mod diff;
pub mod drift;
pub mod engine_verdict;
pub mod freshness;
pub mod graph;
pub mod observed_state;
pub mod order;
pub mod retention;
pub mod selector;
pub mod step;
pub mod wanted;

#[cfg(test)]
mod diff_tests;
#[cfg(test)]
mod for_tests;
#[cfg(test)]
mod graph_tests;

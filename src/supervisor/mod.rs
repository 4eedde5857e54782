//! One process per headless job: it owns the job through all its attempts and records its end.
//!
//! A pure state machine (`machine`) decides; a thin tokio shell (`shell`) feeds it with signals,
//! timers and ended children. The only tokio code of the house. Must not read the manifest (the
//! run's spec is complete) and must not reconcile: its last act is to `exec` `dispatch __next`.

pub mod finish;
pub mod machine;
pub mod shell;
pub mod stage;
mod wakeups;

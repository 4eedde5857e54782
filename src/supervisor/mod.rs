//! One process per headless job: it owns the job through all its attempts and records its end.
//!
//! Pure code (`machine` for a stage, `retry` between attempts) decides; a thin tokio shell feeds it
//! with signals, timers and ended children (`supervision`), goes from attempt to attempt
//! (`attempts`), sleeps between them (`rest`) and records the end (`shell`). The only tokio code of the house. Must not read the manifest (the
//! run's spec is complete) and must not reconcile: its last act is to `exec` `dispatch __next`.

mod answer_watch;
mod attempts;
pub mod finish;
mod freshness;
mod log_watch;
pub mod machine;
mod rest;
pub mod retry;
pub mod shell;
pub mod stage;
mod supervision;
mod wakeups;

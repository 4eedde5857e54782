//! One process for each headless job: it owns the job through all its attempts and records its end.
//!
//! Input: the run folder with spec and environment, and the locks that its starter hands over. Output: `live.json`,
//! `attempts.jsonl` and `exit.json` in that folder. Pure code decides (`machine` in a stage, `retry` between attempts);
//! asynchronous code gives it signals, timers and ended children (`supervision`), runs the attempts (`attempts`),
//! sleeps between them (`rest`) and records the end (`shell`). Only this module uses tokio.
//!
//! Must not read the manifest, since the spec is complete, and must not reconcile: at its end it starts `dispatch
//! __next`.

mod answer_watch;
mod attempts;
pub mod finish;
mod freshness;
mod heartbeat;
mod log_watch;
pub mod machine;
pub mod node;
mod rest;
pub mod retry;
pub mod shell;
pub mod stage;
mod supervision;
mod wakeups;

//! That a job was, or is being, handed to an engine.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::engine::EngineKind;

pub const SUBMIT_VERSION: u32 = 1;

/// `submitted.json`: written under the pair lock, before the engine is asked and after it has answered. From the first
/// of both on, the run is not in this project's queue any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmitRecord {
    pub version: u32,
    /// Its name in the manifest.
    pub executor: String,
    pub engine: EngineKind,
    /// When the engine was asked.
    pub at: Timestamp,
    #[serde(flatten)]
    pub phase: SubmitPhase,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "phase")]
pub enum SubmitPhase {
    /// The engine is asked next; whether it has the job is not known.
    Intended,
    /// The engine has the job. `job`: its own id, where it told one; ids come back for other jobs.
    Accepted {
        #[serde(default)]
        job: Option<String>,
    },
}

impl SubmitRecord {
    pub fn new(executor: &str, engine: EngineKind, at: Timestamp, phase: SubmitPhase) -> Self {
        Self { version: SUBMIT_VERSION, executor: executor.to_owned(), engine, at, phase }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_phases_are_read_back() {
        for phase in [SubmitPhase::Intended, SubmitPhase::Accepted { job: Some("7".to_owned()) }] {
            let record = SubmitRecord::new("cluster", EngineKind::Slurm, Timestamp::UNIX_EPOCH, phase);
            let text = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<SubmitRecord>(&text).unwrap(), record, "{text}");
        }
    }
}

//! Who answers for a run's life, and which executor knows them.

use serde::{Deserialize, Serialize};

use crate::model::engine::EngineKind;
use crate::model::process_id::ProcessId;
use crate::model::run_id::RunId;
use crate::model::words::words;

/// The owner of an active run: it records the run's end, and the run is dead without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Owner {
    /// The supervisor of a job; in a window, the agent. Recorded as the process alone, as older programs read it.
    Process(ProcessId),
    /// The supervisor of a job on a node of an engine.
    Job(JobOwner),
}

/// A supervisor that only its engine can reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobOwner {
    pub engine: EngineKind,
    pub run: RunId,
    /// The engine's own id of the job.
    pub job: Option<String>,
    /// The engine's name of the node.
    pub node: Option<String>,
    /// The supervisor, valid on its node alone.
    pub process: ProcessId,
}

/// A place where the owners of runs live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutorName {
    /// This machine.
    Local,
    Slurm,
}

words!(ExecutorName { Local: "local", Slurm: "slurm" });

impl From<EngineKind> for ExecutorName {
    fn from(engine: EngineKind) -> Self {
        match engine {
            EngineKind::Slurm => Self::Slurm,
        }
    }
}

impl From<ProcessId> for Owner {
    fn from(process: ProcessId) -> Self {
        Self::Process(process)
    }
}

impl Owner {
    pub fn executor(&self) -> ExecutorName {
        match self {
            Self::Process(_) => ExecutorName::Local,
            Self::Job(job) => job.engine.into(),
        }
    }

    /// `None` if the owner is no process of this machine or of one that shares its records.
    pub fn process(&self) -> Option<&ProcessId> {
        match self {
            Self::Process(process) => Some(process),
            Self::Job(_) => None,
        }
    }

    /// The node of an engine on which it lives.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Process(_) => None,
            Self::Job(job) => job.node.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: &str = r#"{"pid":7,"startTime":9,"world":{"host":"h","bootId":"b","pidNamespace":1}}"#;

    #[test]
    fn a_process_is_recorded_as_older_programs_read_it() {
        let owner: Owner = serde_json::from_str(PROCESS).unwrap();
        assert_eq!(owner.process().map(|process| process.pid), Some(7));
        assert_eq!(serde_json::to_string(&owner).unwrap(), PROCESS);
        assert_eq!(serde_json::to_string(&serde_json::from_str::<ProcessId>(PROCESS).unwrap()).unwrap(), PROCESS);
    }

    #[test]
    fn a_job_is_told_from_a_process() {
        let run = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let text = format!(r#"{{"engine":"slurm","run":"{run}","job":"3","node":"n1","process":{PROCESS}}}"#);
        let owner: Owner = serde_json::from_str(&text).unwrap();
        assert_eq!((owner.executor(), owner.node(), owner.process()), (ExecutorName::Slurm, Some("n1"), None));
        assert_eq!(serde_json::to_string(&owner).unwrap(), text);
    }
}

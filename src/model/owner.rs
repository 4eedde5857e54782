//! Who answers for a run's life, and which executor knows them.

use serde::{Deserialize, Serialize};

use crate::model::process_id::ProcessId;
use crate::model::words::words;

/// The owner of an active run: it records the run's end, and the run is dead without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Owner {
    /// The supervisor of a job; in a window, the agent. Recorded as the process alone, as older programs read it.
    Process(ProcessId),
}

/// A place where the owners of runs live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutorName {
    /// This machine.
    Local,
}

words!(ExecutorName { Local: "local" });

impl From<ProcessId> for Owner {
    fn from(process: ProcessId) -> Self {
        Self::Process(process)
    }
}

impl Owner {
    pub fn executor(&self) -> ExecutorName {
        match self {
            Self::Process(_) => ExecutorName::Local,
        }
    }

    /// `None` if the owner is no process.
    pub fn process(&self) -> Option<&ProcessId> {
        match self {
            Self::Process(process) => Some(process),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_recorded_as_older_programs_read_it() {
        let text = r#"{"pid":7,"startTime":9,"world":{"host":"h","bootId":"b","pidNamespace":1}}"#;
        let owner: Owner = serde_json::from_str(text).unwrap();
        assert_eq!(owner.process().map(|process| process.pid), Some(7));
        assert_eq!(serde_json::to_string(&owner).unwrap(), text);
        assert_eq!(serde_json::to_string(&serde_json::from_str::<ProcessId>(text).unwrap()).unwrap(), text);
    }
}

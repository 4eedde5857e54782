//! Engines: programs of others that queue, place, limit and cancel jobs on other machines.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::interval::Interval;
use crate::model::words::words;

/// An engine that this program can submit to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// Slurm, by its commands.
    Slurm,
}

words!(EngineKind { Slurm: "slurm" });

/// An entry of `executors:`, as the manifest declares it and as the spec of a run records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineExecutor {
    /// Its name in the manifest.
    pub name: String,
    pub engine: EngineKind,
    /// Further arguments of the engine's submitting command.
    #[serde(default)]
    pub options: Vec<String>,
    /// This program as the nodes see it; `None`: at the path of the submitting program.
    #[serde(default)]
    pub program: Option<PathBuf>,
    /// Most runs of this project that lie in the engine at once.
    #[serde(default)]
    pub max_jobs: Option<u32>,
    pub lease: Interval,
}

/// The default lease: 60 s until a node ends its own run, 60 s for which a file server's client may show an old file,
/// and a reserve.
pub const LEASE: Interval = Interval::from_secs(150);

/// A shorter lease leaves no time between two heartbeats.
pub const SHORTEST_LEASE: Interval = Interval::from_secs(1);

impl EngineExecutor {
    /// How long a run may show no sign of life until the engine's report alone decides.
    pub fn lease(&self) -> Duration {
        self.lease.as_duration()
    }

    /// Why a run waits for a place in the engine.
    pub fn about_max_jobs(&self) -> String {
        let max = self.max_jobs.unwrap_or_default();
        format!("`{}` has {max} of its `max_jobs: {max}`", self.name)
    }

    /// Interval of a node's signs of life.
    pub fn heartbeat_interval(&self) -> Duration {
        self.lease() / 30
    }

    /// After this time without a written sign of life a node ends its run itself.
    pub fn fence(&self) -> Duration {
        self.lease() * 2 / 5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_ends_its_run_well_before_others_may_call_it_lost() {
        let executor = EngineExecutor {
            name: "cluster".to_owned(),
            engine: EngineKind::Slurm,
            options: Vec::new(),
            program: None,
            max_jobs: None,
            lease: LEASE,
        };
        let seconds = |time: Duration| time.as_secs();
        assert_eq!((seconds(executor.heartbeat_interval()), seconds(executor.fence())), (5, 60));
        assert!(executor.fence() * 2 < executor.lease());
    }
}

//! What the manifest declared for a run and its other records do not hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::run_spec::WorktreeSpec;

/// Part of a run's spec, so that a later change of the manifest can be found. Holds no value of a
/// variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Declared {
    /// The variables of `env:`, each with a hash of its value that differs from run to run.
    pub env: BTreeMap<String, String>,
    /// The names of `pass_env:`; their values are the caller's own.
    pub pass_env: BTreeSet<String>,
    /// The task's worktree, whether the run has to make it or not.
    pub worktree: Option<WorktreeSpec>,
}

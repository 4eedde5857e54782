//! What the manifest declared for a run and no other record contains.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::run_spec::WorktreeSpec;

/// Part of a run's spec, to detect later changes of the manifest. Contains no value of a variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Declared {
    /// The variables of `env:`, each with a hash of its value that is salted with the run id.
    pub env: BTreeMap<String, String>,
    /// The names of `pass_env:`; the values come from the caller's environment.
    pub pass_env: BTreeSet<String>,
    /// The task's worktree, whether or not the run has to create it.
    pub worktree: Option<WorktreeSpec>,
}

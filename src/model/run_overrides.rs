//! What a start changed for its run only, beside prompt and arguments. Holds no value of an environment variable.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::interval::Interval;

/// Part of a run's spec: `restart` starts the new run with the same changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunOverrides {
    /// The names of the variables that were given for the run (`-e`).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub env: BTreeSet<String>,
    /// Template variables (`--set`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
    /// Instead of the mode's `timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl RunOverrides {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

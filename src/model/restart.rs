//! When `up` restarts an ended run of the wanted set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::words::words;

/// `restart:` of an entry of `runs:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Any ended run satisfies the entry.
    #[default]
    Never,
    /// After an end that was neither a success nor a person's wish.
    OnFailure,
    /// After any end that was not a person's wish. Interactive modes only.
    Always,
}

words!(Restart { Never: "never", OnFailure: "on_failure", Always: "always" });

//! How a process ended.

use serde::{Deserialize, Serialize};

/// An exit code, or the signal that ended the process. Neither: the end was not observed.
/// Records contain the fields flattened among their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    #[serde(rename = "exitCode", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}

impl Exit {
    pub const NOT_SEEN: Self = Self { code: None, signal: None };

    pub const fn code(code: i32) -> Self {
        Self { code: Some(code), signal: None }
    }

    pub const fn signal(signal: i32) -> Self {
        Self { code: None, signal: Some(signal) }
    }

    pub fn is_seen(self) -> bool {
        self != Self::NOT_SEEN
    }
}

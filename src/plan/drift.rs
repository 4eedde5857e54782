//! One way in which an active run differs from what a start would write now.

use std::fmt;

/// Values are left out: they may be secrets, and the manifest shows what they would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// This field of its spec.
    Field(&'static str),
    /// A variable of `env:`.
    Env(String, Change),
    /// A name in `pass_env:`.
    PassEnv(String, Change),
    /// Nothing could be started now, for this reason.
    CannotStart(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Added,
    Changed,
    Removed,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Env(name, change) => write!(f, "env {name} {change}"),
            Self::PassEnv(name, change) => write!(f, "pass_env {name} {change}"),
            Self::CannotStart(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        })
    }
}

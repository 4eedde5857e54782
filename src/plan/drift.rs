//! One difference between an active run and what a start would write now.

use std::fmt;

/// Contains no values of variables: they may be secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// This field of the spec, or the prompt.
    Field { name: &'static str, values: Option<Box<DriftValues>> },
    /// A variable of `env:`.
    Env(String, Change),
    /// A name in `pass_env:`.
    PassEnv(String, Change),
    /// A start would fail now, for this reason.
    CannotStart(String),
}

/// The values of a field as bounded text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftValues {
    pub was: String,
    pub would_be: String,
}

impl Drift {
    /// The drift of a field without its values.
    pub fn of_field(name: &'static str) -> Self {
        Self::Field { name, values: None }
    }
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
            Self::Field { name, .. } => f.write_str(name),
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

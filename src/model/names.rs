//! Task ids and mode names: one pattern for both, parsed once (CONTRACT section 2).
//!
//! Must not know where a name came from; callers add the place.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The longest name, in bytes.
pub const MAX_LEN: usize = 64;

/// Why a text is not a name. `Display` completes "invalid name: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name cannot be empty")]
    Empty,
    #[error("`{0}` is longer than 64 characters")]
    TooLong(String),
    #[error("`{0}` starts with `-`, which would be read as an option")]
    LeadingDash(String),
    #[error("`{name}` holds {found}; only A-Z, a-z, 0-9, `_` and `-` are allowed")]
    Character { name: String, found: String },
}

fn check(text: &str) -> Result<(), NameError> {
    let Some(first) = text.chars().next() else {
        return Err(NameError::Empty);
    };
    let shown = || text.escape_debug().take(80).collect::<String>();
    if first == '-' {
        return Err(NameError::LeadingDash(shown()));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if let Some(bad) = text.chars().find(|c| !allowed(*c)) {
        let found = format!("`{}`", bad.escape_debug());
        return Err(NameError::Character { name: shown(), found });
    }
    if text.len() > MAX_LEN {
        return Err(NameError::TooLong(shown()));
    }
    Ok(())
}

macro_rules! name {
    ($type:ident, $what:literal) => {
        #[doc = concat!("A ", $what, " that matches `[A-Za-z0-9_][A-Za-z0-9_-]{0,63}`.")]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $type(String);

        impl $type {
            /// Checks the pattern. Errors say which rule was broken.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check(text)?;
                Ok(Self(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`{}`", self.0)
            }
        }

        // A visitor, not `try_from`: the YAML reader then points at the value itself.
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Expected;
                impl Visitor<'_> for Expected {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $what, " of letters, digits, `_` and `-`"))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        $type::parse(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Expected)
            }
        }
    };
}

name!(TaskId, "task id");
name!(ModeName, "mode name");

/// The identity of a run's subject: one active run per pair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    pub mode: ModeName,
    pub task: TaskId,
}

impl Pair {
    /// The window's label `{task}-{mode}`. Only ever shown: two pairs may share one.
    pub fn label(&self) -> String {
        format!("{}-{}", self.task, self.mode)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.mode, self.task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_contract_names() {
        for ok in ["TASK-42", "code-review", "_overview", "A", "_", "FEAT-BUILDTMUXTS-0519-JJ", &"x".repeat(64)] {
            assert!(TaskId::parse(ok).is_ok(), "{ok}");
        }
    }

    #[test]
    fn refuses_what_would_reach_a_shell_tmux_or_a_path() {
        for bad in [
            "",
            "-",
            "--",
            "-X",
            "a b",
            "A.B",
            "A:B",
            "A/B",
            "..",
            "../x",
            "A\n",
            "A\0",
            "Ａ",
            "A\u{301}",
            "\u{202e}A",
            &"x".repeat(65),
        ] {
            assert!(TaskId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn two_pairs_may_share_a_label_and_stay_two() {
        let pair = |task, mode| Pair { task: TaskId::parse(task).unwrap(), mode: ModeName::parse(mode).unwrap() };
        assert_eq!(pair("A-B", "C").label(), pair("A", "B-C").label());
        assert_ne!(pair("A-B", "C"), pair("A", "B-C"));
    }
}

//! Task ids and mode names, checked when parsed.
//!
//! A mode name is `[A-Za-z0-9_][A-Za-z0-9_-]{0,63}`. A task id may contain single dots between such characters. So
//! neither is a path step, an option or a hidden file. Errors have no position; callers add it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum length of a name, in bytes.
pub const MAX_LEN: usize = 64;

/// Why a text is not a name. The text completes "invalid name: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name cannot be empty")]
    Empty,
    #[error("`{0}` is longer than 64 characters")]
    TooLong(String),
    #[error("`{0}` starts with `-`, which would be read as an option")]
    LeadingDash(String),
    #[error("`{0}` starts with a dot")]
    LeadingDot(String),
    #[error("`{0}` ends with a dot")]
    TrailingDot(String),
    #[error("`{0}` holds two dots in a row")]
    DoubledDot(String),
    #[error("`{name}` holds {found}; only A-Z, a-z, 0-9, {} are allowed", .dots.characters())]
    Character { name: String, found: String, dots: Dots },
}

/// Whether a kind of name may contain dots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dots {
    /// Single dots inside the name.
    Inside,
    Never,
}

impl Dots {
    /// The characters allowed besides letters and digits.
    const fn characters(self) -> &'static str {
        match self {
            Self::Inside => "`_`, `-` and dots inside",
            Self::Never => "`_` and `-`",
        }
    }
}

fn check(text: &str, dots: Dots) -> Result<(), NameError> {
    let Some(first) = text.chars().next() else {
        return Err(NameError::Empty);
    };
    let shown = || text.escape_debug().take(80).collect::<String>();
    if first == '-' {
        return Err(NameError::LeadingDash(shown()));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || (c == '.' && dots == Dots::Inside);
    if let Some(bad) = text.chars().find(|c| !allowed(*c)) {
        let found = format!("`{}`", bad.escape_debug());
        return Err(NameError::Character { name: shown(), found, dots });
    }
    if text.contains("..") {
        return Err(NameError::DoubledDot(shown()));
    }
    if first == '.' {
        return Err(NameError::LeadingDot(shown()));
    }
    if text.ends_with('.') {
        return Err(NameError::TrailingDot(shown()));
    }
    if text.len() > MAX_LEN {
        return Err(NameError::TooLong(shown()));
    }
    Ok(())
}

macro_rules! name {
    ($type:ident, $what:literal, $dots:expr, $pattern:literal) => {
        #[doc = concat!("A ", $what, " that matches `", $pattern, "`.")]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $type(String);

        impl $type {
            /// Fails with the first rule that `text` breaks.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check(text, $dots)?;
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

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }
    };
}

name!(TaskId, "task id", Dots::Inside, "[A-Za-z0-9_]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])?` without `..");
name!(ModeName, "mode name", Dots::Never, "[A-Za-z0-9_][A-Za-z0-9_-]{0,63}");

/// The identity of runs: at most one run of a pair is active.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    pub mode: ModeName,
    pub task: TaskId,
}

impl Pair {
    /// `{task}-{mode}`. Only for display: two pairs may have one label.
    pub fn label(&self) -> String {
        format!("{}-{}", self.task, self.mode)
    }

    /// The tmux window name: the label with `_` for each dot, because tmux reads `A.1` as pane 1 of window `A`. Not
    /// unique; never used to find a window.
    pub fn window_name(&self) -> String {
        self.label().replace('.', "_")
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
            assert!(TaskId::parse(ok).is_ok() && ModeName::parse(ok).is_ok(), "{ok}");
        }
    }

    #[test]
    fn dots_are_allowed_inside_a_task_id_and_nowhere_else() {
        let long = format!("{}.x", "x".repeat(62));
        for ok in ["TASK-1.1", "a.b.c", "1.2.3", "x.-", "_._", &long] {
            assert!(TaskId::parse(ok).is_ok(), "{ok}");
            assert!(matches!(ModeName::parse(ok), Err(NameError::Character { .. })), "{ok}");
        }
        for bad in [".", "..", ".a", "a.", "a..b", "a...b", "-.a", "a./b", &format!("x{long}")] {
            assert!(TaskId::parse(bad).is_err(), "{bad}");
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
            "A..B",
            ".A",
            "A.",
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
        assert_eq!(pair("A.B", "C").label(), "A.B-C");
        assert_eq!(pair("A.B", "C").window_name(), pair("A_B", "C").window_name());
        assert_ne!(pair("A.B", "C"), pair("A_B", "C"));
    }
}

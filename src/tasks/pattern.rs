//! A glob as a small automaton over path components.
//!
//! `*`, `?` and `[…]` match within one component, `**` any number of folders. As in a shell, no wildcard matches a name
//! that starts with a dot.

use glob::{MatchOptions, Pattern};

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
/// A set of positions is stored as the bits of a `u64`.
const MAX_PARTS: usize = 60;

/// Why a glob is invalid. `Display` completes "the pattern `…` ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    #[error("must stay below the manifest's folder")]
    Outside,
    #[error("is empty")]
    Empty,
    #[error("has more than 60 parts")]
    TooLong,
    #[error("is not a glob: {0}")]
    Syntax(&'static str),
}

#[derive(Debug)]
enum GlobPart {
    Literal(String),
    Wild(Pattern),
    AnyFolders,
}

/// A glob below a root.
#[derive(Debug)]
pub(super) struct Glob {
    parts: Vec<GlobPart>,
}

/// The positions in a [`Glob`] that a path has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached(u64);

impl Glob {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        if text.starts_with('/') {
            return Err(PatternError::Outside);
        }
        let mut parts = Vec::new();
        for part in text.split('/').filter(|part| !part.is_empty() && *part != ".") {
            parts.push(match part {
                ".." => return Err(PatternError::Outside),
                "**" => GlobPart::AnyFolders,
                _ if !part.contains(['*', '?', '[']) => GlobPart::Literal(part.to_owned()),
                _ => GlobPart::Wild(Pattern::new(part).map_err(|error| PatternError::Syntax(error.msg))?),
            });
        }
        match parts.len() {
            0 => Err(PatternError::Empty),
            n if n > MAX_PARTS => Err(PatternError::TooLong),
            _ => Ok(Self { parts }),
        }
    }

    pub(super) fn start(&self) -> Reached {
        self.through_any(1)
    }

    /// The positions after one more component; `None` if no path through `name` can match.
    pub(super) fn step(&self, from: Reached, name: &str) -> Option<Reached> {
        let mut next = 0;
        for (i, part) in self.parts.iter().enumerate().filter(|(i, _)| from.0 & (1 << i) != 0) {
            match part {
                GlobPart::AnyFolders if !name.starts_with('.') => next |= 1 << i,
                GlobPart::Literal(literal) if literal == name => next |= 1 << (i + 1),
                GlobPart::Wild(pattern) if pattern.matches_with(name, OPTIONS) => next |= 1 << (i + 1),
                _ => {}
            }
        }
        (next != 0).then(|| self.through_any(next))
    }

    /// Whether the whole path matches.
    pub(super) fn is_match(&self, at: Reached) -> bool {
        at.0 & (1 << self.parts.len()) != 0
    }

    /// Whether something below a folder at these positions can match.
    pub(super) fn goes_on(&self, at: Reached) -> bool {
        at.0 & ((1 << self.parts.len()) - 1) != 0
    }

    /// The only name that can follow, if there is one: then the folder need not be listed.
    pub(super) fn only_name(&self, at: Reached) -> Option<&str> {
        if at.0.count_ones() != 1 {
            return None;
        }
        match self.parts.get(at.0.trailing_zeros() as usize) {
            Some(GlobPart::Literal(name)) => Some(name),
            _ => None,
        }
    }

    fn through_any(&self, mut set: u64) -> Reached {
        for (i, part) in self.parts.iter().enumerate() {
            if matches!(part, GlobPart::AnyFolders) && set & (1 << i) != 0 {
                set |= 1 << (i + 1);
            }
        }
        Reached(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, path: &str) -> bool {
        let glob = Glob::parse(glob).unwrap();
        let end = path.split('/').try_fold(glob.start(), |at, name| glob.step(at, name));
        end.is_some_and(|at| glob.is_match(at))
    }

    #[test]
    fn matches_as_a_shell_would() {
        for (glob, path, expected) in [
            ("tasks/**/*.md", "tasks/a.md", true),
            ("tasks/**/*.md", "tasks/x/y/a.md", true),
            ("tasks/**/*.md", "tasks/x/.git/a.md", false),
            ("tasks/*.md", "tasks/.a.md", false),
            ("tasks/*.md", "tasks/x/a.md", false),
            (".claude/**/*.md", ".claude/tasks/a.md", true),
            ("**/*.md", "a.md", true),
            ("tasks/**", "tasks/x/a.txt", true),
            ("./tasks//a.md", "tasks/a.md", true),
            ("t[ab]/?.md", "tb/x.md", true),
        ] {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }

    #[test]
    fn refuses_what_leaves_the_folder_or_is_no_glob() {
        assert_eq!(Glob::parse("../x/*.md").unwrap_err(), PatternError::Outside);
        assert_eq!(Glob::parse("/etc/*").unwrap_err(), PatternError::Outside);
        assert_eq!(Glob::parse("").unwrap_err(), PatternError::Empty);
        assert_eq!(Glob::parse(&"a/".repeat(61)).unwrap_err(), PatternError::TooLong);
        assert!(matches!(Glob::parse("a/x**y").unwrap_err(), PatternError::Syntax(_)));
    }
}

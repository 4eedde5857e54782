//! A problem in a user's file as data: what is wrong, where, and how to fix it. Parsers collect problems; the command
//! line prints them.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// In the manifest: nothing is started. In a task file: that file is ignored.
    Error,
    /// Only displayed.
    Warning,
}

/// One finding. `message` is a lowercase fragment without a final period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub message: String,
    pub place: Option<SourceSpan>,
    pub hints: Vec<String>,
}

/// A file and, if known, the part of it that has the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpan {
    pub path: PathBuf,
    pub excerpt: Option<SourceRange>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRange {
    /// The whole text of the file, shared by all its problems.
    pub source: Arc<str>,
    /// Byte range within `source`; an empty range is a position.
    pub start: usize,
    pub end: usize,
}

/// `3 errors` or `1 error, 2 warnings`.
pub fn summary(problems: &[Problem]) -> String {
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let part = |n: usize, word: &str| match n {
        0 => None,
        1 => Some(format!("1 {word}")),
        n => Some(format!("{n} {word}s")),
    };
    let parts = [part(count(Severity::Error), "error"), part(count(Severity::Warning), "warning")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl Problem {
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), place: None, hints: Vec::new() }
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    pub fn in_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.place = Some(SourceSpan { path: path.into(), excerpt: None });
        self
    }

    /// Sets the location: the bytes `start..end` of `source`.
    pub fn at(mut self, path: impl Into<PathBuf>, source: &Arc<str>, start: usize, end: usize) -> Self {
        let start = start.min(source.len());
        let excerpt = SourceRange { source: Arc::clone(source), start, end: end.clamp(start, source.len()) };
        self.place = Some(SourceSpan { path: path.into(), excerpt: Some(excerpt) });
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl SourceRange {
    /// Line and column, counted from 1; the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        self.position(self.start)
    }

    /// As [`Self::line_column`], of the end.
    pub fn end_line_column(&self) -> (usize, usize) {
        self.position(self.end)
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.source.get(..at).unwrap_or(&self.source);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

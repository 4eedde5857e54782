//! Problems as JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::problem::{Problem, Severity, SourceRange};

/// Line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProblemView {
    pub severity: Severity,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// Where the marked text ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

impl ProblemView {
    pub fn new(problem: &Problem) -> Self {
        let place = problem.place.as_ref();
        let excerpt = place.and_then(|place| place.excerpt.as_ref());
        let position = excerpt.map(SourceRange::line_column);
        let end = excerpt.map(SourceRange::end_line_column);
        Self {
            severity: problem.severity,
            message: problem.message.clone(),
            path: place.map(|place| place.path.clone()),
            line: position.map(|(line, _)| line),
            column: position.map(|(_, column)| column),
            end_line: end.map(|(line, _)| line),
            end_column: end.map(|(_, column)| column),
            hints: problem.hints.clone(),
        }
    }
}

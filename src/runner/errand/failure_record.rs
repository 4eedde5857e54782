//! A failure on its way from a child, nothing lost: the texts that its problems point into travel
//! once each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::problem::{Problem, Severity};
use crate::runner::failure::{Failure, Kind};

/// See the module.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FailureRecord {
    kind: String,
    message: String,
    hints: Vec<String>,
    problems: Vec<ProblemRecord>,
    texts: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProblemRecord {
    severity: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Which text, and the bytes of it that are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    excerpt: Option<(usize, usize, usize)>,
    hints: Vec<String>,
}

impl From<Failure> for FailureRecord {
    fn from(failure: Failure) -> Self {
        let mut texts: Vec<String> = Vec::new();
        let problems = failure.problems.into_iter().map(|problem| {
            let excerpt = problem.place.as_ref().and_then(|place| place.excerpt.as_ref()).map(|excerpt| {
                let known = texts.iter().position(|text| **text == *excerpt.source);
                let text = known.unwrap_or_else(|| {
                    texts.push(excerpt.source.as_ref().to_owned());
                    texts.len() - 1
                });
                (text, excerpt.start, excerpt.end)
            });
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            ProblemRecord {
                severity: severity.to_owned(),
                message: problem.message,
                path: problem.place.map(|place| place.path.display().to_string()),
                excerpt,
                hints: problem.hints,
            }
        });
        let problems = problems.collect();
        Self { kind: failure.kind.as_str().to_owned(), message: failure.message, hints: failure.hints, problems, texts }
    }
}

impl From<FailureRecord> for Failure {
    fn from(record: FailureRecord) -> Self {
        let texts: Vec<Arc<str>> = record.texts.into_iter().map(Arc::from).collect();
        let problem = |problem: ProblemRecord| {
            let found = match problem.severity.as_str() {
                "warning" => Problem::warning(problem.message),
                _ => Problem::error(problem.message),
            };
            let found = match (problem.path, problem.excerpt) {
                (Some(path), Some((text, start, end))) => match texts.get(text) {
                    Some(text) => found.at(path, text, start, end),
                    None => found.in_file(path),
                },
                (Some(path), None) => found.in_file(path),
                (None, _) => found,
            };
            Problem { hints: problem.hints, ..found }
        };
        Self {
            kind: Kind::parse(&record.kind).unwrap_or(Kind::Internal),
            message: record.message,
            problems: record.problems.into_iter().map(problem).collect(),
            hints: record.hints,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_the_same_after_its_way() {
        let text: Arc<str> = "modes:\n  ä: 1\n".into();
        let problems = vec![
            Problem::error("first").at("/p/dispatch.yaml", &text, 9, 11).hint("cure"),
            Problem::warning("second").at("/p/dispatch.yaml", &text, 0, 5),
            Problem::error("third").in_file("/p/other"),
            Problem::error("fourth"),
        ];
        let failure = Failure { problems, ..Failure::new(Kind::BadManifest, "3 errors").hint("h") };
        let record = FailureRecord::from(failure.clone());
        assert_eq!(record.texts.len(), 1);
        let wire = serde_json::to_vec(&record).unwrap();
        let back = Failure::from(serde_json::from_slice::<FailureRecord>(&wire).unwrap());
        assert_eq!(back, failure);
    }
}

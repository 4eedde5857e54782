//! Front matter → the fields of a task. A value of a wrong form is a warning.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::model::problem::Problem;
use crate::model::task_status::TaskStatus;
use crate::model::text_lines::lines;
use crate::tasks::field_names::{self, is_name};
use crate::tasks::warnings::{Warning, WarningKind};

/// The front matter of one file, and the positions for its warnings.
pub(super) struct FrontMatterFields<'a> {
    pub(super) meta: &'a BTreeMap<String, Value>,
    pub(super) path: &'a Path,
    pub(super) head: &'a Arc<str>,
    /// The byte range of the front matter in `head`.
    pub(super) block: Range<usize>,
    pub(super) warnings: Vec<Warning>,
}

impl FrontMatterFields<'_> {
    /// The first of `names` with a value, as one text. A list with one text counts as that text.
    pub(super) fn text(&mut self, names: &[&'static str]) -> String {
        let Some((name, value)) = self.find(names).next() else { return String::new() };
        let only = match value.as_array().map(Vec::as_slice) {
            Some([one]) => one,
            _ => value,
        };
        scalar(only).map(|text| text.trim().to_owned()).unwrap_or_else(|| self.ignored(name, "a text"))
    }

    /// The first of `names` with a value: a text, or several texts joined by commas.
    pub(super) fn joined(&mut self, names: &[&'static str]) -> String {
        let Some((name, value)) = self.find(names).next() else { return String::new() };
        items(value).map(|items| items.join(", ")).unwrap_or_else(|| self.ignored(name, "a text or a list of texts"))
    }

    /// The values of all `names` as one list: each a list of texts, or one text with commas.
    pub(super) fn list(&mut self, names: &[&'static str]) -> Vec<String> {
        let found: Vec<(&'static str, Option<Vec<String>>)> =
            self.find(names).map(|(name, value)| (name, items(value))).collect();
        let mut all: Vec<String> = Vec::new();
        for (name, items) in found {
            match items {
                Some(items) => all.extend(items),
                None => drop(self.ignored(name, "a list of texts")),
            }
        }
        let mut seen = HashSet::new();
        all.retain(|item| seen.insert(item.clone()));
        all
    }

    /// The status, normalised and as written.
    pub(super) fn status(&mut self) -> (Option<TaskStatus>, String) {
        let text = self.text(field_names::STATUS);
        let status = TaskStatus::parse(&text);
        if status.is_none() && !text.is_empty() {
            let problem = Problem::warning(format!("unknown status `{}`", text.escape_debug())).hint(statuses());
            let problem = self.place(problem, field_names::STATUS);
            self.warnings.push(Warning { kind: WarningKind::UnknownStatus, problem });
        }
        (status, text)
    }

    /// Sets the position of `problem` to the line of the field, if known.
    pub(super) fn place(&self, problem: Problem, names: &[&str]) -> Problem {
        place(problem, self.path, self.head, &self.block, names)
    }

    /// Adds a warning about a value of a wrong form, which counts as an empty text.
    fn ignored(&mut self, name: &'static str, wanted: &str) -> String {
        let problem = self.place(Problem::warning(format!("`{name}` is not {wanted}, and is ignored")), &[name]);
        self.warnings.push(Warning { kind: WarningKind::IgnoredValue(name), problem });
        String::new()
    }

    /// The values of `names` that exist and are not empty.
    fn find<'n>(&self, names: &'n [&'static str]) -> impl Iterator<Item = (&'static str, &Value)> + use<'n, '_> {
        names.iter().copied().filter_map(|name| {
            let exact = self.meta.get(name);
            let value = exact.or_else(|| self.meta.iter().find(|(key, _)| is_name(key, name)).map(|(_, value)| value));
            value.filter(|value| !is_empty(value)).map(|value| (name, value))
        })
    }
}

/// The hint that lists the statuses.
pub(super) fn statuses() -> String {
    format!("the statuses are {}", TaskStatus::ALL.map(TaskStatus::as_str).join(", "))
}

/// Sets the position of `problem` to the first line that sets one of `keys`, else to the file.
pub(super) fn place(problem: Problem, path: &Path, head: &Arc<str>, block: &Range<usize>, keys: &[&str]) -> Problem {
    let sets = |line: &str| {
        let end = line.find([':', '=']).unwrap_or(0);
        keys.iter().any(|key| is_name(line[..end].trim().trim_matches('"'), key))
    };
    let text = head.get(..block.end).unwrap_or_default();
    match lines(text, block.start).find(|(_, line)| sets(line)) {
        Some((range, _)) => problem.at(path, head, range.start, range.end),
        None => problem.in_file(path),
    }
}

/// A list of texts, or one text with commas. `None` for anything else.
fn items(value: &Value) -> Option<Vec<String>> {
    let items: Option<Vec<String>> = match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        one => scalar(one).map(|text| text.split(',').map(str::to_owned).collect()),
    };
    let trimmed = items?.into_iter().map(|item| item.trim().to_owned());
    Some(trimmed.filter(|item| !item.is_empty()).collect())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

//! Front matter → the fields of a task. Values are data; an odd one is a warning.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::model::problem::Problem;
use crate::model::task_status::TaskStatus;
use crate::tasks::front_matter::lines;

/// The front matter of one file, and where its problems are to be shown.
pub(in crate::tasks) struct Fields<'a> {
    pub(in crate::tasks) meta: &'a BTreeMap<String, Value>,
    pub(in crate::tasks) path: &'a Path,
    pub(in crate::tasks) head: &'a Arc<str>,
    /// The front matter within `head`.
    pub(in crate::tasks) block: Range<usize>,
    pub(in crate::tasks) problems: Vec<Problem>,
}

impl Fields<'_> {
    /// The first of `names` that is there and not empty, as text on one line.
    pub(in crate::tasks) fn text(&mut self, names: &[&str]) -> String {
        let Some((key, value)) = self.find(names) else {
            return String::new();
        };
        if let Some(text) = scalar(value) {
            return text.trim().to_owned();
        }
        self.warn(key, format!("`{key}` is not a text, and is ignored"));
        String::new()
    }

    /// The first of `names` that is there, as a list: a list of texts, or one text with commas.
    pub(in crate::tasks) fn list(&mut self, names: &[&str]) -> Vec<String> {
        let Some((key, value)) = self.find(names) else {
            return Vec::new();
        };
        let items: Option<Vec<String>> = match value {
            Value::Array(items) => items.iter().map(scalar).collect(),
            one => scalar(one).map(|text| text.split(',').map(str::to_owned).collect()),
        };
        let Some(items) = items else {
            self.warn(key, format!("`{key}` is not a list of texts, and is ignored"));
            return Vec::new();
        };
        items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }

    /// The status, normalised and as written.
    pub(in crate::tasks) fn status(&mut self) -> (Option<TaskStatus>, String) {
        let text = self.text(&["status"]);
        let status = TaskStatus::parse(&text);
        if status.is_none() && !text.is_empty() {
            let known = TaskStatus::ALL.map(TaskStatus::as_str).join(", ");
            let message = format!("unknown status `{}`", text.escape_debug());
            let problem = self.place(Problem::warning(message), "status");
            self.problems.push(problem.hint(format!("the statuses are {known}")));
        }
        (status, text)
    }

    /// Points `problem` at the line of `key`, where that is known.
    pub(in crate::tasks) fn place(&self, problem: Problem, key: &str) -> Problem {
        place(problem, self.path, self.head, &self.block, &[key])
    }

    fn warn(&mut self, key: &str, message: String) {
        let problem = self.place(Problem::warning(message), key);
        self.problems.push(problem);
    }

    fn find<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &Value)> {
        let get = |name: &'n str| {
            let exact = self.meta.get(name);
            let value = exact.or_else(|| self.meta.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v));
            value.filter(|value| !is_empty(value)).map(|value| (name, value))
        };
        names.iter().copied().find_map(get)
    }
}

/// Points `problem` at the first line that sets one of `keys`, else at the file.
pub(in crate::tasks) fn place(
    problem: Problem,
    path: &Path,
    head: &Arc<str>,
    block: &Range<usize>,
    keys: &[&str],
) -> Problem {
    let sets = |line: &str| {
        let end = line.find([':', '=']).unwrap_or(0);
        keys.iter().any(|key| line[..end].trim().trim_matches('"').eq_ignore_ascii_case(key))
    };
    let text = head.get(..block.end).unwrap_or_default();
    match lines(text, block.start).find(|(_, line)| sets(line)) {
        Some((range, _)) => problem.at(path, head, range.start, range.end),
        None => problem.in_file(path),
    }
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

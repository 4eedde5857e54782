//! How a status is written into a task file: as the files beside it write it, else as the tool of its format does. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::task_status::TaskStatus;
use crate::tasks::front_matter::Form;
use crate::tasks::status_edit::TaskText;
use crate::tasks::task::Task;
use crate::tasks::task_set::TaskSet;

/// Fields by which a YAML file is one of Backlog.md.
const OF_BACKLOG: [&str; 4] = ["created_date", "assignee", "labels", "dependencies"];

/// How a status is written, apart from its words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StatusStyle {
    /// `🟢 Done`
    Emoji,
    /// `Done`
    Words,
    /// `DONE`
    Upper,
    /// `done`
    Lower,
}

impl StatusStyle {
    fn of(text: &str) -> Self {
        match text {
            _ if !text.is_ascii() => Self::Emoji,
            _ if text.starts_with(|first: char| first.is_ascii_lowercase()) => Self::Lower,
            _ if text.chars().any(|c| c.is_ascii_lowercase()) => Self::Words,
            _ => Self::Upper,
        }
    }
}

/// The spelling of `status` for the file of `task`, whose text is `text`.
pub fn spelling(set: &TaskSet, task: &Task, text: &TaskText<'_>, status: TaskStatus) -> String {
    let folder = task.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let others = || set.tasks().iter().filter(|other| other.status == Some(status) && other.path.is_some());
    let others = || others().filter(|other| !is_damaged(&other.status_text));
    let beside = others().filter(|other| other.path.as_deref().and_then(Path::parent) == Some(folder));
    if let Some(spelled) = commonest(beside) {
        return spelled;
    }
    // In other folders may be files of other tools: only what is written in the same way counts.
    let own = task.status_text.as_str();
    let alike =
        || others().filter(|other| !own.is_empty() && StatusStyle::of(&other.status_text) == StatusStyle::of(own));
    let near = |other: &Task| other.path.as_deref().map_or(0, |path| shared_parts(path, folder));
    let nearest = alike().map(near).max();
    let spelled = nearest.and_then(|most| commonest(alike().filter(|other| near(other) == most)));
    spelled.unwrap_or_else(|| of_tool(own, text, status))
}

/// The commonest spelling, of equally common ones the first in the alphabet.
fn commonest<'a>(tasks: impl Iterator<Item = &'a Task>) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tasks {
        *counts.entry(&task.status_text).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(text, _)| text.to_owned())
}

fn shared_parts(path: &Path, folder: &Path) -> usize {
    path.components().zip(folder.components()).take_while(|(one, other)| one == other).count()
}

/// Whether an emoji was decoded wrongly (`ðŸŸ¢`).
fn is_damaged(text: &str) -> bool {
    text.contains(['ð', 'â'])
}

/// In the style of the status that the file has; without one, as the tool of its format writes it.
fn of_tool(own: &str, text: &TaskText<'_>, status: TaskStatus) -> String {
    let (emoji, words) = match status {
        TaskStatus::Todo => ("🟡", "To Do"),
        TaskStatus::InProgress => ("🔵", "In Progress"),
        TaskStatus::Blocked => ("🔴", "Blocked"),
        TaskStatus::Review => ("🟣", "Review"),
        TaskStatus::Done => ("🟢", "Done"),
        TaskStatus::Archived => ("⚪", "Archived"),
    };
    let is_backlog = || OF_BACKLOG.iter().any(|field| text.meta.contains_key(*field));
    let style = match text.parts.form {
        _ if !own.is_empty() => StatusStyle::of(own),
        Form::Toml => StatusStyle::Emoji,
        Form::TitleFirst => StatusStyle::Words,
        Form::Yaml if is_backlog() => StatusStyle::Words,
        Form::Yaml | Form::Plain => StatusStyle::Lower,
    };
    match style {
        StatusStyle::Emoji => format!("{emoji} {words}"),
        StatusStyle::Words => words.to_owned(),
        StatusStyle::Upper => words.to_uppercase(),
        StatusStyle::Lower => status.as_str().to_owned(),
    }
}

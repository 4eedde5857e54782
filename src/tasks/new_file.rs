//! The path and the text of a new task file, by the form, the names and the ids of a file that exists. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::model::names::TaskId;
use crate::model::task_status::TaskStatus;
use crate::model::text_lines::lines;
use crate::tasks::field_names::{self as names, is_name};
use crate::tasks::front_matter::{Form, unquote};
use crate::tasks::ids::{self, Stem};
use crate::tasks::status_edit::TaskText;
use crate::tasks::status_spelling::spelling;
use crate::tasks::task::Task;
use crate::tasks::task_set::{FindError, TaskSet};

/// Longest part of a title in an id or a file name, in characters.
const WORDS_MAX: usize = 40;
/// More digits at the end of an id are a time or a hash, not a number to count on from.
const DIGITS_MAX: usize = 5;

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTaskFile {
    pub path: PathBuf,
    pub text: String,
}

/// What the user asks for, and the local time as `2026-03-09 14:05`.
#[derive(Clone, Copy, Debug)]
pub struct NewTask<'a> {
    pub title: &'a str,
    /// `None`: the next free one.
    pub id: Option<&'a TaskId>,
    pub now: &'a str,
}

/// The task whose file is the model of new ones: of the folder with the most tasks that are not done, the last.
pub fn model_of(set: &TaskSet) -> Option<&Task> {
    let folder_of = |task: &Task| task.path.as_deref().and_then(Path::parent).map(Path::to_owned);
    let files = || set.tasks().iter().filter(|task| task.path.is_some() && !task.is_overview);
    // Tasks that are not done, and all.
    let mut counts: BTreeMap<PathBuf, (usize, usize)> = BTreeMap::new();
    for task in files() {
        let (open, all) = counts.entry(folder_of(task)?).or_default();
        *open += usize::from(!matches!(task.status, Some(TaskStatus::Done | TaskStatus::Archived)));
        *all += 1;
    }
    let (folder, _) = counts.into_iter().max_by_key(|(_, counts)| *counts)?;
    let mut beside = files().filter(|task| folder_of(task).as_ref() == Some(&folder));
    // `TASK-1.2` is a subtask of `TASK-1`.
    let whole = beside.clone().filter(|task| !task.id.as_str().contains('.'));
    whole.max_by_key(|task| number(task.id.as_str())).or_else(|| beside.next_back())
}

/// The file of a first task, in the folder below `root` that `glob` names without wildcards.
pub fn first_file(root: &Path, glob: &str, new: NewTask<'_>) -> NewTaskFile {
    let named = glob.rsplit_once('/').map_or("", |(folders, _)| folders).split('/');
    let folder =
        named.take_while(|part| !part.contains(['*', '?', '['])).fold(root.to_owned(), |path, part| path.join(part));
    let ending = if glob.ends_with(".task.md") { "task.md" } else { "md" };
    let id = new.id.map_or_else(|| "TASK-1".to_owned(), TaskId::to_string);
    let text = format!("---\ntitle: {}\nstatus: todo\n---\n\n", yaml(new.title));
    NewTaskFile { path: folder.join(format!("{id}.{ending}")), text }
}

/// A new file beside that of `model`, whose text is `like`.
pub fn new_file(set: &TaskSet, model: &Task, like: &TaskText<'_>, new: NewTask<'_>) -> Option<NewTaskFile> {
    let path = model.path.as_deref()?;
    let stem = ids::stem(path);
    let ending = if path.to_string_lossy().ends_with(".task.md") { ".task.md" } else { ".md" };
    let id = new.id.map_or_else(|| free_id(set, model, new), TaskId::to_string);
    let name = file_name(set, &stem, model, &id, new);
    let status = spelling(set, model, like, TaskStatus::Todo);
    let text = text_like(like, &id, &status, new);
    let text = if like.head.contains("\r\n") { text.replace('\n', "\r\n") } else { text };
    Some(NewTaskFile { path: path.with_file_name(format!("{name}{ending}")), text })
}

/// The number at the end of an id, if it is one to count on from.
fn number(id: &str) -> Option<u32> {
    digits(id).1.parse().ok()
}

/// What stands before the digits at the end of an id, and those digits; none if they are too many.
fn digits(id: &str) -> (&str, &str) {
    let (before, digits) = id.split_at(id.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    if digits.len() > DIGITS_MAX { (id, "") } else { (before, digits) }
}

/// The next number after those of ids of this kind; a time as the id of the model has it; else the words of the title.
fn free_id(set: &TaskSet, model: &Task, new: NewTask<'_>) -> String {
    let id = model.id.as_str();
    let is_free = |id: &str| matches!(set.find_id(id), Err(FindError::Unknown { .. }));
    let (before, own) = digits(id);
    let next = match (own, stamp(id)) {
        ("", Some(before)) => {
            let now: String = new.now.chars().filter(|c| *c != ':').map(|c| if c == ' ' { '-' } else { c }).collect();
            let now = now.replacen('-', "", 2);
            format!("{before}{now}00")
        }
        ("", None) => slug(new.title),
        (own, _) => {
            let of_kind = set.tasks().iter().map(|task| digits(task.id.as_str()));
            let of_kind = of_kind.filter(|(other, _)| other.eq_ignore_ascii_case(before));
            let last: u32 = of_kind.filter_map(|(_, digits)| digits.parse().ok()).max().unwrap_or(0);
            let width = if own.starts_with('0') { own.len() } else { 0 };
            return (last + 1..).map(|n| format!("{before}{n:0width$}")).find(|id| is_free(id)).unwrap_or_default();
        }
    };
    if is_free(&next) {
        return next;
    }
    (2..).map(|n: u32| format!("{next}-{n}")).find(|id| is_free(id)).unwrap_or_default()
}

/// What stands before a time such as `20250421-144500` at the end of an id.
fn stamp(id: &str) -> Option<&str> {
    let at = id.len().checked_sub(15)?;
    let (before, time) = id.is_char_boundary(at).then(|| id.split_at(at))?;
    let is_time = time.bytes().enumerate().all(|(i, byte)| if i == 8 { byte == b'-' } else { byte.is_ascii_digit() });
    is_time.then_some(before)
}

/// The words of a title as an id: ASCII letters and digits with hyphens.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title.to_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if slug.len() + word.len() >= WORDS_MAX {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    if slug.is_empty() { "task".to_owned() } else { slug }
}

/// The name of the file without its ending, made as that of the model.
fn file_name(set: &TaskSet, stem: &Stem, model: &Task, id: &str, new: NewTask<'_>) -> String {
    let as_written =
        |written: &str| if written.bytes().any(|c| c.is_ascii_uppercase()) { id.to_owned() } else { id.to_lowercase() };
    if stem.title.is_some() {
        let words: Vec<&str> =
            new.title.split(|c: char| c.is_whitespace() || c == '/').filter(|word| !word.is_empty()).collect();
        let words: String = words.join("-").chars().filter(|c| !c.is_control() && *c != '\\').take(WORDS_MAX).collect();
        return format!("{} - {}", as_written(&stem.id), words.trim_end_matches('-'));
    }
    let is_named_by_id = stem.id.eq_ignore_ascii_case(model.id.as_str());
    let name = if is_named_by_id { as_written(&stem.id) } else { slug(new.title) };
    match stem.order {
        None => name,
        Some(_) => {
            let folder = model.path.as_deref().and_then(Path::parent);
            let beside = set.tasks().iter().filter(|task| task.path.as_deref().and_then(Path::parent) == folder);
            let last = beside.filter_map(|task| task.order).max().unwrap_or(0);
            format!("{:02}_{name}", last + 1)
        }
    }
}

/// The front matter has those fields of the model that a new task has too, in their order.
fn text_like(like: &TaskText<'_>, id: &str, status: &str, new: NewTask<'_>) -> String {
    let form = like.parts.form;
    let block = like.parts.block.clone();
    let (separator, fence) = if form == Form::Toml { (" = ", "+++") } else { (": ", "---") };
    let text = |value: &str| if form == Form::Toml { Value::from(value).to_string() } else { yaml(value) };
    let mut fields = String::new();
    let mut has_title = form == Form::TitleFirst;
    for (_, line) in lines(like.head, block.start).take_while(|(range, _)| range.start < block.end) {
        let Some((written, _)) = line.split_once(separator.trim()) else { continue };
        let key = unquote(written);
        let Some(old) = like.meta.get(key).filter(|_| !line.starts_with([' ', '\t', '#'])) else { continue };
        let is = |of: &[&str]| of.iter().any(|name| is_name(key, name));
        let value = if is(names::ID) {
            text(id)
        } else if is(names::TITLE) {
            has_title = true;
            text(new.title)
        } else if is(names::STATUS) {
            text(status)
        } else if is(names::KIND) {
            text(old.as_str().unwrap_or_default())
        } else if ["created", "updated"].iter().any(|start| key.to_ascii_lowercase().starts_with(start)) {
            let length = if old.as_str().is_some_and(|old| old.len() > 10) { new.now.len() } else { 10 };
            text(new.now.get(..length).unwrap_or(new.now))
        } else if old.is_array() && is(&[names::TAGS, names::DEPENDS_ON, names::ASSIGNEE].concat()) {
            "[]".to_owned()
        } else {
            continue;
        };
        fields.push_str(&format!("{}{separator}{value}\n", written.trim_end()));
    }
    let heading = format!("# {}\n\n", new.title);
    match form {
        Form::Plain => heading,
        Form::TitleFirst => format!("{heading}{fence}\n{fields}{fence}\n\n"),
        Form::Toml | Form::Yaml => {
            format!("{fence}\n{fields}{fence}\n\n{}", if has_title { "" } else { heading.as_str() })
        }
    }
}

/// The text as a YAML value, in quotes if it needs them.
fn yaml(text: &str) -> String {
    let is_plain = || {
        let read: Result<BTreeMap<String, String>, _> = serde_yaml::from_str(&format!("k: {text}"));
        read.is_ok_and(|read| read.get("k").is_some_and(|read| read == text))
            && text.starts_with(|c: char| c.is_alphabetic())
            && !["yes", "no", "on", "off", "true", "false", "null"].contains(&text.to_lowercase().as_str())
    };
    if is_plain() { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

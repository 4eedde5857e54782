//! Reads `tasks:`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::manifest::document::{At, Document, shown};
use crate::manifest::draft::Draft;
use crate::manifest::id_template;
use crate::manifest::keys;
use crate::manifest::mode::Mode;
use crate::manifest::source::stays_below;
use crate::manifest::subtask_file;
use crate::manifest::tree::Node;
use crate::model::names::{ModeName, TaskId};
use crate::model::problem::Problem;
use crate::model::task_source::{IdTemplate, ListedTask, TaskFiles, TaskSource};

/// The folder that subtask files are looked for in, and the draft of one of them.
pub(crate) type Place<'a> = (&'a Path, Option<&'a Draft>);

/// The sources in their order, subtask files read.
pub(crate) fn read(
    document: &Document,
    node: &Node,
    place: Place<'_>,
    modes: &BTreeMap<ModeName, Mode>,
) -> Vec<TaskSource> {
    let mut seen = HashSet::new();
    let entries = document.list(node, "tasks").unwrap_or_default();
    entries.iter().filter_map(|entry| read_source(document, entry, place, modes, &mut seen)).collect()
}

fn read_source(
    document: &Document,
    node: &Node,
    place: Place<'_>,
    modes: &BTreeMap<ModeName, Mode>,
    seen: &mut HashSet<TaskId>,
) -> Option<TaskSource> {
    let fields = document.fields(node, "tasks", keys::TASK_SOURCE)?;
    let kinds = keys::TASK_SOURCE.iter().copied().filter(|key| *key != "id");
    let given: Vec<&str> = kinds.filter(|key| fields.get(key).is_some()).collect();
    if let [first, second, ..] = given[..] {
        let problem = Problem::error(format!("one entry of `tasks` cannot hold both `{first}` and `{second}`"));
        let at = fields.get(second).map_or(node.id, |value| value.id);
        document.add(At::Node(at), problem.hint(format!("start another entry with `- {second}:`")));
        return None;
    }
    if let (Some(id), None) = (fields.get("id"), fields.get("files")) {
        let problem = Problem::error("`id` names the tasks of `files`, which this entry does not have");
        document.add(At::Node(id.id), problem.hint("write the `id` of a listed task into the task"));
    }
    if let Some(value) = fields.get("subtasks") {
        return read_subtasks(document, value, place, modes);
    }
    match (fields.get("files"), fields.get("list")) {
        (Some(files), _) => {
            let id = fields.get("id").and_then(|value| read_id_template(document, value));
            Some(TaskSource::Files(TaskFiles { id, ..TaskFiles::new(read_glob(document, files, "files")?) }))
        }
        (_, Some(list)) => {
            let tasks = document.list(list, "list")?;
            Some(TaskSource::List(tasks.iter().filter_map(|task| read_task(document, task, seen)).collect()))
        }
        (None, None) => {
            document.error(At::Node(node.id), "an entry of `tasks` needs `files`, `list` or `subtasks`");
            None
        }
    }
}

/// The text that names tasks. Its names and filters are checked with all templates.
fn read_id_template(document: &Document, node: &Node) -> Option<IdTemplate> {
    let text = document.filled_text(node, "id")?;
    if let Some(at) = id_template::statement(&text) {
        let problem = Problem::error("`id` holds a statement; only expressions are allowed");
        document.add(At::Within(node.id, at..at + 2), problem.hint("id: \"{{ file.stem }}\""));
        return None;
    }
    Some(IdTemplate { text, render: id_template::render })
}

fn read_subtasks(
    document: &Document,
    node: &Node,
    place: Place<'_>,
    modes: &BTreeMap<ModeName, Mode>,
) -> Option<TaskSource> {
    let name = document.filled_text(node, "subtasks")?;
    if !stays_below(name.as_ref()) {
        let message = format!("`{}` is not a path below the project", shown(&name));
        document.error(At::Node(node.id), message);
        return None;
    }
    Some(TaskSource::Subtasks(subtask_file::read(place, &name, modes)))
}

/// A glob that is not empty and well formed.
pub(crate) fn read_glob(document: &Document, node: &Node, what: &str) -> Option<String> {
    let text = document.filled_text(node, what)?;
    if let Err(error) = glob::Pattern::new(&text) {
        let at = text.char_indices().nth(error.pos).map_or(text.len(), |(offset, _)| offset);
        document.error(At::Within(node.id, at..at + 1), format!("`{what}` is not a file pattern: {}", error.msg));
        return None;
    }
    Some(text)
}

fn read_task(document: &Document, node: &Node, seen: &mut HashSet<TaskId>) -> Option<ListedTask> {
    let fields = document.fields(node, "the task", keys::TASK)?;
    let text = |key: &str| fields.get(key).and_then(|value| document.text(value, key)).unwrap_or_default();
    let mut task = ListedTask {
        title: text("title"),
        status: text("status"),
        kind: text("type"),
        priority: text("priority"),
        area: text("area"),
        tags: fields.get("tags").and_then(|value| document.texts(value, "tags")).unwrap_or_default(),
        assignee: text("assignee"),
        parent: fields.get("parent").and_then(|value| read_id(document, value, "parent")),
        depends_on: fields.get("depends_on").map(|value| read_ids(document, value)).unwrap_or_default(),
        body: text("body"),
        ..ListedTask::new(TaskId::parse("unknown").ok()?)
    };
    let Some(id) = fields.get("id") else {
        document.error(At::Node(fields.id), "a listed task needs an `id`");
        return None;
    };
    task.id = read_id(document, id, "id")?;
    if !seen.insert(task.id.clone()) {
        document.error(At::Node(id.id), format!("two listed tasks have the id `{}`", task.id));
        return None;
    }
    Some(task)
}

pub(crate) fn read_ids(document: &Document, node: &Node) -> Vec<TaskId> {
    let items = document.list(node, "depends_on").unwrap_or_default();
    items.iter().filter_map(|item| read_id(document, item, "depends_on")).collect()
}

pub(crate) fn read_id(document: &Document, node: &Node, what: &str) -> Option<TaskId> {
    let text = document.text(node, what)?;
    TaskId::parse(&text)
        .map_err(|error| document.error(At::Node(node.id), format!("`{what}` is not a task id: {error}")))
        .ok()
}

//! Reads `tasks:`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::manifest::document::{At, Document, shown};
use crate::manifest::fields::SectionFields;
use crate::manifest::id_template;
use crate::manifest::keys;
use crate::manifest::mode::Mode;
use crate::manifest::source::stays_below;
use crate::manifest::subtask_file;
use crate::manifest::tree::Node;
use crate::manifest::unsaved_file::UnsavedFile;
use crate::model::names::{ModeName, TaskId};
use crate::model::problem::Problem;
use crate::model::task_source::{IdTemplate, ListedTask, TaskFiles, TaskSource};

/// The parts of the manifest that an entry depends on.
#[derive(Clone, Copy)]
pub(crate) struct TaskContext<'a> {
    /// The folder of the subtask files.
    pub root: &'a Path,
    pub unsaved: &'a [UnsavedFile],
    /// The modes that a subtask may name.
    pub modes: &'a BTreeMap<ModeName, Mode>,
}

/// The sources in order, with subtask files read.
pub(crate) fn read(fields: &SectionFields<'_>, context: TaskContext<'_>) -> Vec<TaskSource> {
    let mut seen = HashSet::new();
    let read = |entry| {
        let fields = SectionFields::new(fields.document, entry, "tasks", &keys::TASK_SOURCE)?;
        read_source(&fields, entry, context, &mut seen)
    };
    fields.items("tasks").iter().filter_map(read).collect()
}

fn read_source(
    fields: &SectionFields<'_>,
    node: &Node,
    context: TaskContext<'_>,
    seen: &mut HashSet<TaskId>,
) -> Option<TaskSource> {
    let given: Vec<&str> = ["files", "list", "subtasks"].into_iter().filter(|key| fields.get(key).is_some()).collect();
    if let [first, second, ..] = given[..] {
        let problem = Problem::error(format!("one entry of `tasks` cannot hold both `{first}` and `{second}`"));
        fields.add_at_value(second, problem.hint(format!("start another entry with `- {second}:`")));
        return None;
    }
    if fields.get("id").is_some() && fields.get("files").is_none() {
        let problem = Problem::error("`id` names the tasks of `files`, which this entry does not have");
        fields.add_at_value("id", problem.hint("write the `id` of a listed task into the task"));
    }
    match given[..] {
        ["files"] => {
            let id = fields.read("id", read_id_template);
            let glob = fields.read("files", read_glob)?;
            Some(TaskSource::Files(TaskFiles { id, ..TaskFiles::new(glob) }))
        }
        ["list"] => {
            let tasks = fields.read("list", Document::read_list)?;
            Some(TaskSource::List(tasks.iter().filter_map(|task| read_task(fields.document, task, seen)).collect()))
        }
        ["subtasks"] => read_subtasks(fields, context),
        _ => {
            fields.document.error(At::Node(node.id), "an entry of `tasks` needs `files`, `list` or `subtasks`");
            None
        }
    }
}

/// The `id` template. Its names and filters are checked with all templates.
fn read_id_template(document: &Document, node: &Node, what: &str) -> Option<IdTemplate> {
    let text = document.read_filled_text(node, what)?;
    if let Some(at) = id_template::statement(&text) {
        let problem = Problem::error("`id` holds a statement; only expressions are allowed");
        document.add(At::Within(node.id, at..at + 2), problem.hint("id: \"{{ file.stem }}\""));
        return None;
    }
    Some(IdTemplate { text, render: id_template::render })
}

fn read_subtasks(fields: &SectionFields<'_>, context: TaskContext<'_>) -> Option<TaskSource> {
    let name = fields.filled_text("subtasks")?;
    if !stays_below(name.as_ref()) {
        let message = format!("`{}` is not a path below the project", shown(&name));
        fields.add_at_value("subtasks", Problem::error(message));
        return None;
    }
    Some(TaskSource::Subtasks(subtask_file::read(&name, context)))
}

/// A well-formed glob that is not empty.
pub(crate) fn read_glob(document: &Document, node: &Node, what: &str) -> Option<String> {
    let text = document.read_filled_text(node, what)?;
    if let Err(error) = glob::Pattern::new(&text) {
        let at = text.char_indices().nth(error.pos).map_or(text.len(), |(offset, _)| offset);
        document.error(At::Within(node.id, at..at + 1), format!("`{what}` is not a file pattern: {}", error.msg));
        return None;
    }
    Some(text)
}

fn read_task(document: &Document, node: &Node, seen: &mut HashSet<TaskId>) -> Option<ListedTask> {
    let fields = SectionFields::new(document, node, "the task", &keys::TASK)?;
    let text = |key: &str| fields.text(key).unwrap_or_default();
    let task = ListedTask {
        title: text("title"),
        status: text("status"),
        kind: text("type"),
        priority: text("priority"),
        area: text("area"),
        tags: fields.texts("tags").unwrap_or_default(),
        assignee: text("assignee"),
        parent: fields.id("parent"),
        depends_on: fields.ids("depends_on"),
        body: text("body"),
        ..ListedTask::new(TaskId::parse("unknown").ok()?)
    };
    Some(ListedTask { id: read_own_id(&fields, "listed task", seen)?, ..task })
}

/// The `id` of a task, unique in its list.
pub(crate) fn read_own_id(fields: &SectionFields<'_>, what: &str, seen: &mut HashSet<TaskId>) -> Option<TaskId> {
    if fields.get("id").is_none() {
        fields.add_problem(Problem::error(format!("a {what} needs an `id`")));
    }
    let id = fields.id("id")?;
    if !seen.insert(id.clone()) {
        fields.add_at_value("id", Problem::error(format!("two {what}s have the id `{id}`")));
        return None;
    }
    Some(id)
}

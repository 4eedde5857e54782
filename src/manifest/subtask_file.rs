//! Reads the files of `tasks: - subtasks:`: a YAML list of tasks that say how they are run.
//!
//! A mistake leaves the whole file out, not the manifest: such a file is work, often written by
//! an agent, and what already runs must still be seen and stopped. Half a file would be worse,
//! since what depends on a step that is missing would start too early.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;

use crate::manifest::document::{At, Document};
use crate::manifest::draft::{self, Draft};
use crate::manifest::keys;
use crate::manifest::mode::Mode;
use crate::manifest::mode_conditions::read_gate;
use crate::manifest::needs::unknown_mode;
use crate::manifest::source::{MANIFEST_MAX, Source};
use crate::manifest::task_section::{Place, read_id, read_ids};
use crate::manifest::tree::{Kind, Node};
use crate::model::names::{ModeName, TaskId};
use crate::model::problem::Problem;
use crate::model::task_source::{Declared, ListedTask, SubtaskFile};

/// Reads `root/name`; `modes` are those that an entry may name.
pub(crate) fn read((root, draft): Place<'_>, name: &str, modes: &BTreeMap<ModeName, Mode>) -> SubtaskFile {
    let path = root.join(name);
    let source = match open(root, draft, &path) {
        Ok(source) => source,
        Err(problem) => return SubtaskFile { path, tasks: Vec::new(), problems: vec![problem] },
    };
    let document = Document::new(source);
    let root = document.parse();
    let tasks = root.map(|root| read_tasks(&document, &root, modes)).unwrap_or_default();
    SubtaskFile { path, tasks, problems: document.into_problems() }
}

fn open(root: &Path, draft: Option<&Draft>, path: &Path) -> Result<Source, Problem> {
    match path.canonicalize() {
        // It may be written later, by a person or an agent.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !Draft::is_of(draft, path) => {
            return Err(Problem::warning("there is no such subtask file").in_file(path));
        }
        Ok(found) if !found.starts_with(root) => {
            return Err(Problem::error("the subtask file is outside the project").in_file(path));
        }
        _ => {}
    }
    draft::read(draft, path, "subtask file", MANIFEST_MAX)
}

fn read_tasks(document: &Document, root: &Node, modes: &BTreeMap<ModeName, Mode>) -> Vec<ListedTask> {
    if matches!(&root.kind, Kind::Map(entries) if entries.is_empty()) {
        // An empty file.
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let items = document.list(root, "the subtask file").unwrap_or_default();
    items.iter().filter_map(|item| read_task(document, item, modes, &mut seen)).collect()
}

fn read_task(
    document: &Document,
    node: &Node,
    modes: &BTreeMap<ModeName, Mode>,
    seen: &mut HashSet<TaskId>,
) -> Option<ListedTask> {
    let fields = document.fields(node, "the subtask", keys::SUBTASK)?;
    let declared = Declared {
        mode: fields.get("mode").and_then(|value| read_mode(document, value, modes)),
        prompt: fields.get("prompt").and_then(|value| document.filled_text(value, "prompt")),
        gate: fields.get("gate").is_some_and(|value| read_gate(document, value)),
    };
    let title = fields.get("title").and_then(|value| document.text(value, "title")).unwrap_or_default();
    let parent = fields.get("parent").and_then(|value| read_id(document, value, "parent"));
    let depends_on = fields.get("depends_on").map(|value| read_ids(document, value)).unwrap_or_default();
    let Some(id) = fields.get("id") else {
        document.error(At::Node(fields.id), "a subtask needs an `id`");
        return None;
    };
    let at = At::Node(id.id);
    let id = read_id(document, id, "id")?;
    if !seen.insert(id.clone()) {
        document.error(at, format!("two subtasks have the id `{id}`"));
        return None;
    }
    Some(ListedTask { title, parent, depends_on, declared: Some(declared), ..ListedTask::new(id) })
}

fn read_mode(document: &Document, node: &Node, modes: &BTreeMap<ModeName, Mode>) -> Option<ModeName> {
    let text = document.text(node, "mode")?;
    let found = ModeName::parse(&text).ok().filter(|name| modes.contains_key(name));
    if found.is_none() {
        document.add(At::Node(node.id), unknown_mode(&text, modes));
    }
    found
}

//! Reads the files of `tasks: - subtasks:`: a YAML list of tasks, each with its mode and prompt.
//!
//! A mistake excludes the whole file but does not invalidate the manifest: an agent may write such a file, and active
//! runs must still be listed and stopped. The valid entries are excluded too, since a task could start without a
//! missing one that it depends on.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;

use crate::manifest::document::Document;
use crate::manifest::fields::SectionFields;
use crate::manifest::keys;
use crate::manifest::mode::Mode;
use crate::manifest::mode_conditions::read_gate;
use crate::manifest::runs_section::known_mode;
use crate::manifest::source::{MANIFEST_MAX, Source};
use crate::manifest::task_section::{TaskContext, read_own_id};
use crate::manifest::tree::{Node, NodeKind};
use crate::manifest::unsaved_file::{self, UnsavedFile};
use crate::model::names::{ModeName, TaskId};
use crate::model::problem::Problem;
use crate::model::task_source::{ListedTask, RunInstructions, SubtaskFile};

/// Reads the file `name` below the manifest's folder.
pub(crate) fn read(name: &str, context: TaskContext<'_>) -> SubtaskFile {
    let path = context.root.join(name);
    let source = match open(context.root, context.unsaved, &path) {
        Ok(source) => source,
        Err(problem) => return SubtaskFile { path, tasks: Vec::new(), problems: vec![problem] },
    };
    let document = Document::new(source);
    let root = document.parse();
    let tasks = root.map(|root| read_tasks(&document, &root, context.modes)).unwrap_or_default();
    SubtaskFile { path, tasks, problems: document.into_problems() }
}

fn open(root: &Path, unsaved: &[UnsavedFile], path: &Path) -> Result<Source, Problem> {
    match path.canonicalize() {
        // A user or an agent may write it later.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !UnsavedFile::replaces(unsaved, path) => {
            return Err(Problem::warning("there is no such subtask file").in_file(path));
        }
        Ok(found) if !found.starts_with(root) => {
            return Err(Problem::error("the subtask file is outside the project").in_file(path));
        }
        _ => {}
    }
    unsaved_file::read(unsaved, path, "subtask file", MANIFEST_MAX)
}

fn read_tasks(document: &Document, root: &Node, modes: &BTreeMap<ModeName, Mode>) -> Vec<ListedTask> {
    if matches!(&root.kind, NodeKind::Map(entries) if entries.is_empty()) {
        // An empty file.
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let items = document.read_list(root, "the subtask file").unwrap_or_default();
    items.iter().filter_map(|item| read_task(document, item, modes, &mut seen)).collect()
}

fn read_task(
    document: &Document,
    node: &Node,
    modes: &BTreeMap<ModeName, Mode>,
    seen: &mut HashSet<TaskId>,
) -> Option<ListedTask> {
    let fields = SectionFields::new(document, node, "the subtask", &keys::SUBTASK)?;
    let instructions = RunInstructions {
        mode: fields.read("mode", |document, node, _| known_mode(document, node, modes)).map(|mode| mode.name.clone()),
        prompt: fields.filled_text("prompt"),
        gate: read_gate(&fields),
    };
    let title = fields.text("title").unwrap_or_default();
    let (parent, depends_on) = (fields.id("parent"), fields.ids("depends_on"));
    let id = read_own_id(&fields, "subtask", seen)?;
    Some(ListedTask { title, parent, depends_on, declared: Some(instructions), ..ListedTask::new(id) })
}

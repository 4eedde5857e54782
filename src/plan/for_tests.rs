//! Tasks and modes for the unit tests of `plan`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::manifest::{Manifest, Mode};
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run_id::RunId;
use crate::model::task_source::{ListedTask, TaskFiles, TaskSource};
use crate::tasks::{TaskSet, scan};

pub(in crate::plan) fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

pub(in crate::plan) fn mode(text: &str) -> ModeName {
    ModeName::parse(text).unwrap()
}

/// Parses `review T-1`.
pub(in crate::plan) fn pair(text: &str) -> Pair {
    let (name, task) = text.split_once(' ').unwrap();
    Pair { mode: mode(name), task: id(task) }
}

pub(in crate::plan) fn run(number: u32) -> RunId {
    RunId::parse(&format!("01ARZ3NDEKTSV4RRFFQ{number:07}")).unwrap()
}

pub(in crate::plan) fn listed(name: &str, parent: Option<&str>, depends_on: &[&str]) -> ListedTask {
    ListedTask {
        parent: parent.map(id),
        depends_on: depends_on.iter().map(|name| id(name)).collect(),
        ..ListedTask::new(id(name))
    }
}

pub(in crate::plan) fn tasks(list: Vec<ListedTask>) -> TaskSet {
    scan(Path::new("/"), &[TaskSource::List(list)])
}

/// Tasks from files; each text is the front matter of the file at its path.
pub(in crate::plan) fn task_files(files: &[(&str, &str)]) -> TaskSet {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("---\n{text}\n---\n")).unwrap();
    }
    scan(folder.path(), &[TaskSource::Files(TaskFiles::new("**/*.md"))])
}

/// A manifest with these modes and `runs:`.
pub(in crate::plan) fn manifest(text: &str) -> Manifest {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dispatch.yaml");
    std::fs::write(&path, format!("version: 1\n{text}")).unwrap();
    let loaded = crate::manifest::load(&path, None);
    loaded.manifest.unwrap_or_else(|| panic!("{:?}", loaded.problems))
}

/// Modes with their needs: `review: lint build`.
pub(in crate::plan) fn modes(texts: &[&str]) -> BTreeMap<ModeName, Mode> {
    let blocks = texts.iter().map(|text| {
        let (name, needs) = text.split_once(':').unwrap_or((text, ""));
        let needs: Vec<&str> = needs.split_whitespace().collect();
        format!("  {name}: {{ prompt: x, needs: [{}] }}\n", needs.join(", "))
    });
    manifest(&format!("modes:\n{}", blocks.collect::<String>())).modes
}

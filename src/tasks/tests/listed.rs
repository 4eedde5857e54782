//! Tasks that no file of their own holds: entries of the manifest and of subtask files.

use super::*;

#[test]
fn list_entries_are_tasks_without_a_file() {
    let folder = Folder::new(&[("tasks/T-1.md", "---\nparent: L-1\n---\n")]);
    let entry =
        |name| ListedTask { status: "done".to_owned(), depends_on: vec![id("T-1")], ..listed(name, "- [x] first\n") };
    let list = TaskSource::List(vec![entry("L-2"), entry("L-1")]);
    let set = scan(folder.0.path(), &[TaskSource::Files(TaskFiles::new("tasks/*.md")), list]);
    assert_eq!(messages(&set), "");
    assert_eq!(ids(&set), ["L-2", "L-1", "T-1"]);
    let task = set.get(&id("L-1")).unwrap();
    assert_eq!((task.title.as_str(), &task.path, task.status), ("L-1", &None, Some(TaskStatus::Done)));
    assert_eq!(read_body(task).unwrap().checklist, [ChecklistItem { done: true, text: "first".to_owned() }]);
}

#[test]
fn the_tasks_of_a_subtask_file_say_how_they_are_run() {
    let declared = RunInstructions { mode: None, prompt: Some("do it".to_owned()), gate: true };
    let entry = |name: &str, on: &str| ListedTask {
        parent: Some(id("T-1")),
        depends_on: vec![id(on)],
        declared: Some(declared.clone()),
        ..listed(name, "")
    };
    let folder = Folder::new(&[("tasks/T-1.md", "")]);
    let scan = |tasks, problems| {
        let file = SubtaskFile { path: folder.0.path().join("sub.yml"), tasks, problems };
        let sources = [TaskSource::Files(TaskFiles::new("tasks/*.md")), TaskSource::Subtasks(file)];
        scan(folder.0.path(), &sources)
    };
    let set = scan(vec![entry("S-1", "S-2"), entry("S-2", "S-1")], Vec::new());
    assert_eq!(messages(&set), "Error sub.yml: dependencies run in a circle: S-1 → S-2 → S-1\n");
    assert_eq!(ids(&set), ["T-1", "S-1", "S-2"]);
    assert_eq!(set.get(&id("S-1")).unwrap().declared, Some(declared.clone()));

    let set = scan(vec![entry("S-1", "T-1"), entry("T-1", "T-1")], Vec::new());
    assert!(messages(&set).contains("the id `T-1` is used 2 times: tasks/T-1.md, sub.yml"), "{}", messages(&set));

    let set = scan(vec![entry("S-1", "T-1")], vec![Problem::error("nonsense")]);
    assert_eq!((ids(&set), messages(&set).as_str()), (vec!["T-1"], "Error : nonsense\n"));
    let error = set.find("S-1").unwrap_err().to_string();
    assert_eq!(error, "task `S-1` cannot be used: its file has a problem: nonsense");
}

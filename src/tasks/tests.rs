//! Listing folders of valid and damaged task files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::model::names::TaskId;
use crate::model::problem::Problem;
use crate::model::task_source::{ListedTask, RunInstructions, SubtaskFile, TaskFiles, TaskSource};
use crate::model::task_status::TaskStatus;

struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            folder.write(path, text.as_bytes());
        }
        folder
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn scan(&self) -> TaskSet {
        scan(self.0.path(), &[TaskSource::Files(TaskFiles::new("tasks/**/*.md"))])
    }
}

fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

fn ids(set: &TaskSet) -> Vec<&str> {
    set.tasks().iter().map(|task| task.id.as_str()).collect()
}

fn names(list: &[TaskId]) -> Vec<&str> {
    list.iter().map(TaskId::as_str).collect()
}

fn listed(name: &str, body: &str) -> ListedTask {
    ListedTask { body: body.to_owned(), ..ListedTask::new(id(name)) }
}

fn body_of(text: &str) -> TaskBody {
    let set = scan(Path::new("."), &[TaskSource::List(vec![listed("T", text)])]);
    read_body(&set.tasks()[0]).unwrap()
}

fn messages(set: &TaskSet) -> String {
    let line = |p: &crate::model::problem::Problem| {
        let path = p.place.as_ref().map(|place| place.path.file_name().unwrap().to_string_lossy().into_owned());
        format!("{:?} {}: {}\n", p.severity, path.unwrap_or_default(), p.message)
    };
    set.problems().iter().map(line).collect()
}

#[test]
fn reads_all_forms_with_bom_and_crlf() {
    let folder = Folder::new(&[
        (
            "tasks/A.md",
            "\u{feff}+++\r\ntitle = \"Toml\"\r\nstatus = \"🟡 To Do\"\r\ntags = [\"x\", \"y\"]\r\nday = 2025-05-19\r\n+++\r\n\r\n## S\r\ntext\r\n",
        ),
        (
            "tasks/B.md",
            "---\ntitle: Yaml\ntype: bug\nstatus: in_progress\ntags: x, y\ndepends: A\nassigned_to: me\n...\nbody\n",
        ),
        ("tasks/C.task.md", "# First\n\n---\narea: core: left\nassignee: @me\ntags: [a, 'b']\n---\n\n## S\nx\n"),
        ("tasks/D.md", "intro\n```\n# code\n```\n# Real title #\n"),
        ("tasks/E.md", ""),
        ("tasks/F.md", "# Rule below\n\n---\n\nplain text, and no key\n\n---\n"),
    ]);
    let set = folder.scan();
    assert_eq!(messages(&set), "");
    assert_eq!(ids(&set), ["A", "B", "C", "D", "E", "F"]);
    let titles: Vec<_> = set.tasks().iter().map(|task| task.title.as_str()).collect();
    assert_eq!(titles, ["Toml", "Yaml", "First", "Real title", "E", "Rule below"]);
    let [a, b, c, ..] = set.tasks() else { panic!() };
    assert_eq!((a.status, a.status_text.as_str()), (Some(TaskStatus::Todo), "🟡 To Do"));
    assert_eq!(a.tags, ["x", "y"]);
    assert_eq!(a.meta["day"], "2025-05-19");
    assert_eq!((b.kind.as_str(), b.assignee.as_str(), names(&b.depends_on)), ("bug", "me", vec!["A"]));
    assert_eq!(b.tags, ["x", "y"]);
    assert_eq!((c.area.as_str(), c.assignee.as_str()), ("core: left", "@me"));
    assert_eq!(c.tags, ["a", "b"]);
    assert_eq!(read_body(a).unwrap().sections["S"], "text");
    assert_eq!(read_body(b).unwrap().text, "body\n");
    assert_eq!(read_body(c).unwrap().text, "## S\nx\n");
}

#[test]
fn reads_the_real_overview_of_a_feature() {
    let folder = Folder::new(&[("tasks/FEATURE_tmux-claude-sessions/_overview.md", include_str!("seed_overview.md"))]);
    let set = folder.scan();
    assert_eq!(messages(&set), "");
    let task = set.find("_overview").unwrap();
    assert_eq!(task.id.as_str(), "FEATURE_tmux-claude-sessions");
    assert_eq!(task.title, "Task-Aware Claude Sessions & Dispatch Modes");
    assert_eq!(task.status, Some(TaskStatus::Todo));
    assert_eq!(task.meta["is_overview"], true);
    let body = read_body(task).unwrap();
    assert_eq!(body.checklist.len(), 12);
    assert!(body.sections["4 CLI â€“ `dispatch`"].contains("Behaviour overview"));
    // In shell blocks `# Create main session …` is a comment, not a heading.
    assert!(body.sections.keys().all(|heading| !heading.starts_with("Create main")));
}

#[test]
fn folders_make_parents_and_prefixes_make_order() {
    let folder = Folder::new(&[
        ("tasks/epic/_overview.md", "---\nid: EPIC\n---\n"),
        ("tasks/epic/02_b.md", ""),
        ("tasks/epic/10_c.md", ""),
        ("tasks/epic/01_z.md", ""),
        ("tasks/epic/a.md", ""),
        ("tasks/epic/03_inner/_overview.md", "+++\nid = \"_overview\"\n+++\n"),
        ("tasks/epic/03_inner/x.md", "---\ndepends_on: [01_z, _overview]\n---\n"),
        ("tasks/loose.md", "---\nparent_task: EPIC\n---\n"),
        ("tasks/zz.md", ""),
    ]);
    let set = folder.scan();
    assert_eq!(messages(&set), "");
    assert_eq!(ids(&set), ["EPIC", "z", "b", "inner", "x", "c", "loose", "a", "zz"]);
    let epic = set.get(&id("EPIC")).unwrap();
    assert_eq!(names(&epic.subtasks), ["z", "b", "inner", "c", "loose", "a"]);
    let x = set.get(&id("x")).unwrap();
    assert_eq!((x.parent.as_ref(), names(&x.depends_on)), (Some(&id("inner")), vec!["z", "inner"]));
    assert_eq!(set.get(&id("c")).unwrap().order, Some(10));
    let ambiguous = set.find("_overview").unwrap_err();
    assert_eq!(ambiguous, FindError::AmbiguousOverview { ids: vec![id("EPIC"), id("inner")] });
}

#[test]
fn names_bad_files_and_lists_the_others() {
    let folder = Folder::new(&[
        ("tasks/good.md", "---\nstatus: someday\nparent: nobody\ndepends_on: [gone]\ntags: {a: 1}\n---\n"),
        ("tasks/open.md", "---\ntitle: x\n"),
        ("tasks/toml.md", "+++\ntitle = \n+++\n"),
        ("tasks/mixed.md", "---\ntitle = \"x\"\n---\n"),
        ("tasks/twice.md", "---\ntitle: x\ntitle: y\n---\n"),
        ("tasks/bad name.md", ""),
        ("tasks/named.md", "---\nid: ../x\n---\n"),
        ("tasks/same.md", ""),
        ("tasks/sub/same.md", ""),
        ("tasks/folder.md/inner.md", ""),
        ("elsewhere/inside.md", "---\ntitle: through a link\n---\n"),
    ]);
    folder.write("tasks/latin.md", b"---\ntitle: caf\xe9\n---\n");
    fs::File::create(folder.path("tasks/huge.md")).unwrap().set_len(50 << 20).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.md"), "").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("tasks/socket.md")).unwrap();
    symlink("/dev/zero", folder.path("tasks/zero.md")).unwrap();
    symlink(outside.path().join("secret.md"), folder.path("tasks/secret.md")).unwrap();
    symlink(outside.path(), folder.path("tasks/out")).unwrap();
    symlink("self.md", folder.path("tasks/self.md")).unwrap();
    symlink("nowhere.md", folder.path("tasks/dangling.md")).unwrap();
    symlink(".", folder.path("tasks/loop")).unwrap();
    symlink("../elsewhere", folder.path("tasks/linked")).unwrap();
    #[cfg(target_os = "linux")]
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.path("tasks/fifo.md"), rustix::fs::Mode::RUSR).unwrap();

    let set = folder.scan();
    assert_eq!(ids(&set), ["good", "inner", "inside"], "{}", messages(&set));
    let text = messages(&set);
    for part in [
        "Warning good.md: unknown status `someday`",
        "Warning good.md: task `good`: its parent `nobody` is not a known task",
        "Warning good.md: task `good`: its dependency `gone` is not a known task",
        "Warning good.md: `tags` is not a list of texts, and is ignored",
        "Error open.md: front matter opened with `---` is not closed\n",
        "Error toml.md: front matter: ",
        "Error mixed.md: front matter: the front matter is not a list of keys and values",
        "Error twice.md: front matter: ",
        "Error bad name.md: invalid task id: `bad name` holds ` `",
        "Error named.md: invalid task id: `../x` holds `/`",
        "Error same.md: the id `same` is used 2 times: tasks/same.md, tasks/sub/same.md",
        "Error latin.md: task file is not UTF-8 (byte 14)",
        "Error huge.md: task file is larger than 8 MiB (52428800 bytes)",
        "3 links lead out of the project's folder, and are not followed: `tasks/out`, `tasks/secret.md`, `tasks/zero.md`",
        "Error self.md: link cannot be followed",
        "Error dangling.md: link cannot be followed",
        "Warning loop: is a link to a folder that is already listed",
        "Error socket.md: task file is a socket, not a regular file",
        #[cfg(target_os = "linux")]
        "Error fifo.md: task file is a FIFO, not a regular file",
    ] {
        assert!(text.contains(part), "missing: {part}\nin:\n{text}");
    }
    let damaged = |name: &str| matches!(set.find(name), Err(FindError::Damaged { .. }));
    assert!(damaged("same") && damaged("open") && damaged("latin"));
    assert_eq!(
        set.find("godo").unwrap_err(),
        FindError::Unknown { typed: "godo".to_owned(), nearest: Some("good".to_owned()) }
    );
    assert!(matches!(set.find("-x"), Err(FindError::InvalidName(_))));
    let status = set.problems().iter().find(|p| p.message.contains("someday")).unwrap();
    let excerpt = status.place.as_ref().unwrap().excerpt.as_ref().unwrap();
    assert_eq!((excerpt.line_column(), &excerpt.source[excerpt.start..excerpt.end]), ((2, 1), "status: someday"));
}

#[test]
fn links_among_folders_list_each_file_once() {
    let folder = Folder::new(&[("tasks/a/A.md", ""), ("tasks/b/B.md", ""), ("more/c/C.md", "")]);
    symlink("../b", folder.path("tasks/a/to-b")).unwrap();
    symlink("../a", folder.path("tasks/b/to-a")).unwrap();
    symlink("../more/c", folder.path("tasks/to-c")).unwrap();
    symlink("../more", folder.path("tasks/to-more")).unwrap();
    let set = folder.scan();
    assert_eq!(ids(&set), ["A", "B", "C"]);
    assert_eq!(set.problems().len(), 3, "{}", messages(&set));
    assert!(set.problems().iter().all(|p| !p.is_error()));
}

#[test]
fn checkouts_below_the_project_are_not_searched_unless_they_are_named() {
    let folder = Folder::new(&[
        ("tasks/a.md", ""),
        ("worktrees/x/.git", "gitdir: /somewhere"),
        ("worktrees/x/tasks/a.md", ""),
        ("own/.git/HEAD", ""),
        ("own/tasks/b.md", ""),
    ]);
    symlink("own", folder.path("linked")).unwrap();
    let scan = |glob: &str| scan(folder.0.path(), &[TaskSource::Files(TaskFiles::new(glob))]);
    let found = scan("**/tasks/*.md");
    assert_eq!(ids(&found), ["a"], "{}", messages(&found));
    assert_eq!(found.problems().len(), 0, "{}", messages(&found));
    assert_eq!(ids(&scan("*/tasks/*.md")), [""; 0]);
    assert_eq!(ids(&scan("own/tasks/*.md")), ["b"]);
    assert_eq!(ids(&scan("own/**/*.md")), ["b"]);
}

#[test]
fn circles_are_shown_and_cut() {
    let folder = Folder::new(&[
        ("tasks/a.md", "---\nparent: b\ndepends_on: [c, a]\n---\n"),
        ("tasks/b.md", "---\nparent: a\n---\n"),
        ("tasks/c.md", "---\ndepends_on: a\n---\n"),
    ]);
    let set = folder.scan();
    let text = messages(&set);
    for part in ["parents run in a circle: a → b → a", "circle: a → c → a", "dependencies run in a circle: a → a"]
    {
        assert!(text.contains(part), "missing: {part}\nin:\n{text}");
    }
    assert_eq!(ids(&set), ["b", "a", "c"]);
    assert_eq!(names(&set.get(&id("a")).unwrap().depends_on), ["c"]);
    assert!(set.get(&id("c")).unwrap().depends_on.is_empty());
}

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

#[test]
fn bad_sources_are_problems() {
    let folder = Folder::new(&[]);
    let globs = ["/etc/*.md", "../*.md", "a**b/*.md", "missing/*.md"];
    let set = scan(folder.0.path(), &globs.map(|glob| TaskSource::Files(TaskFiles::new(glob))));
    let text = messages(&set);
    assert_eq!(set.problems().len(), 4, "{text}");
    assert!(text.contains("the pattern `/etc/*.md` must stay below the manifest's folder"), "{text}");
    assert!(text.contains("Warning missing: no task is found here"), "{text}");
    let set = scan(Path::new("/nowhere/at/all"), &[]);
    assert_eq!(set.problems().len(), 1);
    let set = scan(Path::new(""), &[TaskSource::Files(TaskFiles::new("src/tasks/seed_*.md"))]);
    assert_eq!(set.tasks()[0].path.as_deref(), Some(Path::new("src/tasks/seed_overview.md")));
}

#[test]
fn a_few_kilobytes_of_aliases_stay_small() {
    let mut text = format!("---\na: &a \"{}\"\nb: [", "x".repeat(30_000));
    text.push_str(&"*a,".repeat(10_000));
    text.push_str("]\n---\n");
    let folder = Folder::new(&[("tasks/bomb.md", &text)]);
    assert!(messages(&folder.scan()).contains("expands to more than 1 MiB"));
}

#[test]
fn front_matter_may_be_long_but_not_endless() {
    let long = format!("---\nnote: {}\ntitle: Long\n---\nbody", "é".repeat(20_000));
    let endless = format!("---\n{}---\n", "# comment\n".repeat(7_000));
    let folder = Folder::new(&[("tasks/long.md", &long), ("tasks/endless.md", &endless)]);
    let set = folder.scan();
    assert_eq!(set.get(&id("long")).unwrap().title, "Long");
    assert!(messages(&set).contains("endless.md: front matter opened with `---` is not closed within 64 KiB"));
}

#[test]
fn fences_hide_headings_and_boxes() {
    let text = "\n\n# Top\nintro\n````md\n```\n## no\n```\n- [ ] no\n````\n## A\n- [ ] one\n  * [X] two\n\
                1. [x] three\n- [y] no\n-[ ] no\n~~~\n# no\n```\n~~~\n### A1\nx\n## B ##\n    # code\n## A\nagain\n```\n# to the end\n";
    let body = body_of(text);
    assert_eq!(body.sections.keys().collect::<Vec<_>>(), ["A", "A1", "B", "Top"]);
    assert!(body.sections["A"].ends_with("### A1\nx") && body.sections["A"].starts_with("- [ ] one"));
    assert_eq!(body.sections["B"], "    # code");
    let items: Vec<_> = body.checklist.iter().map(|item| (item.done, item.text.as_str())).collect();
    assert_eq!(items, [(false, "one"), (true, "two"), (true, "three")]);
}

#[test]
fn five_thousand_files_list() {
    let folder = Folder::new(&[]);
    for i in 0..5000 {
        let text = format!("---\ntitle: Task {i}\nstatus: 🟡 To Do\ntags: [a, b]\nassignee: me\n---\n\nBody\n");
        folder.write(&format!("tasks/d{}/T-{i:04}.md", i % 10), text.as_bytes());
    }
    let set = folder.scan();
    assert_eq!((set.tasks().len(), set.problems().len()), (5000, 0));
    assert_eq!(set.get(&id("T-4321")).unwrap().title, "Task 4321");
    assert!(set.tasks().windows(2).all(|two| two[0].path < two[1].path));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), form in 0..4usize) {
        let mut text = ["", "---\n", "+++\n", "# T\n\n---\n"][form].as_bytes().to_vec();
        text.extend(bytes);
        let folder = Folder::new(&[]);
        folder.write("tasks/x.md", &text);
        let set = folder.scan();
        prop_assert_eq!(set.tasks().len() + set.problems().iter().filter(|p| p.is_error()).count(), 1);
        for task in set.tasks() {
            let _ = read_body(task);
        }
    }

    #[test]
    fn any_front_matter_text_is_read_without_panic(text in "([a-z_]{0,4}[:=#\\-\\[\\]{}\"'&*|> ]{0,3}[a-zé0-9,]{0,3}\n?){0,30}", form in 0..3usize) {
        let (open, close) = [("---\n", "\n---\n"), ("+++\n", "\n+++\n"), ("# T\n---\n", "\n---\n")][form];
        let whole = format!("{open}{text}{close}");
        if let Ok(parts) = front_matter::split(&whole)
            && let Err(error) = front_matter::read(parts.form, &whole[parts.block.clone()])
        {
            prop_assert!(error.at.is_none_or(|at| at.start <= at.end && at.end <= parts.block.len()));
        }
        let _ = body_of(&whole);
    }

    #[test]
    fn valid_fields_round_trip(
        name in "[A-Za-z_][A-Za-z0-9_-]{0,20}",
        title in "[^\\p{C}\\p{Z}]([^\\p{C}]{0,30}[^\\p{C}\\p{Z}])?",
        tags in proptest::collection::vec("[a-z]{1,8}", 0..4),
        status in 0..6usize,
        toml in any::<bool>(),
    ) {
        let status = TaskStatus::ALL[status];
        let title_json = serde_json::to_string(&title).unwrap();
        let tags_json = serde_json::to_string(&tags).unwrap();
        let text = if toml {
            format!("+++\nid = \"{name}\"\ntitle = {title_json}\ntags = {tags_json}\nstatus = \"{}\"\n+++\n", status.as_str())
        } else {
            format!("---\nid: \"{name}\"\ntitle: {title_json}\ntags: {tags_json}\nstatus: {}\n---\n", status.as_str())
        };
        let folder = Folder::new(&[("tasks/file.md", &text)]);
        let set = folder.scan();
        prop_assert_eq!(messages(&set), "");
        let task = &set.tasks()[0];
        let mut seen = std::collections::HashSet::new();
        let once: Vec<String> = tags.iter().filter(|tag| seen.insert(*tag)).cloned().collect();
        prop_assert_eq!((task.id.as_str(), &task.title, &task.tags, task.status), (name.as_str(), &title, &once, Some(status)));
    }
}

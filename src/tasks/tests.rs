//! Listing folders of valid and damaged task files.

mod hostile;
mod listed;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

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

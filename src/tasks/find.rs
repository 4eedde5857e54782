//! Lists the task files that a glob matches.
//!
//! Linked folders are entered last and only once, so that a loop of links ends. Must not enter or list anything outside
//! the root. A nested checkout (a worktree, a submodule, another repository) has its own tasks: it is entered only if
//! the glob names it.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::problem::Problem;
use crate::tasks::open;
use crate::tasks::pattern::{Glob, Reached};

/// A file that a glob matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundFile {
    /// As the glob matched it, below the root as given.
    pub(super) path: PathBuf,
    /// Resolved.
    pub(super) real: PathBuf,
}

/// The state of one walk.
struct FolderWalk<'a> {
    glob: Glob,
    /// The resolved root.
    top: &'a Path,
    entered: HashSet<PathBuf>,
    linked: VecDeque<Folder>,
    found: Vec<FoundFile>,
    findings: &'a mut WalkFindings,
}

struct Folder {
    path: PathBuf,
    real: PathBuf,
    at: Reached,
    /// Whether the glob names it literally, not by a wildcard.
    named: bool,
}

/// Problems found during walks.
#[derive(Debug, Default)]
pub(super) struct WalkFindings {
    problems: Vec<Problem>,
    /// Links out of the root.
    leading_out: Vec<PathBuf>,
}

/// Most links that one problem names.
const NAMED_LINKS: usize = 10;

impl WalkFindings {
    /// All problems; the links out of the root become one problem.
    pub(super) fn into_problems(mut self, root: &Path) -> Vec<Problem> {
        self.leading_out.sort();
        self.leading_out.dedup();
        let name = |path: &PathBuf| format!("`{}`", path.strip_prefix(root).unwrap_or(path).display());
        let named = self.leading_out.iter().take(NAMED_LINKS).map(name).collect::<Vec<_>>().join(", ");
        let message = match self.leading_out.len() {
            0 => return self.problems,
            1 => format!("{named} is a link that leads out of the project's folder, and is not followed"),
            count => {
                let more = count.checked_sub(NAMED_LINKS).filter(|more| *more > 0);
                let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
                format!("{count} links lead out of the project's folder, and are not followed: {named}{more}")
            }
        };
        let problem = Problem::warning(message).hint("task files must lie below the manifest's folder");
        self.problems.push(problem);
        self.problems
    }
}

/// Lists the files below `root` that `glob` matches.
pub(super) fn find(root: &Path, top: &Path, glob: &str, findings: &mut WalkFindings) -> Vec<FoundFile> {
    let glob = match Glob::parse(glob) {
        Ok(parsed) => parsed,
        Err(error) => {
            findings.problems.push(Problem::error(format!("the pattern `{}` {error}", glob.escape_debug())));
            return Vec::new();
        }
    };
    FolderWalk::through(root, top, glob, findings).found
}

/// The resolved folders that a listing enters: a new file may appear in each of them.
pub(super) fn folders(root: &Path, top: &Path, glob: &str) -> HashSet<PathBuf> {
    let glob = Glob::parse(glob);
    glob.map(|glob| FolderWalk::through(root, top, glob, &mut WalkFindings::default()).entered).unwrap_or_default()
}

impl<'a> FolderWalk<'a> {
    fn through(root: &Path, top: &'a Path, glob: Glob, findings: &'a mut WalkFindings) -> Self {
        let at = glob.start();
        let (entered, linked, found) = (HashSet::new(), VecDeque::new(), Vec::new());
        let mut walk = Self { glob, top, entered, linked, found, findings };
        walk.enter_tree(Folder { path: root.to_owned(), real: top.to_owned(), at, named: true });
        while let Some(folder) = walk.linked.pop_front() {
            walk.enter_tree(folder);
        }
        walk
    }

    fn note(&mut self, problem: Problem, path: PathBuf) {
        self.findings.problems.push(problem.in_file(path));
    }

    /// Enters a folder and, without recursion, all folders below it except links.
    fn enter_tree(&mut self, folder: Folder) {
        let mut waiting = vec![folder];
        while let Some(folder) = waiting.pop() {
            if !self.entered.insert(folder.real.clone()) {
                let message = "is a link to a folder that is already listed, and is not entered again";
                self.note(Problem::warning(message), folder.path);
                continue;
            }
            let start = waiting.len();
            let only_name = self.glob.only_name(folder.at).map(PathBuf::from);
            let entries = match &only_name {
                Some(name) => match fs::symlink_metadata(folder.real.join(name)) {
                    Ok(about) => vec![(name.clone(), about.file_type())],
                    Err(error) => {
                        let message = format!("no task is found here: {}", words(&error));
                        self.note(Problem::warning(message), folder.path.join(name));
                        continue;
                    }
                },
                None => list(&folder.real).unwrap_or_else(|error| {
                    let message = format!("task folder cannot be listed: {}", words(&error));
                    self.note(Problem::error(message), folder.path.clone());
                    Vec::new()
                }),
            };
            for (name, kind) in entries {
                let Some(at) = self.glob.step(folder.at, &name.to_string_lossy()) else { continue };
                let (path, real) = (folder.path.join(&name), folder.real.join(&name));
                let entry = Folder { path, real, at, named: only_name.is_some() };
                if kind.is_symlink() {
                    self.follow_link(entry);
                } else {
                    self.take_entry(entry, kind, &mut waiting);
                }
            }
            waiting[start..].reverse();
        }
    }

    /// Resolves a link. Its target must be below the root.
    fn follow_link(&mut self, link: Folder) {
        let target =
            fs::canonicalize(&link.real).and_then(|real| fs::metadata(&real).map(|about| (real, about.file_type())));
        match target {
            Err(error) if !self.glob.is_match(link.at) && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("link cannot be followed: {}", words(&error));
                self.note(Problem::error(message), link.path);
            }
            Ok((real, _)) if !real.starts_with(self.top) => self.findings.leading_out.push(link.path),
            Ok((real, kind)) if kind.is_dir() => {
                let folder = Folder { real, ..link };
                if self.glob.goes_on(folder.at) && !is_checkout(&folder) {
                    self.linked.push_back(folder);
                }
            }
            Ok((real, kind)) => self.take_entry(Folder { real, ..link }, kind, &mut Vec::new()),
        }
    }

    fn take_entry(&mut self, entry: Folder, kind: FileType, waiting: &mut Vec<Folder>) {
        let matched = self.glob.is_match(entry.at);
        if kind.is_dir() && self.glob.goes_on(entry.at) {
            if !is_checkout(&entry) {
                waiting.push(entry);
            }
        } else if matched && kind.is_dir() {
            self.note(Problem::warning("is a folder, not a task file"), entry.path);
        } else if matched && kind.is_file() {
            self.found.push(FoundFile { path: entry.path, real: entry.real });
        } else if matched {
            let message = format!("task file is {}, not a regular file", open::kind(kind));
            self.note(Problem::error(message), entry.path);
        }
    }
}

/// Whether a folder that a wildcard matched is a checkout of its own.
fn is_checkout(folder: &Folder) -> bool {
    !folder.named && fs::symlink_metadata(folder.real.join(".git")).is_ok()
}

/// The entries of a folder sorted by name, so that a listing is equal on every machine.
fn list(folder: &Path) -> io::Result<Vec<(PathBuf, FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        entries.push((PathBuf::from(entry.file_name()), entry.file_type()?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

/// The system's error message without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

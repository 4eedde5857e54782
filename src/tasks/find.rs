//! Walks the folders that the globs name and lists the task files in them.
//!
//! Linked folders are entered last and only once, so that a loop of links ends; nothing
//! outside the root is entered or listed.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::problem::Problem;
use crate::tasks::open;
use crate::tasks::pattern::{Glob, Reached};

/// A file that a glob matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tasks) struct Found {
    /// As the glob found it, below the root as it was given.
    pub(in crate::tasks) path: PathBuf,
    /// With every link resolved.
    pub(in crate::tasks) real: PathBuf,
}

/// All that one walk needs to know.
struct Walk<'a> {
    glob: Glob,
    /// The root with every link resolved.
    top: &'a Path,
    entered: HashSet<PathBuf>,
    linked: VecDeque<Folder>,
    found: Vec<Found>,
    problems: &'a mut Vec<Problem>,
}

struct Folder {
    path: PathBuf,
    real: PathBuf,
    at: Reached,
}

/// Lists the files below `root` that `glob` matches.
pub(in crate::tasks) fn find(root: &Path, top: &Path, glob: &str, problems: &mut Vec<Problem>) -> Vec<Found> {
    let glob = match Glob::parse(glob) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.push(Problem::error(format!("the pattern `{}` {error}", glob.escape_debug())));
            return Vec::new();
        }
    };
    Walk::through(root, top, glob, problems).found
}

/// The folders, with every link resolved, that are gone through to find them: there files come and go.
pub(in crate::tasks) fn folders(root: &Path, top: &Path, glob: &str) -> HashSet<PathBuf> {
    let glob = Glob::parse(glob);
    glob.map(|glob| Walk::through(root, top, glob, &mut Vec::new()).entered).unwrap_or_default()
}

impl<'a> Walk<'a> {
    fn through(root: &Path, top: &'a Path, glob: Glob, problems: &'a mut Vec<Problem>) -> Self {
        let at = glob.start();
        let mut walk =
            Self { glob, top, entered: HashSet::new(), linked: VecDeque::new(), found: Vec::new(), problems };
        walk.enter(Folder { path: root.to_owned(), real: top.to_owned(), at });
        while let Some(folder) = walk.linked.pop_front() {
            walk.enter(folder);
        }
        walk
    }

    /// Goes through a folder and, without recursion, all below it but links.
    fn enter(&mut self, folder: Folder) {
        let mut waiting = vec![folder];
        while let Some(folder) = waiting.pop() {
            if !self.entered.insert(folder.real.clone()) {
                let message = "is a link to a folder that is already listed, and is not entered again";
                self.problems.push(Problem::warning(message).in_file(folder.path));
                continue;
            }
            let start = waiting.len();
            if let Some(name) = self.glob.only_name(folder.at).map(str::to_owned) {
                let kind = fs::symlink_metadata(folder.real.join(&name)).map(|about| about.file_type());
                match kind {
                    Ok(kind) => self.visit(&folder, Path::new(&name), kind, &mut waiting),
                    Err(error) => {
                        let message = format!("no task is found here: {}", words(&error));
                        self.problems.push(Problem::warning(message).in_file(folder.path.join(&name)));
                    }
                }
            } else {
                match list(&folder.real) {
                    Ok(entries) => {
                        for (name, kind) in entries {
                            self.visit(&folder, &name, kind, &mut waiting);
                        }
                    }
                    Err(error) => {
                        let message = format!("task folder cannot be listed: {}", words(&error));
                        self.problems.push(Problem::error(message).in_file(&folder.path));
                    }
                }
            }
            waiting[start..].reverse();
        }
    }

    fn visit(&mut self, folder: &Folder, name: &Path, kind: FileType, waiting: &mut Vec<Folder>) {
        let Some(at) = self.glob.step(folder.at, &name.to_string_lossy()) else {
            return;
        };
        let path = folder.path.join(name);
        let real = folder.real.join(name);
        if kind.is_symlink() {
            self.follow(path, &real, at);
        } else {
            self.take(Folder { path, real, at }, kind, waiting);
        }
    }

    /// Resolves a link. What it leads to must lie below the root.
    fn follow(&mut self, path: PathBuf, link: &Path, at: Reached) {
        let target = fs::canonicalize(link).and_then(|real| fs::metadata(&real).map(|about| (real, about.file_type())));
        match target {
            Err(error) if !self.glob.is_match(at) && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("link cannot be followed: {}", words(&error));
                self.problems.push(Problem::error(message).in_file(path));
            }
            Ok((real, _)) if !real.starts_with(self.top) => {
                let problem = Problem::error("is a link that leads out of the project's folder");
                self.problems.push(problem.in_file(path).hint("task files must lie below the manifest's folder"));
            }
            Ok((real, kind)) if kind.is_dir() => {
                if self.glob.goes_on(at) {
                    self.linked.push_back(Folder { path, real, at });
                }
            }
            Ok((real, kind)) => self.take(Folder { path, real, at }, kind, &mut Vec::new()),
        }
    }

    fn take(&mut self, entry: Folder, kind: FileType, waiting: &mut Vec<Folder>) {
        let matched = self.glob.is_match(entry.at);
        if kind.is_dir() {
            if self.glob.goes_on(entry.at) {
                waiting.push(entry);
            } else if matched {
                self.problems.push(Problem::warning("is a folder, not a task file").in_file(entry.path));
            }
        } else if matched && kind.is_file() {
            self.found.push(Found { path: entry.path, real: entry.real });
        } else if matched {
            let message = format!("task file is {}, not a regular file", open::kind(kind));
            self.problems.push(Problem::error(message).in_file(entry.path));
        }
    }
}

/// The entries of a folder by name, so that a listing is the same everywhere.
fn list(folder: &Path) -> io::Result<Vec<(PathBuf, FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        entries.push((PathBuf::from(entry.file_name()), entry.file_type()?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

/// The system's words without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

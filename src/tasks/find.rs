//! Walks the folders that the globs name and lists the task files in them.
//!
//! Linked folders are entered last and only once, so that a loop of links ends; nothing
//! outside the root is entered or listed. A folder that is a checkout of its own (a worktree, a
//! submodule, another repository) has its own tasks: it is entered only where the glob names it.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::problem::Problem;
use crate::tasks::open;
use crate::tasks::pattern::{Glob, Reached};

/// A file that a glob matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tasks) struct FoundFile {
    /// As the glob found it, below the root as it was given.
    pub(in crate::tasks) path: PathBuf,
    /// With every link resolved.
    pub(in crate::tasks) real: PathBuf,
}

/// All that one walk needs to know.
struct FolderWalk<'a> {
    glob: Glob,
    /// The root with every link resolved.
    top: &'a Path,
    entered: HashSet<PathBuf>,
    linked: VecDeque<Folder>,
    found: Vec<FoundFile>,
    /// Links that lead out of the root.
    leading_out: &'a mut Vec<PathBuf>,
    problems: &'a mut Vec<Problem>,
}

struct Folder {
    path: PathBuf,
    real: PathBuf,
    at: Reached,
    /// The glob has its name, and not only a wildcard for it.
    named: bool,
}

/// Where what is not listed is findings.
#[derive(Debug, Default)]
pub(in crate::tasks) struct WalkFindings {
    pub(in crate::tasks) problems: Vec<Problem>,
    leading_out: Vec<PathBuf>,
}

/// So many links are named in one problem.
const NAMED_LINKS: usize = 10;

impl WalkFindings {
    /// All problems: links that lead out are one.
    pub(in crate::tasks) fn into_problems(mut self, root: &Path) -> Vec<Problem> {
        self.leading_out.sort();
        self.leading_out.dedup();
        let name = |path: &PathBuf| format!("`{}`", path.strip_prefix(root).unwrap_or(path).display());
        let named: Vec<String> = self.leading_out.iter().take(NAMED_LINKS).map(name).collect();
        let message = match self.leading_out.len() {
            0 => return self.problems,
            1 => format!("{} is a link that leads out of the project's folder, and is not followed", named.join(", ")),
            count => {
                let more =
                    if count > NAMED_LINKS { format!(" and {} more", count - NAMED_LINKS) } else { String::new() };
                let named = named.join(", ");
                format!("{count} links lead out of the project's folder, and are not followed: {named}{more}")
            }
        };
        let problem = Problem::warning(message).hint("task files must lie below the manifest's folder");
        self.problems.push(problem);
        self.problems
    }
}

/// Lists the files below `root` that `glob` matches.
pub(in crate::tasks) fn find(root: &Path, top: &Path, glob: &str, findings: &mut WalkFindings) -> Vec<FoundFile> {
    let glob = match Glob::parse(glob) {
        Ok(parsed) => parsed,
        Err(error) => {
            findings.problems.push(Problem::error(format!("the pattern `{}` {error}", glob.escape_debug())));
            return Vec::new();
        }
    };
    FolderWalk::through(root, top, glob, findings).found
}

/// The folders, with every link resolved, that are gone through to find them: there files come and go.
pub(in crate::tasks) fn folders(root: &Path, top: &Path, glob: &str) -> HashSet<PathBuf> {
    let glob = Glob::parse(glob);
    glob.map(|glob| FolderWalk::through(root, top, glob, &mut WalkFindings::default()).entered).unwrap_or_default()
}

impl<'a> FolderWalk<'a> {
    fn through(root: &Path, top: &'a Path, glob: Glob, findings: &'a mut WalkFindings) -> Self {
        let at = glob.start();
        let WalkFindings { problems, leading_out } = findings;
        let (linked, found) = (VecDeque::new(), Vec::new());
        let mut walk = Self { glob, top, entered: HashSet::new(), linked, found, leading_out, problems };
        walk.enter(Folder { path: root.to_owned(), real: top.to_owned(), at, named: true });
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
                    Ok(kind) => self.visit(&folder, (Path::new(&name), true), kind, &mut waiting),
                    Err(error) => {
                        let message = format!("no task is found here: {}", words(&error));
                        self.problems.push(Problem::warning(message).in_file(folder.path.join(&name)));
                    }
                }
            } else {
                match list(&folder.real) {
                    Ok(entries) => {
                        for (name, kind) in entries {
                            self.visit(&folder, (&name, false), kind, &mut waiting);
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

    fn visit(&mut self, folder: &Folder, (name, named): (&Path, bool), kind: FileType, waiting: &mut Vec<Folder>) {
        let Some(at) = self.glob.step(folder.at, &name.to_string_lossy()) else {
            return;
        };
        let path = folder.path.join(name);
        let real = folder.real.join(name);
        if kind.is_symlink() {
            self.follow(Folder { path, real, at, named });
        } else {
            self.take(Folder { path, real, at, named }, kind, waiting);
        }
    }

    /// Resolves a link. What it leads to must lie below the root.
    fn follow(&mut self, Folder { path, real: link, at, named }: Folder) {
        let target =
            fs::canonicalize(&link).and_then(|real| fs::metadata(&real).map(|about| (real, about.file_type())));
        match target {
            Err(error) if !self.glob.is_match(at) && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("link cannot be followed: {}", words(&error));
                self.problems.push(Problem::error(message).in_file(path));
            }
            Ok((real, _)) if !real.starts_with(self.top) => self.leading_out.push(path),
            Ok((real, kind)) if kind.is_dir() => {
                let folder = Folder { path, real, at, named };
                if self.glob.goes_on(at) && !is_checkout(&folder) {
                    self.linked.push_back(folder);
                }
            }
            Ok((real, kind)) => self.take(Folder { path, real, at, named }, kind, &mut Vec::new()),
        }
    }

    fn take(&mut self, entry: Folder, kind: FileType, waiting: &mut Vec<Folder>) {
        let matched = self.glob.is_match(entry.at);
        if kind.is_dir() {
            if self.glob.goes_on(entry.at) {
                if !is_checkout(&entry) {
                    waiting.push(entry);
                }
            } else if matched {
                self.problems.push(Problem::warning("is a folder, not a task file").in_file(entry.path));
            }
        } else if matched && kind.is_file() {
            self.found.push(FoundFile { path: entry.path, real: entry.real });
        } else if matched {
            let message = format!("task file is {}, not a regular file", open::kind(kind));
            self.problems.push(Problem::error(message).in_file(entry.path));
        }
    }
}

/// Whether a folder that a search came upon is a checkout of its own.
fn is_checkout(folder: &Folder) -> bool {
    !folder.named && fs::symlink_metadata(folder.real.join(".git")).is_ok()
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

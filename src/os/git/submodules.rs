//! The submodules of a worktree: fills them, and finds work in them that exists nowhere else.
//!
//! The repositories of a worktree's submodules are in its private git folder and are removed with it. So each is
//! inspected, filled or not, nested ones too. An inspection changes nothing and starts no program that an agent could
//! have named.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::model::submodule_state::{LocalCommits, SubmodulePlace, SubmoduleState};
use crate::os::git::checkout::git_dir_of;
use crate::os::git::error::GitError;
use crate::os::git::inspect::status;
use crate::os::git::{command, is_worktree, not_started, number, output, run_within, said, wary};
use crate::os::process::bounded::ChildLimits;

/// How deep submodules may be nested.
const DEPTH: usize = 16;
/// Most folders that are inspected below a git folder's `modules`.
const STORES_MAX: usize = 10_000;
const LIMITS: ChildLimits = ChildLimits { time: Duration::from_secs(60), output: 1 << 20 };

/// Whether the checkout at `path` declares submodules.
pub fn has_submodules(path: &Path) -> bool {
    path.join(".gitmodules").is_file()
}

/// Fills the submodules of the worktree at `path`, nested ones too, by `git submodule update` with the user's
/// configuration. Does nothing if none are declared. `log` gets git's output. Fails if git fails.
pub fn fill_submodules(path: &Path, log: &mut dyn FnMut(&str)) -> Result<(), GitError> {
    if !has_submodules(path) {
        return Ok(());
    }
    log("+ git submodule update --init --recursive");
    let mut update = command(path);
    update.args(["submodule", "update", "--init", "--recursive"]).stderr(Stdio::piped());
    let mut child = update.spawn().map_err(|source| not_started(source, path))?;
    let mut words = Vec::new();
    for line in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        log(&line);
        words.push(line);
    }
    let status = child.wait().map_err(|source| not_started(source, path))?;
    if status.success() {
        return Ok(());
    }
    Err(GitError::Failed { command: "submodule update", stderr: words.join("\n") })
}

/// The submodules of a linked worktree that may contain work that exists nowhere else. `path` is the worktree's folder,
/// which may be missing, `git_dir` its private git folder, `common` the repository's.
pub(super) fn inspect_submodules(path: &Path, git_dir: &Path, common: &Path) -> Result<Vec<SubmoduleState>, GitError> {
    let (own, main) = (git_dir.join("modules"), common.join("modules"));
    let mut search = SubmoduleSearch { own, main, found: Vec::new(), seen: BTreeSet::new() };
    if is_worktree(path) {
        let start = first_commit(path)?;
        search.checkouts(path, Path::new(""), start.as_deref(), DEPTH)?;
    }
    let own = search.own.clone();
    search.stores(&own, &mut 0);
    search.found.retain(|look| !look.is_expendable());
    Ok(search.found)
}

/// Whether the worktree with this private git folder has repositories of submodules: git then removes it only with
/// `--force`.
pub(super) fn has_stores(git_dir: &Path) -> bool {
    git_dir.join("modules").is_dir()
}

/// The commit that was checked out when the worktree was created: the submodule commits that it records exist
/// elsewhere.
fn first_commit(path: &Path) -> Result<Option<String>, GitError> {
    let found = output(wary(path).args(["log", "--walk-reflogs", "--format=%H", "HEAD", "--"]), path)?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    Ok(text.lines().last().map(str::to_owned))
}

struct SubmoduleSearch {
    /// The submodules' repositories in the worktree's git folder.
    own: PathBuf,
    /// Those of the main checkout.
    main: PathBuf,
    found: Vec<SubmoduleState>,
    /// Git folders that were inspected.
    seen: BTreeSet<PathBuf>,
}

impl SubmoduleSearch {
    /// Inspects the submodules of the checkout at `path`, which is `name` below the worktree. `start` is a commit of
    /// that checkout that exists elsewhere.
    fn checkouts(&mut self, path: &Path, name: &Path, start: Option<&str>, depth: usize) -> Result<(), GitError> {
        for below in gitlinks(path)? {
            let (place, name) = (path.join(&below), name.join(&below));
            let recorded = match start {
                Some(start) => recorded_at(path, start, &below)?,
                None => None,
            };
            if place.join(".git").symlink_metadata().is_err() {
                self.found.push(inspect_unfilled(name, place));
                continue;
            }
            let mut look = SubmoduleState::new(name.clone(), SubmodulePlace::Checkout(place.clone()));
            let git_dir = git_dir_of(&place).filter(|_| is_worktree(&place)).and_then(|dir| fs::canonicalize(dir).ok());
            let broken = match &git_dir {
                None => Some("it is not a git repository"),
                Some(dir) if depth == 0 || !self.seen.insert(dir.clone()) => {
                    Some("submodules are nested too deep, or contain each other")
                }
                Some(_) => None,
            };
            let (Some(git_dir), None) = (git_dir, broken) else {
                look.broken = broken.map(str::to_owned);
                self.found.push(look);
                continue;
            };
            let seen = self.inspect_repository(&git_dir, || wary(&place), recorded.as_deref()).and_then(|commits| {
                let (changed, untracked, _) = status(&place)?;
                Ok((commits, changed, untracked))
            });
            match seen {
                Ok((commits, changed, untracked)) => {
                    (look.commits, look.changed, look.untracked) = (commits, changed, untracked);
                    self.found.push(look);
                    self.checkouts(&place, &name, recorded.as_deref(), depth - 1)?;
                }
                Err(error) => {
                    look.broken = Some(error.in_a_line());
                    self.found.push(look);
                }
            }
        }
        Ok(())
    }

    /// Inspects the repositories below `folder` that belong to no checkout.
    fn stores(&mut self, folder: &Path, count: &mut usize) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // git makes no links here. One that leads to a parent folder would never end.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let Ok(store) = fs::canonicalize(entry.path()) else { continue };
            *count += 1;
            if *count > STORES_MAX {
                let mut look = SubmoduleState::new(PathBuf::from("modules"), SubmodulePlace::GitFolder(store));
                look.broken = Some(format!("more than {STORES_MAX} folders"));
                // Once is enough: work in what is not read would be lost without a word.
                if *count == STORES_MAX + 1 {
                    self.found.push(look);
                }
                return;
            }
            let is_repository = store.join("HEAD").is_file() && store.join("objects").is_dir();
            if is_repository && self.seen.insert(store.clone()) {
                let name = store.strip_prefix(&self.own).unwrap_or(&store).to_owned();
                let mut look = SubmoduleState::new(name, SubmodulePlace::GitFolder(store.clone()));
                match self.inspect_repository(&store, || without_checkout(&store), None) {
                    Ok(commits) => look.commits = commits,
                    Err(error) => look.broken = Some(error.in_a_line()),
                }
                self.found.push(look);
            }
            // Nested ones are in its own `modules`; a name with `/` makes nested folders.
            let below = if is_repository { store.join("modules") } else { store };
            self.stores(&below, count);
        }
    }

    /// Counts the commits of a submodule's repository that are neither on one of its remotes, nor `recorded` by a
    /// commit that exists elsewhere, nor in the main checkout's repository of that submodule.
    fn inspect_repository(
        &self,
        git_dir: &Path,
        git: impl Fn() -> Command,
        recorded: Option<&str>,
    ) -> Result<LocalCommits, GitError> {
        let mut known: Vec<String> = recorded.map(str::to_owned).into_iter().collect();
        let own = fs::canonicalize(&self.own).unwrap_or_else(|_| self.own.clone());
        if let Ok(relative) = git_dir.strip_prefix(own) {
            known.extend(tips_of(&self.main.join(relative)));
        }
        let head = has(&git, git_dir, "HEAD")?;
        let excluded: String = known.iter().map(|commit| format!("^{commit}\n")).collect();
        let count = |of: &[&str]| commits_of(git(), git_dir, of, &excluded);
        let stashes = match has(&git, git_dir, "refs/stash")? {
            true => number(&said(
                git().args(["rev-list", "--walk-reflogs", "--count", "refs/stash", "--"]),
                "rev-list",
                git_dir,
            )?)?,
            false => 0,
        };
        let (head, all): (&[&str], &[&str]) =
            if head { (&["HEAD"], &["HEAD", "--branches"]) } else { (&[], &["--branches"]) };
        Ok(LocalCommits { head: if head.is_empty() { 0 } else { count(head)? }, all: count(all)?, stashes })
    }
}

/// git for the repository in `git_dir`, whose checkout may be missing: by default git would fail to enter that.
fn without_checkout(git_dir: &Path) -> Command {
    let mut git = wary(git_dir);
    git.env("GIT_DIR", git_dir).env("GIT_WORK_TREE", git_dir);
    git
}

fn inspect_unfilled(name: PathBuf, place: PathBuf) -> SubmoduleState {
    let mut look = SubmoduleState::new(name, SubmodulePlace::NotInitialised(place.clone()));
    // git ignores the files in the folder of an unfilled submodule, so they count as untracked here.
    for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
        look.untracked.push(PathBuf::from(entry.file_name()));
    }
    look
}

/// The paths of the submodules that the index of the checkout at `path` records.
fn gitlinks(path: &Path) -> Result<Vec<PathBuf>, GitError> {
    let list = said(wary(path).args(["ls-files", "--stage", "-z"]), "ls-files", path)?;
    let entries = list.split(|byte| *byte == 0).filter(|entry| entry.starts_with(b"160000 "));
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.iter().position(|byte| *byte == b'\t').and_then(|at| entry.get(at + 1..)))
        .map(|path| PathBuf::from(OsStr::from_bytes(path)))
        .collect();
    paths.dedup();
    Ok(paths)
}

/// The commit that `start` records for the submodule at `below`.
fn recorded_at(path: &Path, start: &str, below: &Path) -> Result<Option<String>, GitError> {
    let mut tree = wary(path);
    tree.args(["ls-tree", start, "--"]).arg(below);
    let found = output(&mut tree, path)?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let mut words = text.split([' ', '\t']);
    let is_gitlink = words.next() == Some("160000");
    Ok(words.nth(1).filter(|_| is_gitlink && found.status.success()).map(str::to_owned))
}

/// The commits of the branches and of HEAD of the repository in `git_dir`; empty if there is none.
fn tips_of(git_dir: &Path) -> Vec<String> {
    if !git_dir.join("HEAD").is_file() {
        return Vec::new();
    }
    let mut refs = without_checkout(git_dir);
    refs.args(["for-each-ref", "--format=%(objectname)", "refs/heads", "refs/remotes"]);
    let list = said(&mut refs, "for-each-ref", git_dir).unwrap_or_default();
    String::from_utf8_lossy(&list).lines().map(str::to_owned).collect()
}

fn has(git: &impl Fn() -> Command, git_dir: &Path, name: &str) -> Result<bool, GitError> {
    let found = output(git().args(["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]), git_dir)?;
    Ok(found.status.success())
}

/// The number of commits of `of` that are on no remote, nor in `excluded`: lines `^COMMIT`. Missing commits are
/// ignored.
fn commits_of(mut git: Command, git_dir: &Path, of: &[&str], excluded: &str) -> Result<u64, GitError> {
    git.args(["rev-list", "--count", "--ignore-missing", "--stdin"]).args(of).args(["--not", "--remotes"]);
    let done = run_within(&mut git, "rev-list", git_dir, excluded.as_bytes(), LIMITS)?;
    if done.is_cut || !done.status.success() {
        return Err(GitError::Failed { command: "rev-list", stderr: done.stderr });
    }
    number(&done.stdout)
}

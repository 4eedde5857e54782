//! Errors of git and worktrees.

use std::io;
use std::path::PathBuf;

use crate::os::git::repository::RepositoryError;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git is not installed: no `git` on PATH")]
    NotFound,
    #[error("`{}` is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    #[error(transparent)]
    Repository(#[from] Box<RepositoryError>),
    /// Nothing was changed.
    #[error("`{}` exists and is not a git worktree", .0.display())]
    Occupied(PathBuf),
    #[error("`{}` is a worktree of another repository", .0.display())]
    OtherRepository(PathBuf),
    #[error("`{}` was left half made by an interrupted `git worktree add`; look into it, then remove it with `git worktree remove -f -f`", .0.display())]
    HalfMade(PathBuf),
    #[error("branch `{branch}` is checked out in `{}`", at.display())]
    CheckedOut { branch: String, at: PathBuf },
    /// `stderr` as git printed it.
    #[error("`git {command}` failed: {stderr}")]
    Failed { command: &'static str, stderr: String },
    #[error("the repository of `{}` has no commit yet", .0.display())]
    NoCommit(PathBuf),
    #[error("`{base}` (`worktree.base`) is not a commit of `{}`", repository.display())]
    NoBase { base: String, repository: PathBuf },
    #[error("`{base}` cannot be fetched (`worktree.fetch`): `{}` has no remote", repository.display())]
    NoRemote { base: String, repository: PathBuf },
    #[error("`{}` has no commit in common with `{base}`", path.display())]
    Unrelated { path: PathBuf, base: String },
    #[error("`{branch}` was moved meanwhile; it was left as it is")]
    BranchMoved { branch: String },
    #[error("`git {command}` took more than {seconds} seconds, or printed too much")]
    GaveUp { command: &'static str, seconds: u64 },
    #[error("`{}` (`worktree.copy`) leads out of the project", .0.display())]
    CopyOutside(PathBuf),
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl GitError {
    /// The error in one line: of git's stderr, the last line that names an error.
    pub fn in_a_line(&self) -> String {
        match self {
            Self::Failed { command, stderr } => {
                let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
                let names_it = |line: &&str| ["fatal: ", "error: "].iter().any(|start| line.starts_with(start));
                let last = lines().rfind(names_it).or_else(|| lines().next_back());
                last.map_or_else(|| format!("`git {command}` failed"), str::to_owned)
            }
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_the_last_one_that_names_an_error() {
        let failed = |stderr: &str| GitError::Failed { command: "fetch", stderr: stderr.to_owned() }.in_a_line();
        let ssh =
            "error: first\nfatal: Could not read from remote repository.\n\nPlease make sure\nthe repository exists.";
        assert_eq!(failed(ssh), "fatal: Could not read from remote repository.");
        assert_eq!(failed("Preparing\nsome words\n"), "some words");
        assert_eq!(failed(""), "`git fetch` failed");
        assert_eq!(GitError::NotFound.in_a_line(), GitError::NotFound.to_string());
    }
}

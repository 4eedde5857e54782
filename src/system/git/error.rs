//! What can go wrong with a worktree.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git is not installed: no `git` on PATH")]
    NotFound,
    #[error("`{}` is not a git repository", .0.display())]
    NotARepository(PathBuf),
    /// Nothing was touched.
    #[error("`{}` exists and is not a git worktree", .0.display())]
    Occupied(PathBuf),
    #[error("`{}` is a worktree of another repository", .0.display())]
    OtherRepository(PathBuf),
    #[error("`{}` was left half made by an interrupted `git worktree add`; look into it, then remove it with `git worktree remove -f -f`", .0.display())]
    HalfMade(PathBuf),
    #[error("branch `{branch}` is checked out in `{}`", at.display())]
    CheckedOut { branch: String, at: PathBuf },
    /// `stderr` as git wrote it.
    #[error("`git {command}` failed: {stderr}")]
    Failed { command: &'static str, stderr: String },
    #[error("`{base}` (`worktree.base`) is not a commit of `{}`", repository.display())]
    NoBase { base: String, repository: PathBuf },
    #[error("`{}` has no commit in common with `{base}`", path.display())]
    Unrelated { path: PathBuf, base: String },
    #[error("git said no more for {} seconds, or too much: `git {command}`", seconds)]
    GaveUp { command: &'static str, seconds: u64 },
    #[error("`{}` (`worktree.copy`) leads out of the main checkout", .0.display())]
    CopyOutside(PathBuf),
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

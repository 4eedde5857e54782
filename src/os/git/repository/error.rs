//! Why the repository of a folder cannot be determined.

use std::path::PathBuf;

use crate::os::git::error::GitError;

/// The repository cannot be determined; none is assumed and nothing is started.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// git refuses a `.git` or a bare repository.
    #[error("git refuses the repository at `{}`: {git_message}", .dot_git.display())]
    Refused { dot_git: PathBuf, git_message: String },
    /// `GIT_DIR` or another variable in the environment.
    #[error("the environment names a repository (`{variable}`) that git refuses: {git_message}")]
    Environment { variable: &'static str, git_message: String },
    /// `core.worktree` names a folder that does not exist.
    #[error(
        "the main checkout of `{}` is missing: its `core.worktree` says `{}`",
        .common.display(), .named.display()
    )]
    MainMissing { common: PathBuf, named: PathBuf },
    #[error("`{}` has both `core.bare` and `core.worktree`, which contradict each other", .common.display())]
    BareWithWorktree { common: PathBuf },
    /// The configuration names a work tree that does not contain this folder.
    #[error("`{}` is outside the work tree `{}` of its own repository", .folder.display(), .checkout.display())]
    Outside { folder: PathBuf, checkout: PathBuf, common: PathBuf },
    #[error("which repository `{}` belongs to cannot be told without git: {source}", .folder.display())]
    Git { folder: PathBuf, source: GitError },
}

impl RepositoryError {
    /// The suggested fix, ending with the text to write or the command to run.
    pub fn fix(&self) -> String {
        let quote = |path: &PathBuf| shell_words::quote(&path.display().to_string()).into_owned();
        match self {
            Self::Refused { dot_git, .. } if dot_git.is_file() => {
                let root = dot_git.parent().unwrap_or(dot_git).to_owned();
                format!(
                    "if it belongs to no repository, remove `{}`; else run, in the repository it belongs to, \
                     `git worktree repair {}`",
                    dot_git.display(),
                    quote(&root)
                )
            }
            Self::Refused { dot_git, .. } => {
                let root = dot_git.parent().filter(|_| dot_git.ends_with(".git")).unwrap_or(dot_git).to_owned();
                format!("see what git says: `git -C {} status`", quote(&root))
            }
            Self::Environment { variable, .. } => format!("let it name a repository, or run `unset {variable}`"),
            Self::MainMissing { common, .. } => format!(
                "put the checkout back, or say where it is: `git --git-dir={} config core.worktree PATH`",
                quote(common)
            ),
            Self::BareWithWorktree { common } => {
                format!("`git --git-dir={} config core.bare false`", quote(common))
            }
            Self::Outside { checkout, .. } => format!("put the manifest below the work tree: `cd {}`", quote(checkout)),
            Self::Git { .. } => "install git, or put its folder on PATH".to_owned(),
        }
    }
}

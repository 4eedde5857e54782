//! The changes of a checkout since it left its base: commits, uncommitted changes, and untracked files.
//!
//! Untracked files are added to a temporary copy of the index; the checkout's index is not touched. Must not start a
//! program that the repository names: no external diff, text conversion or hook, and only the user's own pager.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::os::git::checkout::git_dir_of;
use crate::os::git::error::GitError;
use crate::os::git::numstat::{self, Changed};
use crate::os::git::{not_started, pager, run_within, said, wary};
use crate::os::process::bounded::ChildLimits;

/// Limit of the list of files, in bytes: it precedes the patch and does not count towards the patch's limit.
const LIST: usize = 8 << 20;
/// Time limit of `changes`, which the server calls; `show` waits for any checkout.
const PATIENCE: Duration = Duration::from_secs(50);

/// A checkout that is ready to be compared with a commit.
#[derive(Debug)]
pub struct CheckoutDiff {
    path: PathBuf,
    since: String,
    /// Relative to `path`.
    untracked: BTreeSet<PathBuf>,
    folder: TempDir,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckoutChanges {
    pub files: Vec<Changed>,
    /// As git prints it. A patch that was cut ends with a whole line.
    pub patch: Vec<u8>,
    pub cut: bool,
}

/// How a diff is shown to a person.
#[derive(Clone, Copy, Debug)]
pub struct DiffFormat {
    pub stat: bool,
    pub colour: bool,
    /// Shown on a terminal, through the user's pager.
    pub paged: bool,
}

impl CheckoutDiff {
    /// `since` is a commit id.
    pub fn new(path: &Path, since: String) -> Result<Self, GitError> {
        let folder = tempfile::Builder::new().prefix("dispatch-diff-").tempdir();
        let folder =
            folder.map_err(|source| GitError::Io { doing: "write into", path: std::env::temp_dir(), source })?;
        let mut scratch = Self { path: path.to_owned(), since, untracked: BTreeSet::new(), folder };
        scratch.copy_index()?;
        scratch.note_untracked()?;
        Ok(scratch)
    }

    fn index(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    fn copy_index(&self) -> Result<(), GitError> {
        let own = git_dir_of(&self.path).ok_or_else(|| GitError::NotARepository(self.path.clone()))?.join("index");
        match fs::copy(&own, self.index()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map(drop).map_err(|source| GitError::Io { doing: "read", path: own, source }),
        }
    }

    /// Adds untracked files to the copy of the index. Skips a repository inside the checkout: its files are its own.
    fn note_untracked(&mut self) -> Result<(), GitError> {
        let mut list = self.git();
        list.args(["ls-files", "--others", "--exclude-standard", "-z"]);
        let list = said(&mut list, "ls-files", &self.path)?;
        let names: Vec<&[u8]> =
            list.split(|byte| *byte == 0).filter(|name| !name.is_empty() && !name.ends_with(b"/")).collect();
        if names.is_empty() {
            return Ok(());
        }
        self.untracked = names.iter().map(|name| PathBuf::from(OsStr::from_bytes(name))).collect();
        let io = |source| GitError::Io { doing: "write into", path: self.folder.path().to_owned(), source };
        let paths = self.folder.path().join("paths");
        fs::File::create(&paths).and_then(|mut file| file.write_all(&names.join(&0))).map_err(io)?;
        let mut add = self.git();
        add.args(["add", "--intent-to-add", "--pathspec-file-nul", "--pathspec-from-file"]).arg(&paths);
        said(&mut add, "add --intent-to-add", &self.path).map(drop)
    }

    pub fn is_untracked(&self, path: &Path) -> bool {
        self.untracked.contains(path)
    }

    fn git(&self) -> Command {
        let mut command = wary(&self.path);
        command.env("GIT_INDEX_FILE", self.index());
        command
    }

    fn diff(&self, command: &mut Command, how: &[&str]) {
        command.args(["diff", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/"]);
        command.args(["--find-renames", "--submodule=short", "--no-relative"]).args(how).arg(&self.since).arg("--");
    }

    /// The files, and at most `most` bytes of the patch. Fails if git takes longer than `PATIENCE` or the list of
    /// files is too long.
    pub fn changes(&self, most: usize) -> Result<CheckoutChanges, GitError> {
        let mut command = self.git();
        let form: &[&str] =
            if most > 0 { &["--no-color", "--numstat", "-z", "-p"] } else { &["--no-color", "--numstat", "-z"] };
        self.diff(&mut command, form);
        let limits = ChildLimits { time: PATIENCE, output: LIST + most };
        let output = run_within(&mut command, "diff", &self.path, b"", limits)?;
        if !output.is_cut && !output.status.success() {
            return Err(GitError::Failed { command: "diff", stderr: output.stderr });
        }
        let odd = || GitError::Failed { command: "diff", stderr: "its list of files cannot be read".to_owned() };
        let (files, length) = numstat::parse(&output.stdout).ok_or_else(odd)?;
        let mut patch = output.stdout.get(length..).unwrap_or_default().to_vec();
        let cut = patch.len() > most || output.is_cut;
        if cut {
            patch.truncate(most);
            let end = patch.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            patch.truncate(end);
        }
        Ok(CheckoutChanges { files, patch, cut })
    }

    /// Runs git so that it prints the diff on our standard output.
    pub fn show(&self, how: DiffFormat) -> Result<(), GitError> {
        let mut command = self.git();
        if how.paged {
            pager::the_users(&mut command, &self.path)?;
        }
        let colour = if how.colour { "--color=always" } else { "--color=never" };
        let form: &[&str] = if how.stat { &[colour, "--stat"] } else { &[colour] };
        self.diff(&mut command, form);
        command.stdin(Stdio::inherit());
        let status = command.status().map_err(|source| not_started(source, &self.path))?;
        // A pager that was closed early is no failure, nor is Ctrl-C, which was meant for the pager.
        if status.success() || [Some(libc::SIGPIPE), Some(libc::SIGINT)].contains(&status.signal()) {
            return Ok(());
        }
        Err(GitError::Failed { command: "diff", stderr: format!("it ended with {status}") })
    }
}

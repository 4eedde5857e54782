//! Finds a program as `execvp` does, and reports why it cannot be started before anything is started.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Why a program cannot be started. A shell would exit with 127 or 126.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    #[error("`{name}` was not found")]
    NotFound { name: String },
    #[error("`{}` is not executable", .0.display())]
    NotExecutable(PathBuf),
}

/// The absolute path of `name`: searched in `path` (as in `$PATH`), or relative to `cwd` if it contains a slash. Fails
/// if no executable file has this name.
pub fn find(name: &str, path: Option<&OsStr>, cwd: &Path) -> Result<PathBuf, ProgramError> {
    let not_found = || ProgramError::NotFound { name: name.to_owned() };
    if name.is_empty() {
        return Err(not_found());
    }
    if name.contains('/') {
        let candidate = cwd.join(name);
        return match candidate.metadata() {
            Err(_) => Err(not_found()),
            Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o111 != 0 => Ok(candidate),
            Ok(_) => Err(ProgramError::NotExecutable(candidate)),
        };
    }
    let mut refused = None;
    for folder in path.map(std::env::split_paths).into_iter().flatten() {
        let candidate = cwd.join(folder).join(name);
        match candidate.metadata() {
            Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o111 != 0 => return Ok(candidate),
            Ok(meta) if meta.is_file() => refused = Some(candidate),
            _ => {}
        }
    }
    Err(refused.map_or_else(not_found, ProgramError::NotExecutable))
}

/// Replaces this process by the command, keeping environment and terminal. Returns only on failure.
pub fn become_command(argv: &[String]) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;
    let Some((name, rest)) = argv.split_first() else { return std::io::Error::other("an empty command") };
    // With `TMUX` set, tmux refuses to attach inside a pane of another server.
    std::process::Command::new(name).args(rest).env_remove("TMUX").exec()
}

/// Replaces this process by exactly these words. Returns only on failure.
pub fn become_words(words: &[OsString]) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;
    let Some((program, rest)) = words.split_first() else { return std::io::Error::other("an empty command") };
    std::process::Command::new(program).args(rest).exec()
}

/// Starts a program that outlives this process, without terminal and output, in its own process group.
pub fn start_detached(program: &Path, args: &[&OsStr]) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt as _;
    let mut command = std::process::Command::new(program);
    command.args(args).process_group(0);
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn()?;
    // Reaps the program, so that it does not stay a zombie.
    std::thread::Builder::new().name("reap".to_owned()).spawn(move || child.wait())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_as_a_shell_does_and_says_why_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("agent");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        let path = Some(dir.path().as_os_str());
        assert_eq!(find("agent", path, Path::new("/")), Err(ProgramError::NotExecutable(file.clone())));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find("agent", path, Path::new("/")), Ok(file.clone()));
        assert_eq!(find("./agent", None, dir.path()), Ok(dir.path().join("./agent")));
        assert!(matches!(find("nobody", path, Path::new("/")), Err(ProgramError::NotFound { .. })));
    }
}

//! The caller's environment, and the part of it that a run gets: a fixed list and the manifest's `pass_env`, so that
//! a run does not depend on other variables.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Variables that every run inherits from its caller, if they are set.
const PASSED: [&str; 7] = ["PATH", "HOME", "LANG", "TERM", "SHELL", "USER", "TMPDIR"];
const PASSED_PREFIXES: [&str; 2] = ["LC_", "XDG_"];

/// In the processes of a run on an engine's node: the name of its executor.
pub const EXECUTOR: &str = "DISPATCH_EXECUTOR";

/// A run's environment: names to values, both free of NUL.
pub type Environment = BTreeMap<OsString, OsString>;

/// One variable of this process, if it is set and not empty.
pub fn var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// One variable of this process as text, if it is set, not empty and UTF-8.
pub fn var_text(name: &str) -> Option<String> {
    var(name)?.into_string().ok()
}

/// All variables of this process.
pub fn all() -> Environment {
    std::env::vars_os().collect()
}

/// The variables that a run inherits: the fixed list and the manifest's `pass_env`.
pub fn passed(pass_env: &[String]) -> Environment {
    let wanted = |name: &OsStr| {
        let Some(name) = name.to_str() else { return false };
        PASSED.contains(&name)
            || PASSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || pass_env.iter().any(|passed| passed == name)
    };
    std::env::vars_os().filter(|(name, _)| wanted(name) && !is_ours(name)).collect()
}

/// Those of `names` that are set in this process and not `given` to a run.
pub fn not_passed(names: &[&str], given: &Environment) -> Vec<String> {
    let is_missing = |name: &str| var(name).is_some() && !given.contains_key(OsStr::new(name));
    names.iter().filter(|name| is_missing(name)).map(|name| (*name).to_owned()).collect()
}

/// Whether a variable belongs to `dispatch` itself, so that no started process may inherit it.
pub fn is_ours(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"DISPATCH_")
}

/// The file that passes a run's environment to its process: in the user's private runtime folder (in memory) if there
/// is one, else in the run folder.
pub fn waiting_place(run_folder: &Path, run_id: &str) -> PathBuf {
    if let Some(runtime) = var("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute()) {
        let folder = runtime.join("dispatch");
        if is_private(&runtime) && make_private(&folder).is_ok() {
            return folder.join(run_id);
        }
    }
    run_folder.join("env")
}

fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(folder).is_ok_and(|meta| {
        meta.is_dir() && meta.mode() & 0o077 == 0 && meta.uid() == rustix::process::geteuid().as_raw()
    })
}

fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_private(folder) => Ok(()),
        other => other,
    }
}

/// Writes `environment` to a new file with mode 0600. Fails if the file exists.
pub fn hand_over(path: &Path, environment: &Environment) -> io::Result<()> {
    let mut bytes = Vec::new();
    for (name, value) in environment {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(b'=');
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.write_all(&bytes)
}

/// Reads the file and removes it, so that it is gone before the agent starts. Fails if it was removed already.
pub fn take_over(path: &Path) -> io::Result<Environment> {
    let bytes = fs::read(path)?;
    fs::remove_file(path)?;
    let mut environment = Environment::new();
    for entry in bytes.split(|b| *b == 0).filter(|entry| !entry.is_empty()) {
        if let Some(at) = entry.iter().position(|byte| *byte == b'=') {
            environment.insert(OsString::from_vec(entry[..at].to_vec()), OsString::from_vec(entry[at + 1..].to_vec()));
        }
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_taken_once_and_then_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("env");
        let mut environment = Environment::new();
        environment.insert("A".into(), "1\n=2".into());
        environment.insert("B".into(), "".into());
        hand_over(&path, &environment).unwrap();
        assert_eq!(take_over(&path).unwrap(), environment);
        assert!(take_over(&path).is_err());
    }
}

//! The dialogs that an interactive agent would show before its first conversation in a folder, derived from the
//! agent's own file of the user's answers. Must not write that file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::agents::{Dialog, WindowProtocol};
use crate::os::environment::Environment;
use crate::os::git::Repository;
use crate::store::record_file::{self, RecordError};

/// Bytes. The file grows with each project that was ever opened.
const MAX_FILE: u64 = 32 << 20;

/// The dialogs of a run in `folder` with this environment. Fails if the agent's file exists and cannot be read.
pub(crate) fn dialogs(
    protocol: &dyn WindowProtocol,
    folder: &Path,
    environment: &Environment,
) -> Result<Vec<Dialog>, RecordError> {
    let variable = |name: &str| variable(environment, name);
    let answered = match record_file::read_users_file(&protocol.onboarding_file(&variable), MAX_FILE) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(RecordError::Missing(_)) => String::new(),
        Err(error) => return Err(error),
    };
    let roots = trusted_with(folder);
    let roots: Vec<&str> = roots.iter().filter_map(|root| root.to_str()).collect();
    Ok(protocol.onboarding(&answered, &roots, &variable))
}

/// `None` if the variable is unset or empty.
pub(crate) fn variable(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Trust in any of these covers `folder`: it, its ancestors up to the repository root, a worktree's main checkout.
fn trusted_with(folder: &Path) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    for above in folder.ancestors() {
        roots.push(above.to_owned());
        if above.join(".git").exists() {
            break;
        }
    }
    let repository = Repository::by_location(folder).ok().flatten();
    roots.extend(repository.and_then(|repository| repository.main().map(Path::to_owned)));
    roots
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::protocol::Protocol;

    #[test]
    fn trust_is_the_repositorys() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(root.join("main/sub/own/.git")).unwrap();
        fs::create_dir_all(root.join("main/.git/worktrees/w")).unwrap();
        for git in ["main/.git", "main/sub/own/.git"] {
            fs::create_dir(root.join(git).join("objects")).unwrap();
            fs::create_dir(root.join(git).join("refs")).unwrap();
        }
        for head in ["main/.git/HEAD", "main/sub/own/.git/HEAD", "main/.git/worktrees/w/HEAD"] {
            fs::write(root.join(head), "ref: refs/heads/main\n").unwrap();
        }
        fs::write(root.join("main/.git/worktrees/w/gitdir"), format!("{}/w/.git\n", root.display())).unwrap();
        fs::create_dir_all(root.join("w/deep")).unwrap();
        fs::write(root.join("main/.git/worktrees/w/commondir"), "../..\n").unwrap();
        fs::write(root.join("w/.git"), format!("gitdir: {}/main/.git/worktrees/w\n", root.display())).unwrap();
        let project = format!(
            r#"{{"projects":{{"{}/main":{{"hasTrustDialogAccepted":true}}}},"hasCompletedOnboarding":true}}"#,
            root.display()
        );
        fs::write(root.join(".claude.json"), project).unwrap();
        let claude = crate::agents::of(Protocol::Claude).window().unwrap();
        let asks = |folder: &str, key: Option<&str>| {
            let mut environment: Environment = [("HOME".into(), root.clone().into_os_string())].into();
            environment.extend(key.map(|key| ("ANTHROPIC_API_KEY".into(), key.into())));
            let found = dialogs(claude, &root.join(folder), &environment).unwrap();
            found.iter().map(|dialog| dialog.name).collect::<Vec<_>>()
        };
        assert!(asks("main", None).is_empty());
        assert!(asks("main/sub", None).is_empty());
        assert!(asks("w/deep", None).is_empty(), "a worktree of it");
        assert_eq!(asks("main/sub/own", None), ["trust dialog"], "a repository within it");
        assert_eq!(asks("", None), ["trust dialog"]);
        assert_eq!(asks("main", Some("k")), ["API key dialog"]);
        fs::remove_file(root.join(".claude.json")).unwrap();
        assert_eq!(asks("main", None), ["onboarding", "trust dialog"]);
    }
}

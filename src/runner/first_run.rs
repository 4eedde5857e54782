//! Whether a `claude` would ask something before its first session in a folder: by its own
//! `.claude.json`, which is read and never written.

use std::path::{Path, PathBuf};

use crate::agent::{self, Dialog};
use crate::model::activity::ActivitySource;
use crate::model::run::Run;
use crate::system::environment::Environment;
use crate::system::git::Repository;
use crate::system::store::record_file::{self, RecordError};

const CONFIG: &str = ".claude.json";
/// It grows with each project that was ever opened.
const MAX_CONFIG: u64 = 32 << 20;
const KEY: &str = "ANTHROPIC_API_KEY";

/// What a run in `folder` with this environment would be asked.
pub fn would_ask(folder: &Path, environment: &Environment) -> Result<Vec<Dialog>, RecordError> {
    let var = |name: &str| environment.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty());
    let home = var("CLAUDE_CONFIG_DIR").or_else(|| var("HOME")).map(PathBuf::from).unwrap_or_default();
    let config = match record_file::read_users_file(&home.join(CONFIG), MAX_CONFIG) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(RecordError::Missing(_)) => String::new(),
        Err(error) => return Err(error),
    };
    let roots = trusted_with(folder);
    let roots: Vec<&str> = roots.iter().filter_map(|root| root.to_str()).collect();
    Ok(agent::would_ask(&config, &roots, var(KEY).and_then(|key| key.to_str())))
}

/// What a person does about the dialog that this run waits at.
pub fn cure(run: &Run) -> Option<&'static str> {
    let activity = run.progress.activity.as_ref().filter(|activity| activity.source == ActivitySource::Screen)?;
    Dialog::with_words(&activity.reason).map(Dialog::cure)
}

/// The folders whose trust holds for `folder`: itself and those above it, no further than the
/// repository it is in; for a linked worktree the main checkout too.
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
    use super::*;
    use std::fs;

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
        fs::write(root.join(CONFIG), project).unwrap();
        let asks = |folder: &str, key: Option<&str>| {
            let mut environment: Environment = [("HOME".into(), root.clone().into_os_string())].into();
            environment.extend(key.map(|key| (KEY.into(), key.into())));
            would_ask(&root.join(folder), &environment).unwrap()
        };
        assert_eq!(asks("main", None), []);
        assert_eq!(asks("main/sub", None), []);
        assert_eq!(asks("w/deep", None), [], "a worktree of it");
        assert_eq!(asks("main/sub/own", None), [Dialog::Trust], "a repository within it");
        assert_eq!(asks("", None), [Dialog::Trust]);
        assert_eq!(asks("main", Some("k")), [Dialog::ApiKey]);
        fs::remove_file(root.join(CONFIG)).unwrap();
        assert_eq!(asks("main", None), [Dialog::Onboarding, Dialog::Trust]);
    }
}

//! Finds state folders made by older versions, which kept one beside the manifest of each checkout; now all
//! checkouts of a repository share one.
//!
//! Nothing is migrated. While a run in an older folder is active, no run may start: a pair could run twice.

use std::path::{Path, PathBuf};

use crate::lifecycle::project::Project;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::manifest::discover::DEFAULT_STATE_DIR;
use crate::model::run::Run;
use crate::model::run_spec::below;
use crate::os::git::Repository;
use crate::store::state_dir::StateDirError;

/// An older state folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OlderState {
    /// The manifest folder that contains it.
    pub(crate) folder: PathBuf,
    pub(crate) path: PathBuf,
}

impl OlderState {
    /// The store, if one of its runs is active or its runs cannot be observed.
    fn living(&self) -> Result<Option<Store>, StateDirError> {
        let Some(store) = Store::find(&self.path)? else { return Ok(None) };
        let lives = refresh::all(&store).map_or(true, |seen| seen.runs.iter().any(Run::is_active));
        Ok(lives.then_some(store))
    }
}

pub(crate) fn older_states(project: &Project) -> Vec<OlderState> {
    let root = &project.manifest.root;
    let Some(repository) = &project.repository else { return Vec::new() };
    let written = Path::new(project.manifest.state_dir_written.as_deref().unwrap_or(DEFAULT_STATE_DIR));
    let is_main = repository.main().is_some_and(|main| repository.checkout() == Some(main));
    if is_main || written.is_absolute() {
        return Vec::new();
    }
    let current = project.manifest.state_dir.canonicalize().ok();
    let mut found: Vec<OlderState> = Vec::new();
    for folder in std::iter::once(root.clone()).chain(in_linked_worktrees(project, repository)) {
        let Ok(path) = folder.join(written).canonicalize() else { continue };
        let known = Some(&path) == current.as_ref() || found.iter().any(|older| older.path == path);
        if !known && path.join("runs").is_dir() && path.join("pairs").is_dir() {
            found.push(OlderState { folder, path });
        }
    }
    found
}

fn in_linked_worktrees(project: &Project, repository: &Repository) -> impl Iterator<Item = PathBuf> {
    repository.linked_worktrees().into_iter().map(|root| below(&root, &project.below))
}

/// The older folder beside this manifest, while a run in it is active: commands observe, wait for and stop that
/// run until it ends.
pub(crate) fn older_store(project: &Project) -> Result<Option<Store>, StateDirError> {
    let own = older_states(project).into_iter().find(|older| older.folder == project.manifest.root);
    own.map_or(Ok(None), |older| older.living())
}

/// Fails while a run is active in any older folder.
pub(crate) fn no_older_run(project: &Project) -> Result<(), StateDirError> {
    for older in older_states(project) {
        if older.living()?.is_some() {
            return Err(StateDirError::Older { path: older.path, folder: older.folder });
        }
    }
    Ok(())
}

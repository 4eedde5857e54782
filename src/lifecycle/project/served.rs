//! What a server needs of a project. A manifest with errors is enough: the server then shows why nothing can be started,
//! and the manifest can be repaired in the browser.

use std::path::{Path, PathBuf};

use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::{Depth, OpenError, Project, located, project_store};
use crate::lifecycle::store::Store;
use crate::manifest;
use crate::model::problem::Problem;
use crate::store::state_dir::StateDirError;

#[derive(Debug)]
pub enum ServedProject {
    Usable(Box<Project>),
    /// The manifest has errors.
    Broken(BrokenProject),
}

#[derive(Debug)]
pub struct BrokenProject {
    /// The manifest file, absolute.
    manifest: PathBuf,
    /// Its folder, absolute and resolved.
    root: PathBuf,
    state_dir: PathBuf,
    problems: Vec<Problem>,
}

impl ServedProject {
    /// Fails as [`Project::open`] does, but not for errors in a manifest whose state folder is known.
    pub fn open(location: &ManifestLocation) -> Result<Self, OpenError> {
        let problems = match Project::open(location, Depth::Shape) {
            Ok(project) => return Ok(Self::Usable(Box::new(project))),
            Err(OpenError::Problems { problems }) => problems,
            Err(error) => return Err(error),
        };
        let located = located(location)?;
        let found = manifest::resolve(&located.manifest).ok().and_then(|(manifest, root)| {
            let state_dir = manifest::state_dir_of(&manifest, &root, &located.home)?;
            Some((manifest, root, state_dir))
        });
        match found {
            Some((manifest, root, state_dir)) => {
                Ok(Self::Broken(BrokenProject { manifest, root, state_dir, problems }))
            }
            None => Err(OpenError::Problems { problems }),
        }
    }

    pub fn manifest(&self) -> &Path {
        match self {
            Self::Usable(project) => &project.manifest.path,
            Self::Broken(broken) => &broken.manifest,
        }
    }

    pub fn root(&self) -> &Path {
        match self {
            Self::Usable(project) => &project.manifest.root,
            Self::Broken(broken) => &broken.root,
        }
    }

    /// Warnings, or what is wrong with the manifest.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Usable(project) => &project.problems,
            Self::Broken(broken) => &broken.problems,
        }
    }

    /// The store; `None` if nothing was ever run. Fails if the state folder is unusable.
    pub fn find_store(&self) -> Result<Option<Store>, StateDirError> {
        match self {
            Self::Usable(project) => project_store::find(project),
            Self::Broken(broken) => Store::find(&broken.state_dir),
        }
    }

    /// Opens or creates the store.
    pub fn create_store(&self) -> Result<Store, StateDirError> {
        match self {
            Self::Usable(project) => project_store::create(project, None),
            // Nothing is started until the manifest is repaired; a start then completes the folder.
            Self::Broken(broken) => Store::create(&broken.state_dir),
        }
    }
}

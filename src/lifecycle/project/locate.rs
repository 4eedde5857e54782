//! Finds the manifest of a command and the repository that contains it. Does not read the manifest.

use std::path::{Path, PathBuf};

use crate::manifest::{Home, discover};
use crate::model::run_spec::below;
use crate::os::environment;
use crate::os::git::{Repository, RepositoryError};

/// Where a command searches for its manifest.
#[derive(Clone, Debug, Default)]
pub struct ManifestLocation {
    /// `-f`.
    pub file: Option<PathBuf>,
    /// The command's working directory, absolute.
    pub folder: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Absolute path.
    pub manifest: PathBuf,
    /// The repository that contains the manifest's folder.
    pub repository: Option<Repository>,
    /// The path from the root of the checkout to the manifest's folder.
    pub below: PathBuf,
    /// The base of relative state folders. Equal for all checkouts of a repository.
    pub home: Home,
}

struct FoundManifest {
    manifest: PathBuf,
    /// `None`: not determined yet.
    repository: Option<Repository>,
}

/// The manifest named by `-f` or `DISPATCH_MANIFEST`; else, inside a linked worktree, the main checkout's; else the
/// nearest one in the working directory or a parent. Fails if git refuses the repository.
pub fn locate(location: &ManifestLocation) -> Result<Option<Located>, RepositoryError> {
    let named = location.file.clone().or_else(|| environment::var("DISPATCH_MANIFEST").map(PathBuf::from));
    let found = match named {
        Some(file) => FoundManifest { manifest: location.folder.join(file), repository: None },
        None => match search(&location.folder)? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    found.located().map(Some)
}

/// The roots of all checkouts that contain `folder`, innermost first.
pub(crate) fn checkouts_around(folder: &Path) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    let mut next = Some(folder.to_owned());
    while let Some(Ok(Some(repository))) = next.as_deref().map(Repository::of) {
        roots.extend(repository.checkout().map(Path::to_owned));
        next = repository.found().parent().map(Path::to_owned);
    }
    roots
}

/// The nearest manifest, searched checkout by checkout; a linked worktree's main checkout comes first.
fn search(folder: &Path) -> Result<Option<FoundManifest>, RepositoryError> {
    let mut from = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    loop {
        let Some(repository) = Repository::of(&from)? else {
            return Ok(discover::find_upward(&from).map(|manifest| FoundManifest { manifest, repository: None }));
        };
        if let Some(found) = in_repository(&from, repository.clone())? {
            return Ok(Some(found));
        }
        match repository.found().parent() {
            Some(parent) => from = parent.to_owned(),
            None => return Ok(None),
        }
    }
}

/// The nearest manifest in `folder` or its parents, inside `repository`.
fn in_repository(folder: &Path, repository: Repository) -> Result<Option<FoundManifest>, RepositoryError> {
    let first = |root: &Path, below: &Path| {
        let mut folders = below.ancestors().map(|part| root.join(part).join(discover::MANIFEST_NAME));
        folders.find(|candidate| discover::is_manifest(candidate))
    };
    if let Some(checkout) = repository.checkout() {
        // With `core.worktree` the work tree need not contain `folder`; git then works on the whole tree.
        let below = folder.strip_prefix(checkout).unwrap_or(Path::new(""));
        if let Some(main) = repository.main().filter(|main| *main != checkout)
            && let Some(manifest) = first(main, below)
        {
            return Ok(Some(FoundManifest { manifest, repository: None }));
        }
        if let Some(manifest) = first(checkout, below) {
            return Ok(Some(FoundManifest { manifest, repository: Some(repository) }));
        }
    }
    let below = folder.strip_prefix(repository.found()).unwrap_or(Path::new(""));
    Ok(first(repository.found(), below).map(|manifest| FoundManifest { manifest, repository: Some(repository) }))
}

impl FoundManifest {
    fn located(self) -> Result<Located, RepositoryError> {
        let Self { manifest, repository } = self;
        let folder = manifest.parent().unwrap_or(Path::new("/"));
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let repository = repository.map_or_else(|| Repository::of(&root), |found| Ok(Some(found)))?;
        let Some(known) = &repository else {
            return Ok(Located { manifest, repository: None, below: PathBuf::new(), home: Home::in_folder(&root) });
        };
        let path = known.below(&root)?;
        let home = match known.main() {
            Some(main) => Home::in_folder(&below(main, &path)),
            None => Home::in_repository(known.common(), &path),
        };
        Ok(Located { manifest, repository, below: path, home })
    }
}

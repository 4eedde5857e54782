//! Adds a position in the manifest's text to a problem that was found after the manifest was read.

use crate::manifest::document::{At, Document};
use crate::manifest::settings::Manifest;
use crate::manifest::source::Source;
use crate::model::problem::Problem;

/// `problem` at the value of the key that the path `keys` names (`worktree`, `base`), or at the file if that key is not
/// found.
pub fn problem_at_key(manifest: &Manifest, keys: &[&str], problem: Problem) -> Problem {
    let document = Document::new(Source { path: manifest.path.clone(), text: manifest.source.clone() });
    let found =
        document.parse().and_then(|root| keys.iter().try_fold(&root, |node, key| node.get(key)).map(|node| node.id));
    let plain = problem.clone().in_file(manifest.path.clone());
    match found {
        Some(id) => document.add(At::Node(id), problem),
        None => return plain,
    }
    document.into_problems().pop().unwrap_or(plain)
}

//! Everything that a repository and its checkouts hold, to prove that nothing of it was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::world::World;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// All commits that a ref or a detached HEAD reaches.
    commits: BTreeSet<String>,
    refs: String,
    checkouts: String,
    /// The files of all checkouts, ignored and untracked ones too.
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// What git says about each checkout.
    status: String,
}

impl Snapshot {
    pub(super) fn of(world: &World) -> Self {
        let checkouts = world.git(&["worktree", "list", "--porcelain"]);
        let mut files = BTreeMap::new();
        let mut status = String::new();
        for root in checkouts.lines().filter_map(|line| line.strip_prefix("worktree ")) {
            if Path::new(root).exists() {
                collect(Path::new(root), &mut files);
                status += &world.git(&["-C", root, "status", "--porcelain", "--ignored", "--branch"]);
            }
        }
        Self {
            commits: world.git(&["rev-list", "--all"]).lines().map(str::to_owned).collect(),
            refs: world.git(&["for-each-ref", "--format=%(refname) %(objectname)"]),
            checkouts,
            files,
            status: status.replace("!! .dispatch/\n", ""),
        }
    }

    /// Refs, files and checkouts are exactly as they were.
    #[track_caller]
    pub(super) fn nothing_changed(&self, world: &World) {
        assert_eq!(*self, Self::of(world));
    }

    /// Each commit is still reachable; each file is as it was, or its content is in a reachable commit.
    #[track_caller]
    pub(super) fn nothing_is_lost(&self, world: &World) {
        let now = Self::of(world);
        let lost: Vec<_> = self.commits.difference(&now.commits).collect();
        assert!(lost.is_empty(), "unreachable commits: {lost:?}");
        assert_eq!(
            self.checkouts.lines().filter(|line| line.starts_with("worktree ")).count(),
            now.checkouts.lines().filter(|line| line.starts_with("worktree ")).count()
        );
        let objects = world.git(&["rev-list", "--objects", "--all"]);
        let objects: BTreeSet<&str> = objects.lines().filter_map(|line| line.split(' ').next()).collect();
        for (path, content) in &self.files {
            if now.files.get(path) == Some(content) {
                continue;
            }
            let scratch = world.root().join("content");
            fs::write(&scratch, content).unwrap();
            let id = world.git(&["hash-object", "--no-filters", scratch.to_str().unwrap()]);
            assert!(objects.contains(id.trim()), "the content of {} is lost", path.display());
        }
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if [".git", ".dispatch"].iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

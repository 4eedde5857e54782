//! Repositories of tests, with the worktree of a task.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::World;

pub const WORKTREES: &str = "worktree: { path: \"../trees/{{ task.id }}\", create: true }\n";

/// A repository with a task and its worktree.
pub fn world() -> (World, PathBuf) {
    let world = World::with(WORKTREES);
    world.task("T", "%hang");
    world.write("src/a.txt", "one\ntwo\nthree\n");
    world.write("old name", "stays as it is, line by line\nand another\n");
    world.git_init();
    let tree = tree(&world, "T");
    (world, tree)
}

/// A worktree for `task`, as a run would make it.
pub fn tree(world: &World, task: &str) -> PathBuf {
    let branch = format!("task/{}", task.to_lowercase());
    world.git(&["worktree", "add", "-q", &format!("../trees/{task}"), "-b", &branch]);
    world.root().join("trees").join(task)
}

pub fn git(world: &World, folder: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-C", folder.to_str().unwrap()];
    world.helper("git", &[&who, args].concat()).trim_end().to_owned()
}

pub fn commit(world: &World, folder: &Path, file: &str, text: &str) {
    fs::write(folder.join(file), text).unwrap();
    git(world, folder, &["add", "-A"]);
    git(world, folder, &["commit", "-qm", file]);
}

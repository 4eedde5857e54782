//! `dispatch clean --merged`: all tasks whose work arrived in their base, and no others.

use std::fs;

use crate::git::{WORKTREES, commit, git, tree};
use crate::world::World;

/// Tasks whose branches are merged (A, B), not merged (C), without a commit (D) and missing (E).
fn world() -> World {
    let world = World::with(WORKTREES);
    for task in ["A", "B", "C", "D", "E"] {
        world.task(task, "%hang");
    }
    world.git_init();
    for task in ["A", "B", "C"] {
        let tree = tree(&world, task);
        commit(&world, &tree, task, "x\n");
    }
    tree(&world, "D");
    for branch in ["task/a", "task/b"] {
        git(&world, &world.project(), &["merge", "-q", "--no-ff", "-m", "merged", branch]);
    }
    world
}

fn trees(world: &World) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(world.root().join("trees"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn merged_tasks_are_cleaned_up_and_others_are_not_touched() {
    let world = world();
    let place = |task: &str| world.root().join("trees").join(task).display().to_string();
    let said = world.dispatch("clean --merged -n").succeeds().text();
    let would = |task: &str| {
        format!("would remove worktree {}\nwould delete branch task/{}\n", place(task), task.to_lowercase())
    };
    assert_eq!(said, format!("{}{}", would("A"), would("B")));
    assert_eq!(trees(&world), ["A", "B", "C", "D"]);
    let done = world.dispatch("clean --merged").json();
    let cleaned: Vec<&str> =
        done["cleaned"].as_array().unwrap().iter().map(|view| view["task"].as_str().unwrap()).collect();
    assert_eq!((cleaned, done["kept"].as_array().unwrap().len()), (vec!["A", "B"], 0));
    assert_eq!(trees(&world), ["C", "D"]);
    assert_eq!(world.git(&["branch", "--format=%(refname:short)"]), "main\ntask/c\ntask/d\n");
    world.dispatch("clean --merged").stdout_is("nothing to clean: no task has a merged branch\n").succeeds();
}

#[test]
fn what_stands_against_one_does_not_stop_the_others() {
    let world = world();
    fs::write(world.root().join("trees/A/new"), "").unwrap();
    let call = world.dispatch("clean --merged").stderr_has("of task `A` stays:\n  1 file git does not know: new\n");
    let ended = call.stderr_has("hint: git -C ").fails_with(1);
    assert!(ended.text().contains("deleted branch task/b\n"), "{}", ended.text());
    assert_eq!(trees(&world), ["A", "C", "D"]);
    let ended = world.dispatch("clean --merged --json").any_stderr().fails_with(1);
    let document: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(document["kept"][0]["task"].as_str(), Some("A"), "{document}");
    assert!(document["kept"][0]["error"]["hint"].as_str().unwrap().starts_with("git -C "), "{document}");
    world.dispatch("clean --merged A").stderr_has("cannot be used with").fails_with(2);
    world.dispatch("clean").stderr_has("TASK").fails_with(2);
    World::new().dispatch("clean --merged").stderr_has("the manifest has no `worktree:`").fails_with(2);
}

//! A manifest in a subfolder of its repository.

use std::fs;

use crate::world::{BASE, World};

const TREES: &str = "worktree:\n  path: \"../../../trees/{{ task.id }}\"\n  create: true\n  \
    branch: \"t/{{ task.id | lower }}\"\n  copy: [.env]\n  setup: \"sh -c 'pwd > setup-was-in'\"\n";

/// The project of the world is `packages/api` of a repository one folder up.
fn world(more: &str) -> World {
    let world = World::bare();
    world.write("packages/api/dispatch.yaml", format!("{BASE}{more}"));
    world.write("packages/api/tasks/TASK-1.md", "---\ntitle: x\n---\n\n%exit 0");
    world.write("README", "the root");
    world.git_init();
    world.write("packages/api/.env", "SECRET=1\n");
    world
}

#[test]
fn the_run_works_in_the_same_folder_of_its_worktree() {
    let world = world(TREES);
    let api = world.project().join("packages/api");
    let tree = world.root().join("trees/TASK-1");
    let folder = tree.join("packages/api");
    let plan = world.dispatch("run -n job TASK-1").in_folder(&api).stdout_has(folder.to_str().unwrap()).notes();
    plan.succeeds();
    assert!(!tree.exists());
    world.dispatch("run -q job TASK-1").in_folder(&api).any_stderr().succeeds();
    assert_eq!(fs::read_to_string(tree.join("README")).unwrap(), "the root");
    assert_eq!(fs::read_to_string(folder.join(".env")).unwrap(), "SECRET=1\n");
    assert_eq!(fs::read_to_string(folder.join("setup-was-in")).unwrap().trim(), folder.to_str().unwrap());
    let run = world.starts()[0].run.clone();
    assert_eq!(String::from_utf8(world.saw(&run, "cwd")).unwrap(), folder.to_str().unwrap());
    assert!(!api.join(".git").exists());
    // In the worktree the main checkout's manifest counts, and the task is known.
    world.dispatch("job").in_folder(folder.join("tasks")).notes().succeeds();
    assert_eq!(world.starts().len(), 2);
    world.dispatch("diff TASK-1 --json").in_folder(&api).any_stderr().succeeds();
    assert!(!folder.join(".dispatch").exists());
}

#[test]
fn a_worktree_without_that_folder_is_refused() {
    let world = world(&TREES.replace("create: true", "create: false"));
    let api = world.project().join("packages/api");
    world.git(&["rm", "-rq", "--cached", "packages"]);
    world.git(&["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "gone"]);
    world.git(&["worktree", "add", "-q", "../trees/TASK-1", "-b", "t/task-1"]);
    for words in ["run job TASK-1", "run -n job TASK-1"] {
        world.dispatch(words).in_folder(&api).stderr_has("trees/TASK-1/packages/api").fails_with(2);
    }
    assert!(world.starts().is_empty());
}

#[test]
fn doctor_speaks_of_the_repository_around_it() {
    let world = world(TREES);
    let api = world.project().join("packages/api");
    let report = world.dispatch("doctor").in_folder(&api).any_stderr().ends_somehow();
    assert!(!report.text().contains("git init"), "{}", report.text());
    assert!(report.text().contains("can be made from main"), "{}", report.text());
}

#[test]
fn without_a_repository_nothing_is_promised() {
    let world = World::bare();
    world.write("dispatch.yaml", format!("{BASE}{TREES}"));
    world.task("TASK-1", "%exit 0");
    let init = format!("git init {}", world.project().display());
    for words in ["run -n job TASK-1", "run job TASK-1"] {
        world.dispatch(words).stderr_has("needs a git repository").stderr_has(&init).fails_with(2);
    }
    assert!(world.starts().is_empty());
}

#[test]
fn each_manifest_of_a_repository_keeps_its_own_runs() {
    let world = world("");
    let text = fs::read_to_string(world.project().join("packages/api/dispatch.yaml")).unwrap();
    world.write("packages/web/dispatch.yaml", text);
    world.write("packages/web/tasks/TASK-1.md", "---\ntitle: x\n---\n\n%exit 0");
    let root = world.root().to_str().unwrap();
    world.git(&["add", "-A"]);
    world.git(&["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "web"]);
    world.git(&["clone", "-q", "--bare", ".", "../p/.bare"]);
    world.git(&["-C", "../p/.bare", "worktree", "add", "-q", &format!("{root}/p/main"), "main"]);
    world.git(&["-C", "../p/.bare", "worktree", "add", "-q", "-b", "two", &format!("{root}/p/two"), "main"]);
    for name in ["api", "web"] {
        let [main, two] = ["main", "two"].map(|tree| world.root().join(format!("p/{tree}/packages/{name}")));
        world.dispatch("run -q job TASK-1").in_folder(&main).notes().succeeds();
        let seen = world.dispatch("status --all").in_folder(&two).json();
        assert_eq!(seen["runs"].as_array().unwrap().len(), 1, "{seen}");
        assert!(world.root().join(format!("p/.bare/dispatch/packages/{name}/runs")).is_dir());
    }
}

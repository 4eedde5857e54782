//! One repository is one project, whichever checkout a command is given in and however git keeps it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::waiting::{is, rounds, wait_until};
use crate::world::{BASE, World};

/// A repository with two checkouts, as git allows to keep it.
struct Layout {
    name: &'static str,
    /// git commands in the world's folder; `project` there is a committed project.
    make: &'static [&'static str],
    checkouts: [&'static str; 2],
    /// The one state folder.
    state: &'static str,
}

const PLAIN: Layout = Layout {
    name: "plain",
    make: &["clone -q project p", "-C p worktree add -q -b other ../other"],
    checkouts: ["p", "other"],
    state: "p/.dispatch",
};
const BARE: Layout = Layout {
    name: "bare",
    make: &[
        "clone -q --bare project p/.bare",
        "-C p/.bare worktree add -q ../main main",
        "-C p/.bare worktree add -q -b other ../other main",
    ],
    checkouts: ["p/main", "p/other"],
    state: "p/.bare/dispatch",
};
const BARE_AS_DOT_GIT: Layout = Layout {
    name: "bare, named .git",
    make: &[
        "clone -q --bare project p/.git",
        "-C p/.git worktree add -q ../main main",
        "-C p/.git worktree add -q -b other ../other main",
    ],
    checkouts: ["p/main", "p/other"],
    state: "p/.git/dispatch",
};
const SEPARATE: Layout = Layout {
    name: "separate git dir",
    make: &["clone -q --separate-git-dir=gits-x project x", "-C x worktree add -q -b other ../y"],
    checkouts: ["x", "y"],
    state: "gits-x/dispatch",
};
const SUBMODULE: Layout = Layout {
    name: "submodule",
    make: &[
        "init -q -b main super",
        "-c protocol.file.allow=always -C super submodule --quiet add ../project lib",
        "-C super/lib worktree add -q -b other ../../lib-other",
    ],
    checkouts: ["super/lib", "lib-other"],
    state: "super/lib/.dispatch",
};
const CORE_WORKTREE: Layout = Layout {
    name: "core.worktree",
    make: &[
        "clone -q --separate-git-dir=gits-x project x",
        "-C x config core.worktree ../x",
        "-C x worktree add -q -b other ../y",
    ],
    checkouts: ["x", "y"],
    state: "x/.dispatch",
};

impl Layout {
    fn world(&self, more: &str) -> World {
        let world = World::with(more);
        world.task("TASK-1", "%hang").git_init();
        for words in self.make {
            git(&world, words);
        }
        if self.name == "bare, with a .git file" {
            fs::write(world.root().join("p/.git"), "gitdir: ./.bare\n").unwrap();
        }
        world
    }

    fn folders(&self, world: &World) -> [PathBuf; 2] {
        self.checkouts.map(|checkout| world.root().join(checkout))
    }
}

#[track_caller]
fn git(world: &World, words: &str) -> String {
    let root = world.root().to_str().unwrap().to_owned();
    let all: Vec<&str> = ["-C", &root].into_iter().chain(words.split(' ')).collect();
    world.helper("git", &all)
}

/// All state folders below the world.
fn state_folders(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.join("runs").is_dir() && path.join("pairs").is_dir() {
            found.push(path);
        } else if entry.file_type().unwrap().is_dir() && !path.join("objects/pack").is_dir()
            || path.join("dispatch").is_dir()
        {
            state_folders(&path, found);
        }
    }
}

/// One pair, started from both checkouts at once: one start, one state folder, one answer.
#[track_caller]
fn runs_once(layout: &Layout) {
    let world = layout.world("");
    let folders = layout.folders(&world);
    for round in 1..=rounds(20) {
        let calls: Vec<_> = folders
            .iter()
            .cycle()
            .take(6)
            .map(|folder| world.dispatch("run -d -q job TASK-1").in_folder(folder).notes().start())
            .collect();
        calls.into_iter().for_each(|call| drop(call.ends_with(0)));
        let status = |words: &str, folder: &Path| world.dispatch(words).in_folder(folder).json();
        let run = status("status job TASK-1", &folders[0])["runId"].as_str().unwrap().to_owned();
        world.agent_ready(&run);
        assert_eq!(world.starts().len(), round, "{}: agent starts after round {round}", layout.name);
        world.dispatch("stop job TASK-1").in_folder(&folders[1]).notes().succeeds();
        let seen: Vec<Value> = folders.iter().map(|folder| status("status --all", folder)).collect();
        assert_eq!(seen[0], seen[1], "{}", layout.name);
        assert_eq!(seen[0]["runs"][0]["runId"], run.as_str(), "{}", layout.name);
    }
    let mut found = Vec::new();
    state_folders(world.root(), &mut found);
    assert_eq!(found, [world.root().join(layout.state)], "{}", layout.name);
}

#[test]
fn a_plain_clone_and_its_worktree_run_a_pair_once() {
    runs_once(&PLAIN);
}

#[test]
fn worktrees_of_a_bare_repository_run_a_pair_once() {
    runs_once(&BARE);
    runs_once(&BARE_AS_DOT_GIT);
    runs_once(&Layout { name: "bare, with a .git file", ..BARE });
}

#[test]
fn a_git_folder_that_lies_elsewhere_runs_a_pair_once() {
    runs_once(&SEPARATE);
    runs_once(&CORE_WORKTREE);
}

#[test]
fn a_submodule_and_its_worktree_run_a_pair_once() {
    runs_once(&SUBMODULE);
}

#[test]
fn a_repository_that_the_environment_names_is_the_one_that_git_names() {
    let world = SEPARATE.world("");
    let [x, y] = SEPARATE.folders(&world);
    let first = world.dispatch("run -d job TASK-1").in_folder(&y).notes().json()["runs"][0]["runId"].clone();
    // Without its `.git`, only the environment says which repository this folder is a checkout of.
    fs::remove_file(x.join(".git")).unwrap();
    let env = |words: &str| world.dispatch(words).in_folder(&x).env("GIT_DIR", "../gits-x");
    assert_eq!(env("run -d job TASK-1").notes().json()["runs"][0]["runId"], first);
    assert_eq!(env("status job TASK-1").env("GIT_WORK_TREE", ".").json()["runId"], first);
    assert_eq!(world.starts().len(), 1);
    assert!(!x.join(".dispatch").exists());
    env("status").env("GIT_DIR", "/no/such").stderr_has("GIT_DIR").stderr_has("unset GIT_DIR").fails_with(2);
    // A hook's environment names the repository that the folder is in anyway.
    let hook = world.dispatch("status job TASK-1").in_folder(y.join("tasks"));
    assert_eq!(hook.env("GIT_DIR", world.root().join("gits-x/worktrees/y")).json()["runId"], first);
}

#[test]
fn session_and_name_are_those_of_the_folder_around_the_repository() {
    let manifest = BASE.replace("session: world\n", "");
    let world = World::bare();
    world.write(
        "dispatch.yaml",
        format!("{manifest}  named: {{ agent: fake, prompt: \"%out {{{{ project.name }}}}\" }}\n"),
    );
    world.task("TASK-1", "%hang").git_init();
    BARE.make.iter().for_each(|words| drop(git(&world, words)));
    for folder in BARE.folders(&world) {
        world.dispatch("render named TASK-1").in_folder(&folder).stdout_has("%out p").any_stderr().succeeds();
        world.dispatch("run -d --attach none talk TASK-1").in_folder(&folder).notes().succeeds();
    }
    assert_eq!(world.tmux(&["list-sessions", "-F", "#{session_name}"]), "p");
}

#[test]
fn a_relative_state_folder_lies_in_the_common_folder() {
    let world = BARE.world("state_dir: kept\n");
    let [main, other] = BARE.folders(&world);
    let run = world.dispatch("run -d job TASK-1").in_folder(&main).notes().json()["runs"][0]["runId"].clone();
    assert_eq!(world.dispatch("status job TASK-1").in_folder(&other).json()["runId"], run);
    assert!(world.root().join("p/.bare/kept/runs").is_dir());
    let world = BARE.world("state_dir: .\n");
    world.dispatch("status").in_folder(&BARE.folders(&world)[0]).stderr_has("state_dir").fails_with(2);
}

#[test]
fn a_manifest_beside_a_bare_repository_knows_the_tasks_worktrees() {
    let world = World::bare();
    world.task("TASK-1", "%exit 0").git_init();
    BARE.make.iter().for_each(|words| drop(git(&world, words)));
    for has_file in [false, true] {
        let p = world.root().join("p");
        if has_file {
            fs::write(p.join(".git"), "gitdir: ./.bare\n").unwrap();
        }
        let more = "worktree: { path: \"trees/{{ task.id }}\", branch: \"t/{{ task.id }}\" }\n";
        fs::write(p.join("dispatch.yaml"), format!("{BASE}{more}").replace("tasks/**/", "main/tasks/")).unwrap();
        if !has_file {
            git(&world, "-C p/.bare worktree add -q -b t/TASK-1 ../trees/TASK-1 main");
            // Without the `.git` file the folder is in no repository.
            world.dispatch("run job TASK-1").in_folder(&p).stderr_has("is in none").fails_with(2);
            continue;
        }
        world.dispatch("run -q job TASK-1").in_folder(&p).notes().succeeds();
        world.dispatch("job").in_folder(p.join("trees/TASK-1")).notes().succeeds();
        assert_eq!(world.starts().len(), 2);
        assert!(p.join(".bare/dispatch/runs").is_dir());
    }
}

#[test]
fn a_checkout_in_the_way_of_the_state_folder_is_left_alone() {
    let world = BARE.world("");
    let [main, _] = BARE.folders(&world);
    git(&world, "-C p/.bare worktree add -q -b w dispatch main");
    world.dispatch("run job TASK-1").in_folder(&main).stderr_has("is a git checkout").fails_with(2);
    assert!(!world.root().join("p/.bare/dispatch/runs").exists());
}

#[test]
fn a_manifest_that_the_main_checkout_lacks_has_one_state_folder_too() {
    let world = World::bare();
    world.git_init();
    git(&world, "-C project worktree add -q -b one ../one");
    world.write("dispatch.yaml", BASE);
    let one = world.root().join("one");
    fs::rename(world.project().join("dispatch.yaml"), one.join("dispatch.yaml")).unwrap();
    fs::create_dir(one.join("tasks")).unwrap();
    fs::write(one.join("tasks/TASK-1.md"), "---\ntitle: x\n---\n\n%hang").unwrap();
    git(&world, "-C one add -A");
    git(&world, "-C one -c user.name=t -c user.email=t@localhost commit -qm manifest");
    git(&world, "-C one worktree add -q -b two ../two");
    let two = world.root().join("two");
    let run = |folder: &Path| {
        let answer = world.dispatch("run -d job TASK-1").in_folder(folder).notes().json();
        answer["runs"][0]["runId"].as_str().unwrap().to_owned()
    };
    let first = run(&one);
    assert_eq!(run(&two), first);
    let named = world.dispatch("status job TASK-1 -f").arg(two.join("dispatch.yaml")).json();
    assert_eq!(named["runId"], first.as_str());
    world.agent_ready(&first);
    assert_eq!(world.starts().len(), 1);
    assert!(world.state().join("runs").is_dir() && !one.join(".dispatch").exists() && !two.join(".dispatch").exists());
}

#[test]
fn in_a_submodule_the_project_around_it_is_that_of_the_main_checkout() {
    let world = World::new();
    world.task("TASK-1", "%exit 0").git_init();
    git(&world, "init -q -b main lib");
    git(&world, "-C lib -c user.name=t -c user.email=t@localhost commit -q --allow-empty -m x");
    git(&world, "-c protocol.file.allow=always -C project submodule --quiet add ../lib lib");
    git(&world, "-C project -c user.name=t -c user.email=t@localhost commit -qm lib");
    git(&world, "-C project worktree add -q -b side ../side");
    git(&world, "-c protocol.file.allow=always -C side submodule --quiet update --init");
    world.dispatch("run -q job TASK-1").notes().succeeds();
    let seen = world.dispatch("status job TASK-1").in_folder(world.root().join("side/lib")).json();
    assert_eq!(seen["runId"], world.starts()[0].run.as_str());
    assert!(!world.root().join("side/.dispatch").exists());
}

#[test]
fn a_state_folder_of_an_older_version_is_not_forgotten_while_a_run_in_it_lives() {
    let world = BARE.world("");
    let [main, other] = BARE.folders(&world);
    // As the version before kept it: beside the manifest, wherever that was.
    let kept = main.join(".dispatch");
    let manifest = fs::read_to_string(main.join("dispatch.yaml")).unwrap();
    fs::write(main.join("dispatch.yaml"), format!("{manifest}state_dir: {}\n", kept.display())).unwrap();
    let run = world.dispatch("run -d job TASK-1").in_folder(&main).notes().json()["runs"][0]["runId"].clone();
    world.agent_ready(run.as_str().unwrap());
    fs::write(main.join("dispatch.yaml"), &manifest).unwrap();

    let command = format!("dispatch -C {} stop --all", main.display());
    for folder in [&main, &other] {
        let call = world.dispatch("run -d job TASK-1").in_folder(folder);
        call.stderr_has(kept.to_str().unwrap()).stderr_has(&command).fails_with(2);
    }
    assert_eq!(world.starts().len(), 1);
    world.dispatch("stop --all").in_folder(&main).notes().succeeds();
    world.wait_all_quiet();
    // Now it is only named, and nothing touches it.
    let report = world.dispatch("doctor --json").in_folder(&other).any_stderr().ends_somehow();
    assert!(report.text().contains(kept.to_str().unwrap()), "{}", report.text());
    world.dispatch("run -d job TASK-1").in_folder(&other).notes().succeeds();
    wait_until("the pair runs again", || is(world.starts().len() == 2, format!("{:?}", world.starts())));
    assert!(kept.join("runs").join(run.as_str().unwrap()).is_dir());
}

#[test]
fn what_git_refuses_is_refused_by_name_and_nothing_is_started() {
    let world = PLAIN.world("");
    let [main, other] = PLAIN.folders(&world);
    fs::write(other.join(".git"), "no such words\n").unwrap();
    let cure = format!("git worktree repair {}", other.display());
    for words in ["run job TASK-1", "status", "check"] {
        world.dispatch(words).in_folder(other.join("tasks")).stderr_has(&cure).stderr_has(".git").fails_with(2);
    }
    fs::write(other.join(".git"), format!("gitdir: {}/.git/worktrees/other\n", main.display())).unwrap();
    world.dispatch("status").in_folder(&other).any_stderr().succeeds();
    fs::remove_dir_all(main.join(".git/worktrees/other")).unwrap();
    world.dispatch("run job TASK-1").in_folder(&other).stderr_has(&cure).fails_with(2);
    world.dispatch("doctor").in_folder(&other).stderr_has(&cure).fails_with(1);
    assert!(world.starts().is_empty());
    assert!(!other.join(".dispatch").exists());
}

#[test]
fn a_repository_without_a_commit_is_refused_where_one_is_needed() {
    let more = "worktree: { path: \"../trees/{{ task.id }}\", create: true }\n";
    let world = World::with(more);
    world.task("TASK-1", "%exit 0");
    world.git(&["init", "-q", "-b", "main"]);
    for words in ["run job TASK-1", "run -n job TASK-1"] {
        world.dispatch(words).stderr_has("no commit").stderr_has("commit --allow-empty").fails_with(2);
    }
    assert!(world.starts().is_empty());
    assert!(!world.root().join("trees").exists());
}

#[test]
fn links_that_lead_out_of_the_project_are_one_warning_of_the_search() {
    let world = World::bare();
    world.write("dispatch.yaml", BASE.replace("tasks/**/*.md", "**/*.md"));
    world.task("TASK-1", "%exit 0");
    symlink("/etc", world.project().join("etc")).unwrap();
    symlink("/etc/passwd", world.project().join("passwd.md")).unwrap();
    world.dispatch("check").stderr_has("2 links lead out").stderr_has("`etc`, `passwd.md`").succeeds();
    let warned = world.dispatch("tasks").stdout_has("TASK-1").any_stderr().succeeds();
    assert_eq!(warned.stderr.matches("warning").count(), 1, "{}", warned.stderr);
    world.dispatch("run -q job TASK-1").succeeds();
    world.dispatch("run job passwd").stderr_has("passwd").fails_with(2);
}

#[test]
fn checkouts_below_the_project_are_not_searched_for_tasks() {
    let world = World::bare();
    let more = "worktree: { path: \"worktrees/{{ task.id }}\", create: true, branch: \"t/{{ task.id }}\" }\n";
    world.write("dispatch.yaml", format!("{BASE}{more}").replace("tasks/**/*.md", "**/tasks/*.md"));
    world.task("TASK-1", "%exit 0").task("TASK-2", "%exit 0").git_init();
    for task in ["TASK-1", "TASK-2", "TASK-1"] {
        world.dispatch("run -q job").arg(task).any_stderr().succeeds();
    }
    world.dispatch("check").any_stderr().succeeds();
    git(&world, "clone -q project project/vendor");
    let listing = world.dispatch("tasks").notes().json();
    assert_eq!(listing["tasks"].as_array().unwrap().len(), 2, "{listing}");
    world.dispatch("job").in_folder(world.project().join("worktrees/TASK-2/tasks")).notes().succeeds();
    assert_eq!(world.starts().last().unwrap().task, "TASK-2");
}

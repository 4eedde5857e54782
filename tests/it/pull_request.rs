//! `dispatch pr`: pushes the branch of a task and nothing else, and opens a pull request with a scripted `gh`.

use std::fs;
use std::path::PathBuf;

use crate::git::{WORKTREES, commit, git, tree};
use crate::world::{BASE, World};

/// Writes its arguments and its input into files, and prints the address of a pull request.
const GH: &str = "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$HOME/arguments\"\npwd > \"$HOME/folder\"\ncat > \"$HOME/body\"\n\
                  echo https://localhost/pull/7\n";

/// A repository with a remote, a task with a worktree and one commit, and no `gh` yet.
fn world() -> (World, PathBuf) {
    let world = World::with(WORKTREES);
    world.task("T", "What is to be done: \"it's\" $HOME.\n\nAnd why.\n");
    world.git_init();
    let far = world.root().join("far.git");
    world.git(&["init", "-q", "--bare", far.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", far.to_str().unwrap()]);
    world.git(&["push", "-q", "origin", "main"]);
    let tree = tree(&world, "T");
    commit(&world, &tree, "work", "done\n");
    (world, tree)
}

fn noted(world: &World, name: &str) -> String {
    fs::read_to_string(world.root().join("home").join(name)).unwrap_or_default()
}

/// The refs of the remote.
fn pushed(world: &World) -> String {
    world
        .git(&["ls-remote", "origin"])
        .lines()
        .filter(|line| !line.ends_with("HEAD"))
        .map(|line| line.split('\t').nth(1).unwrap().to_owned() + "\n")
        .collect()
}

#[test]
fn the_branch_alone_is_pushed_and_title_and_body_come_from_the_task() {
    let (world, _) = world();
    world.shadow("gh", GH);
    // Settings that would push more.
    git(&world, &world.project(), &["tag", "-a", "v1", "-m", "x", "task/t"]);
    world.git(&["config", "push.followTags", "true"]);
    world.git(&["config", "remote.origin.push", "+refs/heads/*:refs/heads/*"]);
    world.git(&["branch", "other"]);
    let call = world.dispatch("pr T").stdout_is("https://localhost/pull/7\n");
    call.stderr_has("pushed task/t to origin\n").succeeds();
    assert_eq!(pushed(&world), "refs/heads/main\nrefs/heads/task/t\n");
    let arguments = "pr\ncreate\n--head\ntask/t\n--base\nmain\n--title\nT: The T\n--body-file\n-\n";
    assert_eq!(noted(&world, "arguments"), arguments);
    assert_eq!(noted(&world, "body"), "What is to be done: \"it's\" $HOME.\n\nAnd why.");
    assert_eq!(noted(&world, "folder").trim(), world.project().display().to_string());
    let done = world.dispatch("pr T --draft --base dev").json();
    assert_eq!(
        (done["draft"].as_bool(), done["base"].as_str(), done["title"].as_str()),
        (Some(true), Some("dev"), Some("T: The T"))
    );
    assert_eq!((done["url"].as_str(), done["remote"].as_str()), (Some("https://localhost/pull/7"), Some("origin")));
    assert_eq!(noted(&world, "arguments"), arguments.replace("main", "dev") + "--draft\n");
}

#[test]
fn the_projects_own_template_gives_title_and_body() {
    let (world, _) = world();
    world.shadow("gh", GH);
    world.write(
        "templates/pull-request.md",
        "# {{ task.title | upper }}\n\nFrom {{ project.name }}.\n{{ task.body }}\n",
    );
    world.write("dispatch.yaml", format!("{BASE}{}", WORKTREES.replace(" }\n", ", base: origin/main }\n")));
    world.dispatch("-q pr T").stdout_is("https://localhost/pull/7\n").succeeds();
    assert!(noted(&world, "arguments").contains("\n--base\nmain\n--title\nTHE T\n"), "{}", noted(&world, "arguments"));
    assert!(noted(&world, "body").starts_with("From project.\nWhat is"), "{}", noted(&world, "body"));
    world.write("templates/pull-request.md", "{{ task.area }}\n\nBody\n");
    world.dispatch("pr T").stderr_has("gives an empty title").stderr_has("hint: ").fails_with(2);
    world.write("templates/pull-request.md", "{{ task.nothing }}\n");
    world.dispatch("pr T").stderr_has("pull-request.md:1").fails_with(2);
}

#[test]
fn without_gh_the_exact_commands_are_printed_and_nothing_is_pushed() {
    let (world, _) = world();
    let call = world.dispatch("pr T --draft").stderr_has("`gh` was not found, and nothing was pushed").stdout_is("");
    let said = call.fails_with(1).stderr;
    assert_eq!(pushed(&world), "refs/heads/main\n");
    // They do what `pr` does where `gh` is.
    world.shadow("gh", GH);
    let commands: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("hint: ")).collect();
    assert_eq!(commands.len(), 2, "{said}");
    for command in commands {
        world.helper("sh", &["-c", command]);
    }
    let by_hand = (pushed(&world), noted(&world, "arguments"), noted(&world, "body").trim_end().to_owned());
    world.dispatch("-q pr T --draft").stdout_has("/pull/7").succeeds();
    assert_eq!((pushed(&world), noted(&world, "arguments"), noted(&world, "body")), by_hand);
}

#[test]
fn all_that_stands_against_it_is_said_at_once_and_nothing_is_pushed() {
    let (world, tree) = world();
    world.shadow("gh", GH);
    world.git(&["remote", "remove", "origin"]);
    git(&world, &tree, &["reset", "-q", "--hard", "main"]);
    fs::write(tree.join("new"), "").unwrap();
    let place = tree.display().to_string();
    let mut call = world.dispatch("pr T").stdout_is("");
    for words in [
        format!("error: no pull request of `task/t` into `main` was opened; its worktree is `{place}`:\n"),
        "  1 file git does not know: new\n".to_owned(),
        "  `task/t` has no commit that `main` does not have\n".to_owned(),
        "  the repository has no remote to push to\n".to_owned(),
        format!("hint: git -C {place} add -A && git -C {place} commit\n"),
        format!("hint: git -C {} remote add origin URL\n", world.project().display()),
    ] {
        call = call.stderr_has(words);
    }
    call.fails_with(1);
    assert_eq!(noted(&world, "arguments"), "");
    world.task("U", "x");
    world.dispatch("pr U").stderr_has("task `U` has no branch `task/u`").fails_with(1);
    world.dispatch("pr NO").stderr_has("NO").fails_with(2);
}

#[test]
fn a_push_is_never_forced_and_what_gh_refuses_is_said() {
    let (world, tree) = world();
    world.shadow("gh", GH);
    world.dispatch("-q pr T").stdout_has("/pull/7").succeeds();
    fs::remove_file(world.root().join("home/arguments")).unwrap();
    git(&world, &tree, &["commit", "-q", "--amend", "-m", "other"]);
    let theirs = world.git(&["ls-remote", "origin", "task/t"]);
    world.dispatch("pr T").stderr_has("`git push` failed").stderr_has("rejected").stdout_is("").fails_with(1);
    assert_eq!((world.git(&["ls-remote", "origin", "task/t"]), noted(&world, "arguments")), (theirs, String::new()));
    git(&world, &tree, &["push", "-q", "--force", "origin", "task/t"]);
    world.shadow("gh", "#!/bin/sh\necho 'a pull request already exists' >&2\nexit 1\n");
    let call = world.dispatch("pr T").stderr_has("`task/t` was pushed to `origin`, but no pull request was opened: ");
    call.stderr_has("a pull request already exists\nhint: `gh auth status`").stdout_is("").fails_with(1);
}

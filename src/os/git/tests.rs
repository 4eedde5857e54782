//! Against real repositories in temporary folders.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::model::run_spec::WorktreeSpec;
use crate::os::git::{
    CreationCheck, GitError, PendingSetup, add_worktree, copy_files, is_checkout_of, is_worktree, linked_worktree_of,
    setup_is_pending,
};

struct Repository {
    _folder: TempDir,
    base: PathBuf,
    root: PathBuf,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let root = base.join("main one");
        let repository = Self { _folder: folder, base, root };
        repository.git(&["init", "-q", "-b", "main", repository.root.to_str().unwrap()]);
        fs::create_dir(repository.root.join("sub")).unwrap();
        fs::write(repository.root.join("sub/file"), "first\n").unwrap();
        repository.in_root(&["add", "."]);
        repository.in_root(&["commit", "-q", "-m", "first"]);
        repository
    }

    fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "protocol.file.allow=always"];
        let output = Command::new("git").args(identity).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null").output();
        let output = output.unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn in_root(&self, args: &[&str]) -> String {
        self.git(&[&["-C", self.root.to_str().unwrap()], args].concat())
    }

    fn spec(&self, name: &str, branch: &str) -> WorktreeSpec {
        WorktreeSpec {
            repository: self.root.clone(),
            project: None,
            below: PathBuf::new(),
            path: self.base.join("trees of it").join(name),
            branch: branch.to_owned(),
            base: "main".to_owned(),
            fetch: false,
            submodules: None,
            copy: Vec::new(),
            setup: Vec::new(),
        }
    }

    fn branch_of(&self, path: &Path) -> String {
        self.git(&["-C", path.to_str().unwrap(), "branch", "--show-current"])
    }
}

fn add(spec: &WorktreeSpec) -> Result<(), GitError> {
    add_worktree(spec, &mut |_| {})
}

#[test]
fn a_worktree_is_made_from_the_base_or_on_its_branch() {
    let repository = Repository::new();
    let new = repository.spec("new", "task/new");
    let mut said = Vec::new();
    add_worktree(&new, &mut |line| said.push(line.to_owned())).unwrap();
    assert!(!said.is_empty());
    assert_eq!(repository.branch_of(&new.path), "task/new");
    assert!(is_worktree(&new.path) && is_worktree(&repository.root) && !is_worktree(&repository.base));

    repository.in_root(&["branch", "task/old"]);
    repository.in_root(&["commit", "-q", "--allow-empty", "-m", "later"]);
    let old = repository.spec("old", "task/old");
    add(&old).unwrap();
    assert_eq!(repository.branch_of(&old.path), "task/old");
    let head = repository.git(&["-C", old.path.to_str().unwrap(), "rev-parse", "HEAD"]);
    assert_eq!(head, repository.in_root(&["rev-parse", "main~1"]), "the branch stays where it was");
}

#[test]
fn what_is_there_is_used_as_it_is() {
    let repository = Repository::new();
    let spec = repository.spec("tree", "task/x");
    add(&spec).unwrap();
    fs::write(spec.path.join("sub/file"), "changed\n").unwrap();
    fs::write(spec.path.join("new"), "untracked\n").unwrap();
    add(&spec).unwrap();
    assert_eq!(fs::read_to_string(spec.path.join("sub/file")).unwrap(), "changed\n");
    assert!(spec.path.join("new").exists());
}

#[test]
fn what_is_in_the_way_is_named_and_left_alone() {
    let repository = Repository::new();
    let spec = repository.spec("tree", "task/x");
    fs::create_dir_all(&spec.path).unwrap();
    fs::write(spec.path.join("mine"), "x").unwrap();
    assert!(matches!(add(&spec), Err(GitError::Occupied(path)) if path == spec.path));
    assert!(spec.path.join("mine").exists());

    let other = Repository::new();
    let foreign = WorktreeSpec { path: other.root.clone(), ..spec.clone() };
    assert!(matches!(add(&foreign), Err(GitError::OtherRepository(_))));

    let elsewhere = repository.spec("second", "main");
    let error = add(&elsewhere).unwrap_err();
    assert!(matches!(&error, GitError::CheckedOut { at, .. } if *at == repository.root), "{error}");

    let no_base = WorktreeSpec { base: "no-such".to_owned(), ..repository.spec("third", "task/y") };
    let error = add(&no_base).unwrap_err();
    assert!(error.to_string().contains("no-such") && !no_base.path.exists(), "{error}");
    let option = WorktreeSpec { base: "--detach".to_owned(), ..repository.spec("fourth", "-x") };
    assert!(matches!(add(&option), Err(GitError::Failed { .. })));

    let nowhere = WorktreeSpec { repository: repository.base.clone(), ..spec };
    assert!(matches!(add(&nowhere), Err(GitError::NotARepository(_))));
}

#[test]
fn a_removed_folder_is_made_again_and_a_half_made_one_is_not_used() {
    let repository = Repository::new();
    let mut spec = repository.spec("tree", "task/x");
    spec.path = repository.root.join("../trees/tree");
    add(&spec).unwrap();
    fs::remove_dir_all(&spec.path).unwrap();
    add(&spec).unwrap();
    assert!(spec.path.join("sub/file").exists());

    fs::write(repository.root.join(".git/worktrees/tree/locked"), "initializing").unwrap();
    assert!(matches!(add(&spec), Err(GitError::HalfMade(_))));
    let known = crate::os::git::repository::Repository::by_location(&spec.repository).unwrap().unwrap();
    let check = || CreationCheck::default().check(&spec, &known);
    assert!(matches!(check(), Err(GitError::HalfMade(_))));
    let lock = fs::File::create(repository.root.join(".git/dispatch-worktree.lock")).unwrap();
    lock.lock().unwrap();
    check().expect("another starter is creating it");
}

#[test]
fn many_starters_make_one_worktree_each() {
    let repository = Repository::new();
    let specs: Vec<_> = (0..8).map(|at| repository.spec(&format!("t{}", at % 4), &format!("b{}", at % 4))).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = specs.iter().map(|spec| scope.spawn(|| add(spec))).collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
    assert_eq!(repository.in_root(&["worktree", "list"]).lines().count(), 5);
}

#[test]
fn a_checkout_is_known_by_its_git_folder() {
    let repository = Repository::new();
    let spec = repository.spec("tree", "task/x");
    add(&spec).unwrap();
    assert!(is_worktree(&spec.path) && !is_worktree(&spec.path.join("sub")));
    assert!(is_checkout_of(&repository.root.join(".git"), &spec.path));
    assert!(!is_checkout_of(&spec.path.join(".git"), &spec.path));
    assert_eq!(linked_worktree_of(&spec.path.join("sub")), Some(spec.path));
    assert_eq!(linked_worktree_of(&repository.root.join("sub")), None);
    fs::write(repository.base.join(".git"), "gitdir: /no/such\n").unwrap();
    assert!(!is_worktree(&repository.base));
    assert_eq!(linked_worktree_of(&repository.base), None);
}

#[test]
fn copies_stay_inside_and_overwrite_nothing() {
    let repository = Repository::new();
    let root = &repository.root;
    fs::write(root.join(".env"), "SECRET").unwrap();
    fs::set_permissions(root.join(".env"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir_all(root.join("cache/deep")).unwrap();
    fs::write(root.join("cache/deep/run"), "#!").unwrap();
    fs::set_permissions(root.join("cache/deep/run"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("deep/run", root.join("cache/link")).unwrap();
    symlink("/etc", root.join("cache/out")).unwrap();
    fs::write(root.join("sub/file"), "local change\n").unwrap();
    let copy = [".env", "./cache", "sub/file", "none"].map(PathBuf::from).to_vec();
    let spec = WorktreeSpec { copy, ..repository.spec("tree", "task/x") };
    add(&spec).unwrap();

    let mut notes = Vec::new();
    copy_files(&spec, &mut |note| notes.push(note.to_owned())).unwrap();
    let mode = |name: &str| fs::metadata(spec.path.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".env"), mode("cache/deep/run")), (0o640, 0o755));
    assert_eq!(fs::read_link(spec.path.join("cache/link")).unwrap(), Path::new("deep/run"));
    assert_eq!(fs::read_to_string(spec.path.join("sub/file")).unwrap(), "first\n");
    assert!(fs::symlink_metadata(spec.path.join("cache/out")).is_err());
    for word in ["none", "sub/file", "cache/out"] {
        assert!(notes.iter().any(|note| note.contains(word)), "{word}: {notes:?}");
    }
    assert_eq!(notes.len(), 3, "{notes:?}");

    symlink("/etc/hostname", root.join("host")).unwrap();
    symlink("/tmp", spec.path.join("way")).unwrap();
    fs::create_dir(root.join("way")).unwrap();
    fs::write(root.join("way/made-by-test"), "x").unwrap();
    for bad in ["../x", "/etc/hostname", "sub/../../x", "host", "", ".", ".git/config", "way/made-by-test"] {
        let spec = WorktreeSpec { copy: vec![PathBuf::from(bad)], ..spec.clone() };
        assert!(matches!(copy_files(&spec, &mut |_| {}), Err(GitError::CopyOutside(_))), "{bad}");
    }
    assert!(!Path::new("/tmp/made-by-test").exists());
}

#[test]
fn a_setup_is_pending_until_it_succeeded() {
    let repository = Repository::new();
    let spec = repository.spec("tree", "task/x");
    assert!(!setup_is_pending(&spec.path), "nothing there");
    add(&spec).unwrap();
    assert!(setup_is_pending(&spec.path));
    assert!(!setup_is_pending(&repository.root));
    let status = ["-C", spec.path.to_str().unwrap(), "status", "--porcelain", "--ignored"];
    assert_eq!(repository.git(&status), "", "the user sees nothing of it");

    // A starter that failed: it drops the set-up without finishing it.
    drop(PendingSetup::take(&spec.path).unwrap().expect("to be done"));
    add(&spec).unwrap();
    assert!(setup_is_pending(&spec.path));

    // A second starter waits for the first, and finds the set-up finished.
    let first = PendingSetup::take(&spec.path).unwrap().expect("to be done");
    std::thread::scope(|scope| {
        let second = scope.spawn(|| PendingSetup::take(&spec.path).unwrap().is_none());
        first.finish().unwrap();
        assert!(second.join().unwrap());
    });
    add(&spec).unwrap();
    assert!(!setup_is_pending(&spec.path));

    // A new worktree at the same path is set up again; one that the user made never is.
    repository.in_root(&["worktree", "remove", spec.path.to_str().unwrap()]);
    add(&spec).unwrap();
    assert!(setup_is_pending(&spec.path));
    let own = repository.base.join("own");
    repository.in_root(&["worktree", "add", "-q", "-b", "own", own.to_str().unwrap()]);
    assert!(!setup_is_pending(&own));
    assert!(PendingSetup::take(&own).unwrap().is_none());
}

#[test]
fn a_starter_killed_while_git_makes_the_worktree_leaves_its_setup_pending() {
    let repository = Repository::new();
    let spec = repository.spec("tree", "task/x");
    let lock = repository.root.join(".git/dispatch-worktree.lock");
    // The state that a killed starter leaves: its note in the lock file, and git's unmarked worktree.
    fs::write(&lock, spec.path.to_str().unwrap()).unwrap();
    assert!(!setup_is_pending(&spec.path), "nothing there");
    repository.in_root(&["worktree", "add", "-q", "-b", "task/x", spec.path.to_str().unwrap()]);
    assert!(setup_is_pending(&spec.path));

    // Creating another worktree in between keeps it pending.
    let other = repository.spec("other", "task/y");
    add(&other).unwrap();
    assert!(setup_is_pending(&spec.path) && setup_is_pending(&other.path));
    add(&spec).unwrap();
    PendingSetup::take(&spec.path).unwrap().expect("to be done").finish().unwrap();
    assert!(!setup_is_pending(&spec.path) && setup_is_pending(&other.path));
    assert_eq!(fs::read(&lock).unwrap(), b"");

    // A creation that git refused leaves no note: the user may make a worktree there.
    let refused = WorktreeSpec { base: "no-such".to_owned(), ..repository.spec("third", "task/z") };
    add(&refused).unwrap_err();
    repository.in_root(&["worktree", "add", "-q", "-b", "task/z", refused.path.to_str().unwrap()]);
    assert!(!setup_is_pending(&refused.path));
}

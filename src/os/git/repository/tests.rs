//! Every layout, read from files and compared with git's own result.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::os::git::repository::layout_config::Undecided;
use crate::os::git::repository::{Repository, RepositoryError, by_git, location, main_checkout_of};

struct Ground {
    _folder: TempDir,
    base: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let ground = Self { _folder: folder, base };
        ground.git("init -q -b main src");
        fs::create_dir_all(ground.base.join("src/sub/deep")).unwrap();
        fs::write(ground.base.join("src/sub/deep/file"), "x").unwrap();
        ground.git("-C src add .");
        ground.git("-C src commit -q -m first");
        ground
    }

    /// Runs git in the base folder; `words` are separated by blanks.
    fn git(&self, words: &str) -> String {
        let identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "protocol.file.allow=always"];
        let output = Command::new("git")
            .args(identity)
            .args(words.split(' '))
            .current_dir(&self.base)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.base.join(path), text).unwrap();
    }

    /// Checks one folder: the result from files equals git's. `sure`: the files alone must decide. Then the common
    /// folder, the checkout and the main checkout, relative to the base.
    #[track_caller]
    fn is(&self, folder: &str, sure: bool, common: &str, checkout: Option<&str>, main: Option<&str>) {
        let start = self.base.join(folder);
        let asked =
            by_git::by_location(&start).unwrap().unwrap_or_else(|| panic!("git knows no repository of {folder}"));
        match location::find(&start) {
            Ok(Some(found)) => assert_eq!(found, asked, "{folder}: read from files, and asked"),
            Ok(None) => panic!("{folder}: the files show no repository"),
            Err(Undecided) => assert!(!sure, "{folder}: the files must be enough"),
        }
        let found = Repository::by_location(&start).unwrap().unwrap();
        let base = |path: &str| self.base.join(path);
        assert_eq!(found.common(), base(common), "{folder}: common");
        assert_eq!(found.checkout(), checkout.map(base).as_deref(), "{folder}: checkout");
        assert_eq!(found.main(), main.map(base).as_deref(), "{folder}: main");
        assert_eq!(main_checkout_of(&base(common)).unwrap(), main.map(base));
        // Without the environment git finds this repository from there, too.
        let from = found.folder_for_git().to_owned();
        assert_eq!(
            by_git::by_location(&from).unwrap().unwrap().common,
            base(common),
            "{folder}: from {}",
            from.display()
        );
    }
}

#[test]
fn a_plain_clone_and_its_worktrees() {
    let ground = Ground::new();
    ground.git("-C src worktree add -q -b side ../linked");
    ground.git("-C src worktree add -q -b inner inner");
    for (folder, checkout) in [("src", "src"), ("src/sub/deep", "src"), ("linked", "linked"), ("linked/sub", "linked")]
    {
        ground.is(folder, true, "src/.git", Some(checkout), Some("src"));
    }
    ground.is("src/inner/sub", true, "src/.git", Some("src/inner"), Some("src"));
    ground.is("src/.git", false, "src/.git", None, Some("src"));
    assert_eq!(Repository::by_location(&ground.base).unwrap(), None);
    let linked = Repository::by_location(&ground.base.join("linked")).unwrap().unwrap();
    assert!(linked.is_linked());
    assert_eq!(linked.linked_worktrees(), ["linked", "src/inner"].map(|path| ground.base.join(path)));
    assert_eq!(linked.below(&ground.base.join("linked/sub/deep")).unwrap(), Path::new("sub/deep"));
    // A folder that does not exist yet.
    assert_eq!(Repository::by_location(&ground.base.join("linked/a/b")).unwrap(), Some(linked));
    // A sparse checkout has a configuration of each worktree.
    ground.git("-C src config extensions.worktreeConfig true");
    ground.git("-C src config --worktree core.bare false");
    ground.is("linked", true, "src/.git", Some("linked"), Some("src"));
    ground.is("src/sub", true, "src/.git", Some("src"), Some("src"));
}

#[test]
fn a_long_configuration_is_read_to_its_end() {
    let ground = Ground::new();
    ground.git("-C src worktree add -q -b side ../linked");
    let config = fs::read_to_string(ground.base.join("src/.git/config")).unwrap();
    let branches: String = (0..2000).map(|n| format!("[branch \"b#{n}\"]\n\tremote = origin\n")).collect();
    ground.write("src/.git/config", &format!("{config}{branches}[core]\n\tbare = true\n"));
    ground.is("src", true, "src/.git", None, None);
    ground.is("linked", true, "src/.git", Some("linked"), None);
}

#[test]
fn a_repository_without_a_commit() {
    let ground = Ground::new();
    ground.git("init -q -b main fresh");
    ground.is("fresh", true, "fresh/.git", Some("fresh"), Some("fresh"));
    ground.git("init -q --bare fresh.git");
    ground.is("fresh.git", false, "fresh.git", None, None);
}

#[test]
fn a_bare_repository_and_its_worktrees() {
    let ground = Ground::new();
    fs::create_dir(ground.base.join("p")).unwrap();
    ground.git("clone -q --bare src p/.bare");
    ground.git("-C p/.bare worktree add -q ../main main");
    ground.git("-C p/.bare worktree add -q -b other ../other main");
    for folder in ["p/main", "p/other"] {
        ground.is(folder, true, "p/.bare", Some(folder), None);
        ground.is(&format!("{folder}/sub"), true, "p/.bare", Some(folder), None);
    }
    assert_eq!(Repository::by_location(&ground.base.join("p")).unwrap(), None);
    ground.write("p/.git", "gitdir: ./.bare\n");
    ground.is("p", true, "p/.bare", None, None);
    ground.is("p/other/sub", true, "p/.bare", Some("p/other"), None);
    // A bare repository with the name of a main checkout's git folder, and with worktrees inside it.
    ground.git("clone -q --bare src q/.git");
    ground.git("-C q/.git worktree add -q -b w ../w main");
    ground.is("q/w/sub", true, "q/.git", Some("q/w"), None);
    ground.is("q", true, "q/.git", None, None);
    ground.git("-C q/.git worktree add -q -b in inside main");
    ground.is("q/.git/inside", true, "q/.git", Some("q/.git/inside"), None);
    // As `git sparse-checkout` leaves it.
    ground.git("-C p/main config extensions.worktreeConfig true");
    ground.is("p", true, "p/.bare", None, None);
}

#[test]
fn a_git_folder_that_lies_elsewhere() {
    let ground = Ground::new();
    fs::create_dir(ground.base.join("gits")).unwrap();
    ground.git("clone -q --separate-git-dir=gits/x src x");
    ground.git("-C x worktree add -q -b side ../y");
    for checkout in ["x", "y"] {
        ground.is(checkout, true, "gits/x", Some(checkout), None);
        ground.is(&format!("{checkout}/sub/deep"), true, "gits/x", Some(checkout), None);
    }
    // As above, with a link to the git folder.
    ground.git("clone -q src z");
    fs::rename(ground.base.join("z/.git"), ground.base.join("gits/z")).unwrap();
    std::os::unix::fs::symlink("../gits/z", ground.base.join("z/.git")).unwrap();
    ground.is("z/sub", false, "gits/z", Some("z"), None);
}

#[test]
fn a_work_tree_that_the_configuration_names() {
    let ground = Ground::new();
    fs::create_dir(ground.base.join("gits")).unwrap();
    ground.git("clone -q --separate-git-dir=gits/x src x");
    ground.git("-C x config core.worktree ../../x");
    ground.git("-C x worktree add -q -b side ../y");
    ground.is("x/sub", true, "gits/x", Some("x"), Some("x"));
    ground.is("y/sub", true, "gits/x", Some("y"), Some("x"));
    ground.git("clone -q src z");
    fs::rename(ground.base.join("x/sub"), ground.base.join("a b #")).unwrap();
    Command::new("git")
        .args(["-C", ground.base.join("z").to_str().unwrap(), "config", "core.worktree"])
        .arg(ground.base.join("a b #"))
        .status()
        .unwrap();
    ground.is("z", false, "z/.git", Some("a b #"), Some("a b #"));
    let found = Repository::by_location(&ground.base.join("z")).unwrap().unwrap();
    assert!(matches!(found.below(&ground.base.join("z")), Err(RepositoryError::Outside { .. })));
    fs::remove_dir_all(ground.base.join("x")).unwrap();
    let gone = Repository::by_location(&ground.base.join("y"));
    assert!(matches!(gone, Err(RepositoryError::MainMissing { .. })), "{gone:?}");
}

#[test]
fn submodules_and_their_worktrees() {
    let ground = Ground::new();
    ground.git("init -q -b main super");
    ground.git("-C super submodule --quiet add ../src lib");
    ground.git("-C super commit -q -m first");
    ground.git("-C super/lib worktree add -q -b side ../../lib-side");
    ground.is("super/lib/sub", true, "super/.git/modules/lib", Some("super/lib"), Some("super/lib"));
    ground.is("lib-side/sub", true, "super/.git/modules/lib", Some("lib-side"), Some("super/lib"));
    ground.is("super", true, "super/.git", Some("super"), Some("super"));
    ground.git("-C super worktree add -q -b two ../two");
    ground.git("-C two submodule --quiet update --init");
    let own = "super/.git/worktrees/two/modules/lib";
    ground.is("two/lib", true, own, Some("two/lib"), Some("two/lib"));
}

#[test]
fn a_repository_within_another_is_its_own() {
    let ground = Ground::new();
    ground.git("clone -q src src/sub/own");
    ground.is("src/sub/own/sub", true, "src/sub/own/.git", Some("src/sub/own"), Some("src/sub/own"));
    // A `.git` that is no git folder is skipped.
    fs::create_dir_all(ground.base.join("src/sub/deep/.git")).unwrap();
    ground.is("src/sub/deep", false, "src/.git", Some("src"), Some("src"));
    fs::create_dir(ground.base.join(".git")).unwrap();
    assert_eq!(Repository::by_location(&ground.base).unwrap(), None);
}

#[test]
fn what_git_refuses_is_refused_by_name() {
    let ground = Ground::new();
    ground.git("-C src worktree add -q -b side ../linked");
    let refused = |folder: &str| match Repository::by_location(&ground.base.join(folder)) {
        Err(RepositoryError::Refused { dot_git, git_message }) => {
            assert!(!git_message.is_empty());
            dot_git
        }
        other => panic!("{folder}: {other:?}"),
    };
    fs::remove_dir_all(ground.base.join("src/.git/worktrees/linked")).unwrap();
    assert_eq!(refused("linked/sub"), ground.base.join("linked/.git"));
    ground.write("linked/.git", "hello\n");
    assert_eq!(refused("linked"), ground.base.join("linked/.git"));
    ground.write("src/.git/config", "[core]\n\trepositoryformatversion = 99\n");
    assert_eq!(refused("src/sub"), ground.base.join("src/.git"));
}

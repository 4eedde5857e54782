//! The program as it was at an earlier commit, built once and kept below `target`.
//!
//! An upgrade replaces the program while jobs and windows of the older one go on, and finds the
//! state folder that the older one wrote. Tests of that need the real older program.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The commit whose program later ones must take over from.
pub(crate) const COMMIT: &str = "9bbccf89858454269d29bc39865a8fbcc342e3e1";

/// Builds the program of [`COMMIT`] from the history of this repository, where that was not done before.
pub(crate) fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("older");
        fs::create_dir_all(&folder).unwrap();
        let built = folder.join(format!("dispatch-{}", &COMMIT[..7]));
        // Another test process may be building it.
        let lock = File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        if !built.exists() {
            build(&folder.join("source"), &built);
        }
        built
    })
}

/// The sources are compiled under another program name into the target folder of these tests, so that
/// the dependencies are shared and nothing that the tests use is overwritten.
fn build(source: &Path, built: &Path) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let _ = fs::remove_dir_all(source);
    fs::create_dir_all(source).unwrap();
    let archive = Command::new("git")
        .args(["archive", "--format=tar", COMMIT])
        .current_dir(repository)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tests need `git`");
    let mut archive = archive;
    let unpacked =
        Command::new("tar").arg("-x").current_dir(source).stdin(archive.stdout.take().unwrap()).status().unwrap();
    assert!(
        archive.wait().unwrap().success() && unpacked.success(),
        "the tests need commit {COMMIT}: clone the repository with its history (git fetch --unshallow)"
    );
    let manifest = source.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let named = text.replacen("[[bin]]\nname = \"dispatch\"", "[[bin]]\nname = \"dispatch-older\"", 1);
    assert_ne!(text, named, "the program's name stands where it is expected");
    // Under the package's own name, cargo would take its build script for that of the current sources.
    let lock = source.join("Cargo.lock");
    let package = |text: &str| text.replacen("name = \"dispatch-agents\"", "name = \"dispatch-agents-older\"", 1);
    fs::write(&manifest, package(&named)).unwrap();
    fs::write(&lock, package(&fs::read_to_string(&lock).unwrap())).unwrap();
    // `TARGET/TRIPLE/debug`: `.cargo/config.toml` names a triple, for the older sources too.
    let profile = Path::new(crate::programs::dispatch()).parent().unwrap();
    let target = profile.ancestors().nth(2).unwrap();
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--bin", "dispatch-older", "--target-dir"])
        .arg(target)
        .current_dir(source)
        .env_remove("RUSTFLAGS")
        .status()
        .unwrap();
    assert!(status.success(), "commit {COMMIT} could not be built");
    let fresh = built.with_extension("new");
    fs::copy(profile.join("dispatch-older"), &fresh).unwrap();
    fs::rename(fresh, built).unwrap();
}

//! Where the tested program is, and which programs of this machine a test's world sees: those named here, and
//! no others.
//!
//! Input: the caller's PATH. Output: one folder of symbolic links, shared by all worlds of a test process.
//! An agent, a terminal, an editor or a notifier that is installed on the machine is never among them: a test
//! that needs one puts it into its own world (`World::shadow`, `World::provide`).

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Shells, core utilities and the tools that tests drive. One that is not installed is left out, and the test
/// that starts it fails with its name.
const NAMES: &str = "
    sh bash dash zsh

    [ basename cat chmod chown comm cp cut date dd df dirname du echo env expr false fold head id install join kill
    link ln ls md5sum mkdir mkfifo mktemp mv nice nl nohup nproc od paste printenv printf pwd readlink realpath rm
    rmdir seq sha256sum shuf sleep sort split stat stdbuf stty sync tac tail tee test timeout touch tr true truncate
    tty uname uniq unlink wc whoami yes

    awk cmp diff egrep fgrep find grep gzip iconv less more sed tar which xargs
    getconf infocmp ionice mount mountpoint pgrep prlimit ps renice script setpriv setsid tput umount unshare

    cc git node perl python3 strace tmux
";

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The folder of the built programs, `target/TRIPLE/debug`: test programs are in `deps` below it.
fn profile() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_owned()
}

/// `dispatch` as cargo built it together with the running test program.
pub fn dispatch() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| profile().join("dispatch").into_os_string().into_string().unwrap())
}

/// A folder below `target` for what test programs share.
pub fn scratch() -> PathBuf {
    let folder = profile().join("test-scratch");
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.split_whitespace()
}

/// The folder of links to the programs of `NAMES`, as the PATH of this test process finds them.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| link_all(&std::env::var_os("PATH").unwrap_or_default()))
}

/// The program of this name in the caller's PATH.
pub fn of_the_machine(name: &str) -> Option<PathBuf> {
    find(name, &std::env::var_os("PATH").unwrap_or_default())
}

fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let executable =
        |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find(executable)
}

/// Makes the folder of links to the programs that `path` finds, named after what it holds: another test process of the same programs shares it.
pub fn link_all(path: &OsStr) -> PathBuf {
    let programs: Vec<(&str, PathBuf)> =
        names().filter_map(|name| find(name, path).map(|found| (name, found))).collect();
    let mut hasher = DefaultHasher::new();
    programs.hash(&mut hasher);
    let parent = &scratch();
    let folder = parent.join(format!("programs-{:016x}", hasher.finish()));
    if !folder.is_dir() {
        let fresh = tempfile::Builder::new().prefix("programs.").tempdir_in(parent).unwrap();
        for (name, program) in programs {
            symlink(program, fresh.path().join(name)).unwrap();
        }
        fs::set_permissions(fresh.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Where another test process was faster, its folder has the same content.
        if fs::rename(fresh.path(), &folder).is_ok() {
            let _ = fresh.keep();
        }
    }
    folder
}

//! A test's world sees only the programs that the tests name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::programs;
use crate::world::World;

#[test]
fn a_program_that_is_not_named_is_not_seen_although_it_is_on_the_callers_path() {
    let hostile = tempfile::tempdir().unwrap();
    for name in ["claude", "codex", "gemini", "opencode", "xterm", "kitty", "vim", "code", "notify-send", "sh"] {
        let program = hostile.path().join(name);
        fs::write(&program, "#!/bin/sh\nexit 66\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let folder = programs::link_all(hostile.path().as_os_str());
    let seen: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
    fs::remove_dir_all(folder).unwrap();
    assert_eq!(seen, ["sh"]);
}

#[test]
fn a_worlds_path_holds_only_its_own_folder_and_the_named_programs() {
    let world = World::new();
    let path = world.helper("sh", &["-c", "echo \"$PATH\""]);
    let folders: Vec<PathBuf> = std::env::split_paths(path.trim()).collect();
    assert_eq!(folders, [world.root().join("bin"), programs::folder().to_owned()]);
    let own = ["dispatch", "fake", "gate"];
    for entry in folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(own.contains(&name.as_str()) || programs::names().any(|known| known == name), "{name} is seen");
    }
}

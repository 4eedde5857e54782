//! A secret of a run's environment is in no file of the cluster, and in none of ours once the agent has started.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::world::World;

const SECRET: &str = "hunter2-5ef1c3";

fn files_with(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files_with(&entry.path(), found);
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            if bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
                found.push(entry.path());
            }
        }
    }
}

#[test]
fn a_secret_is_in_no_file() {
    let mut world = World::with(&format!("{MODES}pass_env: [TOKEN]\n"));
    let cluster = Cluster::start(&mut world);
    world.set_env("TOKEN", SECRET);
    world.set_env("UNRELATED", SECRET);
    world.task("T", "%until go\n%exit 0");
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    assert!(world.saw_words(&run, "env").contains(&format!("TOKEN={SECRET}")), "the agent has it");
    let mut found = Vec::new();
    for folder in [cluster.folder(), &world.state(), &world.root().join("home")] {
        files_with(folder, &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().succeeds();
    files_with(cluster.folder(), &mut found);
    files_with(&world.state(), &mut found);
    assert!(found.is_empty(), "{found:?}");
}

//! A state folder as one text that can be committed and laid out again elsewhere.
//!
//! What belongs to the place where it was recorded stands as `@ROOT@` (the test's folder), `@FOLDER@`
//! (device and inode of a run's folder), `@HOST@`, `@BOOT@` and `@PIDS@` (machine, boot, pid namespace).

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::world::World;

/// Machine, boot and pid namespace, as records name them.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) host: String,
    pub(crate) boot: String,
    pub(crate) pids: String,
}

impl Machine {
    /// This one, as the program writes it down for a run of another project of the world.
    pub(crate) fn this(world: &World) -> Self {
        let other = world.root().join("machine");
        fs::create_dir_all(&other).unwrap();
        let manifest = "version: 1\nagents: { a: { headless: [\"true\"], prompt: none, protocol: text } }\nmodes: { m: { agent: a } }\ntasks: [{ list: [{ id: T, title: T }] }]\n";
        fs::write(other.join("dispatch.yaml"), manifest).unwrap();
        let run = world.dispatch("run -d m T").in_folder(&other).notes().json();
        let run = run["runs"][0]["runId"].as_str().unwrap();
        let spec = fs::read_to_string(other.join(".dispatch/runs").join(run).join("spec.json")).unwrap();
        world.dispatch("wait m T").in_folder(&other).notes().succeeds();
        Self::of(&spec)
    }

    fn of(spec: &str) -> Self {
        let spec: Value = serde_json::from_str(spec).unwrap();
        let text = |key: &str| spec["world"][key].as_str().unwrap().to_owned();
        Self { host: text("host"), boot: text("bootId"), pids: spec["world"]["pidNamespace"].to_string() }
    }
}

/// The files of the world's state folder by path; a folder ends with `/`. Without the database, which is no text.
pub(crate) fn take(world: &World) -> Value {
    let mut entries = Map::new();
    let state = world.state();
    let spec = paths(&state).into_iter().find(|path| path.ends_with("spec.json")).unwrap();
    let machine = Machine::of(&fs::read_to_string(spec).unwrap());
    for path in paths(&state) {
        let name = path.strip_prefix(&state).unwrap().to_str().unwrap().to_owned();
        let meta = fs::symlink_metadata(&path).unwrap();
        let mode = format!("{:o}", meta.mode() & 0o777);
        if meta.is_dir() {
            entries.insert(format!("{name}/"), json!({ "mode": mode }));
        } else if meta.is_file() && !name.starts_with("dispatch.db") {
            let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
            let folder = fs::metadata(path.parent().unwrap()).unwrap();
            let id = format!("{{\"device\":{},\"inode\":{}}}", folder.dev(), folder.ino());
            let text = text
                .replace(world.root().to_str().unwrap(), "@ROOT@")
                .replace(&id, "@FOLDER@")
                .replace(&machine.host, "@HOST@")
                .replace(&machine.boot, "@BOOT@")
                .replace(&format!("\"pidNamespace\":{}", machine.pids), "\"pidNamespace\":@PIDS@");
            entries.insert(name, json!({ "mode": mode, "text": text }));
        }
    }
    Value::Object(entries)
}

/// Makes the recorded folder the world's state folder, as if `machine` had written it.
pub(crate) fn lay_out(world: &World, entries: &Value, machine: &Machine) {
    let state = world.state();
    fs::DirBuilder::new().mode(0o700).create(&state).unwrap();
    for (name, entry) in entries.as_object().unwrap() {
        let path = state.join(name);
        let mode = u32::from_str_radix(entry["mode"].as_str().unwrap(), 8).unwrap();
        let Some(text) = entry["text"].as_str() else {
            fs::DirBuilder::new().recursive(true).mode(mode).create(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            continue;
        };
        let folder = fs::metadata(path.parent().unwrap()).unwrap();
        let text = text
            .replace("@ROOT@", world.root().to_str().unwrap())
            .replace("@FOLDER@", &format!("{{\"device\":{},\"inode\":{}}}", folder.dev(), folder.ino()))
            .replace("@HOST@", &machine.host)
            .replace("@BOOT@", &machine.boot)
            .replace("@PIDS@", &machine.pids);
        let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(mode).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }
}

/// All below `folder`, each folder before what is in it.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    let deeper = |path: PathBuf| {
        let below = if path.is_dir() { paths(&path) } else { Vec::new() };
        std::iter::once(path).chain(below).collect::<Vec<_>>()
    };
    found.into_iter().flat_map(deeper).collect()
}

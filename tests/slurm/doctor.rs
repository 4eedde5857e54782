//! `doctor` asks a node what it sees, by a job of its own that leaves nothing.

use std::fs;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::world::{BASE, World};

fn executor(world: &World) -> serde_json::Value {
    let call = world.dispatch("doctor --json").any_stderr().ends_somehow();
    let found: serde_json::Value = serde_json::from_slice(&call.stdout).unwrap();
    let findings = found.as_array().or_else(|| found["findings"].as_array()).expect("a list of findings");
    let ours = findings.iter().find(|finding| finding.to_string().contains("executor cluster"));
    ours.unwrap_or_else(|| panic!("no finding about the executor in {found}")).clone()
}

#[test]
fn a_node_that_sees_all_is_fine_and_what_it_lacks_is_named() {
    let mut world = World::with(MODES);
    let mut cluster = Cluster::start(&mut world);
    world.task("T", "%exit 0");
    let found = executor(&world).to_string();
    assert!(found.contains("\"ok\"") && found.contains("sees the project and its agents"), "{found}");
    let left = fs::read_dir(world.project()).unwrap().flatten();
    assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().contains("probe")));
    world.write("dispatch.yaml", format!("{BASE}{}", MODES.replace("lease: 3s", "lease: 3s, program: /none/dispatch")));
    let found = executor(&world).to_string();
    assert!(found.contains("\"fail\"") && found.contains("its job wrote nothing"), "{found}");
    cluster.wait_no_jobs();
    world.write("dispatch.yaml", format!("{BASE}{MODES}"));
    cluster.kill_controller();
    let found = executor(&world).to_string();
    assert!(found.contains("\"fail\"") && !found.contains("its job wrote nothing"), "{found}");
    assert!(world.starts().is_empty());
}

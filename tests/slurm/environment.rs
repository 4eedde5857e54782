//! The agent's environment is that of its run, completed by what the node decides.

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::world::World;

#[test]
fn the_node_decides_what_it_allocates_and_where_its_own_folders_are() {
    let more = "pass_env: [SLURM_JOB_ID, ROCR_VISIBLE_DEVICES]\nenv: { CUDA_VISIBLE_DEVICES: \"7\" }\n";
    let mut world = World::with(&format!("{MODES}{more}"));
    let _cluster = Cluster::start(&mut world);
    let here = world.root().join("here");
    std::fs::create_dir(&here).unwrap();
    for name in ["TMPDIR", "XDG_RUNTIME_DIR"] {
        world.set_env(name, &here);
    }
    for (name, value) in [("SLURM_JOB_ID", "of-here"), ("ROCR_VISIBLE_DEVICES", "of-here"), ("CUDA_X", "of-here")] {
        world.set_env(name, value);
    }
    world.task("T", "%exit 0");
    world.dispatch("run far T").any_stderr().succeeds();
    let ended = world.status("far", "T");
    let seen = world.saw_words(ended["runId"].as_str().unwrap(), "env");
    let value = |name: &str| seen.iter().find_map(|word| word.strip_prefix(&format!("{name}=")));
    assert_eq!(value("SLURMD_NODENAME"), ended["node"].as_str(), "{seen:?}");
    assert!(value("SLURM_JOB_ID").is_some_and(|job| job.parse::<u32>().is_ok()), "{seen:?}");
    assert!(value("SLURM_CONF").is_some(), "`srun` finds the cluster: {seen:?}");
    assert_eq!(value("CUDA_VISIBLE_DEVICES"), Some("7"), "the manifest sets it");
    for name in ["TMPDIR", "XDG_RUNTIME_DIR"] {
        assert_ne!(value(name), here.to_str(), "{seen:?}");
    }
    assert!(!seen.iter().any(|word| word.ends_with("of-here")), "{seen:?}");
}

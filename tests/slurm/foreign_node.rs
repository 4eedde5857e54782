//! A node with another machine id, boot id and pid namespace: its pids mean nothing here, and nothing here judges by them.

use std::fs;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::world::{BASE, World};

#[test]
fn a_run_on_another_host_is_followed_joined_and_stopped() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    world.task("T", "%out hello\n%until go\n%exit 3").task("DEAF", "%ignore-term\n%hang");
    // What `dispatch` on the node sees of its machine is that of another one.
    let boot = world.root().join("boot");
    fs::write(&boot, "11111111-2222-3333-4444-555555555555\n").unwrap();
    let machine = world.root().join("machine");
    fs::write(&machine, "99999999888877776666555555555555\n").unwrap();
    let node = world.root().join("node");
    let script = format!(
        "#!/bin/sh\nexec unshare -m -p --fork --mount-proc --kill-child sh -c 'mount --bind {} /etc/machine-id\nmount --bind {} /proc/sys/kernel/random/boot_id\nexec {} \"$@\"' sh \"$@\"\n",
        machine.display(),
        boot.display(),
        crate::cluster::program("dispatch").display()
    );
    fs::write(&node, script).unwrap();
    fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = format!("lease: 3s, program: {}", node.display());
    world.write("dispatch.yaml", format!("{BASE}{}", MODES.replace("lease: 3s", &program)));
    let run = world.detach("far", "T");
    world.agent_ready(&run);
    let seen = world.wait_state("far", "T", "running");
    assert!(["n1", "n2"].contains(&seen["node"].as_str().unwrap()), "{seen}");
    let live = fs::read_to_string(world.run_folder(&run).join("live.json")).unwrap();
    assert!(live.contains("99999999888877776666555555555555") && live.contains("11111111-2222"), "{live}");
    let second = world.dispatch("run -d far T").any_stderr().ends_somehow();
    assert_eq!(second.code, 0, "{}", second.stderr);
    world.dispatch("logs far T").stdout_has("hello").succeeds();
    world.write("go", "");
    world.dispatch("wait far T").any_stderr().fails_with(3);
    assert_eq!(world.starts().len(), 1);
    let run = world.detach("far", "DEAF");
    world.agent_ready(&run);
    world.dispatch("stop far DEAF").stdout_has("stopped").succeeds();
    cluster.wait_no_jobs();
    world.wait_all_quiet();
}

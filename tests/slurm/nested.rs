//! `dispatch` called by an agent on a node: it opens no index and starts and ends no run.

use std::fs;

use crate::cluster::Cluster;
use crate::review::MODES;
use crate::world::World;

/// Commands that touch the state folder or tmux.
const REFUSED: [&str; 20] = [
    "run -d far INNER",
    "far INNER",
    "job INNER",
    "",
    "status",
    "status far OUTER",
    "status --tmux",
    "logs far OUTER",
    "wait far OUTER",
    "stop far OUTER",
    "send far OUTER hello",
    "plan",
    "up",
    "approve far OUTER",
    "tasks",
    "history",
    "prune",
    "serve",
    "doctor",
    "clean INNER",
];

/// Commands that read only the manifest.
const ALLOWED: [&str; 4] = ["check", "modes", "render far INNER", "schema"];

#[test]
fn commands_that_touch_the_state_folder_are_refused_inside_a_run_on_a_node() {
    let mut world = World::with(MODES);
    let cluster = Cluster::start(&mut world);
    let call = |line: &&str| format!("%sh dispatch {line} >>printed 2>&1; echo \"$? {line}\" >>codes\n");
    let calls: String = REFUSED.iter().chain(&ALLOWED).map(call).collect();
    world.task("OUTER", &format!("%until go\n{calls}%out done\n%exit 0")).task("INNER", "%exit 0");
    let run = world.detach("far", "OUTER");
    world.agent_ready(&run);
    let index = world.state().join("dispatch.db");
    // A command that opens the index creates it again.
    let kept = index.with_extension("kept");
    fs::rename(&index, &kept).unwrap();
    world.write("go", "");
    cluster.wait_no_jobs();
    assert!(!index.exists(), "the index was opened on the node");
    fs::rename(&kept, &index).unwrap();
    let codes = fs::read_to_string(world.project().join("codes")).unwrap();
    let printed = fs::read_to_string(world.project().join("printed")).unwrap();
    let expected: Vec<String> =
        REFUSED.iter().map(|line| format!("2 {line}")).chain(ALLOWED.iter().map(|line| format!("0 {line}"))).collect();
    assert_eq!(codes.lines().collect::<Vec<_>>(), expected, "{printed}");
    let message = "this command is refused inside a run on the executor `cluster`";
    assert_eq!(printed.matches(message).count(), REFUSED.len(), "{printed}");
    assert!(printed.contains("call it on the host that submitted the run"), "{printed}");
    world.dispatch("wait far OUTER").any_stderr().succeeds();
    assert_eq!(world.history().len(), 1);
    assert_eq!(world.starts().len(), 1);
    world.wait_all_quiet();
}

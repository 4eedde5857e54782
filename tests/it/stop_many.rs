//! Many runs stopped by one command.

use std::fs;

use crate::waiting::{is, wait_until};
use crate::wanted::{want, wanting};

#[test]
fn what_waits_is_not_started_by_the_room_that_others_make() {
    let world = wanting("");
    let tasks: Vec<String> = (0..8).map(|number| format!("T-{number}")).collect();
    for task in &tasks {
        world.task(task, "%hang");
    }
    want(&world, &format!("{{ mode: job, tasks: [{}] }}", tasks.join(", ")));
    let text = fs::read_to_string(world.project().join("dispatch.yaml")).unwrap();
    world.write("dispatch.yaml", format!("jobs: 3\n{text}"));
    world.dispatch("up").notes().succeeds();
    wait_until("three run", || is(world.starts().len() == 3, "not yet"));
    let text = world.dispatch("stop --all").notes().succeeds().text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, tasks.iter().map(|task| format!("job {task}: stopped")).collect::<Vec<_>>());
    world.wait_all_quiet();
    assert_eq!(world.starts().len(), 3);
}

//! `stop` ends processes that left their agent's session, group and environment.

use std::fs;

use crate::waiting::{is, rounds, wait_until};
use crate::world::{World, alive};

const MODES: &str = "  brief: { agent: fake, prompt: \"{{ task.body }}\", stop_grace: 300ms }
  window: { interactive: true, agent: fake, prompt: \"{{ task.body }}\", stop_grace: 300ms }
";

/// Starts a job (`brief`) or a window (`window`) and waits until its agent hangs.
fn start(world: &World, mode: &str) -> String {
    world.dispatch("run -q -d").arg(mode).arg("T").notes().succeeds();
    let run = world.status(mode, "T")["runId"].as_str().unwrap().to_owned();
    wait_until("the agent hangs", || {
        is(world.notes().iter().any(|note| note.what == "hang" && note.run == run), format!("{:?}", world.notes()))
    });
    run
}

fn pid_in(world: &World, name: &str) -> i32 {
    wait_until(&format!("{name} holds a pid"), || {
        let text = fs::read_to_string(world.project().join(name)).map_err(|error| error.to_string())?;
        text.trim().parse().map_err(|_| text)
    })
}

#[test]
fn an_orphan_without_environment_session_and_parent_ends() {
    for mode in ["brief", "window"] {
        for script in ["sleep 1000 & echo $! >pid", "trap \"\" TERM; sleep 1000 & echo $! >pid"] {
            let world = World::with(MODES);
            world.task("T", &format!("%sh env -i setsid sh -c '{script}; exit'\n%hang"));
            start(&world, mode);
            let orphan = pid_in(&world, "pid");
            assert!(alive(orphan));
            world.dispatch("stop").arg(mode).arg("T").notes().succeeds();
            assert!(!alive(orphan), "{mode}: `{script}` left {orphan}");
            assert_eq!(world.status(mode, "T")["state"], "stopped");
        }
    }
}

#[test]
fn a_job_that_a_window_started_survives_the_window() {
    let world = World::with(MODES);
    world.task("T", "%sh dispatch run -q -d job INNER\n%hang").task("INNER", "%until go\n%exit 6");
    start(&world, "window");
    world.wait_state("job", "INNER", "running");
    world.dispatch("stop window T").notes().succeeds();
    assert_eq!(world.status("job", "INNER")["state"], "running");
    world.write("go", "");
    world.dispatch("wait job INNER").notes().fails_with(6);
}

#[test]
fn everything_is_asked_to_end_once_before_it_is_killed() {
    for mode in ["brief", "window"] {
        let world = World::with(MODES);
        // Each notes every TERM and goes on; the hang-up is the terminal's, when its leader ends.
        let script = "trap '' HUP; trap \"echo term >>$1\" TERM; echo $$ >$1.pid; while :; do sleep 0.01; done";
        world.write("note.sh", script);
        world.task("T", "%sh setsid sh note.sh apart >/dev/null 2>&1 & sh note.sh beside >/dev/null 2>&1 &\n%hang");
        start(&world, mode);
        let pids = ["apart.pid", "beside.pid"].map(|name| pid_in(&world, name));
        world.dispatch("stop").arg(mode).arg("T").notes().succeeds();
        assert!(!pids.iter().any(|pid| alive(*pid)), "{mode}");
        for name in ["apart", "beside"] {
            let reported = fs::read_to_string(world.project().join(name)).unwrap_or_default();
            assert_eq!(reported, "term\n", "{mode}: {name} got SIGTERM so often");
        }
    }
}

#[test]
fn an_agent_that_fails_since_its_child_was_stopped_was_stopped() {
    let world = World::with(MODES);
    world.task("T", "%sh echo $$ >pid; trap \"\" TERM; setsid sleep 1000; exit 3\n%exit 3");
    for round in 0..rounds(50) {
        let _ = fs::remove_file(world.project().join("pid"));
        world.dispatch("run -q -d brief T").notes().succeeds();
        pid_in(&world, "pid");
        world.dispatch("stop brief T").notes().succeeds();
        assert_eq!(world.status("brief", "T")["state"], "stopped", "round {round}");
    }
}

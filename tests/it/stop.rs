//! `stop` ends the whole tree of a run and nothing else.

use crate::waiting::{is, rounds, wait_until};
use crate::world::{World, alive};

const MODES: &str = "  brief: { agent: fake, prompt: \"{{ task.body }}\", stop_grace: 300ms }\n";

/// Starts `body`, stops it, and checks that nothing is left.
fn leaves_nothing(body: &str, children: usize) {
    let world = World::with(MODES);
    world.task("TASK-1", body);
    let run = world.detach("brief", "TASK-1");
    world.agent_ready(&run);
    wait_until("the agent has left its children", || {
        let seen = world.notes().iter().filter(|note| note.what == "child").count();
        is(seen >= children && world.notes().iter().any(|note| note.what == "hang"), format!("{:?}", world.notes()))
    });
    world.dispatch("stop brief TASK-1").notes().succeeds();
    // `stop` returned: it must be so now, not soon.
    let left: Vec<_> = world.notes().into_iter().filter(|note| note.is_alive()).collect();
    assert!(left.is_empty(), "stop returned while these lived: {left:?}");
    let status = world.status("brief", "TASK-1");
    assert_eq!((&status["state"], &status["running"]), (&"stopped".into(), &false.into()), "{status}");
    world.dispatch("wait brief TASK-1").notes().fails_with(143);
    world.wait_all_quiet();
}

#[test]
fn a_job_that_obeys() {
    leaves_nothing("%hang", 0);
}

#[test]
fn a_job_that_ignores_term() {
    leaves_nothing("%ignore-term\n%hang", 0);
}

#[test]
fn children_in_sessions_of_their_own() {
    leaves_nothing("%ignore-term\n%setsid\n%setsid\n%hang", 2);
}

#[test]
fn double_forked_daemons() {
    leaves_nothing("%ignore-term\n%double-fork\n%double-fork\n%hang", 2);
}

#[test]
fn a_job_that_forks_when_it_gets_the_signal_to_end() {
    leaves_nothing("%fork-on-term\n%hang", 0);
}

#[test]
fn what_an_agent_leaves_behind_ends_with_it() {
    let world = World::new();
    // The second kind ignores TERM, and is there when its parent has ended by itself.
    world.task("TASK-1", "%setsid\n%double-fork\n%exit 3");
    world.task("TASK-2", "%ignore-term\n%setsid\n%double-fork\n%exit 4");
    for (task, code) in [("TASK-1", 3), ("TASK-2", 4)] {
        world.dispatch("run job").arg(task).notes().fails_with(code);
        let left: Vec<_> = world.notes().into_iter().filter(|note| note.is_alive()).collect();
        assert!(left.is_empty(), "{task} has ended while these lived: {left:?}");
    }
    world.wait_all_quiet();
}

#[test]
fn a_stopped_job_is_continued_and_ended() {
    let world = World::with(MODES);
    world.task("TASK-1", "%hang");
    let run = world.detach("brief", "TASK-1");
    let agent = world.agent_ready(&run).pid;
    crate::world::kill(agent, rustix::process::Signal::STOP);
    world.dispatch("stop brief TASK-1").notes().succeeds();
    assert!(!alive(agent));
}

#[test]
fn an_obedient_job_does_not_wait_for_its_grace() {
    let world = World::with("  patient: { agent: fake, prompt: \"{{ task.body }}\", stop_grace: 1h }\n");
    world.task("TASK-1", "%hang");
    let run = world.detach("patient", "TASK-1");
    world.agent_ready(&run);
    world.dispatch("stop patient TASK-1").notes().succeeds();
}

#[test]
fn stopping_what_has_ended_says_so_and_changes_nothing() {
    let world = World::new();
    world.task("TASK-1", "%exit 7");
    world.dispatch("run -q job TASK-1").notes().fails_with(7);
    world.dispatch("stop job TASK-1").notes().succeeds();
    assert_eq!(world.status("job", "TASK-1")["exitCode"], 7);
}

#[test]
fn with_only_task_10_open_stop_task_1_touches_nothing() {
    let world = World::new();
    world.task("TASK-1", "%hang").task("TASK-10", "%hang");
    world.dispatch("run --attach none talk TASK-10").notes().succeeds();
    world.dispatch("run -d job TASK-10").notes().succeeds();
    world.wait_state("talk", "TASK-10", "running");
    for words in ["stop talk TASK-1", "stop job TASK-1"] {
        let ended = world.dispatch(words).notes().succeeds();
        assert!(format!("{}{}", ended.text(), ended.stderr).contains("TASK-1"));
    }
    assert_eq!(world.status("talk", "TASK-10")["state"], "running");
    assert_eq!(world.status("job", "TASK-10")["state"], "running");
}

#[test]
fn a_nested_run_survives_its_callers_stop() {
    let world = World::with(MODES);
    world.task("OUTER", "%sh dispatch run -q -d job INNER\n%hang");
    world.task("INNER", "%until go\n%exit 6");
    let outer = world.detach("brief", "OUTER");
    world.wait_state("job", "INNER", "running");
    wait_until("the outer agent hangs", || is(world.notes().iter().any(|note| note.what == "hang"), "not yet"));
    world.dispatch("stop brief OUTER").notes().succeeds();
    assert_eq!(world.status("brief", "OUTER")["runId"], outer.as_str());
    assert_eq!(world.status("job", "INNER")["state"], "running");
    world.write("go", "");
    world.dispatch("wait job INNER").notes().fails_with(6);
}

#[test]
fn a_tmux_server_started_by_an_agent_survives_its_stop() {
    let world = World::with(MODES);
    world.task("TASK-1", "%sh tmux -f /dev/null -S ../tmux/agents new-session -d -s own 'sleep 1000'\n%hang");
    let run = world.detach("brief", "TASK-1");
    wait_until("the agent hangs", || is(world.notes().iter().any(|note| note.what == "hang"), "not yet"));
    assert_eq!(world.saw(&run, "sh"), b"0\n");
    let own = |args: &[&str]| world.helper("tmux", &[&["-S", "../tmux/agents"], args].concat());
    let server: i32 = own(&["display-message", "-p", "#{pid}"]).trim().parse().unwrap();
    world.dispatch("stop brief TASK-1").notes().succeeds();
    assert!(alive(server));
    assert!(own(&["list-sessions"]).contains("own"));
    crate::world::kill(server, rustix::process::Signal::KILL);
}

#[test]
fn a_stranger_of_the_same_name_is_left_alone() {
    let world = World::with(MODES);
    world.task("TASK-1", "%hang");
    let mut stranger = world.command("fake").arg("%hang").stdin(std::process::Stdio::null()).spawn().unwrap();
    let run = world.detach("brief", "TASK-1");
    world.agent_ready(&run);
    world.dispatch("stop --all").notes().succeeds();
    assert!(alive(i32::try_from(stranger.id()).unwrap()));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn stop_all_ends_windows_and_jobs_of_this_project() {
    let world = World::new();
    for id in ["A", "B"] {
        world.task(id, "%hang");
        world.dispatch("run -d job").arg(id).notes().succeeds();
        world.dispatch("run --attach none talk").arg(id).notes().succeeds();
    }
    world.dispatch("stop --all").notes().succeeds();
    for (mode, id) in [("job", "A"), ("job", "B"), ("talk", "A"), ("talk", "B")] {
        assert_eq!(world.status(mode, id)["state"], "stopped");
    }
    world.wait_all_quiet();
}

#[test]
fn a_stop_at_any_moment_of_the_start_ends_stopped() {
    let world = World::with(MODES);
    world.task("TASK-1", "%hang");
    for round in 0..rounds(100) {
        world.detach("brief", "TASK-1");
        world.dispatch("stop brief TASK-1").notes().succeeds();
        assert_eq!(world.status("brief", "TASK-1")["state"], "stopped", "round {round}");
        let left: Vec<_> = world.starts().into_iter().filter(|note| note.is_alive()).collect();
        assert!(left.is_empty(), "round {round}: {left:?}");
    }
}

#[test]
fn several_stops_at_once_all_return_when_it_is_gone() {
    let world = World::with(MODES);
    world.task("TASK-1", "%ignore-term\n%hang");
    let run = world.detach("brief", "TASK-1");
    world.agent_ready(&run);
    let stops: Vec<_> = (0..5).map(|_| world.dispatch("stop brief TASK-1").start()).collect();
    for stop in stops {
        stop.ends_with(0);
    }
    world.wait_all_quiet();
}

const WAITING: &str = r#"  window: { interactive: true, agent: fake, prompt: "%hang", exclusive: true }
  only: { agent: fake, prompt: "{{ task.body }}", exclusive: true }
  gated: { agent: fake, prompt: "{{ task.body }}", gate: approve }
  after: { agent: fake, prompt: "{{ task.body }}", needs: [gated] }
"#;

/// Waits by files alone: any further command would advance the queue itself.
#[test]
fn stopping_a_window_starts_what_waits_for_its_folder() {
    let world = World::with(WAITING);
    world.task("TASK-1", "%out done");
    let window = world.detach("window", "TASK-1");
    world.agent_ready(&window);
    let waits = world.detach("only", "TASK-1");
    assert!(world.run_folder(&waits).join("queued.json").exists());
    world.dispatch("stop window TASK-1").notes().succeeds();
    world.agent_ready(&waits);
}

/// Waits by files alone, as above.
#[test]
fn stopping_a_queued_job_ends_what_depends_on_it() {
    let world = World::with(WAITING);
    world.task("TASK-1", "%out done");
    let started = world.dispatch("run -d after TASK-1").notes().json();
    let dependent = started["runs"].as_array().unwrap().iter().find(|run| run["mode"] == "after").unwrap();
    let end = world.run_folder(dependent["runId"].as_str().unwrap()).join("exit.json");
    assert!(!end.exists());
    world.dispatch("stop gated TASK-1").notes().succeeds();
    wait_until("the dependent run has ended", || is(end.exists(), "no exit.json"));
    let end: serde_json::Value = serde_json::from_slice(&std::fs::read(end).unwrap()).unwrap();
    assert_eq!(end["state"], "dependency_failed");
}
